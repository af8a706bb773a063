//! Serializing strings.

use crate::json::{
    LARGE,
    plain::{WORD, first, plain_end, specials},
};

/// Up to this length a string is copied as two words that may overlap.
const SHORT: usize = 2 * WORD;
/// A quote, the first byte of a word.
const QUOTE: u128 = b'"' as u128;
/// A word of spaces.
const SPACES: u64 = u64::MAX / 255 * b' ' as u64;
/// The size of a block for counting: as many as a byte can count.
const BLOCK: usize = 128;
/// Spare capacity after a large string, so that the little that follows does not double the buffer.
const SLACK: usize = 1024;

/// Appends a string.
#[inline]
pub(crate) fn write_text(text: &str, out: &mut Vec<u8>) {
    let text = text.as_bytes();
    match text.len() {
        0..WORD => write_tiny(text, out),
        WORD..=SHORT => write_short(text, out),
        _ => write_any(text, out),
    }
}

/// Appends a string of any length.
#[inline(never)]
fn write_any(text: &[u8], out: &mut Vec<u8>) {
    if text.len() >= LARGE {
        out.reserve_exact(text.len() + growth(text) + SLACK);
    }
    out.push(b'"');
    write_escaped(text, out);
    out.push(b'"');
}

/// Appends a string shorter than a word, without calling `memcpy`.
#[inline]
fn write_tiny(text: &[u8], out: &mut Vec<u8>) {
    match closed(text) {
        Some(closed) => append(closed << u8::BITS | QUOTE, text.len() + 2, out),
        None => write_any(text, out),
    }
}

/// Appends the separator of a member, its key, and the colon.
///
/// Where the key is a constant, the compiler folds most of this into few instructions.
#[inline(always)]
pub(super) fn write_name(separator: u8, name: &str, out: &mut Vec<u8>) {
    let length = name.len();
    if length < WORD
        && let Some(closed) = closed(name.as_bytes())
    {
        let opened = (closed << u8::BITS | QUOTE) << u8::BITS | u128::from(separator);
        let end = length as u32 + 3;
        let within = opened & !(u128::MAX << (u8::BITS * end));
        return append(within | u128::from(b':') << (u8::BITS * end), length + 4, out);
    }
    out.push(separator);
    write_text(name, out);
    out.push(b':');
}

/// Appends the first bytes of up to two words, the lowest first.
///
/// They are stored directly from registers: a buffer filled piecewise cannot be loaded before all its parts are stored,
/// which costs more than everything else.
#[inline(always)]
pub(super) fn append(words: u128, length: usize, out: &mut Vec<u8>) {
    let end = out.len() + length;
    out.extend_from_slice(&words.to_le_bytes());
    out.truncate(end);
}

/// Returns a tiny text with its closing quote, perhaps followed by spaces, if nothing in it needs escaping.
#[inline(always)]
fn closed(text: &[u8]) -> Option<u128> {
    let behind = u8::BITS * text.len() as u32;
    let padded = word(text) | SPACES << behind;
    // The first of the spaces becomes the quote.
    (specials(padded) == 0).then(|| u128::from(padded ^ u64::from(b' ' ^ b'"') << behind))
}

/// Packs the bytes of a tiny text into a word, the first in the lowest byte.
#[inline(always)]
fn word(text: &[u8]) -> u64 {
    let [first, last] = match (text.first_chunk(), text.last_chunk()) {
        (Some(first), Some(last)) => [first, last].map(|part| u32::from_le_bytes(*part)),
        _ => return text.iter().rev().fold(0, |word, byte| word << u8::BITS | u64::from(*byte)),
    };
    // Overlapping bytes are equal.
    u64::from(first) | u64::from(last) << (u8::BITS * (text.len() - size_of::<u32>()) as u32)
}

/// Appends a string of one or two words: the first and the last one, which may overlap.
fn write_short(text: &[u8], out: &mut Vec<u8>) {
    if let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk())
        && let [first, last] = [first, last].map(|word| u64::from_le_bytes(*word))
        && specials(first) | specials(last) == 0
    {
        append(u128::from(first) << u8::BITS | QUOTE, 1 + text.len() - WORD, out);
        return append(QUOTE << u64::BITS | u128::from(last), WORD + 1, out);
    }
    write_any(text, out);
}

/// Appends the content of a string: plain text unchanged, everything else escaped.
pub(super) fn write_escaped(mut text: &[u8], out: &mut Vec<u8>) {
    loop {
        let (plain, rest) = text.split_at(end_of_plain(text));
        out.extend_from_slice(plain);
        let Some((special, rest)) = rest.split_first() else { return };
        write_special(*special, out);
        text = rest;
    }
}

/// Returns the length of the plain text at the beginning. A block is checked as a whole if nothing in the one before it
/// needed escaping.
#[inline]
fn end_of_plain(text: &[u8]) -> usize {
    let (words, _) = text.as_chunks::<WORD>();
    let few = &words[..words.len().min(BLOCK / WORD)];
    for (at, word) in few.iter().enumerate() {
        let specials = specials(u64::from_le_bytes(*word));
        if specials != 0 {
            return at * WORD + first(specials);
        }
    }
    match text.last_chunk() {
        Some(last) if few.len() == words.len() => match specials(u64::from_le_bytes(*last)) {
            0 => text.len(),
            specials => text.len() - WORD + first(specials),
        },
        _ => plain_end(text, few.len() * WORD),
    }
}

/// Appends the escape of a character.
fn write_special(byte: u8, out: &mut Vec<u8>) {
    let sign = match byte {
        b'"' | b'\\' => byte,
        0x08 => b'b',
        b'\t' => b't',
        b'\n' => b'n',
        0x0c => b'f',
        b'\r' => b'r',
        _ => {
            const DIGITS: &[u8; 16] = b"0123456789abcdef";
            let [high, low] = [byte >> 4, byte & 15].map(|digit| DIGITS[usize::from(digit)]);
            return out.extend_from_slice(&[b'\\', b'u', b'0', b'0', high, low]);
        }
    };
    out.extend_from_slice(&[b'\\', sign]);
}

/// Returns how many more bytes the escapes take.
fn growth(text: &[u8]) -> usize {
    let (blocks, rest) = text.as_chunks::<BLOCK>();
    blocks.iter().map(|block| growth_of_block(block)).sum::<usize>() + growth_of_block(rest)
}

/// The same for a block: two sums that fit a byte, so that the compiler finds SIMD instructions.
#[inline(always)]
fn growth_of_block(block: &[u8]) -> usize {
    let (mut special, mut long) = (0_u8, 0_u8);
    for byte in block {
        let is_control = *byte < b' ';
        let has_name = byte.wrapping_sub(0x08) < 6 && *byte != 0x0b;
        special += u8::from(is_control | (*byte == b'"') | (*byte == b'\\'));
        long += u8::from(is_control & !has_name);
    }
    usize::from(special) + 4 * usize::from(long)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_escaped_as_serde_json_does_wherever_it_stands() {
        for length in [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 63, 64, 65, 200] {
            for place in [0, 1, 2, 3, 4, 6, 7, 8, 14, 16, 40, 62, 63, 64, 150, 199] {
                for byte in 0..0x80_u8 {
                    let mut text = vec![b' '; length];
                    if let Some(at) = text.get_mut(place) {
                        *at = byte;
                    }
                    let text = String::from_utf8(text).unwrap();
                    let mut out = Vec::new();
                    write_text(&text, &mut out);
                    let expected = serde_json::to_string(&text).unwrap();
                    assert_eq!(out, expected.as_bytes(), "{text:?}");
                    write_name(b',', &text, &mut out);
                    assert_eq!(out, format!("{expected},{expected}:").as_bytes(), "{text:?}");
                }
            }
        }
    }

    #[test]
    fn a_large_string_is_given_its_room_at_once() {
        let text = "\u{1}\t\"\\ plain text".repeat(30_000);
        let mut out = Vec::new();
        write_text(&text, &mut out);
        assert_eq!(out, serde_json::to_vec(&text).unwrap());
        assert_eq!(out.len(), text.len() + growth(text.as_bytes()) + 2);
        assert!(out.capacity() <= out.len() + SLACK);
    }
}
