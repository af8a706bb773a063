//! Checking that text is JSON.

use super::{
    nesting::Nesting,
    plain::{HIGH, plain_end},
};
use std::ops::Range;

/// Where the one value is that the text consists of, but for white space; nothing if it is no JSON in UTF-8.
#[inline]
pub(crate) fn check(text: &[u8]) -> Option<Range<usize>> {
    let mut checker = Checker::new(text);
    let value = checker.value()?;
    (checker.is_at_end() && checker.is_utf8()).then_some(value)
}

/// Passes over JSON text, value by value. Takes exactly what serde_json passes over.
pub(crate) struct Checker<'a> {
    text: &'a [u8],
    at: usize,
    /// The bits of all bytes of strings.
    seen: u64,
}

impl<'a> Checker<'a> {
    pub(crate) fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0, seen: 0 }
    }

    /// Passes over white space and one byte, if it is this one.
    #[inline]
    pub(crate) fn take(&mut self, byte: u8) -> Option<()> {
        (next(self.text, &mut self.at)? == byte).then(|| self.at += 1)
    }

    /// Passes over white space and a string; gives what is between its quotes, escapes and all.
    #[inline]
    pub(crate) fn string(&mut self) -> Option<&'a [u8]> {
        self.take(b'"')?;
        let start = self.at;
        self.at = string_end(self.text, start, &mut self.seen)?;
        self.text.get(start..self.at - 1)
    }

    /// Passes over white space and one value; gives its place.
    #[inline]
    pub(crate) fn value(&mut self) -> Option<Range<usize>> {
        next(self.text, &mut self.at)?;
        let start = self.at;
        let (end, seen) = value_end(self.text, start)?;
        self.seen |= seen;
        self.at = end;
        Some(start..self.at)
    }

    /// Whether nothing but white space is left.
    #[inline]
    pub(crate) fn is_at_end(&self) -> bool {
        next(self.text, &mut self.at.clone()).is_none()
    }

    /// Whether what was passed over is UTF-8; outside of strings it cannot be otherwise.
    #[inline]
    pub(crate) fn is_utf8(&self) -> bool {
        let passed = || self.text.get(..self.at).unwrap_or_default();
        self.seen & HIGH == 0 || std::str::from_utf8(passed()).is_ok()
    }
}

/// Where the value ends that begins there; gives the bits of its strings as well.
pub(super) fn value_end(text: &[u8], mut at: usize) -> Option<(usize, u64)> {
    let mut nesting = Nesting::new();
    let mut seen = 0;
    'values: loop {
        match next(text, &mut at)? {
            b'"' => at = string_end(text, at + 1, &mut seen)?,
            b'{' => {
                at += 1;
                nesting.open(true);
                if next(text, &mut at)? != b'}' {
                    at = key_end(text, at, &mut seen)?;
                    continue;
                }
            }
            b'[' => {
                at += 1;
                nesting.open(false);
                if next(text, &mut at)? != b']' {
                    continue;
                }
            }
            b't' => at = past(text, at, b"true")?,
            b'f' => at = past(text, at, b"false")?,
            b'n' => at = past(text, at, b"null")?,
            _ => at = number_end(text, at)?,
        }
        // The value has ended, and perhaps what is around it as well.
        while !nesting.is_empty() {
            let is_in_object = nesting.is_in_object();
            let byte = next(text, &mut at)?;
            at += 1;
            match byte {
                b',' if is_in_object => {
                    at = key_end(text, at, &mut seen)?;
                    continue 'values;
                }
                b',' => continue 'values,
                b'}' if is_in_object => nesting.close(),
                b']' if !is_in_object => nesting.close(),
                _ => return None,
            }
        }
        return Some((at, seen));
    }
}

/// The byte after white space, of which mostly there is none.
#[inline(always)]
pub(super) fn next(text: &[u8], at: &mut usize) -> Option<u8> {
    let byte = *text.get(*at)?;
    if byte > b' ' {
        return Some(byte);
    }
    *at = space_end(text, *at);
    text.get(*at).copied()
}

/// Where the white space ends.
#[inline(never)]
fn space_end(text: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\t' | b'\r') = text.get(at) {
        at += 1;
    }
    at
}

/// Where the colon ends that comes after the key which is next.
#[inline(always)]
fn key_end(text: &[u8], mut at: usize, seen: &mut u64) -> Option<usize> {
    if next(text, &mut at)? != b'"' {
        return None;
    }
    at = string_end(text, at + 1, seen)?;
    (next(text, &mut at)? == b':').then_some(at + 1)
}

/// Where this ends, if it is there.
#[inline]
fn past(text: &[u8], at: usize, word: &[u8]) -> Option<usize> {
    text.get(at..)?.starts_with(word).then_some(at + word.len())
}

/// Where the string ends, its quote included, of which the text begins there.
#[inline(always)]
fn string_end(text: &[u8], mut at: usize, seen: &mut u64) -> Option<usize> {
    loop {
        at = plain_end(text, at, seen);
        match text.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at = past_escape(text, at + 1)?,
            _ => return None,
        }
    }
}

#[inline]
fn past_escape(text: &[u8], at: usize) -> Option<usize> {
    match text.get(at)? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(at + 1),
        b'u' => {
            let digits = text.get(at + 1..at + 5)?;
            digits.iter().all(u8::is_ascii_hexdigit).then_some(at + 5)
        }
        _ => None,
    }
}

/// Where the number ends that begins there, if it is one.
pub(super) fn number_end(text: &[u8], at: usize) -> Option<usize> {
    let start = at + usize::from(text.get(at) == Some(&b'-'));
    let mut at = match text.get(start)? {
        b'0' => start + 1,
        _ => digits_end(text, start)?,
    };
    if text.get(at) == Some(&b'.') {
        at = digits_end(text, at + 1)?;
    }
    if let Some(b'e' | b'E') = text.get(at) {
        at += 1;
        at += usize::from(matches!(text.get(at), Some(b'+' | b'-')));
        at = digits_end(text, at)?;
    }
    Some(at)
}

/// Where the digits end that begin there, if there is one at least.
#[inline]
fn digits_end(text: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    while let Some(b'0'..=b'9') = text.get(at) {
        at += 1;
    }
    (at > start).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::check;
    use proptest::prelude::*;
    use serde_json::value::RawValue;

    /// What serde_json takes the text for.
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
