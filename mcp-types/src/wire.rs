//! How the generated types are read from JSON and written to it.
//!
//! They are read from text alone. What comes as something else is written as text before, so that each type has one way
//! in, compiled once.
//!
//! A value of the wrong shape is a [`Failure`] that whoever holds it may survive: a list sets the item aside, a union keeps
//! it as unknown, a hint goes to `extra`. They go back and read it again, as what it is; so nothing has to be buffered in
//! case it does not fit.

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

/// A type with a JSON form. It has `read` or `fill`, and is given the other one.
pub(crate) trait Wire: Sized + Serialize {
    /// A value of no meaning and of no memory, in the place of one that is still to be read.
    fn blank() -> Self;

    /// Reads a value from text that was checked. The reader is behind it then, or anywhere in it after a failure.
    fn read(reader: &mut Reader<'_>) -> Result<Self, Failure> {
        let mut value = Ok(Self::blank());
        // It is not moved more often than it has to be.
        if let Ok(place) = &mut value
            && let Err(failure) = place.fill(reader)
        {
            value = Err(failure);
        }
        value
    }

    /// The same, in the place of a blank value or of an optional one. After a failure there may be a part of it, which is no
    /// part of an optional value.
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
/// What is generic here is compiled again by every crate that decodes, so it is little: it takes what serde gives as text,
/// and what is made of that was compiled with this crate.
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

/// Writes a `T` in its JSON form.
pub(crate) struct Encoded<'a, T>(pub(crate) &'a T);

impl<T: Wire> Serialize for Encoded<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.encode(serializer)
    }
}

/// A typed value as a plain one again. Through text, because that code exists anyway; this is a cold path.
fn to_value<T: Wire>(value: &T) -> Value {
    let mut text = Vec::new();
    let written = json::write(&Encoded(value), &mut text);
    written.and_then(|()| json::read(&text)).unwrap_or_default()
}
