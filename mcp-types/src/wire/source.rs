//! Where the members of an object come from.

use super::{Fit, Misfit, Wire};
use crate::{
    JsonObject,
    json::{Entries, Reader},
};
use serde_core::{
    Deserialize, Deserializer,
    de::{self, MapAccess},
};
use serde_json::{Error, Value, map};
use std::{borrow::Cow, fmt};

/// Members, one after the other.
pub(crate) trait Source<'de> {
    /// The next key.
    fn key(&mut self) -> Result<Option<Cow<'de, str>>, Error>;

    /// The value of the key that was given last.
    fn value<T: Wire>(&mut self) -> Result<Fit<T>, Error>;

    /// The same, where it tells a type.
    fn tag(&mut self) -> Result<Tag<'de>, Error>;
}

/// The value of the key that was given last, whatever it is.
pub(super) fn any<'de, S: Source<'de>>(source: &mut S) -> Result<Value, Error> {
    Ok(source.value()?.unwrap_or_else(Misfit::into_value))
}

/// An object that is in memory.
pub(super) struct Plain {
    members: map::IntoIter,
    /// The value of the key that was given last.
    value: Value,
}

impl Plain {
    pub(super) fn new(object: JsonObject) -> Self {
        Self { members: object.into_iter(), value: Value::Null }
    }
}

impl<'de> Source<'de> for Plain {
    fn key(&mut self) -> Result<Option<Cow<'de, str>>, Error> {
        let Some((key, value)) = self.members.next() else { return Ok(None) };
        self.value = value;
        Ok(Some(Cow::Owned(key)))
    }

    fn value<T: Wire>(&mut self) -> Result<Fit<T>, Error> {
        Ok(T::from_value(self.value.take()))
    }

    fn tag(&mut self) -> Result<Tag<'de>, Error> {
        Ok(match self.value.take() {
            Value::String(text) => Tag::Text(Cow::Owned(text)),
            value => Tag::Other(value),
        })
    }
}

/// Text that was checked.
pub(super) struct Checked<'a, 'de>(Entries<'a, 'de>);

impl<'a, 'de> Checked<'a, 'de> {
    #[inline]
    pub(super) fn new(reader: &'a mut Reader<'de>) -> Self {
        Self(Entries::new(reader))
    }
}

impl<'de> Source<'de> for Checked<'_, 'de> {
    #[inline(always)]
    fn key(&mut self) -> Result<Option<Cow<'de, str>>, Error> {
        self.0.key()
    }

    #[inline]
    fn value<T: Wire>(&mut self) -> Result<Fit<T>, Error> {
        T::read(self.0.value()?)
    }

    #[inline]
    fn tag(&mut self) -> Result<Tag<'de>, Error> {
        let reader = self.0.value()?;
        match reader.next()? {
            b'"' => reader.string().map(Tag::Text),
            _ => Value::deserialize(reader).map(Tag::Other),
        }
    }
}

/// The value of a member that tells a type.
pub(crate) enum Tag<'de> {
    Text(Cow<'de, str>),
    Other(Value),
}

/// A string, borrowed from the input where that is possible.
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

/// Reads the value of a member that may come once.
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
