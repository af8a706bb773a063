//! The members of an object that is being read.

use super::{Decoder, Fit, Wire};
use crate::JsonObject;
use serde::{Deserialize, Deserializer, de};
use serde_json::Value;
use std::{borrow::Cow, collections::VecDeque, fmt, marker::PhantomData};

/// Members from a stream, after those that were read ahead to find out what the object is.
pub(crate) struct Members<'de, A> {
    ahead: VecDeque<(String, Value)>,
    /// The value of the key that was given last, if it was read ahead.
    value: Option<Value>,
    /// A key whose value is still in the stream.
    pending: Option<Cow<'de, str>>,
    object: A,
    /// Whether the member that tells the type of the object is known to be right.
    pub(crate) is_tagged: bool,
}

impl<'de, A: de::MapAccess<'de>> Members<'de, A> {
    pub(crate) fn new(object: A) -> Self {
        Self { ahead: VecDeque::new(), value: None, pending: None, object, is_tagged: false }
    }

    /// The next key. Its value has to be read before the next call.
    pub(crate) fn key(&mut self) -> Result<Option<Cow<'de, str>>, A::Error> {
        if let Some((key, value)) = self.ahead.pop_front() {
            self.value = Some(value);
            return Ok(Some(Cow::Owned(key)));
        }
        match self.pending.take() {
            Some(key) => Ok(Some(key)),
            None => Ok(self.object.next_key::<Key<'de>>()?.map(|key| key.0)),
        }
    }

    /// The value of the key that was given last.
    pub(crate) fn value<T: Wire>(&mut self) -> Result<Fit<T>, A::Error> {
        match self.value.take() {
            Some(value) => Ok(T::from_value(value)),
            None => self.object.next_value_seed(Decoder(PhantomData)),
        }
    }

    /// The value of the key that was given last, whatever it is.
    pub(crate) fn any(&mut self) -> Result<Value, A::Error> {
        match self.value.take() {
            Some(value) => Ok(value),
            None => self.object.next_value(),
        }
    }

    /// Reads ahead to the member that tells the type, and takes it out if it is a string.
    pub(crate) fn find_tag(&mut self, tag: &str) -> Result<Option<String>, A::Error> {
        while let Some(key) = self.object.next_key::<Key<'de>>()? {
            match self.object.next_value()? {
                Value::String(value) if key.0 == tag => {
                    self.is_tagged = true;
                    return Ok(Some(value));
                }
                value => self.ahead.push_back((key.0.into_owned(), value)),
            }
        }
        Ok(None)
    }

    /// Reads ahead to the first of these keys.
    pub(crate) fn find_key(
        &mut self,
        keys: &[&'static str],
    ) -> Result<Option<&'static str>, A::Error> {
        while let Some(Key(key)) = self.object.next_key()? {
            if let Some(found) = keys.iter().find(|found| **found == key) {
                self.pending = Some(key);
                return Ok(Some(found));
            }
            let value = self.object.next_value()?;
            self.ahead.push_back((key.into_owned(), value));
        }
        Ok(None)
    }

    /// All members that are left, after a tag that was taken out.
    pub(crate) fn into_value(mut self, tag: Option<(&str, String)>) -> Result<Value, A::Error> {
        let mut object = JsonObject::new();
        object.extend(std::mem::take(&mut self.ahead));
        object.extend(tag.map(|(tag, value)| (tag.to_owned(), Value::String(value))));
        while let Some(key) = self.key()? {
            let value = self.any()?;
            object.insert(key.into_owned(), value);
        }
        Ok(Value::Object(object))
    }
}

/// A key, borrowed from the input where that is possible.
struct Key<'de>(Cow<'de, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(KeyVisitor)
    }
}

struct KeyVisitor;

impl<'de> de::Visitor<'de> for KeyVisitor {
    type Value = Key<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Key<'de>, E> {
        Ok(Key(Cow::Borrowed(key)))
    }

    fn visit_str<E>(self, key: &str) -> Result<Key<'de>, E> {
        Ok(Key(Cow::Owned(key.to_owned())))
    }

    fn visit_string<E>(self, key: String) -> Result<Key<'de>, E> {
        Ok(Key(Cow::Owned(key)))
    }
}
