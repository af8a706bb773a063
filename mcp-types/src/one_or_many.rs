//! A value or a list of such.

use crate::{
    json::Reader,
    sampling::SamplingMessageContentBlock,
    wire::{Fit, Misfit, Wire, deserialize, of_value},
};
use serde_core::{Serialize, Serializer};
use serde_json::{Error, Value};
use std::slice;

/// One value, or an array of values.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum OneOrMany<T> {
    /// A value that is not in an array.
    One(T),
    /// An array, possibly of one value or of none.
    Many(Vec<T>),
    /// Something else, as it came.
    Unknown(Value),
}

impl<T> OneOrMany<T> {
    /// The values, however they were written.
    pub fn as_slice(&self) -> &[T] {
        match self {
            Self::One(value) => slice::from_ref(value),
            Self::Many(values) => values,
            Self::Unknown(_) => &[],
        }
    }

    /// The values, however they were written.
    pub fn into_vec(self) -> Vec<T> {
        match self {
            Self::One(value) => vec![value],
            Self::Many(values) => values,
            Self::Unknown(_) => Vec::new(),
        }
    }
}

impl<T> From<T> for OneOrMany<T> {
    fn from(value: T) -> Self {
        Self::One(value)
    }
}

impl<T> From<Vec<T>> for OneOrMany<T> {
    fn from(values: Vec<T>) -> Self {
        Self::Many(values)
    }
}

impl<T: Wire> Wire for OneOrMany<T> {
    const EXPECTED: &'static str = "an object or an array of objects";

    fn misfit(value: Value) -> Fit<Self> {
        Ok(Self::Unknown(value))
    }

    fn read(reader: &mut Reader<'_>) -> Result<Fit<Self>, Error> {
        Ok(Ok(match reader.next()? {
            b'[' => Vec::read(reader)?.map_or_else(unknown, Self::Many),
            b'{' => T::read(reader)?.map_or_else(unknown, Self::One),
            _ => return of_value(reader),
        }))
    }

    fn from_value(value: Value) -> Fit<Self> {
        Ok(match value {
            Value::Array(_) => Vec::from_value(value).map_or_else(unknown, Self::Many),
            Value::Object(_) => T::from_value(value).map_or_else(unknown, Self::One),
            value => Self::Unknown(value),
        })
    }
}

fn unknown<T>(misfit: Misfit) -> OneOrMany<T> {
    OneOrMany::Unknown(misfit.into_value())
}

impl<T: Serialize> Serialize for OneOrMany<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::One(value) => value.serialize(serializer),
            Self::Many(values) => values.serialize(serializer),
            Self::Unknown(value) => value.serialize(serializer),
        }
    }
}

deserialize!(OneOrMany<SamplingMessageContentBlock>);
