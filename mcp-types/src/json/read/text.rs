//! The text of strings, with the escapes in it.

use super::{super::plain::plain_end, no_json};
use serde_json::Error;
use std::borrow::Cow;

/// How long an escape of a code unit is, like `\u00e9`.
const UNIT: usize = 6;

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

/// The string that begins at `start` and has its first escape at `escape`.
#[inline(never)]
fn unescape(
    text: &str,
    mut start: usize,
    mut escape: usize,
    at: &mut usize,
) -> Result<String, Error> {
    let begin = start;
    let mut string = String::new();
    loop {
        string.push_str(text.get(start..escape).ok_or_else(no_json)?);
        let (sign, length) = match text.as_bytes().get(escape..).unwrap_or_default() {
            [b'"', ..] => {
                *at = escape + 1;
                return Ok(string);
            }
            [b'\\', sign @ (b'"' | b'\\' | b'/'), ..] => (char::from(*sign), 2),
            [b'\\', b'b', ..] => ('\x08', 2),
            [b'\\', b'f', ..] => ('\x0c', 2),
            [b'\\', b'n', ..] => ('\n', 2),
            [b'\\', b'r', ..] => ('\r', 2),
            [b'\\', b't', ..] => ('\t', 2),
            [b'\\', b'u', ..] => match unit(text, escape) {
                Some(sign) => (sign, UNIT),
                None => return by_serde(text, begin, at),
            },
            _ => return Err(no_json()),
        };
        string.push(sign);
        start = escape + length;
        escape = plain_end(text.as_bytes(), start, &mut 0);
    }
}

/// The sign of an escape of one code unit; nothing if it is half of a pair.
fn unit(text: &str, escape: usize) -> Option<char> {
    let digits = text.get(escape + 2..escape + UNIT)?;
    char::from_u32(u32::from_str_radix(digits, 16).ok()?)
}

/// Reads a string with surrogates, in pairs or not.
fn by_serde(text: &str, begin: usize, at: &mut usize) -> Result<String, Error> {
    let rest = text.get(begin.saturating_sub(1)..).ok_or_else(no_json)?;
    let mut strings = serde_json::Deserializer::from_str(rest).into_iter();
    let string = strings.next().unwrap_or_else(|| Err(no_json()))?;
    *at = begin.saturating_sub(1) + strings.byte_offset();
    Ok(string)
}
