//! The JSON forms of strings, numbers, lists, maps and of the types that are written by hand.

use super::{Decoder, Encoded, Fit, Misfit, Wire, to_value};
use crate::{
    ErrorObject, JsonObject, MetaObject, ProtocolVersion, RawJson, RequestId,
    json::{Elements, Reader},
};
use indexmap::IndexMap;
use serde_core::{
    Deserialize, Deserializer, Serializer,
    de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Error, Number, Value};
use std::{borrow::Cow, fmt, marker::PhantomData};

impl Wire for Value {
    const EXPECTED: &'static str = "a value";

    fn decode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Fit<Self>, D::Error> {
        Self::deserialize(deserializer).map(Ok)
    }
}

impl Wire for RawJson {
    const EXPECTED: &'static str = "a value";

    fn decode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Fit<Self>, D::Error> {
        Self::deserialize(deserializer).map(Ok)
    }
}

/// Reads what is a string mostly, from text that was checked.
pub(crate) fn read_text<T: Wire>(reader: &mut Reader<'_>) -> Result<Fit<T>, Error> {
    match reader.next()? {
        b'"' => reader.string().map(T::from_text),
        _ => T::decode(reader),
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
            _ => Self::decode(reader),
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

/// With serde_json's feature `arbitrary_precision`, which any crate of a program may turn on, a number is handed over as
/// a map of its own kind.
fn number<'de, T: Wire, A: MapAccess<'de>>(object: A) -> Result<Fit<T>, A::Error> {
    match Value::deserialize(de::value::MapAccessDeserializer::new(object))? {
        Value::Number(number) => Ok(T::from_number(number)),
        value => Ok(T::misfit(value)),
    }
}

impl Wire for Number {
    const EXPECTED: &'static str = "a number";

    fn from_number(number: Number) -> Fit<Self> {
        Ok(number)
    }

    fn from_object<'de, A: MapAccess<'de>>(object: A) -> Result<Fit<Self>, A::Error> {
        number(object)
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
            None => Self::decode(reader),
        }
    }

    /// `1.0` is an integer to JSON Schema.
    fn from_number(number: Number) -> Fit<Self> {
        let float = || number.as_f64().and_then(integer);
        number.as_i64().or_else(float).map_or_else(|| Self::misfit(number.into()), Ok)
    }

    fn from_object<'de, A: MapAccess<'de>>(object: A) -> Result<Fit<Self>, A::Error> {
        number(object)
    }
}

impl Wire for f64 {
    const EXPECTED: &'static str = "a number";

    #[expect(clippy::cast_precision_loss, reason = "serde_json does the same")]
    fn read(reader: &mut Reader<'_>) -> Result<Fit<Self>, Error> {
        reader.next()?;
        match reader.integer() {
            Some((_, integer)) => Ok(Ok(integer as Self)),
            None => Self::decode(reader),
        }
    }

    fn from_number(number: Number) -> Fit<Self> {
        number.as_f64().map_or_else(|| Self::misfit(number.into()), Ok)
    }

    fn from_object<'de, A: MapAccess<'de>>(object: A) -> Result<Fit<Self>, A::Error> {
        number(object)
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

    fn from_object<'de, A: MapAccess<'de>>(object: A) -> Result<Fit<Self>, A::Error> {
        Self::deserialize(de::value::MapAccessDeserializer::new(object)).map(Ok)
    }
}

impl Wire for MetaObject {
    const EXPECTED: &'static str = "an object";

    fn from_object<'de, A: MapAccess<'de>>(object: A) -> Result<Fit<Self>, A::Error> {
        Ok(JsonObject::from_object(object)?.map(Self::from))
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

    fn from_object<'de, A: MapAccess<'de>>(object: A) -> Result<Fit<Self>, A::Error> {
        number(object)
    }
}

/// Types that cannot tell where they stop, but are small.
macro_rules! buffered {
    ($($type:ty, $expected:literal;)+) => {$(
        impl Wire for $type {
            const EXPECTED: &'static str = $expected;

            fn decode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Fit<Self>, D::Error> {
                let value = Value::deserialize(deserializer)?;
                Ok(Self::deserialize(&value).or_else(|_| Self::misfit(value)))
            }
        }
    )+};
}

buffered! {
    ErrorObject, "an object with an integer `code` and a string `message`";
}

impl<T: Wire> Wire for Box<T> {
    const EXPECTED: &'static str = T::EXPECTED;

    fn decode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Fit<Self>, D::Error> {
        Ok(T::decode(deserializer)?.map(Self::new))
    }

    fn read(reader: &mut Reader<'_>) -> Result<Fit<Self>, Error> {
        Ok(T::read(reader)?.map(Self::new))
    }

    fn encode<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).encode(serializer)
    }
}

impl<T: Wire> Wire for Option<T> {
    const EXPECTED: &'static str = T::EXPECTED;

    fn decode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Fit<Self>, D::Error> {
        deserializer.deserialize_option(OptionDecoder(PhantomData))
    }

    #[inline]
    fn read(reader: &mut Reader<'_>) -> Result<Fit<Self>, Error> {
        match reader.next()? {
            b'n' => reader.word("null").map(|()| Ok(None)),
            _ => Ok(T::read(reader)?.map(Some)),
        }
    }

    fn encode<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Some(value) => value.encode(serializer),
            None => serializer.serialize_unit(),
        }
    }
}

struct OptionDecoder<T>(PhantomData<T>);

impl<'de, T: Wire> Visitor<'de> for OptionDecoder<T> {
    type Value = Fit<Option<T>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(Ok(None))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Ok(None))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        match T::decode(deserializer) {
            Ok(Ok(value)) => Ok(Ok(Some(value))),
            Ok(Err(misfit)) => Ok(Err(misfit)),
            Err(error) => Err(error),
        }
    }
}

impl<T: Wire> Wire for Vec<T> {
    const EXPECTED: &'static str = "an array";

    fn from_array<'de, A: SeqAccess<'de>>(mut array: A) -> Result<Fit<Self>, A::Error> {
        let mut items = Self::new();
        while let Some(item) = array.next_element_seed(Append(&mut items))? {
            if let Err(misfit) = item {
                return broken_array(&items, misfit, array).map(Err);
            }
        }
        Ok(Ok(items))
    }

    fn read(reader: &mut Reader<'_>) -> Result<Fit<Self>, Error> {
        if reader.next()? != b'[' {
            return Self::decode(reader);
        }
        reader.inside(b']', |reader| {
            let (mut items, mut elements) = (Self::new(), Elements::new(reader));
            while let Some(reader) = elements.element()? {
                match T::read(reader)? {
                    Ok(item) => append(&mut items, item),
                    Err(misfit) => return broken_array(&items, misfit, elements).map(Err),
                }
            }
            Ok(Ok(items))
        })
    }

    fn encode<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(Encoded))
    }
}

/// Reads an item into a list at once: some items are large, and every hand that they pass through costs a copy.
pub(crate) struct Append<'a, T>(pub(crate) &'a mut Vec<T>);

impl<'de, T: Wire> DeserializeSeed<'de> for Append<'_, T> {
    type Value = Fit<()>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Fit<()>, D::Error> {
        match T::decode(deserializer) {
            Ok(Ok(item)) => {
                append(self.0, item);
                Ok(Ok(()))
            }
            Ok(Err(misfit)) => Ok(Err(misfit)),
            Err(error) => Err(error),
        }
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

#[cold]
fn broken_array<'de, T: Wire, A: SeqAccess<'de>>(
    items: &[T],
    mut misfit: Misfit,
    mut array: A,
) -> Result<Misfit, A::Error> {
    let mut all: Vec<Value> = items.iter().map(to_value).collect();
    all.push(misfit.take_value());
    while let Some(item) = array.next_element()? {
        all.push(item);
    }
    Ok(misfit.within(&format!("[{}]", items.len()), all.into()))
}

impl<T: Wire> Wire for IndexMap<String, T> {
    const EXPECTED: &'static str = "an object";

    fn from_object<'de, A: MapAccess<'de>>(mut object: A) -> Result<Fit<Self>, A::Error> {
        let mut entries = Self::new();
        while let Some(key) = object.next_key::<String>()? {
            match object.next_value_seed(Decoder::<T>(PhantomData))? {
                Ok(value) => _ = entries.insert(key, value),
                Err(misfit) => return broken_map(&entries, key, misfit, object).map(Err),
            }
        }
        Ok(Ok(entries))
    }

    fn encode<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter().map(|(key, value)| (key, Encoded(value))))
    }
}

#[cold]
fn broken_map<'de, T: Wire, A: MapAccess<'de>>(
    entries: &IndexMap<String, T>,
    key: String,
    mut misfit: Misfit,
    mut object: A,
) -> Result<Misfit, A::Error> {
    let step = format!(".{key}");
    let typed = entries.iter().map(|(key, value)| (key.clone(), to_value(value)));
    let mut all: JsonObject = typed.collect();
    all.insert(key, misfit.take_value());
    while let Some((key, value)) = object.next_entry()? {
        all.insert(key, value);
    }
    Ok(misfit.within(&step, all.into()))
}
