//! How the generated types are read from JSON and written to it.
//!
//! Decoding never gives up the stream because of a value of the wrong shape: such a value comes back as a [`Misfit`],
//! and whoever holds it decides (a list sets the item aside, a union keeps it as unknown, a hint goes to `extra`).
//! So nothing has to be buffered in case it does not fit.

mod given;
pub(crate) mod leaves;
mod members;
mod misfit;
pub(crate) mod object;
mod source;
mod string_enum;
pub(crate) mod union;

use given::Given;
pub(crate) use leaves::append;
pub(crate) use members::Members;
pub(crate) use misfit::{Fit, Misfit};
pub(crate) use object::{Object, Rest, object};
pub(crate) use source::{Source, Text, once};
pub(crate) use string_enum::string_enum;
pub(crate) use union::{by_key, by_method, by_mode, by_shape, by_tag};

use crate::json::{Reader, read_by};
use serde_core::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::{Error, Number, Value};
use std::borrow::Cow;

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

    /// Reads a value of any shape from text that was checked. An error is that of the text.
    fn read(reader: &mut Reader<'_>) -> Result<Fit<Self>, Error> {
        of_value(reader)
    }

    /// Makes a value of one of any shape that is in memory.
    fn from_value(value: Value) -> Fit<Self> {
        of_leaf(value)
    }

    fn encode<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.serialize(serializer)
    }
}

/// Reads by way of a value in memory, as is good enough for what is rare or small.
pub(crate) fn of_value<T: Wire>(reader: &mut Reader<'_>) -> Result<Fit<T>, Error> {
    Value::deserialize(reader).map(T::from_value)
}

/// Makes a value of one that is no array and no object.
pub(crate) fn of_leaf<T: Wire>(value: Value) -> Fit<T> {
    match value {
        Value::Null => T::from_null(),
        Value::Bool(value) => T::from_bool(value),
        Value::Number(number) => T::from_number(number),
        Value::String(text) => T::from_text(text.into()),
        value => T::misfit(value),
    }
}

/// The body of `Deserialize` for a type with a JSON form.
///
/// What is generic here is compiled again by every crate that decodes, so it is little: it takes what serde gives as text
/// or as a value, and what is made of that was compiled with this crate.
pub(crate) fn decode<'de, T: Wire, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    let fit = match Given::take(deserializer)? {
        Given::Text(text) => read_by(&text, |reader| T::read(reader)),
        Given::Value(value) => Ok(T::from_value(value)),
    };
    match fit {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(misfit)) => Err(D::Error::custom(misfit)),
        Err(error) => Err(D::Error::custom(error)),
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
