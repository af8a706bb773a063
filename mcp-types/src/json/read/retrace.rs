//! Backtracking: reading a value again, as another type, when it did not fit the first.

use super::{Entries, Reader, no_json};
use serde_core::Deserialize;
use serde_json::{Error, Value};
use std::borrow::Cow;

/// A position to come back to.
#[derive(Clone, Copy)]
pub(crate) struct Mark {
    at: usize,
    depth: u8,
}

impl<'de> Reader<'de> {
    /// Returns the current position.
    #[inline]
    pub(crate) fn mark(&self) -> Mark {
        Mark { at: self.at, depth: self.depth }
    }

    /// Goes back.
    ///
    /// # Errors
    ///
    /// The lifted string was read since then: it cannot be read twice.
    pub(crate) fn back(&mut self, mark: Mark) -> Result<(), Error> {
        if let Some(hole) = &mut self.hole
            && (mark.at..self.at).contains(&hole.at)
            && hole.text.is_none()
        {
            hole.is_crossed = true;
            return Err(no_json());
        }
        (self.at, self.depth) = (mark.at, mark.depth);
        Ok(())
    }

    /// Goes back and reads the value there as JSON.
    ///
    /// # Errors
    ///
    /// Those of [`back`](Self::back), or the text is not a value.
    #[cold]
    pub(crate) fn again(&mut self, mark: Mark) -> Result<Value, Error> {
        self.back(mark)?;
        Value::deserialize(self)
    }

    /// Reads the first member of the object that is next, if it has this name and is a string; otherwise the reader
    /// does not move.
    #[inline]
    pub(crate) fn first_member(&mut self, name: &str) -> Result<Option<Cow<'de, str>>, Error> {
        let start = self.mark();
        if self.next()? == b'{' {
            self.at += 1;
            let mut entries = Entries::new(self);
            if entries.key()?.is_some_and(|key| key == name) {
                let reader = entries.value()?;
                if reader.next()? == b'"' && !reader.is_at_hole() {
                    return reader.string().map(Some);
                }
            }
        }
        self.back(start)?;
        Ok(None)
    }

    /// Returns whether the reader is at the hole.
    fn is_at_hole(&self) -> bool {
        self.hole.as_ref().is_some_and(|hole| hole.at == self.at)
    }

    /// Looks at the members of the object whose brace is next, without moving: calls `look` with each key and the text
    /// of its value, until it returns something.
    ///
    /// # Errors
    ///
    /// The text is not an object, or a key is not text.
    pub(crate) fn look_ahead<T>(
        &mut self,
        mut look: impl FnMut(&str, &[u8]) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        let mark = self.mark();
        self.at += 1;
        let mut entries = Entries::new(self);
        let mut found = None;
        while found.is_none()
            && let Some(key) = entries.key()?
        {
            found = look(&key, entries.value()?.pass()?);
        }
        self.back(mark)?;
        Ok(found)
    }
}
