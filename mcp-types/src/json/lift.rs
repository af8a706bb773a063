//! Large strings that take over the buffer they arrived in.
//!
//! Most of a large message is one string. The buffer of the message becomes that string, in place of a copy of it; what is
//! around it, which is little, is read with a hole where the string was.

use super::{
    check::next,
    escape::escape,
    read::{Hole, Read, read_by},
};
use bytes::{Buf, Bytes};
use serde_core::de::{DeserializeOwned, Error as _};
use serde_json::Error;
use std::ops::Range;

/// From this length on it is worth while.
pub(crate) const LARGE: usize = 256 * 1024;
/// How much of a text its longest string has to be at least: all but one part of so many.
const PARTS: usize = 4;
/// How much of the middle of a text is looked at before all of it is.
const GLANCE: usize = 64;

/// JSON text, without the string that is most of it.
#[derive(Debug)]
pub(crate) struct Lifted {
    around: String,
    hole: Hole,
}

impl Lifted {
    /// Takes the longest string out of text that was checked.
    ///
    /// Gives the text back as it is if that is shorter than `least`, or no string is most of it, or somebody else holds it;
    /// or if a string in it is not text, for it may have to be repaired then.
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

    /// Reads a value, as from the whole text.
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

    /// The same, whatever it is that is read. It may be read twice, and the second time counts.
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

/// What is between the quotes of the string that most of the text consists of, if there is one, it holds text, and is no
/// key. Tells as well whether there are no escapes in it.
fn longest(text: &[u8]) -> Option<(Range<usize>, bool)> {
    let (first, middle) = (text.len() / PARTS, text.len() / 2);
    let glance = text.get(middle..(middle + GLANCE).min(text.len()))?;
    if glance.windows(2).any(|pair| pair[1] == b'"' && pair[0] != b'\\') {
        return None;
    }
    let mut at = 0;
    loop {
        // Outside of strings there are no escapes.
        let start = at + text.get(at..=first)?.iter().position(|byte| *byte == b'"')? + 1;
        let (end, is_plain) = text_end(text, start)?;
        at = end + 1;
        if end - start >= text.len() - first {
            let is_key = next(text.get(at..)?).is_some_and(|(byte, _)| byte == b':');
            return (!is_key).then_some((start..end, is_plain));
        }
    }
}

/// Where the quote is behind the string that begins there, and whether there are no escapes in it; nothing if it holds half
/// of a surrogate pair.
fn text_end(text: &[u8], start: usize) -> Option<(usize, bool)> {
    // Of a string that was checked only these two have to be looked for.
    let following = |at| Some(at + memchr::memchr2(b'"', b'\\', text.get(at..)?)?);
    let plain = following(start)?;
    let mut at = plain;
    while text.get(at) != Some(&b'"') {
        at = following(at + escape(text, at)?.1)?;
    }
    Some((at, at == plain))
}

/// Whether there are no halves of surrogate pairs in any string.
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
