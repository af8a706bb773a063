//! How the generated types are read from JSON and written to it.
//!
//! Decoding never gives up the stream because of a value of the wrong shape: such a value comes back as a [`Misfit`],
//! and whoever holds it decides (a list sets the item aside, a union keeps it as unknown, a hint goes to `extra`).
//! So nothing has to be buffered in case it does not fit.

pub(crate) mod leaves;
mod members;
mod misfit;
pub(crate) mod object;
mod source;
mod string_enum;
pub(crate) mod union;

pub(crate) use leaves::{Append, append};
pub(crate) use members::Members;
pub(crate) use misfit::{Fit, Misfit};
pub(crate) use object::{Object, Rest, object};
pub(crate) use source::{Source, Text, once};
pub(crate) use string_enum::string_enum;
pub(crate) use union::{by_key, by_method, by_mode, by_shape, by_tag};

use crate::json::{BY_ITSELF, Reader, handed_over, read_by};
use serde_core::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{
        self, DeserializeSeed, EnumAccess, Error as _, MapAccess, SeqAccess, Unexpected, Visitor,
    },
};
use serde_json::{Number, Value};
use std::{borrow::Cow, fmt, marker::PhantomData};

/// A type with a JSON form. Each type overrides the constructors of the JSON shapes that it accepts.
pub(crate) trait Wire: Sized + Serialize {
    /// What the type accepts, as it completes "is a number instead of".
    const EXPECTED: &'static str;

    /// What becomes of a value of the wrong shape.
    fn misfit(value: Value) -> Fit<Self> {
        Err(Misfit::unexpected(value, Self::EXPECTED))
    }

    fn from_null() -> Fit<Self> {
        Self::misfit(Value::Null)
    }

    fn from_bool(value: bool) -> Fit<Self> {
        Self::misfit(value.into())
    }

    fn from_number(number: Number) -> Fit<Self> {
        Self::misfit(number.into())
    }

    fn from_text(text: Cow<'_, str>) -> Fit<Self> {
        Self::misfit(text.into_owned().into())
    }

    fn from_array<'de, A: SeqAccess<'de>>(array: A) -> Result<Fit<Self>, A::Error> {
        Value::deserialize(de::value::SeqAccessDeserializer::new(array)).map(Self::misfit)
    }

    fn from_object<'de, A: MapAccess<'de>>(object: A) -> Result<Fit<Self>, A::Error> {
        Value::deserialize(de::value::MapAccessDeserializer::new(object)).map(Self::misfit)
    }

    /// Reads a value of any shape. An error is the stream's: a syntax error.
    fn decode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Fit<Self>, D::Error> {
        deserializer.deserialize_any(Decoder(PhantomData))
    }

    /// Reads a value of any shape from text that was checked. Types of which many come have a shorter way than serde's.
    fn read(reader: &mut Reader<'_>) -> Result<Fit<Self>, serde_json::Error> {
        Self::decode(reader)
    }

    /// Reads a value that is in memory.
    fn from_value(value: Value) -> Fit<Self> {
        Self::decode(value).unwrap_or_else(|error| Err(Misfit::other(Value::Null, error)))
    }

    fn encode<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.serialize(serializer)
    }
}

/// The body of `Deserialize` for a type with a JSON form.
pub(crate) fn decode<'de, T: Wire, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    match deserializer.deserialize_newtype_struct(BY_ITSELF, Decoder(PhantomData)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(misfit)) => Err(D::Error::custom(misfit)),
        Err(error) => Err(error),
    }
}

/// Implements `Deserialize` by [`Wire`].
macro_rules! deserialize {
    ($($type:ty),+) => {$(
        impl<'de> serde_core::Deserialize<'de> for $type {
            fn deserialize<D: serde_core::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::wire::decode(deserializer)
            }
        }
    )+};
}
pub(crate) use deserialize;

/// Reads a `T` from wherever serde hands it over.
pub(crate) struct Decoder<T>(pub(crate) PhantomData<T>);

impl<'de, T: Wire> DeserializeSeed<'de> for Decoder<T> {
    type Value = Fit<T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Fit<T>, D::Error> {
        T::decode(deserializer)
    }
}

impl<'de, T: Wire> Visitor<'de> for Decoder<T> {
    type Value = Fit<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<Fit<T>, D::Error> {
        T::decode(inner)
    }

    /// Text that was checked.
    fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<Fit<T>, A::Error> {
        match handed_over(data) {
            Some(text) => read_by(text, |reader| T::read(reader)).map_err(A::Error::custom),
            None => Err(A::Error::invalid_type(Unexpected::Enum, &self)),
        }
    }

    fn visit_unit<E>(self) -> Result<Fit<T>, E> {
        Ok(T::from_null())
    }

    fn visit_bool<E>(self, value: bool) -> Result<Fit<T>, E> {
        Ok(T::from_bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Fit<T>, E> {
        Ok(T::from_number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Fit<T>, E> {
        Ok(T::from_number(value.into()))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Fit<T>, E> {
        let number = Number::from_i128(value).or_else(|| Number::from_f64(value as f64));
        Ok(number.map_or_else(T::from_null, T::from_number))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Fit<T>, E> {
        let number = Number::from_u128(value).or_else(|| Number::from_f64(value as f64));
        Ok(number.map_or_else(T::from_null, T::from_number))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Fit<T>, E> {
        Ok(Number::from_f64(value).map_or_else(T::from_null, T::from_number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Fit<T>, E> {
        Ok(T::from_text(Cow::Borrowed(text)))
    }

    fn visit_string<E>(self, text: String) -> Result<Fit<T>, E> {
        Ok(T::from_text(Cow::Owned(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, array: A) -> Result<Fit<T>, A::Error> {
        T::from_array(array)
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Fit<T>, A::Error> {
        T::from_object(object)
    }
}

/// Writes a `T` in its JSON form.
pub(crate) struct Encoded<'a, T>(pub(crate) &'a T);

impl<T: Wire> Serialize for Encoded<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.encode(serializer)
    }
}

/// A typed value as a plain one again. Through text, because that code exists anyway; this is a cold path.
fn to_value<T: Wire>(value: &T) -> Value {
    let text = serde_json::to_vec(&Encoded(value));
    text.and_then(|text| serde_json::from_slice(&text)).unwrap_or_default()
}
