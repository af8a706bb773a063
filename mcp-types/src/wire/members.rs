//! The members of an object that is being read.

use super::{Decoder, Fit, Wire};
use crate::JsonObject;
use serde_core::{Deserialize, Deserializer, de};
use serde_json::{Number, Value};
use std::{borrow::Cow, collections::VecDeque, fmt, marker::PhantomData};

/// Members from a stream, after those that were read ahead to find out what the object is.
pub(crate) struct Members<'de, A> {
    /// In a box, because mostly there are none.
    ahead: Option<Box<Ahead>>,
    /// A key whose value is still in the stream.
    pending: Option<Cow<'de, str>>,
    object: A,
    /// Whether the member that tells the type of the object is known to be right.
    pub(crate) is_tagged: bool,
}

/// Members that were read ahead.
#[derive(Default)]
struct Ahead {
    members: VecDeque<(String, Value)>,
    /// The value of the key that was given last.
    value: Option<Value>,
}

impl<'de, A: de::MapAccess<'de>> Members<'de, A> {
    pub(crate) fn new(object: A) -> Self {
        Self { ahead: None, pending: None, object, is_tagged: false }
    }

    /// The next key. Its value has to be read before the next call.
    pub(crate) fn key(&mut self) -> Result<Option<Cow<'de, str>>, A::Error> {
        if let Some(ahead) = &mut self.ahead {
            match ahead.members.pop_front() {
                Some((key, value)) => {
                    ahead.value = Some(value);
                    return Ok(Some(Cow::Owned(key)));
                }
                None => self.ahead = None,
            }
        }
        match self.pending.take() {
            Some(key) => Ok(Some(key)),
            None => Ok(self.object.next_key::<Text<'de>>()?.map(|key| key.0)),
        }
    }

    /// The value of the key that was given last.
    pub(crate) fn value<T: Wire>(&mut self) -> Result<Fit<T>, A::Error> {
        match self.read_value() {
            Some(value) => Ok(T::from_value(value)),
            None => self.object.next_value_seed(Decoder(PhantomData)),
        }
    }

    /// The value of the key that was given last, if it was read ahead.
    fn read_value(&mut self) -> Option<Value> {
        self.ahead.as_mut()?.value.take()
    }

    fn keep(&mut self, key: Cow<'_, str>, value: Value) {
        self.ahead.get_or_insert_default().members.push_back((key.into_owned(), value));
    }

    /// The value of the key that was given last, whatever it is.
    pub(crate) fn any(&mut self) -> Result<Value, A::Error> {
        match self.read_value() {
            Some(value) => Ok(value),
            None => self.object.next_value(),
        }
    }

    /// Reads ahead to the member that tells the type, and takes it out if it is a string.
    pub(crate) fn find_tag(&mut self, tag: &str) -> Result<Option<Cow<'de, str>>, A::Error> {
        while let Some(Text(key)) = self.object.next_key()? {
            let value = if key == tag {
                match self.object.next_value()? {
                    Tag::Text(text) => {
                        self.is_tagged = true;
                        return Ok(Some(text));
                    }
                    Tag::Other(value) => value,
                }
            } else {
                self.object.next_value()?
            };
            self.keep(key, value);
        }
        Ok(None)
    }

    /// Reads ahead to the first of these keys.
    pub(crate) fn find_key(
        &mut self,
        keys: &[&'static str],
    ) -> Result<Option<&'static str>, A::Error> {
        while let Some(Text(key)) = self.object.next_key()? {
            if let Some(found) = keys.iter().find(|found| **found == key) {
                self.pending = Some(key);
                return Ok(Some(found));
            }
            let value = self.object.next_value()?;
            self.keep(key, value);
        }
        Ok(None)
    }

    /// All members that are left, after a tag that was taken out.
    pub(crate) fn remaining(
        &mut self,
        tag: Option<(&str, Cow<'de, str>)>,
    ) -> Result<Value, A::Error> {
        let mut object = JsonObject::new();
        object.extend(self.ahead.take().into_iter().flat_map(|ahead| ahead.members));
        object.extend(tag.map(|(tag, value)| (tag.to_owned(), Value::from(value))));
        while let Some(key) = self.key()? {
            let value = self.any()?;
            object.insert(key.into_owned(), value);
        }
        Ok(Value::Object(object))
    }
}

/// The value of a member that tells a type.
enum Tag<'de> {
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

/// Reads the value of a member that may come once.
pub(crate) fn once<'de, T: Deserialize<'de>, A: de::MapAccess<'de>>(
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
