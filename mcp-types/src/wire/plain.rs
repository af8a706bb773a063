//! Plain values, read from any serde deserializer.
//!
//! serde_json's own implementation contains its whole parser, for text that was validated but not read. Every crate
//! that decodes would compile that again.

use crate::{JsonObject, json::RAW_VALUE};
use serde_core::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};
use std::fmt;

/// The name by which serde_json marks a number that it keeps as text, if built that way.
const NUMBER: &str = "$serde_json::private::Number";

/// Reads a plain value.
pub(super) struct Plain;

impl<'de> DeserializeSeed<'de> for Plain {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Plain {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any valid JSON value")
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<Value, D::Error> {
        self.deserialize(inner)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<Value, D::Error> {
        self.deserialize(inner)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut members = JsonObject::new();
        while let Some(name) = map.next_key()? {
            members.insert(name, map.next_value_seed(Self)?);
        }
        Ok(undisguised(members))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = array.next_element_seed(Self)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_i128<E>(self, number: i128) -> Result<Value, E> {
        let exact = Number::from_i128(number).map(Value::Number);
        Ok(exact.unwrap_or_else(|| (number as f64).into()))
    }

    fn visit_u128<E>(self, number: u128) -> Result<Value, E> {
        let exact = Number::from_u128(number).map(Value::Number);
        Ok(exact.unwrap_or_else(|| (number as f64).into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(text.into())
    }
}

/// Returns an object, or what serde_json passes as an object with one member: the text of a number or of any value.
fn undisguised(members: JsonObject) -> Value {
    let disguised = [NUMBER, RAW_VALUE].iter().find_map(|name| members.get(*name)?.as_str());
    let value = disguised.filter(|_| members.len() == 1);
    match value.and_then(|text| serde_json::from_slice(text.as_bytes()).ok()) {
        Some(value) => value,
        None => Value::Object(members),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_core::Deserialize;
    use serde_json::json;

    #[test]
    fn a_plain_value_is_what_serde_json_makes_of_the_same() {
        for value in [
            json!(null),
            json!([true, -1, u64::MAX, 1.5, "a \"b\"", [], {}]),
            json!({"a": {"b": [{"c": null}]}, "d": ""}),
            json!({"$serde_json::private::RawValue": "[1, 2]"}),
            json!({"$serde_json::private::RawValue": 1, "a": 2}),
        ] {
            let expected = Value::deserialize(&value).unwrap_or_else(|_| value.clone());
            assert_eq!(Plain.deserialize(&value).unwrap(), expected, "{value}");
        }
    }

    #[test]
    fn text_in_disguise_that_is_no_json_stays_an_object() {
        for name in [RAW_VALUE, NUMBER] {
            let value = json!({name: "[1"});
            assert_eq!(Plain.deserialize(&value).unwrap(), value);
        }
    }
}
