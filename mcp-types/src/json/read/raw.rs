//! Raw text, for serde_json's `RawValue`, which asks for a map with one member.

use super::{RAW_VALUE, Reader, no_json};
use serde_core::de::{DeserializeSeed, MapAccess, Visitor, value::BorrowedStrDeserializer};
use serde_json::Error;

/// The member, until it was read.
struct Raw<'de>(Option<&'de str>);

impl<'de> Reader<'de> {
    /// Skips one value, and passes on its text.
    pub(super) fn raw<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_map(Raw(Some(self.raw_text()?)))
    }

    fn raw_text(&mut self) -> Result<&'de str, Error> {
        let length = self.pass_apart()?.len();
        self.part(self.at - length..self.at)
    }
}

impl<'de> MapAccess<'de> for Raw<'de> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        match self.0 {
            Some(_) => seed.deserialize(BorrowedStrDeserializer::new(RAW_VALUE)).map(Some),
            None => Ok(None),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let text = self.0.take().ok_or_else(no_json)?;
        seed.deserialize(BorrowedStrDeserializer::new(text))
    }
}
