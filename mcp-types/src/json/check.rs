//! Validation: that text is one JSON value.

use super::{
    nesting::{Nesting, Open},
    plain::{HIGH, plain_length, short_length},
};
use std::ops::Range;

/// Returns the range of the single value in the text, without white space around it; none if the text is not JSON in
/// UTF-8.
#[inline]
pub(crate) fn check(text: &[u8]) -> Option<Range<usize>> {
    let mut checker = Checker::new(text);
    let start = checker.value()?.start;
    checker.finish(start)
}

/// A common beginning of texts, up to the next value: it is known to be valid and needs no check.
#[derive(Debug)]
pub(crate) struct Beginning {
    pub(crate) text: &'static str,
    /// What is open there.
    pub(crate) open: Open,
}

impl Beginning {
    /// Checks text with this beginning, like [`check`]; returns none if it begins differently, or is not JSON.
    #[inline]
    pub(crate) fn check(&self, text: &[u8]) -> Option<Range<usize>> {
        let rest = text.strip_prefix(self.text.as_bytes())?;
        let (first, behind) = next(rest)?;
        let (rest, seen) = past_values(self.open, first, behind)?;
        Checker { text, rest, seen }.finish(0)
    }
}

/// Skips JSON text, value by value. Accepts exactly what serde_json accepts.
#[derive(Debug)]
pub(crate) struct Checker<'a> {
    text: &'a [u8],
    rest: &'a [u8],
    /// The bitwise OR of all bytes of strings.
    seen: u64,
}

impl<'a> Checker<'a> {
    pub(crate) fn new(text: &'a [u8]) -> Self {
        Self { text, rest: text, seen: 0 }
    }

    /// Returns the range of the value skipped from `start` on, if nothing follows it, and if it is UTF-8.
    #[inline]
    fn finish(&self, start: usize) -> Option<Range<usize>> {
        (self.is_at_end() && self.is_utf8()).then(|| start..self.at())
    }

    /// Returns the current position.
    #[inline]
    fn at(&self) -> usize {
        self.text.len() - self.rest.len()
    }

    /// Skips white space and one byte, if it is this one.
    #[inline]
    pub(crate) fn take(&mut self, byte: u8) -> Option<()> {
        self.rest = past(self.rest, byte)?;
        Some(())
    }

    /// Skips white space and a string; returns what is between its quotes, not unescaped.
    #[inline]
    pub(crate) fn string(&mut self) -> Option<&'a [u8]> {
        self.take(b'"')?;
        let start = self.at();
        self.rest = past_string(self.rest, &mut self.seen)?;
        self.text.get(start..self.at() - 1)
    }

    /// Skips white space and one value; returns its range.
    #[inline]
    pub(crate) fn value(&mut self) -> Option<Range<usize>> {
        let (first, behind) = next(self.rest)?;
        let (rest, seen) = past_value(first, behind)?;
        self.rest = rest;
        self.seen |= seen;
        Some(self.text.len() - behind.len() - 1..self.at())
    }

    /// Returns whether only white space is left.
    #[inline]
    pub(crate) fn is_at_end(&self) -> bool {
        next(self.rest).is_none()
    }

    /// Returns whether the skipped text is UTF-8; outside of strings it is ASCII anyway.
    #[inline]
    pub(crate) fn is_utf8(&self) -> bool {
        let passed = || self.text.get(..self.at()).unwrap_or_default();
        self.seen & HIGH == 0 || std::str::from_utf8(passed()).is_ok()
    }
}

/// Returns what follows a value whose first byte is known, and the OR of the bytes of its strings.
#[inline]
pub(super) fn past_value(first: u8, behind: &[u8]) -> Option<(&[u8], u64)> {
    past_values(Open::NOTHING, first, behind)
}

/// Returns what follows a value and the containers open around it.
#[inline(never)]
fn past_values(open: Open, mut first: u8, mut behind: &[u8]) -> Option<(&[u8], u64)> {
    let (mut nesting, mut seen, mut is_key) = (Nesting::within(open), 0, false);
    'values: loop {
        behind = match first {
            b'"' => past_string(behind, &mut seen)?,
            _ if is_key => return None,
            b'{' => match next(behind)? {
                (b'}', behind) => behind,
                key => {
                    nesting.open(true);
                    (first, behind) = key;
                    is_key = true;
                    continue;
                }
            },
            b'[' => match next(behind)? {
                (b']', behind) => behind,
                element => {
                    nesting.open(false);
                    (first, behind) = element;
                    continue;
                }
            },
            _ => past_small(first, behind)?,
        };
        if is_key {
            (first, behind) = next(past(behind, b':')?)?;
            is_key = false;
            continue;
        }
        // The value has ended, and perhaps its containers too.
        while !nesting.is_empty() {
            (first, behind) = next(behind)?;
            match (first, nesting.is_in_object()) {
                (b'}', true) | (b']', false) => nesting.close(),
                (b',', is_in_object) => {
                    (first, behind) = next(behind)?;
                    is_key = is_in_object;
                    continue 'values;
                }
                _ => return None,
            }
        }
        return Some((behind, seen));
    }
}

/// Returns the next byte after white space, of which there is usually none, and what follows it.
#[inline(always)]
pub(super) fn next(rest: &[u8]) -> Option<(u8, &[u8])> {
    let (byte, behind) = rest.split_first()?;
    if *byte > b' ' { Some((*byte, behind)) } else { next_after_space(rest) }
}

#[inline(never)]
fn next_after_space(mut rest: &[u8]) -> Option<(u8, &[u8])> {
    while let [b' ' | b'\n' | b'\t' | b'\r', behind @ ..] = rest {
        rest = behind;
    }
    rest.split_first().map(|(byte, behind)| (*byte, behind))
}

/// Returns what follows this byte, if it is next.
#[inline(always)]
fn past(rest: &[u8], byte: u8) -> Option<&[u8]> {
    let (next, behind) = next(rest)?;
    (next == byte).then_some(behind)
}

/// Returns what follows a string, whose content is next.
#[inline(always)]
fn past_string<'a>(text: &'a [u8], seen: &mut u64) -> Option<&'a [u8]> {
    match short_length(text) {
        Some(length) => text.get(length + 1..),
        None => past_any_string(text, seen),
    }
}

/// The same for strings that are long, or that contain escapes or non-ASCII characters.
#[inline(never)]
fn past_any_string<'a>(mut text: &'a [u8], seen: &mut u64) -> Option<&'a [u8]> {
    loop {
        text = match text.get(plain_length(text, seen)..)? {
            [b'"', behind @ ..] => return Some(behind),
            [b'\\', behind @ ..] => past_escape(behind)?,
            _ => return None,
        };
    }
}

#[inline]
fn past_escape(rest: &[u8]) -> Option<&[u8]> {
    match rest.split_first()? {
        (b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', behind) => Some(behind),
        (b'u', behind) => {
            let (digits, behind) = behind.split_first_chunk::<4>()?;
            digits.iter().all(u8::is_ascii_hexdigit).then_some(behind)
        }
        _ => None,
    }
}

/// Returns what follows a value that is neither a string nor a container, and whose first byte is known.
#[inline(never)]
fn past_small(first: u8, behind: &[u8]) -> Option<&[u8]> {
    match first {
        b't' => behind.strip_prefix(b"rue"),
        b'f' => behind.strip_prefix(b"alse"),
        b'n' => behind.strip_prefix(b"ull"),
        _ => past_digits_of(first, behind),
    }
}

/// Returns what follows a number, if one is next.
pub(super) fn past_number(text: &[u8]) -> Option<&[u8]> {
    let (first, behind) = text.split_first()?;
    past_digits_of(*first, behind)
}

/// Returns what follows a number, if its first byte can begin one.
#[inline]
fn past_digits_of(mut first: u8, mut rest: &[u8]) -> Option<&[u8]> {
    if first == b'-' {
        let (digit, behind) = rest.split_first()?;
        (first, rest) = (*digit, behind);
    }
    rest = match first {
        b'0' => rest,
        b'1'..=b'9' => past_digits(rest),
        _ => return None,
    };
    if let [b'.', behind @ ..] = rest {
        rest = past_some_digits(behind)?;
    }
    if let [b'e' | b'E', behind @ ..] = rest {
        rest = match behind {
            [b'+' | b'-', behind @ ..] => past_some_digits(behind)?,
            _ => past_some_digits(behind)?,
        };
    }
    Some(rest)
}

/// Returns what follows the next digits, if there is at least one.
#[inline]
fn past_some_digits(rest: &[u8]) -> Option<&[u8]> {
    rest.first()?.is_ascii_digit().then(|| past_digits(rest))
}

#[inline]
fn past_digits(mut rest: &[u8]) -> &[u8] {
    while let [b'0'..=b'9', behind @ ..] = rest {
        rest = behind;
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::{Beginning, Open, check};
    use proptest::prelude::*;
    use serde_json::value::RawValue;

    /// Returns the value that serde_json finds in the text.
    fn expected(text: &[u8]) -> Option<&str> {
        serde_json::from_slice::<&RawValue>(text).ok().map(RawValue::get)
    }

    #[track_caller]
    fn compare(text: &[u8]) {
        let found = check(text).map(|place| &text[place]);
        let shown = String::from_utf8_lossy(text);
        assert_eq!(found, expected(text).map(str::as_bytes), "{shown}");
    }

    #[test]
    fn what_is_json_and_what_is_not() {
        let number = ["0", "-0", "10", "1.5", "1e3", "1E+30", "2.25e-7", "-7"];
        let no_number = ["-", "01", "1.", ".5", "1e", "1e+", "+1", "--1", "1.e3", "0x1", "1 2"];
        let string = [r#""""#, r#""a\n\"\\\/\b\f\r\té""#, r#""\u00e9\ud83d""#, "\"\u{7f}\""];
        let no_string = [r#"""#, r#""\x""#, r#""\u00g0""#, r#""\u00"#, "\"\n\"", "\"\0\"", r#""\"#];
        let other = ["{}", "[]", " [ 1 , {\"a\" : null } ]\n", "true", "false", "null", "[[],{}]"];
        let nothing = ["", " ", "nul", "True", "[1,]", "[,1]", "{,}", r#"{"a"}"#, r#"{"a":}"#];
        let unclosed =
            ["[", "{", "[}", "{]", "[1", r#"{"a":1"#, r#"{"a":1]"#, r#"{a:1}"#, "]", "}"];
        let more =
            [r#"{"a":1,}"#, r#"{"a":1 "b":2}"#, "[1 2]", "{}{}", "\u{feff}1", "[1]]", "\u{a0}1"];
        let groups: [&[&str]; 8] =
            [&number, &no_number, &string, &no_string, &other, &nothing, &unclosed, &more];
        for text in groups.into_iter().flatten() {
            compare(text.as_bytes());
            compare(format!("[{text}]").as_bytes());
            compare(format!("{{\"k\": {text} }}").as_bytes());
        }
    }

    #[test]
    fn what_is_known_by_heart_is_taken_as_if_it_were_read() {
        let beginning =
            Beginning { text: r#"{"a":[{"b":"#, open: Open::NOTHING.object().array().object() };
        assert_eq!(beginning.check(br#"{"a":[{"c":1}]}"#), None);
        for rest in
            ["1}]}", "\"\u{e9}\"}],\"c\":[ {} ] } ", "1}]", "1}}]", "1]}}", "1}]}}", "}]}", ""]
        {
            let text = [beginning.text, rest].concat();
            assert_eq!(beginning.check(text.as_bytes()), check(text.as_bytes()), "{text}");
        }
        for rest in [&b"\"\xff\"}]}"[..], b"\"\xc3\xa9\"}],\"\xc3\":0}"] {
            let text = [beginning.text.as_bytes(), rest].concat();
            assert_eq!(beginning.check(&text), None);
        }
    }

    #[test]
    fn what_is_not_utf8_is_not_json() {
        for text in [&b"\"\xff\""[..], b"{\"\xc3\":1}", b"[\"\xed\xa0\x80\"]", b"\"\xc3\xa9\""] {
            compare(text);
            let mut long = b"[\"".to_vec();
            long.resize(400, b'x');
            long.extend_from_slice(b"\",");
            long.extend_from_slice(text);
            long.push(b']');
            compare(&long);
        }
    }

    #[test]
    fn depth_is_no_limit() {
        for depth in [63, 64, 65, 128, 129, 5_000] {
            compare(format!("{}{}", "[".repeat(depth), "]".repeat(depth)).as_bytes());
            compare(format!("{}1{}", "{\"a\":[".repeat(depth), "]}".repeat(depth)).as_bytes());
            compare(format!("{}{}", "[".repeat(depth), "]".repeat(depth - 1)).as_bytes());
        }
    }

    proptest! {
        #[test]
        fn texts_of_the_signs_of_json_are_taken_as_by_serde(text in r#"[\[\]{}:,"\\/u0-9a-f.eE+ \n\x00é-]{0,24}"#) {
            compare(text.as_bytes());
        }

        #[test]
        fn bytes_of_all_kinds_are_taken_as_by_serde(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            compare(&bytes);
            compare(&[b"[\"", &bytes[..], b"\"]"].concat());
        }

        #[test]
        fn values_with_one_byte_changed_are_taken_as_by_serde(
            words in prop::collection::vec(".{0,40}", 1..8), at in any::<prop::sample::Index>(), byte in any::<u8>(),
        ) {
            let value = serde_json::json!({"a": words, "b": [{"c": 1.5e3, "d": null}, true, -7]});
            let mut text = serde_json::to_vec(&value).unwrap();
            compare(&text);
            let at = at.index(text.len());
            text[at] = byte;
            compare(&text);
        }
    }
}
