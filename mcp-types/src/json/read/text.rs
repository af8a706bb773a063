//! The text of strings, with the escapes in it.

use super::{
    super::{escape::escape, plain::plain_end},
    no_json,
};
use serde_json::Error;
use std::borrow::Cow;

/// Reads the string that begins at `at`, behind its quote; `at` is behind the other one then.
#[inline]
pub(super) fn read<'de>(text: &'de str, at: &mut usize) -> Result<Cow<'de, str>, Error> {
    let start = *at;
    let end = plain_end(text.as_bytes(), start, &mut 0);
    if text.as_bytes().get(end) == Some(&b'"') {
        *at = end + 1;
        return text.get(start..end).map(Cow::Borrowed).ok_or_else(no_json);
    }
    unescape(text, start, end, at).map(Cow::Owned)
}

/// The string that begins at `start` and has its first escape at `end`.
#[inline(never)]
fn unescape(text: &str, mut start: usize, mut end: usize, at: &mut usize) -> Result<String, Error> {
    let begin = start;
    let mut string = String::new();
    loop {
        string.push_str(text.get(start..end).ok_or_else(no_json)?);
        if text.as_bytes().get(end) == Some(&b'"') {
            *at = end + 1;
            return Ok(string);
        }
        let Some((sign, length)) = escape(text.as_bytes(), end) else {
            return by_serde(text, begin, at);
        };
        string.push(sign);
        start = end + length;
        end = plain_end(text.as_bytes(), start, &mut 0);
    }
}

/// Reads a string with half of a surrogate pair, or that is none.
fn by_serde(text: &str, begin: usize, at: &mut usize) -> Result<String, Error> {
    let rest = text.get(begin.saturating_sub(1)..).ok_or_else(no_json)?;
    let mut strings = serde_json::Deserializer::from_str(rest).into_iter();
    let string = strings.next().unwrap_or_else(|| Err(no_json()))?;
    *at = begin.saturating_sub(1) + strings.byte_offset();
    Ok(string)
}
