//! Text with a hole: a large string was lifted out of it.

use super::{super::escape::escape, super::plain::plain_end, Reader, no_json};
use serde_json::Error;

/// How many times the memory that it needs a string may have. A buffer that grew has twice of it and is left as it is: what
/// allocators get back as they gave it, they give again, and pages that are not written are not there.
const SLACK: usize = 3;

/// Where a string was taken out, and the string. Its quotes are still there.
#[derive(Debug)]
pub(crate) struct Hole {
    /// Where its first quote is.
    pub(crate) at: usize,
    /// What was between the quotes, escapes and all, until somebody wants it.
    pub(crate) text: Option<String>,
    length: usize,
    /// Whether there are no escapes in it.
    pub(crate) is_plain: bool,
    /// Whether somebody wanted the text of what is around it, or wanted to read it twice.
    pub(crate) is_crossed: bool,
}

impl Hole {
    /// `text` has no lone surrogates.
    pub(crate) fn new(at: usize, text: String, is_plain: bool) -> Self {
        let length = text.len();
        Self { at, length, text: Some(text), is_plain, is_crossed: false }
    }

    /// A hole at the same place for a reading whose value is given up: it shows whether all can be read at one go.
    pub(crate) fn rehearsal(&self) -> Self {
        Self { text: Some(String::new()), is_crossed: false, ..*self }
    }

    /// The text with the string in it, if the string is still here.
    #[cold]
    pub(crate) fn close(&self, around: &[u8]) -> Option<Vec<u8>> {
        let (before, after) = around.split_at_checked(self.at + 1)?;
        Some([before, self.text.as_deref()?.as_bytes(), after].concat())
    }

    /// How much is missing before a place, behind another one.
    pub(super) fn between(&self, start: usize, end: usize) -> usize {
        if (start..end).contains(&self.at) { self.length } else { 0 }
    }

    /// The same hole in the text between the two, with the string, if it is there.
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
    /// The string that was taken out where the reader is; none if it is another one.
    #[cold]
    pub(super) fn fill(&mut self) -> Option<Result<String, Error>> {
        let hole = self.hole.as_mut().filter(|hole| hole.at == self.at)?;
        self.at += 2;
        let text = hole.text.take();
        let text = if hole.is_plain { text.map(shrunk) } else { text.and_then(unescape) };
        Some(text.ok_or_else(no_json))
    }

    /// An error if the hole is in the text that the reader has just passed over.
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

/// What the inside of a string stands for, in the same memory: it is never longer than that.
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

/// The same text without the memory that it does not need.
fn shrunk(mut text: String) -> String {
    if text.capacity() / SLACK > text.len() {
        text.shrink_to_fit();
    }
    text
}
