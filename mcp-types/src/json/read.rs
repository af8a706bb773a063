//! Reading values from validated JSON text.
//!
//! Like serde_json, but for text known to be valid JSON, with the same results. Rare values are left to serde_json
//! itself: numbers other than small integers, enums and bytes.

mod access;
mod deserializer;
mod hand_over;
mod hole;
mod key;
mod raw;
mod retrace;
mod text;

pub(crate) use access::{Elements, Entries};
pub(crate) use hand_over::{BY_ITSELF, HandedOver, handed_over};
pub(crate) use hole::Hole;
pub(crate) use retrace::Mark;

use super::check::{next, past_number, past_value};
use serde_core::{Deserialize, de::Error as _};
use serde_json::{Error, Number};
use std::{borrow::Cow, ops::Range};

/// The maximum depth of a value, the same as in serde_json.
const MAX_DEPTH: u8 = 127;
/// Every integer with this many digits fits 64 bits.
const MAX_DIGITS: usize = 18;
/// The name by which serde_json requests raw text.
pub(crate) const RAW_VALUE: &str = "$serde_json::private::RawValue";

/// Up to this length, only the strings that are kept are checked for UTF-8, not the whole text.
const SHORT: usize = 256;

/// Reads a value from JSON text that was validated, or composed of validated parts.
///
/// # Errors
///
/// The value does not fit the type. Text that is not JSON is an error as well, or is read as if it were.
pub(crate) fn read<'de, T: Deserialize<'de>>(text: &'de [u8]) -> Result<T, Error> {
    Reader::new(text, None).whole(|reader| T::deserialize(reader))
}

/// Reads one value and stores it.
pub(super) type Read<'a> = &'a mut dyn FnMut(&mut Reader<'_>) -> Result<(), Error>;

/// Reads with any function, also from text with a hole.
///
/// # Errors
///
/// The same, or the raw text around the hole was requested.
pub(super) fn read_by(text: &[u8], hole: Option<&mut Hole>, read: Read<'_>) -> Result<(), Error> {
    Reader::new(text, hole).whole(|reader| read(reader))
}

/// Reads text from front to back.
pub(crate) struct Reader<'de> {
    text: &'de [u8],
    at: usize,
    depth: u8,
    /// The whole text, once it is known to be UTF-8.
    whole: Option<&'de str>,
    /// Whether the text was read by another reader, which has already located the error.
    is_handed_over: bool,
    hole: Option<&'de mut Hole>,
}

impl<'de> Reader<'de> {
    pub(crate) fn new(text: &'de [u8], hole: Option<&'de mut Hole>) -> Self {
        Self { text, at: 0, depth: 0, whole: None, is_handed_over: false, hole }
    }

    /// Reads the single value of the text.
    #[inline]
    fn whole<T>(mut self, read: impl FnOnce(&mut Self) -> Result<T, Error>) -> Result<T, Error> {
        let mut value = read(&mut self);
        // Passed by reference, so that large values are not moved again.
        if let Err(error) = self.finish(value.as_mut().err()) {
            value = Err(error);
        }
        value
    }

    /// Locates an error; without one, fails if anything but white space is left.
    fn finish(&mut self, error: Option<&mut Error>) -> Result<(), Error> {
        if let Some(error) = error {
            self.locate(error);
            return Ok(());
        }
        self.end().map_err(|mut error| {
            self.locate(&mut error);
            error
        })
    }

    /// Fails if anything but white space is left.
    #[inline]
    pub(crate) fn end(&mut self) -> Result<(), Error> {
        if self.at < self.text.len() && self.peek().is_some() {
            return Err(trailing());
        }
        Ok(())
    }

    /// Returns the next byte after white space, without consuming it.
    #[inline]
    pub(crate) fn next(&mut self) -> Result<u8, Error> {
        self.peek().ok_or_else(no_json)
    }

    #[inline(always)]
    fn peek(&mut self) -> Option<u8> {
        match self.text.get(self.at) {
            Some(byte) if *byte > b' ' => Some(*byte),
            _ => self.peek_after_space(),
        }
    }

    #[inline(never)]
    fn peek_after_space(&mut self) -> Option<u8> {
        let (byte, behind) = next(self.text.get(self.at..)?)?;
        self.at = self.text.len() - behind.len() - 1;
        Some(byte)
    }

    /// Skips white space and one byte, which has to be this one.
    #[inline]
    pub(crate) fn take(&mut self, byte: u8) -> Result<(), Error> {
        if self.next()? != byte {
            return Err(trailing());
        }
        self.at += 1;
        Ok(())
    }

    /// Returns a part of the text as a `str`.
    #[inline]
    fn part(&mut self, part: Range<usize>) -> Result<&'de str, Error> {
        match self.whole {
            Some(whole) => whole.get(part).ok_or_else(no_json),
            None => self.first_part(part),
        }
    }

    #[inline(never)]
    fn first_part(&mut self, part: Range<usize>) -> Result<&'de str, Error> {
        let text = if self.text.len() > SHORT {
            self.all()?.get(part)
        } else {
            self.text.get(part).and_then(|text| std::str::from_utf8(text).ok())
        };
        text.ok_or_else(no_json)
    }

    /// Returns the whole text as a `str`.
    fn all(&mut self) -> Result<&'de str, Error> {
        if self.whole.is_none() {
            self.whole = std::str::from_utf8(self.text).ok();
        }
        self.whole.ok_or_else(no_json)
    }

    /// Returns the text up to this position, and moves there.
    #[inline]
    fn until(&mut self, end: usize) -> Result<&'de [u8], Error> {
        let text = self.text.get(self.at..end).ok_or_else(no_json)?;
        self.at = end;
        Ok(text)
    }

    /// Skips one value; returns its text.
    pub(crate) fn pass(&mut self) -> Result<&'de [u8], Error> {
        let first = self.next()?;
        let behind = self.text.get(self.at + 1..).unwrap_or_default();
        let (behind, _) = past_value(first, behind).ok_or_else(no_json)?;
        self.until(self.text.len() - behind.len())
    }

    /// Skips one value that is read separately; returns its text.
    ///
    /// # Errors
    ///
    /// The same, or there is a hole in it.
    pub(crate) fn pass_apart(&mut self) -> Result<&'de [u8], Error> {
        let text = self.pass()?;
        if self.hole.is_some() {
            self.cross(text)?;
        }
        Ok(text)
    }

    /// Creates a reader of another text, at the same depth.
    pub(crate) fn within<'a>(&self, text: &'a [u8]) -> Reader<'a> {
        Reader { depth: self.depth, ..Reader::new(text, None) }
    }

    /// Reads the string whose opening quote was just read.
    #[inline]
    pub(crate) fn string(&mut self) -> Result<Cow<'de, str>, Error> {
        if self.hole.is_some()
            && let Some(text) = self.fill()
        {
            return text.map(Cow::Owned);
        }
        let start = self.at + 1;
        match text::plain(self.text, start) {
            Some(text) => {
                let end = start + text.len();
                self.at = end + 1;
                self.part(start..end).map(Cow::Borrowed)
            }
            None => {
                self.at = start;
                text::escaped(self.all()?, &mut self.at).map(Cow::Owned)
            }
        }
    }

    /// Skips this text, if it is next without white space.
    #[inline(always)]
    pub(crate) fn takes(&mut self, text: &str) -> bool {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let is_next = rest.starts_with(text.as_bytes());
        if is_next {
            self.at += text.len();
        }
        is_next
    }

    pub(crate) fn word(&mut self, word: &str) -> Result<(), Error> {
        let is_there = self.until(self.at + word.len())? == word.as_bytes();
        is_there.then_some(()).ok_or_else(no_json)
    }

    /// Enters a level, after its opening bracket.
    #[inline]
    pub(crate) fn descend(&mut self) -> Result<(), Error> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(too_deep());
        }
        Ok(())
    }

    /// Leaves a level, with its closing bracket.
    #[inline]
    pub(crate) fn ascend(&mut self, close: u8) -> Result<(), Error> {
        self.depth -= 1;
        self.take(close)
    }

    /// Reads an integer with few digits, and its sign; does not move if the number is another one.
    #[inline]
    pub(crate) fn integer(&mut self) -> Option<(bool, i64)> {
        let rest = self.text.get(self.at..)?;
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

    /// Reads a number of any kind.
    pub(crate) fn exact(&mut self) -> Result<Number, Error> {
        serde_json::from_slice(self.number()?)
    }

    /// Returns the text of the number that is next.
    fn number(&mut self) -> Result<&'de [u8], Error> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let behind = past_number(rest).ok_or_else(no_json)?;
        self.until(self.text.len() - behind.len())
    }

    /// Adds the current position to an error, in the format of serde_json.
    #[cold]
    pub(crate) fn locate(&self, error: &mut Error) {
        if self.is_handed_over && error.line() > 0 {
            return;
        }
        let text = error.to_string();
        let reason = text.rsplit_once(" at line ").map_or(&*text, |(reason, _)| reason);
        let before = self.text.get(..self.at).unwrap_or_default();
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
