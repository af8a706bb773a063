//! The JSON forms of strings, numbers, lists, maps and of the types that are written by hand.

use super::{Encoded, Fit, Misfit, Wire, of_leaf, of_value, to_value};
use crate::{
    ErrorObject, JsonObject, MetaObject, ProtocolVersion, RawJson, RequestId,
    json::{Elements, Reader},
};
use indexmap::IndexMap;
use serde_core::{Deserialize, Serializer};
use serde_json::{Error, Number, Value};
use std::borrow::Cow;

impl Wire for Value {
    const EXPECTED: &'static str = "a value";

    fn from_value(value: Self) -> Fit<Self> {
        Ok(value)
    }
}

impl Wire for RawJson {
    const EXPECTED: &'static str = "a value";

    fn read(reader: &mut Reader<'_>) -> Result<Fit<Self>, Error> {
        Self::deserialize(reader).map(Ok)
    }

    fn from_value(value: Value) -> Fit<Self> {
        Self::encode(&value).map_err(|error| Misfit::other(value, error))
    }
}

/// Reads what is a string mostly, from text that was checked.
pub(crate) fn read_text<T: Wire>(reader: &mut Reader<'_>) -> Result<Fit<T>, Error> {
    match reader.next()? {
        b'"' => reader.string().map(T::from_text),
        _ => of_value(reader),
    }
}

impl Wire for bool {
    const EXPECTED: &'static str = "a boolean";

    fn from_bool(value: bool) -> Fit<Self> {
        Ok(value)
    }

    fn read(reader: &mut Reader<'_>) -> Result<Fit<Self>, Error> {
        match reader.next()? {
            b't' => reader.word("true").map(|()| Ok(true)),
            b'f' => reader.word("false").map(|()| Ok(false)),
            _ => of_value(reader),
        }
    }
}

impl Wire for String {
    const EXPECTED: &'static str = "a string";

    #[inline]
    fn from_text(text: Cow<'_, str>) -> Fit<Self> {
        Ok(text.into_owned())
    }

    fn read(reader: &mut Reader<'_>) -> Result<Fit<Self>, Error> {
        read_text(reader)
    }
}

impl Wire for ProtocolVersion {
    const EXPECTED: &'static str = "a string";

    fn from_text(text: Cow<'_, str>) -> Fit<Self> {
        Ok(Self::from(&*text))
    }
}

impl Wire for Number {
    const EXPECTED: &'static str = "a number";

    fn from_number(number: Number) -> Fit<Self> {
        Ok(number)
    }
}

/// The integers that a double holds exactly.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// The integer that a double is, if it is one.
fn integer(number: f64) -> Option<i64> {
    let is_integer = number.fract() == 0.0 && number.abs() <= EXACT;
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
    is_integer.then_some(number as i64)
}

impl Wire for i64 {
    const EXPECTED: &'static str = "an integer";

    fn read(reader: &mut Reader<'_>) -> Result<Fit<Self>, Error> {
        reader.next()?;
        match reader.integer() {
            Some((_, integer)) => Ok(Ok(integer)),
            None => of_value(reader),
        }
    }

    /// `1.0` is an integer to JSON Schema.
    fn from_number(number: Number) -> Fit<Self> {
        let float = || number.as_f64().and_then(integer);
        number.as_i64().or_else(float).map_or_else(|| Self::misfit(number.into()), Ok)
    }
}

impl Wire for f64 {
    const EXPECTED: &'static str = "a number";

    #[expect(clippy::cast_precision_loss, reason = "serde_json does the same")]
    fn read(reader: &mut Reader<'_>) -> Result<Fit<Self>, Error> {
        reader.next()?;
        match reader.integer() {
            Some((_, integer)) => Ok(Ok(integer as Self)),
            None => of_value(reader),
        }
    }

    fn from_number(number: Number) -> Fit<Self> {
        number.as_f64().map_or_else(|| Self::misfit(number.into()), Ok)
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
    const EXPECTED: &'static str = "an object";

    fn from_value(value: Value) -> Fit<Self> {
        match value {
            Value::Object(members) => Ok(members),
            value => Self::misfit(value),
        }
    }
}

impl Wire for MetaObject {
    const EXPECTED: &'static str = "an object";

    fn from_value(value: Value) -> Fit<Self> {
        JsonObject::from_value(value).map(Self::from)
    }
}

impl Wire for RequestId {
    const EXPECTED: &'static str = "a string or an integer";

    fn read(reader: &mut Reader<'_>) -> Result<Fit<Self>, Error> {
        reader.next()?;
        match reader.integer() {
            Some((_, integer)) => Ok(Ok(Self::Integer(integer))),
            None => read_text(reader),
        }
    }

    fn from_number(number: Number) -> Fit<Self> {
        number
            .as_i64()
            .map(Self::Integer)
            .ok_or_else(|| Misfit::unexpected(number.into(), Self::EXPECTED))
    }

    fn from_text(text: Cow<'_, str>) -> Fit<Self> {
        Ok(Self::String(text.into()))
    }
}

impl Wire for ErrorObject {
    const EXPECTED: &'static str = "an object with an integer `code` and a string `message`";

    fn from_value(value: Value) -> Fit<Self> {
        Self::deserialize(&value).or_else(|_| Self::misfit(value))
    }
}

impl<T: Wire> Wire for Box<T> {
    const EXPECTED: &'static str = T::EXPECTED;

    fn read(reader: &mut Reader<'_>) -> Result<Fit<Self>, Error> {
        Ok(T::read(reader)?.map(Self::new))
    }

    fn from_value(value: Value) -> Fit<Self> {
        T::from_value(value).map(Self::new)
    }

    fn encode<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).encode(serializer)
    }
}

impl<T: Wire> Wire for Option<T> {
    const EXPECTED: &'static str = T::EXPECTED;

    #[inline]
    fn read(reader: &mut Reader<'_>) -> Result<Fit<Self>, Error> {
        match reader.next()? {
            b'n' => reader.word("null").map(|()| Ok(None)),
            _ => Ok(T::read(reader)?.map(Some)),
        }
    }

    fn from_value(value: Value) -> Fit<Self> {
        match value {
            Value::Null => Ok(None),
            value => T::from_value(value).map(Some),
        }
    }

    fn encode<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Some(value) => value.encode(serializer),
            None => serializer.serialize_unit(),
        }
    }
}

impl<T: Wire> Wire for Vec<T> {
    const EXPECTED: &'static str = "an array";

    fn read(reader: &mut Reader<'_>) -> Result<Fit<Self>, Error> {
        if reader.next()? != b'[' {
            return of_value(reader);
        }
        reader.inside(b']', |reader| {
            let (mut items, mut elements) = (Self::new(), Elements::new(reader));
            while let Some(reader) = elements.element()? {
                match T::read(reader)? {
                    Ok(item) => append(&mut items, item),
                    Err(misfit) => {
                        let rest = remaining(&mut elements)?;
                        return Ok(Err(broken_array(&items, misfit, rest)));
                    }
                }
            }
            Ok(Ok(items))
        })
    }

    fn from_value(value: Value) -> Fit<Self> {
        let Value::Array(values) = value else { return of_leaf(value) };
        let (mut items, mut values) = (Self::new(), values.into_iter());
        while let Some(value) = values.next() {
            match T::from_value(value) {
                Ok(item) => append(&mut items, item),
                Err(misfit) => return Err(broken_array(&items, misfit, values.collect())),
            }
        }
        Ok(items)
    }

    fn encode<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(Encoded))
    }
}

/// Most arrays have one item.
#[inline]
pub(crate) fn append<T>(items: &mut Vec<T>, item: T) {
    if items.capacity() == 0 {
        *items = Vec::with_capacity(1);
    }
    items.push(item);
}

/// The elements that are left.
#[cold]
fn remaining(elements: &mut Elements<'_, '_>) -> Result<Vec<Value>, Error> {
    let mut values = Vec::new();
    while let Some(reader) = elements.element()? {
        values.push(Value::deserialize(reader)?);
    }
    Ok(values)
}

#[cold]
fn broken_array<T: Wire>(items: &[T], mut misfit: Misfit, rest: Vec<Value>) -> Misfit {
    let mut all: Vec<Value> = items.iter().map(to_value).collect();
    all.push(misfit.take_value());
    all.extend(rest);
    misfit.within(&format!("[{}]", items.len()), all.into())
}

/// Maps are small.
impl<T: Wire> Wire for IndexMap<String, T> {
    const EXPECTED: &'static str = "an object";

    fn from_value(value: Value) -> Fit<Self> {
        let Value::Object(members) = value else { return of_leaf(value) };
        let (mut entries, mut members) = (Self::new(), members.into_iter());
        while let Some((key, value)) = members.next() {
            match T::from_value(value) {
                Ok(value) => _ = entries.insert(key, value),
                Err(misfit) => return Err(broken_map(&entries, key, misfit, members.collect())),
            }
        }
        Ok(entries)
    }

    fn encode<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter().map(|(key, value)| (key, Encoded(value))))
    }
}

#[cold]
fn broken_map<T: Wire>(
    entries: &IndexMap<String, T>,
    key: String,
    mut misfit: Misfit,
    rest: JsonObject,
) -> Misfit {
    let step = format!(".{key}");
    let typed = entries.iter().map(|(key, value)| (key.clone(), to_value(value)));
    let mut all: JsonObject = typed.collect();
    all.insert(key, misfit.take_value());
    all.extend(rest);
    misfit.within(&step, all.into())
}
