//! String contents, with their escapes decoded.

use super::{
    super::{
        escape::escape,
        plain::{plain_end, plain_length, short_length},
    },
    no_json,
};
use serde_json::Error;

/// Returns the string that begins at `start`, after its quote, if it has no escapes.
///
/// Not inlined: it is called from many places.
#[inline(never)]
pub(super) fn plain(text: &[u8], start: usize) -> Option<&[u8]> {
    let rest = text.get(start..)?;
    match short_length(rest) {
        Some(length) => rest.get(..length),
        None => any_plain(rest),
    }
}

/// The same for all strings.
#[inline(never)]
fn any_plain(rest: &[u8]) -> Option<&[u8]> {
    let (text, rest) = rest.split_at_checked(plain_length(rest, &mut 0))?;
    (rest.first() == Some(&b'"')).then_some(text)
}

/// Reads the string that begins at `at`, after its quote, and moves `at` behind the closing one.
#[cold]
pub(super) fn escaped(text: &str, at: &mut usize) -> Result<String, Error> {
    let start = *at;
    let escape = plain_end(text.as_bytes(), start);
    unescape(text, start, escape, at)
}

/// Unescapes the string that begins at `start` and has its first escape at `end`.
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
        end = plain_end(text.as_bytes(), start);
    }
}

/// Reads a string with a lone surrogate, or an invalid one.
fn by_serde(text: &str, begin: usize, at: &mut usize) -> Result<String, Error> {
    let rest = text.get(begin.saturating_sub(1)..).ok_or_else(no_json)?;
    let mut strings = serde_json::Deserializer::from_str(rest).into_iter();
    let string = strings.next().unwrap_or_else(|| Err(no_json()))?;
    *at = begin.saturating_sub(1) + strings.byte_offset();
    Ok(string)
}
