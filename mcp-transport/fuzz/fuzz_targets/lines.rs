//! Lines are the same however their bytes are cut; what is too long is told once, and its ids are found.

#![no_main]

#[path = "../../src/duplex"]
mod duplex {
    pub(crate) mod salvage;
}
// Its tests are beside it, where rustfmt does not look.
#[rustfmt::skip]
#[path = "../../src/lines.rs"]
mod lines;

use bytes::Bytes;
use duplex::salvage::Salvage;
use libfuzzer_sys::fuzz_target;
use lines::{Line, Lines};
use mcp_types::RequestId;

// The first byte is the size of the pieces, and the second the limit.
fuzz_target!(|input: &[u8]| {
    let [size, limit, text @ ..] = input else { return };
    let (size, limit) = (usize::from(*size) + 1, usize::from(*limit));
    for piece in [1, size, text.len().max(1)] {
        assert_eq!(read(text, piece, usize::MAX), (reference(text, usize::MAX), false));
        let (lines, endless) = read(text, piece, limit);
        let expected = reference(text, limit);
        if endless {
            // The line that does not end may have been told as too long before.
            assert!(expected.starts_with(&lines) || lines.last() == Some(&None));
        } else if !matches!(lines.strip_prefix(&expected[..]), Some([] | [None])) {
            panic!("{lines:?} instead of {expected:?}, in pieces of {piece}");
        }
        let mut salvage = Salvage::default();
        text.chunks(piece).for_each(|piece| salvage.feed(piece));
        assert_eq!(found(&salvage), found(&Salvage::of(text)));
    }
});

/// The lines, none for one that is too long, and whether the rest is one without end.
fn read(text: &[u8], piece: usize, limit: usize) -> (Vec<Option<Bytes>>, bool) {
    let mut lines = Lines::new(limit);
    let mut read = Vec::new();
    for piece in text.chunks(piece) {
        lines.buffer().extend_from_slice(piece);
        while let Some(line) = lines.next_line() {
            match line {
                Line::Whole(line) => read.push(Some(line)),
                Line::TooLong(salvage) => {
                    assert!(!salvage.is_answer() || salvage.answered().is_some());
                    read.push(None);
                }
                Line::Endless => return (read, true),
            }
        }
        assert!(lines.noise() <= lines.partial());
    }
    (read, false)
}

/// The whole text at once.
fn reference(text: &[u8], limit: usize) -> Vec<Option<Bytes>> {
    let mut lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
    // What has no end is no line.
    lines.pop();
    let read = lines.into_iter().map(|line| {
        let inner = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line).trim_ascii();
        (line.len() <= limit).then(|| Bytes::copy_from_slice(inner))
    });
    read.filter(|line| line.as_ref().is_none_or(|line| !line.is_empty())).collect()
}

/// All that the scan for ids has found.
fn found(salvage: &Salvage) -> (Vec<RequestId>, Option<RequestId>, bool) {
    let all: Vec<_> = salvage.all_answered().cloned().collect();
    (all, salvage.asked().cloned(), salvage.is_answer())
}
