//! Deserializing through any serde `Deserializer`, with as little generic code as possible.

use super::{Failure, Text, Wire, plain::Plain};
use crate::json::{BY_ITSELF, HandedOver, Hole, RAW_VALUE, Reader, handed_over};
use serde_core::{
    Deserializer,
    de::{
        self, DeserializeSeed, EnumAccess, Error as _, IgnoredAny, MapAccess, SeqAccess,
        Unexpected, Visitor,
    },
};
use serde_json::Value;
use std::{borrow::Cow, fmt};

/// A value that has not been converted to its type yet.
pub(super) enum Given<'de> {
    /// Validated JSON.
    Text(Cow<'de, [u8]>),
    /// The same, without a lifted string.
    Around(&'de [u8], Hole),
    Value(Value),
}

impl<'de> Given<'de> {
    pub(super) fn take<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(BY_ITSELF, AnyVisitor { is_raw: false })
    }

    /// Reads a value from it into a blank one.
    pub(super) fn fill(self, place: &mut dyn Place) -> Result<(), Failure> {
        match self {
            Self::Text(text) => fill(place, &mut Reader::new(&text, None)),
            Self::Around(text, hole) => fill_around(place, text, hole),
            Self::Value(value) => {
                let text = serde_json::to_vec(&value)?;
                fill(place, &mut Reader::new(&text, None))
            }
        }
    }
}

/// The destination of a value. The code that fills it is compiled once for all types.
pub(super) trait Place {
    /// Resets it to a blank value.
    fn clear(&mut self);

    /// Reads a value, like [`Wire::fill`].
    fn fill_from(&mut self, reader: &mut Reader<'_>) -> Result<(), Failure>;
}

impl<T: Wire> Place for T {
    fn clear(&mut self) {
        *self = T::blank();
    }

    fn fill_from(&mut self, reader: &mut Reader<'_>) -> Result<(), Failure> {
        self.fill(reader)
    }
}

/// Reads the single value of the text.
fn fill(place: &mut dyn Place, reader: &mut Reader<'_>) -> Result<(), Failure> {
    let filled = place.fill_from(reader);
    let mut ended = filled.and_then(|()| Ok(reader.end()?));
    if let Err(Failure::Text(error)) = &mut ended {
        reader.locate(error);
    }
    ended
}

/// Reads text with a hole. A value that does not fit at first is read again, which needs the whole text.
#[cold]
fn fill_around(place: &mut dyn Place, text: &[u8], mut hole: Hole) -> Result<(), Failure> {
    let mut rehearsal = hole.rehearsal();
    let is_fit = fill(place, &mut Reader::new(text, Some(&mut rehearsal))).is_ok();
    place.clear();
    if is_fit && !rehearsal.is_crossed {
        return fill(place, &mut Reader::new(text, Some(&mut hole)));
    }
    let whole = hole.close(text).unwrap_or_default();
    drop(hole);
    fill(place, &mut Reader::new(&whole, None))
}

/// Implements visits of scalar values.
macro_rules! leaves {
    ($($method:ident($type:ty))+) => {$(
        fn $method<E: de::Error>(self, value: $type) -> Result<Given<'de>, E> {
            Plain.$method(value).map(Given::Value)
        }
    )+};
}

/// Accepts any value.
struct AnyVisitor {
    /// Whether raw text was requested from serde_json.
    is_raw: bool,
}

impl<'de> Visitor<'de> for AnyVisitor {
    type Value = Given<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    /// Our own reader passes its text this way.
    fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<Given<'de>, A::Error> {
        match handed_over(data) {
            Some(HandedOver::Text(text)) => Ok(Given::Text(Cow::Borrowed(text))),
            Some(HandedOver::Around(text, hole)) => Ok(Given::Around(text, hole)),
            None => Err(A::Error::invalid_type(Unexpected::Enum, &self)),
        }
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<Given<'de>, D::Error> {
        Plain.deserialize(inner).map(Given::Value)
    }

    /// Another deserializer, perhaps serde_json's. If it does not know the name for raw text, there is none.
    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<Given<'de>, D::Error> {
        if self.is_raw {
            return Plain.deserialize(inner).map(Given::Value);
        }
        inner.deserialize_newtype_struct(RAW_VALUE, Self { is_raw: true })
    }

    /// serde_json passes raw text as a map with one member.
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Given<'de>, A::Error> {
        if !self.is_raw {
            return Plain.visit_map(map).map(Given::Value);
        }
        map.next_key::<IgnoredAny>()?;
        Ok(Given::Text(match map.next_value::<Text<'de>>()?.0 {
            Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        }))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, array: A) -> Result<Given<'de>, A::Error> {
        Plain.visit_seq(array).map(Given::Value)
    }

    fn visit_none<E: de::Error>(self) -> Result<Given<'de>, E> {
        Plain.visit_none().map(Given::Value)
    }

    fn visit_unit<E: de::Error>(self) -> Result<Given<'de>, E> {
        Plain.visit_unit().map(Given::Value)
    }

    leaves! {
        visit_bool(bool) visit_i64(i64) visit_u64(u64) visit_i128(i128) visit_u128(u128) visit_f64(f64)
        visit_str(&str) visit_string(String)
    }
}
