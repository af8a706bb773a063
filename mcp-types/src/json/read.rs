//! Making values of JSON text that was checked.
//!
//! It is serde_json for text of which it is known that it is JSON, and gives what that gives. What is rare is left to
//! serde_json itself: numbers that are no small integers, enums, bytes, and its own types.

mod access;
mod deserializer;
mod hand_over;
mod hole;
mod key;
mod retrace;
mod text;

pub(crate) use access::{Elements, Entries};
pub(crate) use hand_over::{BY_ITSELF, HandedOver, handed_over};
pub(crate) use hole::Hole;
pub(crate) use retrace::Mark;

use super::check::{next, number_end, value_end};
use serde_core::{Deserialize, de::Error as _};
use serde_json::{Error, Number};
use std::borrow::Cow;

/// How deep a value may be: as deep as for serde_json.
const MAX_DEPTH: u8 = 127;
/// Every integer of so many digits fits 64 bits.
const MAX_DIGITS: usize = 18;
/// How serde_json calls its own types.
const SERDE_JSON: &str = "$serde_json::";

/// Makes a value of the text, which is JSON: it was checked, or made of what was.
///
/// # Errors
///
/// The value does not fit the type. Text that is no JSON is an error as well, or is read as if it were.
pub(crate) fn read<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T, Error> {
    Reader::new(text, None).whole(|reader| T::deserialize(reader))
}

/// The same for text with a hole.
///
/// # Errors
///
/// The same, or the text of something was wanted that the hole is in.
pub(super) fn read_around<'de, T: Deserialize<'de>>(
    text: &'de str,
    hole: &'de mut Hole,
) -> Result<T, Error> {
    Reader::new(text, Some(hole)).whole(|reader| T::deserialize(reader))
}

/// Reads text from front to back.
pub(crate) struct Reader<'de> {
    text: &'de str,
    at: usize,
    depth: u8,
    /// Whether somebody else has read the text, and has told where an error is.
    is_handed_over: bool,
    hole: Option<&'de mut Hole>,
}

impl<'de> Reader<'de> {
    pub(crate) fn new(text: &'de str, hole: Option<&'de mut Hole>) -> Self {
        Self { text, at: 0, depth: 0, is_handed_over: false, hole }
    }

    /// Reads the one value that the text consists of.
    #[inline]
    fn whole<T>(mut self, read: impl FnOnce(&mut Self) -> Result<T, Error>) -> Result<T, Error> {
        let mut value = read(&mut self);
        // Large values are not moved more often than they have to be.
        if value.is_ok()
            && let Err(error) = self.end()
        {
            value = Err(error);
        }
        if let Err(error) = &mut value {
            self.locate(error);
        }
        value
    }

    /// An error if anything but white space is left.
    #[inline]
    pub(crate) fn end(&mut self) -> Result<(), Error> {
        match next(self.text.as_bytes(), &mut self.at) {
            None => Ok(()),
            Some(_) => Err(trailing()),
        }
    }

    /// The byte after white space, where the reader stops.
    #[inline]
    pub(crate) fn next(&mut self) -> Result<u8, Error> {
        next(self.text.as_bytes(), &mut self.at).ok_or_else(no_json)
    }

    /// Passes over white space and one byte, which has to be this one.
    #[inline]
    pub(crate) fn take(&mut self, byte: u8) -> Result<(), Error> {
        if self.next()? != byte {
            return Err(trailing());
        }
        self.at += 1;
        Ok(())
    }

    /// The text from the reader on to this place, where it goes on.
    #[inline]
    fn until(&mut self, end: usize) -> Result<&'de str, Error> {
        let text = self.text.get(self.at..end).ok_or_else(no_json)?;
        self.at = end;
        Ok(text)
    }

    /// Passes over one value; gives its text.
    pub(crate) fn pass(&mut self) -> Result<&'de str, Error> {
        self.next()?;
        let (end, _) = value_end(self.text.as_bytes(), self.at).ok_or_else(no_json)?;
        self.until(end)
    }

    /// The string that begins after the quote where the reader is.
    #[inline]
    pub(crate) fn string(&mut self) -> Result<Cow<'de, str>, Error> {
        if self.hole.is_some()
            && let Some(text) = self.fill()
        {
            return text.map(Cow::Owned);
        }
        self.at += 1;
        match text::plain(self.text, self.at) {
            Some(text) => {
                self.at += text.len() + 1;
                Ok(Cow::Borrowed(text))
            }
            None => text::escaped(self.text, &mut self.at).map(Cow::Owned),
        }
    }

    pub(crate) fn word(&mut self, word: &str) -> Result<(), Error> {
        let is_there = self.until(self.at + word.len())? == word;
        is_there.then_some(()).ok_or_else(no_json)
    }

    /// Goes one level deeper, from behind a bracket on.
    #[inline]
    pub(crate) fn descend(&mut self) -> Result<(), Error> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(too_deep());
        }
        Ok(())
    }

    /// Takes the bracket at the end of the level.
    #[inline]
    pub(crate) fn ascend(&mut self, close: u8) -> Result<(), Error> {
        self.depth -= 1;
        self.take(close)
    }

    /// An integer of few digits, with its sign; the reader stays where it is if the number is another one.
    #[inline]
    pub(crate) fn integer(&mut self) -> Option<(bool, i64)> {
        let rest = self.text.as_bytes().get(self.at..)?;
        let is_negative = rest.first() == Some(&b'-');
        let digits = rest.get(usize::from(is_negative)..)?;
        let (mut value, mut count) = (0_i64, 0);
        while let Some(digit @ b'0'..=b'9') = digits.get(count) {
            if count == MAX_DIGITS {
                return None;
            }
            value = value * 10 + i64::from(digit - b'0');
            count += 1;
        }
        let is_fraction = matches!(digits.get(count), Some(b'.' | b'e' | b'E'));
        if count == 0 || is_fraction || is_negative && value == 0 {
            return None;
        }
        self.at += usize::from(is_negative) + count;
        Some((is_negative, if is_negative { -value } else { value }))
    }

    /// The number where the reader is, whatever it is.
    pub(crate) fn exact(&mut self) -> Result<Number, Error> {
        serde_json::from_str(self.number()?)
    }

    /// The text of the number where the reader is.
    fn number(&mut self) -> Result<&'de str, Error> {
        let end = number_end(self.text.as_bytes(), self.at).ok_or_else(no_json)?;
        self.until(end)
    }

    /// Gives an error the place where the reader is, in the words of serde_json.
    #[cold]
    pub(crate) fn locate(&self, error: &mut Error) {
        if self.is_handed_over && error.line() > 0 {
            return;
        }
        let text = error.to_string();
        let reason = text.rsplit_once(" at line ").map_or(&*text, |(reason, _)| reason);
        let before = self.text.as_bytes().get(..self.at).unwrap_or_default();
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        let column = before.iter().rev().take_while(|byte| **byte != b'\n').count();
        let missing = self.hole.as_ref();
        let missing = missing.map_or(0, |hole| hole.between(before.len() - column, self.at));
        let column = column + missing;
        *error = Error::custom(format!("{reason} at line {line} column {column}"));
    }
}

#[cold]
fn too_deep() -> Error {
    Error::custom("recursion limit exceeded")
}

#[cold]
fn no_json() -> Error {
    Error::custom("the text is not JSON")
}

#[cold]
fn trailing() -> Error {
    Error::custom("trailing characters")
}

#[cfg(test)]
mod tests;
