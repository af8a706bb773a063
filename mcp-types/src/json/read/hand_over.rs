//! Text that is handed over to a type which reads it by itself.
//!
//! serde does not tell a deserializer which type it reads, nor a type what it is read from. So both agree on a name, as
//! serde_json does for its own types: a type that asks for a newtype of that name is given an enum with a variant of that
//! name, which holds the text.

use super::Reader;
use serde_core::de::{
    DeserializeSeed, EnumAccess, Error as _, Unexpected, VariantAccess, Visitor,
    value::BorrowedStrDeserializer,
};
use serde_json::Error;

/// The name.
pub(crate) const BY_ITSELF: &str = "$mcp_types::ByItself";

/// The text, if the enum that a visitor is given holds one.
#[inline]
pub(crate) fn handed_over<'de, A: EnumAccess<'de>>(data: A) -> Option<&'de str> {
    match data.variant::<&str>() {
        Ok((BY_ITSELF, text)) => text.newtype_variant().ok(),
        _ => None,
    }
}

/// Text as the one variant of an enum.
pub(super) struct HandOver<'de>(&'de str);

impl<'de> Reader<'de> {
    /// The text of the value where the reader is, which is behind it then. All of it needs not be passed over.
    #[inline]
    pub(super) fn hand_over(&mut self) -> Result<HandOver<'de>, Error> {
        if self.at > 0 {
            return self.pass().map(HandOver);
        }
        self.at = self.text.trim_ascii_end().len();
        self.is_handed_over = true;
        Ok(HandOver(self.text))
    }
}

impl<'de> EnumAccess<'de> for HandOver<'de> {
    type Error = Error;
    type Variant = Self;

    #[inline]
    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Error> {
        Ok((seed.deserialize(BorrowedStrDeserializer::new(BY_ITSELF))?, self))
    }
}

impl<'de> VariantAccess<'de> for HandOver<'de> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        Err(Error::invalid_type(Unexpected::NewtypeVariant, &"a unit variant"))
    }

    #[inline]
    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(BorrowedStrDeserializer::new(self.0))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        Err(Error::invalid_type(Unexpected::NewtypeVariant, &visitor))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        Err(Error::invalid_type(Unexpected::NewtypeVariant, &visitor))
    }
}
