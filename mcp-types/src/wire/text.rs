//! Strings and members that are read through serde.

use serde_core::{
    Deserialize, Deserializer,
    de::{self, MapAccess},
};
use std::{borrow::Cow, fmt};

/// A string, borrowed from the input if possible.
pub(crate) struct Text<'de>(pub(crate) Cow<'de, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> de::Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Borrowed(key)))
    }

    fn visit_str<E>(self, key: &str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Owned(key.to_owned())))
    }

    fn visit_string<E>(self, key: String) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Owned(key)))
    }
}

/// Reads the value of a member that may occur only once.
pub(crate) fn once<'de, T: Deserialize<'de>, A: MapAccess<'de>>(
    place: &mut Option<T>,
    name: &'static str,
    map: &mut A,
) -> Result<(), A::Error> {
    if place.is_some() {
        return Err(de::Error::duplicate_field(name));
    }
    *place = Some(map.next_value()?);
    Ok(())
}
