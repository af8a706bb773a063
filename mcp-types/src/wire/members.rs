//! The members of an object that is being read.

use super::{
    Fit, Source, Wire,
    source::{Tag, any},
};
use crate::JsonObject;
use serde_json::{Error, Value};
use std::{borrow::Cow, collections::VecDeque};

/// Members from a source, after those that were read ahead to find out what the object is.
pub(crate) struct Members<'de, S> {
    /// In a box, because mostly there is nothing.
    ahead: Option<Box<Ahead<'de>>>,
    source: S,
    /// Whether the member that tells the type of the object is known to be right.
    pub(crate) is_tagged: bool,
}

/// What was read ahead.
#[derive(Default)]
struct Ahead<'de> {
    members: VecDeque<(String, Value)>,
    /// The value of the key that was given last.
    value: Option<Value>,
    /// A key whose value is still to come.
    pending: Option<Cow<'de, str>>,
}

impl<'de, S: Source<'de>> Members<'de, S> {
    #[inline]
    pub(crate) fn new(source: S) -> Self {
        Self { ahead: None, source, is_tagged: false }
    }

    /// The next key. Its value has to be read before the next call.
    #[inline(always)]
    pub(crate) fn key(&mut self) -> Result<Option<Cow<'de, str>>, Error> {
        if self.ahead.is_some()
            && let Some(key) = self.key_ahead()
        {
            return Ok(Some(key));
        }
        self.source.key()
    }

    /// The next key of those that were read ahead.
    #[cold]
    fn key_ahead(&mut self) -> Option<Cow<'de, str>> {
        let ahead = self.ahead.as_mut()?;
        if let Some((key, value)) = ahead.members.pop_front() {
            ahead.value = Some(value);
            return Some(Cow::Owned(key));
        }
        self.ahead.take()?.pending
    }

    /// The value of the key that was given last.
    #[inline]
    pub(crate) fn value<T: Wire>(&mut self) -> Result<Fit<T>, Error> {
        if self.ahead.is_some()
            && let Some(value) = self.value_ahead()
        {
            return Ok(T::from_value(value));
        }
        self.source.value()
    }

    /// The value of the key that was given last, if it was read ahead.
    #[cold]
    fn value_ahead(&mut self) -> Option<Value> {
        self.ahead.as_mut()?.value.take()
    }

    fn keep(&mut self, key: Cow<'_, str>, value: Value) {
        self.ahead.get_or_insert_default().members.push_back((key.into_owned(), value));
    }

    /// The value of the key that was given last, whatever it is.
    pub(crate) fn any(&mut self) -> Result<Value, Error> {
        match self.value_ahead() {
            Some(value) => Ok(value),
            None => any(&mut self.source),
        }
    }

    /// Reads ahead to the member that tells the type, and takes it out if it is a string.
    #[inline]
    pub(crate) fn find_tag(&mut self, tag: &str) -> Result<Option<Cow<'de, str>>, Error> {
        while let Some(key) = self.source.key()? {
            let value = if key == tag {
                match self.source.tag()? {
                    Tag::Text(text) => {
                        self.is_tagged = true;
                        return Ok(Some(text));
                    }
                    Tag::Other(value) => value,
                }
            } else {
                any(&mut self.source)?
            };
            self.keep(key, value);
        }
        Ok(None)
    }

    /// Reads ahead to the first of these keys.
    pub(crate) fn find_key(
        &mut self,
        keys: &[&'static str],
    ) -> Result<Option<&'static str>, Error> {
        while let Some(key) = self.source.key()? {
            if let Some(found) = keys.iter().find(|found| **found == key) {
                self.ahead.get_or_insert_default().pending = Some(key);
                return Ok(Some(found));
            }
            let value = any(&mut self.source)?;
            self.keep(key, value);
        }
        Ok(None)
    }

    /// All members that are left, after a tag that was taken out.
    pub(crate) fn remaining(&mut self, tag: Option<(&str, Cow<'de, str>)>) -> Result<Value, Error> {
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
