//! Reading values from validated JSON text.
//!
//! It is serde_json for text of which it is known that it is JSON, and gives what that gives. What is rare is left to
//! serde_json itself: numbers that are no small integers, enums and bytes.

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

/// How deep a value may be: as deep as for serde_json.
const MAX_DEPTH: u8 = 127;
/// Every integer of so many digits fits 64 bits.
const MAX_DIGITS: usize = 18;
/// How serde_json calls text that it has checked and does not read.
pub(crate) const RAW_VALUE: &str = "$serde_json::private::RawValue";

/// Up to this length a text is known to be UTF-8 by those of its strings alone that are kept.
const SHORT: usize = 256;

/// Makes a value of the text, which is JSON: it was checked, or made of what was.
///
/// # Errors
///
/// The value does not fit the type. Text that is no JSON is an error as well, or is read as if it were.
pub(crate) fn read<'de, T: Deserialize<'de>>(text: &'de [u8]) -> Result<T, Error> {
    Reader::new(text, None).whole(|reader| T::deserialize(reader))
}

/// Reads one value, and puts it where it belongs.
pub(super) type Read<'a> = &'a mut dyn FnMut(&mut Reader<'_>) -> Result<(), Error>;

/// The same for text that may have a hole, whatever it is that is read.
///
/// # Errors
///
/// The same, or the text of something was wanted that the hole is in.
pub(super) fn read_by(text: &[u8], hole: Option<&mut Hole>, read: Read<'_>) -> Result<(), Error> {
    Reader::new(text, hole).whole(|reader| read(reader))
}

/// Reads text from front to back.
pub(crate) struct Reader<'de> {
    text: &'de [u8],
    at: usize,
    depth: u8,
    /// The text, from when it is known to be UTF-8 as a whole.
    whole: Option<&'de str>,
    /// Whether somebody else has read the text, and has told where an error is.
    is_handed_over: bool,
    hole: Option<&'de mut Hole>,
}

impl<'de> Reader<'de> {
    pub(crate) fn new(text: &'de [u8], hole: Option<&'de mut Hole>) -> Self {
        Self { text, at: 0, depth: 0, whole: None, is_handed_over: false, hole }
    }

    /// Reads the one value that the text consists of.
    #[inline]
    fn whole<T>(mut self, read: impl FnOnce(&mut Self) -> Result<T, Error>) -> Result<T, Error> {
        let mut value = read(&mut self);
        // Large values are not moved more often than they have to be.
        if let Err(error) = self.finish(value.as_mut().err()) {
            value = Err(error);
        }
        value
    }

    /// Gives the error its place; without one, an error if anything but white space is left.
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

    /// An error if anything but white space is left.
    #[inline]
    pub(crate) fn end(&mut self) -> Result<(), Error> {
        if self.at < self.text.len() && self.peek().is_some() {
            return Err(trailing());
        }
        Ok(())
    }

    /// The byte after white space, where the reader stops.
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

    /// Passes over white space and one byte, which has to be this one.
    #[inline]
    pub(crate) fn take(&mut self, byte: u8) -> Result<(), Error> {
        if self.next()? != byte {
            return Err(trailing());
        }
        self.at += 1;
        Ok(())
    }

    /// A part of the text, as what it is.
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

    /// All of the text, as what it is.
    fn all(&mut self) -> Result<&'de str, Error> {
        if self.whole.is_none() {
            self.whole = std::str::from_utf8(self.text).ok();
        }
        self.whole.ok_or_else(no_json)
    }

    /// The text from the reader on to this place, where it goes on.
    #[inline]
    fn until(&mut self, end: usize) -> Result<&'de [u8], Error> {
        let text = self.text.get(self.at..end).ok_or_else(no_json)?;
        self.at = end;
        Ok(text)
    }

    /// Passes over one value; gives its text.
    pub(crate) fn pass(&mut self) -> Result<&'de [u8], Error> {
        let first = self.next()?;
        let behind = self.text.get(self.at + 1..).unwrap_or_default();
        let (behind, _) = past_value(first, behind).ok_or_else(no_json)?;
        self.until(self.text.len() - behind.len())
    }

    /// Passes over one value, to read it by itself; gives its text.
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

    /// A reader of other text, at the same depth.
    pub(crate) fn within<'a>(&self, text: &'a [u8]) -> Reader<'a> {
        Reader { depth: self.depth, ..Reader::new(text, None) }
    }

    /// The string that begins after the quote where the reader is.
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

    /// Passes over this, if it is what is next without white space.
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

    /// The number where the reader is, whatever it is.
    pub(crate) fn exact(&mut self) -> Result<Number, Error> {
        serde_json::from_slice(self.number()?)
    }

    /// The text of the number where the reader is.
    fn number(&mut self) -> Result<&'de [u8], Error> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let behind = past_number(rest).ok_or_else(no_json)?;
        self.until(self.text.len() - behind.len())
    }

    /// Gives an error the place where the reader is, in the words of serde_json.
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
