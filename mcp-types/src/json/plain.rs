//! The plain part of strings, many bytes at a time.

/// How many bytes a word has.
pub(super) const WORD: usize = size_of::<u64>();
/// How many bytes a block has, for which the compiler finds wide instructions.
const BLOCK: usize = 128;
/// What makes a byte of each byte of a word.
const EACH: u64 = u64::MAX / 255;
/// The highest bit of each byte of a word: none is set if all are ASCII.
pub(super) const HIGH: u64 = EACH << 7;

/// How many words are looked at before a string counts as long.
const FEW: usize = 4;

/// Where the plain text in a string ends that begins at `at`: at a quote, a backslash or a control character, or with
/// the text. In `seen` the bits of all bytes come together that were passed, and perhaps of some after them.
#[inline(always)]
pub(super) fn plain_end(text: &[u8], mut at: usize, seen: &mut u64) -> usize {
    for _ in 0..FEW {
        let Some(word) = text.get(at..).and_then(<[u8]>::first_chunk) else { break };
        let word = u64::from_le_bytes(*word);
        *seen |= word;
        match specials(word) {
            0 => at += WORD,
            specials => return at + first(specials),
        }
    }
    let (end, more) = long_end(text, at);
    *seen |= more;
    end
}

/// Where a short string ends that begins at `at`, if it has nothing special in it; nothing for all others.
#[inline]
pub(super) fn quote_of_short(text: &[u8], mut at: usize) -> Option<usize> {
    for _ in 0..FEW {
        let word = u64::from_le_bytes(*text.get(at..)?.first_chunk()?);
        match specials(word) {
            0 => at += WORD,
            specials => {
                at += first(specials);
                return (text.get(at) == Some(&b'"')).then_some(at);
            }
        }
    }
    None
}

/// The same for longer strings, and for the last bytes of a text; gives the bits as well.
#[inline(never)]
fn long_end(text: &[u8], at: usize) -> (usize, u64) {
    let (mut at, mut seen) = past_blocks(text, at);
    for byte in text.get(at..).unwrap_or_default() {
        if matches!(byte, 0..b' ' | b'"' | b'\\') {
            break;
        }
        seen |= u64::from(*byte);
        at += 1;
    }
    (at, seen)
}

/// Passes over what has nothing special in it, block by block and then word by word; gives the bits as well.
fn past_blocks(text: &[u8], mut at: usize) -> (usize, u64) {
    let mut seen = 0;
    let (blocks, _) = text.get(at..).unwrap_or_default().as_chunks::<BLOCK>();
    for block in blocks {
        match plainness(block) {
            Plain::Ascii => {}
            Plain::Text => seen |= HIGH,
            Plain::Special => break,
        }
        at += BLOCK;
    }
    let (words, _) = text.get(at..).unwrap_or_default().as_chunks::<WORD>();
    for word in words {
        let word = u64::from_le_bytes(*word);
        seen |= word;
        match specials(word) {
            0 => at += WORD,
            specials => {
                at += first(specials);
                break;
            }
        }
    }
    (at, seen)
}

/// The highest bit of the first byte that is no plain text, and perhaps of others after it.
///
/// `"` with its second bit flipped is a space, and all control characters stay below it: one subtraction borrows for
/// both. A borrow reaches only bytes after the one that it is for.
#[inline]
pub(super) fn specials(word: u64) -> u64 {
    let control_or_quote = (word ^ (EACH * 0x02)).wrapping_sub(EACH * 0x21);
    let backslash = (word ^ (EACH * u64::from(b'\\'))).wrapping_sub(EACH);
    (control_or_quote | backslash) & !word & HIGH
}

/// Which byte of a word has the first bit.
#[inline]
pub(super) fn first(specials: u64) -> usize {
    (specials.trailing_zeros() / u8::BITS) as usize
}

enum Plain {
    Ascii,
    Text,
    Special,
}

/// The same for many bytes, as what the compiler makes wide instructions of: no branch, and two extremes.
#[inline]
fn plainness(block: &[u8; BLOCK]) -> Plain {
    let (mut most, mut least) = (0_u8, u8::MAX);
    for byte in block {
        // Plain ASCII is below 0x5f, what is no ASCII below 0xdf, control characters and quotes are above.
        most = most.max((byte ^ 0x02).wrapping_sub(0x21));
        least = least.min(byte ^ b'\\');
    }
    match most {
        _ if least == 0 => Plain::Special,
        0..0x5f => Plain::Ascii,
        0x5f..0xdf => Plain::Text,
        _ => Plain::Special,
    }
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
                    assert_eq!(plain_end(&text, 0, &mut seen), expected(&text), "{text:?}");
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
                assert_eq!(plain_end(&text, 0, &mut 0), expected(&text), "{text:?}");
            }
        }
    }
}
