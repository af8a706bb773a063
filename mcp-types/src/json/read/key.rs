//! Object keys: strings, and the numbers and booleans that are written as strings.

use super::{RAW_VALUE, Reader, no_json};
use serde_core::{
    Deserializer,
    de::{Error as _, IgnoredAny, Unexpected, Visitor},
    forward_to_deserialize_any,
};
use serde_json::Error;
use std::borrow::Cow;

/// The key whose quote is next.
pub(super) struct Key<'a, 'de>(pub(super) &'a mut Reader<'de>);

impl<'de> Key<'_, 'de> {
    #[inline]
    fn string(self) -> Result<Cow<'de, str>, Error> {
        self.0.string()
    }
}

/// Implements number keys.
macro_rules! numbers {
    ($($method:ident)+) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            let quoted = self.0.pass()?;
            let text = quoted.strip_prefix(b"\"").ok_or_else(no_json)?;
            if !matches!(text.first(), Some(b'-' | b'0'..=b'9')) {
                return Err(Error::custom("invalid value: expected key to be a number in quotes"));
            }
            // The number ends at the quote, so it is read as in an object.
            let mut json = serde_json::Deserializer::from_slice(text);
            let number = json.$method(visitor)?;
            if json.into_iter::<IgnoredAny>().byte_offset() + 1 != text.len() {
                return Err(Error::custom("expected `\"`"));
            }
            Ok(number)
        }
    )+};
}

impl<'de> Deserializer<'de> for Key<'_, 'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.string()? {
            Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
            Cow::Owned(text) => visitor.visit_string(text),
        }
    }

    numbers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
        deserialize_f32 deserialize_f64
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &*self.string()? {
            "true" => visitor.visit_bool(true),
            "false" => visitor.visit_bool(false),
            text => Err(Error::invalid_type(Unexpected::Str(text), &visitor)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        match name {
            RAW_VALUE => self.0.raw(visitor),
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.0.deserialize_enum(name, variants, visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.0.deserialize_bytes(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.0.deserialize_bytes(visitor)
    }

    forward_to_deserialize_any! {
        char str string unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}
