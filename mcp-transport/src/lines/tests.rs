//! The lines are the same regardless of how the bytes are split into chunks.

use super::*;
use proptest::prelude::*;

const SMALL: usize = 16;

/// The content of a line, regardless of how it arrived.
#[derive(Clone, Debug, PartialEq)]
enum Kind {
    Whole(Vec<u8>),
    TooLong,
    Endless,
}

fn read(lines: &mut Lines, chunk: &[u8]) -> Vec<Kind> {
    lines.buffer().extend_from_slice(chunk);
    std::iter::from_fn(|| lines.next_line())
        .map(|line| match line {
            Line::Whole(bytes) => Kind::Whole(bytes.to_vec()),
            Line::TooLong(_) => Kind::TooLong,
            Line::Endless => Kind::Endless,
        })
        .collect()
}

/// The same for the whole input at once, in the simplest way.
fn reference(input: &[u8]) -> (Vec<Kind>, usize) {
    let mut lines: Vec<&[u8]> = input.split(|byte| *byte == b'\n').collect();
    let partial = lines.pop().unwrap_or_default().len();
    let kinds = lines.into_iter().filter_map(|line| {
        if line.len() > SMALL {
            return Some(Kind::TooLong);
        }
        let line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line).trim_ascii();
        (!line.is_empty()).then(|| Kind::Whole(line.to_vec()))
    });
    (kinds.collect(), partial)
}

fn line() -> impl Strategy<Value = Vec<u8>> {
    let byte =
        prop_oneof![Just(b' '), Just(b'\r'), Just(b'"'), Just(b'{'), Just(b'x'), any::<u8>()];
    let pieces = prop_oneof![
        4 => prop::collection::vec(byte, 0..2 * SMALL),
        1 => Just(b"\xEF\xBB\xBF{}".to_vec()),
        1 => Just(br#"{"id":1,"result":{"#.to_vec()),
    ];
    pieces.prop_map(|line| line.into_iter().filter(|byte| *byte != b'\n').collect())
}

proptest! {
    // spec: STDIO-06
    #[test]
    fn any_chunks_give_the_lines_of_the_whole(
        lines in prop::collection::vec(line(), 0..8),
        last in line(),
        cuts in prop::collection::vec(1_usize..20, 1..40),
    ) {
        let mut input: Vec<u8> = lines.into_iter().flat_map(|line| [line, vec![b'\n']]).flatten().collect();
        let partial = last.len();
        input.extend(last);
        let mut split = Lines::new(SMALL);
        let (mut found, mut rest) = (Vec::new(), &input[..]);
        for cut in cuts.iter().cycle() {
            let (chunk, after) = rest.split_at(rest.len().min(*cut));
            found.extend(read(&mut split, chunk));
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
        let (mut expected, expected_partial) = reference(&input);
        prop_assert_eq!(partial, expected_partial);
        prop_assert_eq!(split.partial(), partial);
        // An oversized answer is reported as soon as it is known to be one, even if its end never arrives.
        if found.len() > expected.len() && partial > SMALL {
            expected.push(Kind::TooLong);
        }
        prop_assert_eq!(found, expected);
    }
}

#[test]
fn a_line_of_the_limit_passes_and_one_more_byte_does_not() {
    let mut lines = Lines::new(SMALL);
    assert_eq!(read(&mut lines, &[b'x'; SMALL]), []);
    assert_eq!(read(&mut lines, b"\n"), [Kind::Whole(vec![b'x'; SMALL])]);
    assert_eq!(read(&mut lines, &[b'x'; SMALL + 1]), []);
    assert_eq!(read(&mut lines, b"\n{}\n"), [Kind::TooLong, Kind::Whole(b"{}".to_vec())]);
}

#[test]
fn the_rest_of_a_long_line_is_not_kept() {
    let mut lines = Lines::new(SMALL);
    for _ in 0..3 {
        read(&mut lines, &[b'x'; SMALL + 1]);
        assert_eq!(lines.buffer.len(), 0);
    }
    assert_eq!(lines.partial(), 3 * (SMALL + 1));
    assert_eq!(read(&mut lines, &[b'x'; 2 * SMALL]), [Kind::Endless]);
}

#[test]
fn a_large_line_does_not_hold_on_to_what_comes_after_it() {
    let mut lines = Lines::new(usize::MAX);
    let mut input = vec![b'x'; LARGE];
    input.extend(b"\n{}\n");
    read(&mut lines, &input);
    assert!(lines.buffer.capacity() < LARGE);
}

#[test]
fn the_room_for_reading_follows_what_comes() {
    let mut lines = Lines::new(1024 * 1024);
    let mut read = |count: usize| {
        let buffer = lines.buffer();
        let room = buffer.capacity() - buffer.len();
        let count = count.min(room);
        buffer.extend(std::iter::repeat_n(b'\n', count));
        lines.was_read(count);
        while lines.next_line().is_some() {}
        room
    };
    assert!(read(100) < 8 * 1024, "a quiet connection keeps little");
    let rooms: Vec<_> = (0..20).map(|_| read(usize::MAX)).collect();
    assert!((64 * 1024..256 * 1024).contains(rooms.iter().max().unwrap()), "{rooms:?}");
    // The existing capacity is used up first.
    let rooms: Vec<_> = (0..2000).map(|_| read(100)).collect();
    assert!(rooms[1000..].iter().all(|room| *room < 16 * 1024), "{rooms:?}");
}
