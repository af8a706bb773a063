//! Where the members of an object come from.

use super::{Decoder, Fit, Misfit, Wire};
use crate::json::{Entries, Reader};
use serde_core::{
    Deserialize, Deserializer,
    de::{self, MapAccess},
};
use serde_json::{Error, Number, Value};
use std::{borrow::Cow, fmt, marker::PhantomData};

/// Members, one after the other.
pub(crate) trait Source<'de> {
    type Error;

    /// The next key.
    fn key(&mut self) -> Result<Option<Cow<'de, str>>, Self::Error>;

    /// The value of the key that was given last.
    fn value<T: Wire>(&mut self) -> Result<Fit<T>, Self::Error>;

    /// The same, where it tells a type.
    fn tag(&mut self) -> Result<Tag<'de>, Self::Error>;
}

/// The value of the key that was given last, whatever it is.
pub(super) fn any<'de, S: Source<'de>>(source: &mut S) -> Result<Value, S::Error> {
    Ok(source.value()?.unwrap_or_else(Misfit::into_value))
}

/// Whatever serde hands over.
impl<'de, A: MapAccess<'de>> Source<'de> for A {
    type Error = A::Error;

    #[inline]
    fn key(&mut self) -> Result<Option<Cow<'de, str>>, A::Error> {
        Ok(self.next_key::<Text<'de>>()?.map(|key| key.0))
    }

    #[inline]
    fn value<T: Wire>(&mut self) -> Result<Fit<T>, A::Error> {
        self.next_value_seed(Decoder(PhantomData))
    }

    fn tag(&mut self) -> Result<Tag<'de>, A::Error> {
        self.next_value()
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
    type Error = Error;

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

impl<'de> Deserialize<'de> for Tag<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TagVisitor)
    }
}

struct TagVisitor;

impl<'de> de::Visitor<'de> for TagVisitor {
    type Value = Tag<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Tag<'de>, E> {
        Ok(Tag::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Tag<'de>, E> {
        Ok(Tag::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_unit<E>(self) -> Result<Tag<'de>, E> {
        Ok(Tag::Other(Value::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tag<'de>, E> {
        Ok(Tag::Other(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Tag<'de>, E> {
        Ok(Tag::Other(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Tag<'de>, E> {
        Ok(Tag::Other(value.into()))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Tag<'de>, E> {
        Ok(Tag::Other(Number::from_i128(value).map_or(Value::Null, Value::Number)))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Tag<'de>, E> {
        Ok(Tag::Other(Number::from_u128(value).map_or(Value::Null, Value::Number)))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Tag<'de>, E> {
        Ok(Tag::Other(value.into()))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, array: A) -> Result<Tag<'de>, A::Error> {
        let array = de::value::SeqAccessDeserializer::new(array);
        Value::deserialize(array).map(Tag::Other)
    }

    fn visit_map<A: de::MapAccess<'de>>(self, object: A) -> Result<Tag<'de>, A::Error> {
        let object = de::value::MapAccessDeserializer::new(object);
        Value::deserialize(object).map(Tag::Other)
    }
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
