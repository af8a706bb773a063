//! The way around serde: a type of the protocol reads its text itself.
//!
//! serde tells neither a deserializer which type it reads, nor a type what it is read from. So both sides agree on a
//! name, as serde_json does for its own types: a type that asks for a newtype with that name gets an enum with a
//! variant of that name, which holds the text. If a string was lifted out of the text, it is passed along.

use super::{Hole, Reader};
use serde_core::{
    Deserializer,
    de::{
        DeserializeSeed, EnumAccess, Error as _, IntoDeserializer, Unexpected, VariantAccess,
        Visitor,
        value::{BorrowedBytesDeserializer, BorrowedStrDeserializer, SeqDeserializer},
    },
    forward_to_deserialize_any,
};
use serde_json::Error;

/// The name.
pub(crate) const BY_ITSELF: &str = "$mcp_types::ByItself";
/// The name of text with a hole.
const AROUND: &str = "$mcp_types::Around";

/// What was passed.
pub(crate) enum HandedOver<'de> {
    Text(&'de [u8]),
    Around(&'de [u8], Hole),
}

/// Text with a hole: the place of the hole, the string that was there, and whether that has no escapes.
type Parts<'de> = (&'de [u8], usize, String, bool);

/// Returns the text, if the enum that a visitor gets holds one.
#[inline]
pub(crate) fn handed_over<'de, A: EnumAccess<'de>>(data: A) -> Option<HandedOver<'de>> {
    match data.variant::<&str>() {
        Ok((BY_ITSELF, text)) => text.newtype_variant().ok().map(HandedOver::Text),
        Ok((AROUND, parts)) => {
            let (text, at, string, is_plain) = parts.newtype_variant::<Parts<'de>>().ok()?;
            Some(HandedOver::Around(text, Hole::new(at, string, is_plain)))
        }
        _ => None,
    }
}

/// Text in the form of an enum with one variant.
pub(super) struct HandOver<'de> {
    text: &'de [u8],
    hole: Option<Hole>,
}

impl<'de> Reader<'de> {
    /// Takes the text of the value that is next. It need not be skipped completely.
    #[inline]
    pub(super) fn hand_over(&mut self) -> Result<HandOver<'de>, Error> {
        let (text, start) = if self.at > 0 {
            let text = self.pass()?;
            (text, self.at - text.len())
        } else {
            self.at = self.text.trim_ascii_end().len();
            self.is_handed_over = true;
            (self.text, 0)
        };
        let hole = match &mut self.hole {
            Some(hole) => hole.take_between(start, self.at)?,
            None => None,
        };
        Ok(HandOver { text, hole })
    }
}

impl<'de> EnumAccess<'de> for HandOver<'de> {
    type Error = Error;
    type Variant = Self;

    #[inline]
    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Error> {
        let name = if self.hole.is_some() { AROUND } else { BY_ITSELF };
        Ok((seed.deserialize(BorrowedStrDeserializer::new(name))?, self))
    }
}

impl<'de> VariantAccess<'de> for HandOver<'de> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        Err(Error::invalid_type(Unexpected::NewtypeVariant, &"a unit variant"))
    }

    #[inline]
    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        match self.hole {
            None => seed.deserialize(BorrowedBytesDeserializer::new(self.text)),
            Some(hole) => {
                let (text, string) = (Part::Text(self.text), hole.text.unwrap_or_default());
                let (place, is_plain) = (Part::Place(hole.at), Part::IsPlain(hole.is_plain));
                let parts = [text, place, Part::String(string), is_plain];
                seed.deserialize(SeqDeserializer::new(parts.into_iter()))
            }
        }
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

/// A part of a text with a hole.
enum Part<'de> {
    Text(&'de [u8]),
    Place(usize),
    String(String),
    IsPlain(bool),
}

impl<'de> IntoDeserializer<'de, Error> for Part<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Part<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Self::Text(text) => visitor.visit_borrowed_bytes(text),
            Self::Place(at) => visitor.visit_u64(at as u64),
            Self::String(string) => visitor.visit_string(string),
            Self::IsPlain(is_plain) => visitor.visit_bool(is_plain),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}
