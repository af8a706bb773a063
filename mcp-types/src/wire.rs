//! How the generated types are read from JSON and written to it.
//!
//! They are only read from text. Other input is first written as text, so that each type has a single way in, compiled
//! once.
//!
//! A value of the wrong shape is a [`Failure`] that its container may recover from: a list sets the item aside, a union
//! keeps it as unknown, a hint goes to `extra`. They go back and read it again as plain JSON, so that nothing has to be
//! buffered in case it does not fit.

mod array;
mod given;
pub(crate) mod leaves;
mod misfit;
pub(crate) mod object;
mod plain;
mod string_enum;
mod text;
pub(crate) mod union;

pub(crate) use array::{Items, read_items};
use given::Given;
pub(crate) use misfit::Failure;
pub(crate) use object::{Form, Object, object};
pub(crate) use string_enum::string_enum;
pub(crate) use text::{Text, once};
pub(crate) use union::{by_key, by_method, by_mode, by_shape, by_tag};

use crate::json::{self, Reader};
use serde_core::{Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::Value;

/// A type with a JSON form. It implements `read` or `fill`, and gets the other one.
pub(crate) trait Wire: Sized + Serialize {
    /// Returns a meaningless value without allocations, as a placeholder for one that is still to be read.
    fn blank() -> Self;

    /// Reads a value from validated text. Afterwards the reader is behind it, or anywhere in it after a failure.
    fn read(reader: &mut Reader<'_>) -> Result<Self, Failure> {
        let mut value = Ok(Self::blank());
        // Filled in place, to avoid moves.
        if let Ok(place) = &mut value
            && let Err(failure) = place.fill(reader)
        {
            value = Err(failure);
        }
        value
    }

    /// Reads a value into a blank or optional one. After a failure a part of it may be left, except in an optional
    /// value.
    fn fill(&mut self, reader: &mut Reader<'_>) -> Result<(), Failure> {
        *self = Self::read(reader)?;
        Ok(())
    }

    fn encode<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.serialize(serializer)
    }
}

/// The body of `Deserialize` for a type with a JSON form.
///
/// Generic code is compiled again by every crate that decodes, so there is little of it here: it takes what serde
/// provides as text, and everything after that is compiled in this crate.
pub(crate) fn decode<'de, T: Wire, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    let given = Given::take(deserializer)?;
    let mut value = Ok(T::blank());
    if let Ok(place) = &mut value
        && let Err(failure) = given.fill(place)
    {
        value = Err(D::Error::custom(failure));
    }
    value
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

/// Serializes a `T` in its JSON form.
pub(crate) struct Encoded<'a, T>(pub(crate) &'a T);

impl<T: Wire> Serialize for Encoded<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.encode(serializer)
    }
}

/// Converts a typed value back to plain JSON. Through text, because that code exists anyway; this is a cold path.
fn to_value<T: Wire>(value: &T) -> Value {
    let mut text = Vec::new();
    let written = json::write(&Encoded(value), &mut text);
    written.and_then(|()| json::read(&text)).unwrap_or_default()
}
