//! Access to the elements of arrays and the members of objects.

use super::{Reader, key::Key, no_json};
use serde_core::de::{DeserializeSeed, MapAccess, SeqAccess};
use serde_json::Error;
use std::borrow::Cow;

/// The elements of an array, after its opening bracket.
pub(crate) struct Elements<'a, 'de> {
    reader: &'a mut Reader<'de>,
    is_first: bool,
}

/// The members of an object, after its opening brace.
pub(crate) struct Entries<'a, 'de> {
    reader: &'a mut Reader<'de>,
    is_first: bool,
}

impl<'a, 'de> Elements<'a, 'de> {
    pub(crate) fn new(reader: &'a mut Reader<'de>) -> Self {
        Self { reader, is_first: true }
    }
}

impl<'a, 'de> Entries<'a, 'de> {
    pub(crate) fn new(reader: &'a mut Reader<'de>) -> Self {
        Self { reader, is_first: true }
    }

    /// Continues after the first element, which was already read.
    pub(crate) fn behind_first(reader: &'a mut Reader<'de>) -> Self {
        Self { reader, is_first: false }
    }
}

impl<'de> Reader<'de> {
    /// Returns the first byte of the next element, if there is one before the closing bracket, and moves there.
    #[inline(always)]
    fn more(&mut self, is_first: &mut bool, close: u8) -> Result<Option<u8>, Error> {
        let byte = self.next()?;
        if byte == close {
            return Ok(None);
        }
        if std::mem::take(is_first) {
            return Ok(Some(byte));
        }
        if byte != b',' {
            return Err(no_json());
        }
        self.at += 1;
        self.next().map(Some)
    }
}

impl<'de> Elements<'_, 'de> {
    /// Returns the reader at the next element.
    #[inline]
    pub(crate) fn element(&mut self) -> Result<Option<&mut Reader<'de>>, Error> {
        Ok(self.reader.more(&mut self.is_first, b']')?.map(|_| &mut *self.reader))
    }
}

impl<'de> Entries<'_, 'de> {
    /// Reads the next key.
    #[inline(always)]
    pub(crate) fn key(&mut self) -> Result<Option<Cow<'de, str>>, Error> {
        match self.reader.more(&mut self.is_first, b'}')? {
            Some(b'"') => self.reader.string().map(Some),
            Some(_) => Err(no_json()),
            None => Ok(None),
        }
    }

    /// Returns the reader at the next member, at the quote of its key.
    #[inline(always)]
    pub(crate) fn entry(&mut self) -> Result<Option<&mut Reader<'de>>, Error> {
        match self.reader.more(&mut self.is_first, b'}')? {
            Some(b'"') => Ok(Some(&mut *self.reader)),
            Some(_) => Err(no_json()),
            None => Ok(None),
        }
    }

    /// Returns the reader at the value of the last key.
    #[inline]
    pub(crate) fn value(&mut self) -> Result<&mut Reader<'de>, Error> {
        self.reader.take(b':')?;
        Ok(&mut *self.reader)
    }
}

impl<'de> SeqAccess<'de> for Elements<'_, 'de> {
    type Error = Error;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        match self.element()? {
            Some(reader) => seed.deserialize(reader).map(Some),
            None => Ok(None),
        }
    }
}

impl<'de> MapAccess<'de> for Entries<'_, 'de> {
    type Error = Error;

    #[inline]
    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        match self.reader.more(&mut self.is_first, b'}')? {
            Some(b'"') => seed.deserialize(Key(&mut *self.reader)).map(Some),
            Some(_) => Err(no_json()),
            None => Ok(None),
        }
    }

    #[inline]
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(self.value()?)
    }
}
