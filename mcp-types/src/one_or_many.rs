//! A value, or an array of such values.

use crate::{
    json::Reader,
    sampling::SamplingMessageContentBlock,
    wire::{Failure, Wire, deserialize, union},
};
use serde_core::{Serialize, Serializer};
use serde_json::Value;
use std::slice;

/// One value, or an array of values.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum OneOrMany<T> {
    /// A single value, not in an array.
    One(T),
    /// An array, which may have one value or none.
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
    fn blank() -> Self {
        Self::Many(Vec::new())
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Failure> {
        let (first, start) = (reader.next()?, reader.mark());
        let known = |reader: &mut Reader<'_>| match first {
            b'[' => Vec::read(reader).map(Self::Many),
            _ => T::read(reader).map(Self::One),
        };
        match first {
            b'[' | b'{' => union::known(reader, start, known, Self::Unknown),
            _ => union::unknown(reader, start, Self::Unknown),
        }
    }
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
