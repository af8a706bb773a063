//! Escape sequences in strings.

/// The length of the escape of a code unit, like `\u00e9`.
const UNIT: usize = 6;

/// Returns the character of the escape at `at`, and the length of the escape; none if it is a lone surrogate.
#[inline]
pub(super) fn escape(text: &[u8], at: usize) -> Option<(char, usize)> {
    Some(match text.get(at..).unwrap_or_default() {
        [b'\\', sign @ (b'"' | b'\\' | b'/'), ..] => (char::from(*sign), 2),
        [b'\\', b'b', ..] => ('\x08', 2),
        [b'\\', b'f', ..] => ('\x0c', 2),
        [b'\\', b'n', ..] => ('\n', 2),
        [b'\\', b'r', ..] => ('\r', 2),
        [b'\\', b't', ..] => ('\t', 2),
        [b'\\', b'u', ..] => return units(text, at),
        _ => return None,
    })
}

/// Returns the character of one code unit, or of a surrogate pair.
fn units(text: &[u8], at: usize) -> Option<(char, usize)> {
    let first = unit(text, at)?;
    if let Some(sign) = char::from_u32(first) {
        return Some((sign, UNIT));
    }
    let pair = [first, unit(text, at + UNIT)?].map(|unit| unit as u16);
    let sign = char::decode_utf16(pair).next()?.ok()?;
    Some((sign, 2 * UNIT))
}

/// Returns the code unit of the escape.
fn unit(text: &[u8], at: usize) -> Option<u32> {
    let digits = text.get(at..at + UNIT)?.strip_prefix(br"\u")?;
    digits.iter().try_fold(0, |unit, digit| Some(unit << 4 | char::from(*digit).to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn an_escape_is_for_one_sign_or_for_none() {
        for (text, expected) in [
            (r"\n", Some(('\n', 2))),
            (r#"\"x"#, Some(('"', 2))),
            (r"\u00e9\u00e9", Some(('\u{e9}', 6))),
            (r"\uD83d\uDe00x", Some(('\u{1f600}', 12))),
            (r"\ud83d", None),
            (r"\ud83d\n", None),
            (r"\ud83d\u0041", None),
            (r"\ude00\ud83d", None),
            (r"\u00g0", None),
            (r"\u00", None),
            (r"\", None),
            ("n", None),
            ("", None),
        ] {
            assert_eq!(escape(text.as_bytes(), 0), expected, "{text}");
        }
    }
}
