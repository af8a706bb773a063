//! Text with a hole: a large string was lifted out of it.

use super::{super::escape::escape, super::plain::plain_end, Reader, no_json};
use serde_json::Error;

/// The most capacity that a string may keep, as a multiple of its length. A buffer that has grown has twice its length
/// and is left alone: allocators reuse blocks of the size they gave out, and untouched pages use no memory.
const SLACK: usize = 3;

/// The position of a lifted string, and the string. Its quotes are still in the text.
#[derive(Debug)]
pub(crate) struct Hole {
    /// The position of its opening quote.
    pub(crate) at: usize,
    /// What was between the quotes, not unescaped, until it is taken.
    pub(crate) text: Option<String>,
    length: usize,
    /// Whether it has no escapes.
    pub(crate) is_plain: bool,
    /// Whether the raw text around it was requested, or a second reading of it.
    pub(crate) is_crossed: bool,
}

impl Hole {
    /// `text` must not contain lone surrogates.
    pub(crate) fn new(at: usize, text: String, is_plain: bool) -> Self {
        let length = text.len();
        Self { at, length, text: Some(text), is_plain, is_crossed: false }
    }

    /// Returns a hole at the same position for a trial run, which shows whether one pass is enough.
    pub(crate) fn rehearsal(&self) -> Self {
        Self { text: Some(String::new()), is_crossed: false, ..*self }
    }

    /// Returns the text with the string put back, if the string is still here.
    #[cold]
    pub(crate) fn close(&self, around: &[u8]) -> Option<Vec<u8>> {
        let (before, after) = around.split_at_checked(self.at + 1)?;
        Some([before, self.text.as_deref()?.as_bytes(), after].concat())
    }

    /// Returns how many bytes are missing between two positions.
    pub(super) fn between(&self, start: usize, end: usize) -> usize {
        if (start..end).contains(&self.at) { self.length } else { 0 }
    }

    /// Returns the same hole relative to the text between two positions, with the string if it is there.
    #[cold]
    pub(super) fn take_between(&mut self, start: usize, end: usize) -> Result<Option<Self>, Error> {
        if !(start..end).contains(&self.at) {
            return Ok(None);
        }
        let text = self.text.take().ok_or_else(no_json)?;
        Ok(Some(Self::new(self.at - start, text, self.is_plain)))
    }
}

impl Reader<'_> {
    /// Takes the lifted string if the reader is at it; none if it is at another string.
    #[cold]
    pub(super) fn fill(&mut self) -> Option<Result<String, Error>> {
        let hole = self.hole.as_mut().filter(|hole| hole.at == self.at)?;
        self.at += 2;
        let text = hole.text.take();
        let text = if hole.is_plain { text.map(shrunk) } else { text.and_then(unescape) };
        Some(text.ok_or_else(no_json))
    }

    /// Fails if the hole is in the text that the reader has just skipped.
    #[cold]
    pub(super) fn cross(&mut self, passed: &[u8]) -> Result<(), Error> {
        let start = self.at - passed.len();
        match &mut self.hole {
            Some(hole) if (start..self.at).contains(&hole.at) => {
                hole.is_crossed = true;
                Err(no_json())
            }
            _ => Ok(()),
        }
    }
}

/// Unescapes the content of a string in place: the result is never longer.
fn unescape(text: String) -> Option<String> {
    let mut text = text.into_bytes();
    let mut end = plain_end(&text, 0);
    let mut at = end;
    while let Some((sign, length)) = escape(&text, at) {
        let width = sign.encode_utf8(&mut text[end..]).len();
        let start = at + length;
        at = plain_end(&text, start);
        text.copy_within(start..at, end + width);
        end += width + at - start;
    }
    text.truncate(end);
    String::from_utf8(text).ok().map(shrunk)
}

/// Releases excess capacity of a text.
fn shrunk(mut text: String) -> String {
    if text.capacity() / SLACK > text.len() {
        text.shrink_to_fit();
    }
    text
}
