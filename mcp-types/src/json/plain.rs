//! Scanning for the end of the plain part of a string, many bytes at a time.

use memchr::memchr2;
use std::ops::BitOr;

/// The size of a word in bytes.
pub(super) const WORD: usize = size_of::<u64>();
/// How many words are checked one by one before a string counts as long.
const FEW: usize = 8;
/// How much of a long string is first scanned for its end and then checked, while it is in the cache.
const WINDOW: usize = 8 * 1024;
/// The size of a block in bytes, for which the compiler finds SIMD instructions.
const BLOCK: usize = FEW * WORD;
/// Repeats a byte in each byte of a word, by multiplication.
const EACH: u64 = u64::MAX / 255;
/// The highest bit of each byte of a word: if none is set, all are ASCII.
pub(super) const HIGH: u64 = EACH << 7;

/// Returns the length of a string whose content is next, if it is short, plain ASCII, and has its closing quote.
#[inline(always)]
pub(super) fn short_length(text: &[u8]) -> Option<usize> {
    let chunk = text.first_chunk()?;
    match ends(u64::from_le_bytes(*chunk)) {
        0 => {}
        ends => return quote_at(chunk, ends),
    }
    let chunk = text.get(WORD..)?.first_chunk()?;
    match ends(u64::from_le_bytes(*chunk)) {
        0 => None,
        ends => Some(WORD + quote_at(chunk, ends)?),
    }
}

/// Returns the position of the first byte that ends short text, if it is a quote.
#[inline(always)]
fn quote_at(chunk: &[u8; WORD], ends: u64) -> Option<usize> {
    let length = first(ends) % WORD;
    (chunk[length] == b'"').then_some(length)
}

/// Returns where the plain text that begins at `at` ends: at a quote, a backslash or a control character, or at the end
/// of the text.
#[inline]
pub(super) fn plain_end(text: &[u8], at: usize) -> usize {
    at + plain_length(text.get(at..).unwrap_or_default(), &mut 0)
}

/// Returns how much plain text comes before a quote, a backslash, a control character or the end of the text. Collects
/// in `seen` the OR of all bytes passed, and perhaps of some after them.
#[inline(never)]
pub(super) fn plain_length(text: &[u8], seen: &mut u64) -> usize {
    let (words, _) = text.as_chunks::<WORD>();
    let mut length = 0;
    for word in words.iter().take(FEW) {
        let word = u64::from_le_bytes(*word);
        *seen |= word;
        match specials(word) {
            0 => length += WORD,
            specials => return length + first(specials),
        }
    }
    if length == BLOCK {
        return long_length(text, seen);
    }
    for byte in &text[length..] {
        if matches!(byte, 0..b' ' | b'"' | b'\\') {
            break;
        }
        *seen |= u64::from(*byte);
        length += 1;
    }
    length
}

/// The same for text that begins with a block of plain text.
#[inline(never)]
fn long_length(text: &[u8], seen: &mut u64) -> usize {
    let mut length = 0;
    for window in text.chunks(WINDOW) {
        let end = memchr2(b'"', b'\\', window).unwrap_or(window.len());
        let passed = &window[..end];
        let (least, bits) = extremes(passed);
        *seen |= u64::from(bits);
        if least < b' ' {
            return length + passed.iter().take_while(|byte| **byte >= b' ').count();
        }
        length += end;
        if end < window.len() {
            break;
        }
    }
    length
}

/// Returns the minimum of some bytes, and their OR.
fn extremes(bytes: &[u8]) -> (u8, u8) {
    let (mut least, mut bits) = ([u8::MAX; BLOCK], [0; BLOCK]);
    let (blocks, rest) = bytes.as_chunks::<BLOCK>();
    // The last block may overlap the one before it.
    for block in blocks.iter().chain(bytes.last_chunk()) {
        for (at, byte) in block.iter().enumerate() {
            least[at] = least[at].min(*byte);
            bits[at] |= byte;
        }
    }
    for byte in if blocks.is_empty() { rest } else { &[] } {
        least[0] = least[0].min(*byte);
        bits[0] |= byte;
    }
    (least.into_iter().fold(u8::MAX, u8::min), bits.into_iter().fold(0, u8::bitor))
}

/// Returns the highest bit of the first byte that is not plain text, and perhaps those of later ones.
#[inline]
pub(super) fn specials(word: u64) -> u64 {
    borrows(word) & !word & HIGH
}

/// The same, including all bytes that are not ASCII.
#[inline]
fn ends(word: u64) -> u64 {
    (borrows(word) | word) & HIGH
}

/// Marks the ASCII bytes that are not plain text in their highest bit, up to the first of them.
///
/// `"` with its second bit flipped is a space, and all control characters stay below it: one subtraction borrows for
/// both. A borrow only affects bytes after the one that causes it.
#[inline(always)]
fn borrows(word: u64) -> u64 {
    let control_or_quote = (word ^ (EACH * 0x02)).wrapping_sub(EACH * 0x21);
    let backslash = (word ^ (EACH * u64::from(b'\\'))).wrapping_sub(EACH);
    control_or_quote | backslash
}

/// Returns the index of the byte with the lowest set bit.
#[inline]
pub(super) fn first(specials: u64) -> usize {
    (specials.trailing_zeros() / u8::BITS) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expected(text: &[u8]) -> usize {
        let special = |byte: &u8| *byte < b' ' || *byte == b'"' || *byte == b'\\';
        text.iter().position(special).unwrap_or(text.len())
    }

    #[test]
    fn every_byte_is_found_wherever_it_stands() {
        for length in [1, 7, 8, 9, 31, 40, 127, 128, 129, 300] {
            for place in [0, 1, 6, 7, 8, 33, 64, 100, 127, 128, 160, 250, 299] {
                for byte in 0..=u8::MAX {
                    let mut text = vec![b'x'; length];
                    if let Some(at) = text.get_mut(place) {
                        *at = byte;
                    }
                    let mut seen = 0;
                    assert_eq!(plain_length(&text, &mut seen), expected(&text), "{text:?}");
                    let is_ascii = text[..expected(&text)].is_ascii();
                    assert!(is_ascii || seen & HIGH != 0, "{text:?}");
                    assert!(!text.is_ascii() || seen & HIGH == 0, "{text:?}");
                }
            }
        }
    }

    #[test]
    fn of_two_the_first_is_found() {
        for (first, second) in [(b'"', b'\\'), (b'\\', b'"'), (0, b'"'), (0x1f, 0x80), (0xff, b'"')]
        {
            for distance in 1..12 {
                let mut text = b"plain text".to_vec();
                text.push(first);
                text.resize(text.len() + distance - 1, b' ');
                text.push(second);
                assert_eq!(plain_end(&text, 0), expected(&text), "{text:?}");
            }
        }
    }
}
