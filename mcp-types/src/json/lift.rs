//! Large strings that take over the buffer in which they arrived.
//!
//! Most of a large message is one string. The buffer of the message becomes that string, instead of a copy of it; the
//! rest, which is small, is read with a hole where the string was.

use super::{
    check::next,
    escape::escape,
    read::{Hole, Read, read_by},
};
use bytes::{Buf, Bytes};
use serde_core::de::{DeserializeOwned, Error as _};
use serde_json::Error;
use std::ops::Range;

/// The length from which lifting is worthwhile.
pub(crate) const LARGE: usize = 256 * 1024;
/// The longest string must make up all of a text except for one part in this many.
const PARTS: usize = 4;
/// How much of the middle of a text is inspected before the whole.
const GLANCE: usize = 64;

/// JSON text without the string that makes up most of it.
#[derive(Debug)]
pub(crate) struct Lifted {
    around: String,
    hole: Hole,
}

impl Lifted {
    /// Takes the longest string out of validated text.
    ///
    /// Returns the text unchanged if it is shorter than `least`, if no string makes up most of it, or if its buffer is
    /// shared; also if a string in it contains a lone surrogate, because it may have to be repaired then.
    pub(crate) fn take(mut text: Bytes, least: usize) -> Result<Self, Bytes> {
        if text.len() < least || !text.is_unique() {
            return Err(text);
        }
        let Some((place, is_plain)) = longest(&text) else { return Err(text) };
        let around = [&text[..place.start], &text[place.end..]].concat();
        if !is_text(&around) {
            return Err(text);
        }
        let Ok(around) = String::from_utf8(around) else { return Err(text) };
        text.truncate(place.end);
        text.advance(place.start);
        match String::from_utf8(Vec::from(text)) {
            Ok(string) => Ok(Self { around, hole: Hole::new(place.start - 1, string, is_plain) }),
            Err(error) => {
                let (before, after) = around.as_bytes().split_at(place.start);
                Err([before, error.as_bytes(), after].concat().into())
            }
        }
    }

    /// Reads a value, as if from the whole text.
    ///
    /// # Errors
    ///
    /// The value does not fit the type.
    pub(crate) fn read<T: DeserializeOwned>(self) -> Result<T, Error> {
        let mut value = None;
        self.read_by(&mut |reader| {
            value = Some(T::deserialize(reader)?);
            Ok(())
        })?;
        value.ok_or_else(|| Error::custom("nothing was read"))
    }

    /// Reads with any function. It may be called twice; then the second result counts.
    fn read_by(mut self, read: Read<'_>) -> Result<(), Error> {
        let done = read_by(self.around.as_bytes(), Some(&mut self.hole), read);
        if !self.hole.is_crossed && done.is_ok() {
            return done;
        }
        match self.hole.close(self.around.as_bytes()) {
            Some(whole) => {
                self.hole.text = None;
                read_by(&whole, None, read)
            }
            None => done,
        }
    }
}

/// Returns the content range of the string that makes up most of the text, and whether it has no escapes; none if there
/// is no such string, if it contains lone surrogates, or if it is a key.
fn longest(text: &[u8]) -> Option<(Range<usize>, bool)> {
    let (first, middle) = (text.len() / PARTS, text.len() / 2);
    let glance = text.get(middle..(middle + GLANCE).min(text.len()))?;
    if glance.windows(2).any(|pair| pair[1] == b'"' && pair[0] != b'\\') {
        return None;
    }
    let mut at = 0;
    loop {
        // There are no escapes outside of strings.
        let start = at + text.get(at..=first)?.iter().position(|byte| *byte == b'"')? + 1;
        let (end, is_plain) = text_end(text, start)?;
        at = end + 1;
        if end - start >= text.len() - first {
            let is_key = next(text.get(at..)?).is_some_and(|(byte, _)| byte == b':');
            return (!is_key).then_some((start..end, is_plain));
        }
    }
}

/// Returns the position of the closing quote of the string that begins there, and whether it has no escapes; none if it
/// contains a lone surrogate.
fn text_end(text: &[u8], start: usize) -> Option<(usize, bool)> {
    // In a validated string only these two matter.
    let following = |at| Some(at + memchr::memchr2(b'"', b'\\', text.get(at..)?)?);
    let plain = following(start)?;
    let mut at = plain;
    while text.get(at) != Some(&b'"') {
        at = following(at + escape(text, at)?.1)?;
    }
    Some((at, at == plain))
}

/// Returns whether no string contains a lone surrogate.
fn is_text(json: &[u8]) -> bool {
    let mut at = 0;
    while let Some(next) = json.get(at..).and_then(|rest| rest.iter().position(|it| *it == b'\\')) {
        match escape(json, at + next) {
            Some((_, length)) => at += next + length,
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests;
