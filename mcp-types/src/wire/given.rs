//! What serde gives for a value of whatever type, as little as there is to know of the type.

use super::Text;
use crate::json::{BY_ITSELF, handed_over};
use serde_core::{
    Deserialize, Deserializer,
    de::{
        EnumAccess, Error as _, IgnoredAny, MapAccess, SeqAccess, Unexpected, Visitor,
        value::{MapAccessDeserializer, SeqAccessDeserializer},
    },
};
use serde_json::{Number, Value};
use std::{borrow::Cow, fmt};

/// How serde_json calls text that it has checked and does not read. Where that is not known, there is no text.
const RAW_VALUE: &str = "$serde_json::private::RawValue";

/// A value that is not of its type yet.
pub(super) enum Given<'de> {
    /// JSON that was checked.
    Text(Cow<'de, str>),
    Value(Value),
}

impl<'de> Given<'de> {
    pub(super) fn take<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(BY_ITSELF, AnyVisitor { is_raw: false })
    }
}

/// Takes what comes.
struct AnyVisitor {
    /// Whether serde_json was asked for text.
    is_raw: bool,
}

impl<'de> Visitor<'de> for AnyVisitor {
    type Value = Given<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    /// Our own reader hands its text over.
    fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<Given<'de>, A::Error> {
        match handed_over(data) {
            Some(text) => Ok(Given::Text(Cow::Borrowed(text))),
            None => Err(A::Error::invalid_type(Unexpected::Enum, &self)),
        }
    }

    /// Our own reader, if its text is not whole.
    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<Given<'de>, D::Error> {
        Value::deserialize(inner).map(Given::Value)
    }

    /// Somebody else, who may be serde_json.
    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<Given<'de>, D::Error> {
        if self.is_raw {
            return Value::deserialize(inner).map(Given::Value);
        }
        inner.deserialize_newtype_struct(RAW_VALUE, Self { is_raw: true })
    }

    /// The text of serde_json is a map with one member.
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Given<'de>, A::Error> {
        if !self.is_raw {
            return Value::deserialize(MapAccessDeserializer::new(map)).map(Given::Value);
        }
        map.next_key::<IgnoredAny>()?;
        map.next_value::<Text<'de>>().map(|text| Given::Text(text.0))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, array: A) -> Result<Given<'de>, A::Error> {
        Value::deserialize(SeqAccessDeserializer::new(array)).map(Given::Value)
    }

    fn visit_none<E>(self) -> Result<Given<'de>, E> {
        Ok(Given::Value(Value::Null))
    }

    fn visit_unit<E>(self) -> Result<Given<'de>, E> {
        Ok(Given::Value(Value::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Given<'de>, E> {
        Ok(Given::Value(value.into()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Given<'de>, E> {
        Ok(Given::Value(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Given<'de>, E> {
        Ok(Given::Value(number.into()))
    }

    fn visit_i128<E>(self, number: i128) -> Result<Given<'de>, E> {
        let exact = Number::from_i128(number).map(Value::Number);
        Ok(Given::Value(exact.unwrap_or_else(|| (number as f64).into())))
    }

    fn visit_u128<E>(self, number: u128) -> Result<Given<'de>, E> {
        let exact = Number::from_u128(number).map(Value::Number);
        Ok(Given::Value(exact.unwrap_or_else(|| (number as f64).into())))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Given<'de>, E> {
        Ok(Given::Value(number.into()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Given<'de>, E> {
        Ok(Given::Value(text.into()))
    }

    fn visit_string<E>(self, text: String) -> Result<Given<'de>, E> {
        Ok(Given::Value(text.into()))
    }
}
