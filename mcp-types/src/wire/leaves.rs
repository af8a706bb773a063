//! The JSON form of strings, numbers, lists, maps and handwritten types.

use super::{
    Encoded, Failure, Wire,
    array::{read_entries, read_items},
};
use crate::{
    ErrorObject, JsonObject, MetaObject, ProtocolVersion, RawJson, RequestId, json::Reader,
};
use indexmap::IndexMap;
use serde_core::{Deserialize, Serializer};
use serde_json::{Number, Value};
use std::borrow::Cow;

impl Wire for Value {
    fn blank() -> Self {
        Self::Null
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Failure> {
        Ok(Self::deserialize(reader)?)
    }
}

impl Wire for RawJson {
    fn blank() -> Self {
        Self::EMPTY_OBJECT
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Failure> {
        Ok(Self::deserialize(reader)?)
    }
}

/// Reads a string.
#[inline]
pub(crate) fn read_text<'de>(reader: &mut Reader<'de>) -> Result<Cow<'de, str>, Failure> {
    match reader.next()? {
        b'"' => Ok(reader.string()?),
        byte => Err(Failure::unexpected(byte, "a string")),
    }
}

impl Wire for String {
    fn blank() -> Self {
        Self::new()
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Failure> {
        read_text(reader).map(Cow::into_owned)
    }
}

impl Wire for ProtocolVersion {
    fn blank() -> Self {
        Self::from("")
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Failure> {
        read_text(reader).map(|text| Self::from(&*text))
    }
}

impl Wire for bool {
    fn blank() -> Self {
        false
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Failure> {
        match reader.next()? {
            b't' => Ok(reader.word("true").map(|()| true)?),
            b'f' => Ok(reader.word("false").map(|()| false)?),
            byte => Err(Failure::unexpected(byte, "a boolean")),
        }
    }
}

/// The range of integers that a double holds exactly.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Returns the integer value of a double, if it has one.
fn integer(number: f64) -> Option<i64> {
    let is_integer = number.fract() == 0.0 && number.abs() <= EXACT;
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
    is_integer.then_some(number as i64)
}

/// Reads a number of any kind, if there is one, and converts it.
fn read_number<T>(
    reader: &mut Reader<'_>,
    expected: &'static str,
    pick: impl FnOnce(Number) -> Option<T>,
) -> Result<T, Failure> {
    let first = reader.next()?;
    let number = match first {
        b'-' | b'0'..=b'9' => pick(reader.exact()?),
        _ => None,
    };
    number.ok_or_else(|| Failure::unexpected(first, expected))
}

impl Wire for Number {
    fn blank() -> Self {
        Self::from(0)
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Failure> {
        read_number(reader, "a number", Some)
    }
}

impl Wire for i64 {
    fn blank() -> Self {
        0
    }

    /// `1.0` is an integer to JSON Schema.
    fn read(reader: &mut Reader<'_>) -> Result<Self, Failure> {
        reader.next()?;
        if let Some((_, number)) = reader.integer() {
            return Ok(number);
        }
        read_number(reader, "an integer", |number| {
            number.as_i64().or_else(|| number.as_f64().and_then(integer))
        })
    }
}

impl Wire for f64 {
    fn blank() -> Self {
        0.0
    }

    #[expect(clippy::cast_precision_loss, reason = "serde_json does the same")]
    fn read(reader: &mut Reader<'_>) -> Result<Self, Failure> {
        reader.next()?;
        match reader.integer() {
            Some((_, integer)) => Ok(integer as Self),
            None => read_number(reader, "a number", |number| number.as_f64()),
        }
    }

    /// Writes `1` rather than `1.0`, as JavaScript does.
    fn encode<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match integer(*self) {
            Some(integer) => serializer.serialize_i64(integer),
            None => serializer.serialize_f64(*self),
        }
    }
}

impl Wire for JsonObject {
    fn blank() -> Self {
        Self::new()
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Failure> {
        let first = reader.next()?;
        match Value::deserialize(reader)? {
            Value::Object(members) => Ok(members),
            _ => Err(Failure::unexpected(first, "an object")),
        }
    }
}

impl Wire for MetaObject {
    fn blank() -> Self {
        Self::default()
    }

    fn fill(&mut self, reader: &mut Reader<'_>) -> Result<(), Failure> {
        *self.as_map_mut() = JsonObject::read(reader)?;
        Ok(())
    }
}

impl Wire for RequestId {
    fn blank() -> Self {
        Self::Integer(0)
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Failure> {
        const EXPECTED: &str = "a string or an integer";
        match reader.next()? {
            b'"' => Ok(Self::String(reader.string()?.into())),
            _ => match reader.integer() {
                Some((_, integer)) => Ok(Self::Integer(integer)),
                None => read_number(reader, EXPECTED, |number| number.as_i64()).map(Self::Integer),
            },
        }
    }
}

impl Wire for ErrorObject {
    fn blank() -> Self {
        Self::new(crate::ErrorCode(0), "")
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Failure> {
        const EXPECTED: &str = "an object with an integer `code` and a string `message`";
        let first = reader.next()?;
        Self::deserialize(reader).map_err(|_| Failure::unexpected(first, EXPECTED))
    }
}

impl<T: Wire> Wire for Box<T> {
    fn blank() -> Self {
        Self::new(T::blank())
    }

    fn fill(&mut self, reader: &mut Reader<'_>) -> Result<(), Failure> {
        (**self).fill(reader)
    }

    fn encode<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).encode(serializer)
    }
}

impl<T: Wire> Wire for Option<T> {
    fn blank() -> Self {
        None
    }

    fn fill(&mut self, reader: &mut Reader<'_>) -> Result<(), Failure> {
        if reader.next()? == b'n' {
            *self = None;
            return Ok(reader.word("null")?);
        }
        let filled = self.insert(T::blank()).fill(reader);
        if filled.is_err() {
            *self = None;
        }
        filled
    }

    fn encode<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Some(value) => value.encode(serializer),
            None => serializer.serialize_unit(),
        }
    }
}

impl<T: Wire> Wire for Vec<T> {
    fn blank() -> Self {
        Self::new()
    }

    fn fill(&mut self, reader: &mut Reader<'_>) -> Result<(), Failure> {
        read_items(reader, self)
    }

    fn encode<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(Encoded))
    }
}

impl<T: Wire> Wire for IndexMap<String, T> {
    fn blank() -> Self {
        Self::new()
    }

    fn fill(&mut self, reader: &mut Reader<'_>) -> Result<(), Failure> {
        read_entries(reader, &mut |key, reader| {
            self.insert(key.to_owned(), T::read(reader)?);
            Ok(())
        })
    }

    fn encode<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter().map(|(key, value)| (key, Encoded(value))))
    }
}
