//! The bytes that wait to be written.

mod chunk;
mod large_line;

pub(super) use chunk::Chunk;
pub(super) use large_line::LargeLine;

use mcp_types::rpc::Message;
use memchr::memchr2;
use std::{collections::VecDeque, mem, ops::Range};

/// The capacity of a chunk. One chunk is written at a time, and a buffer that has grown beyond this is released.
pub(super) const CHUNK: usize = 256 * 1024;
/// The remaining room below which a chunk is full.
const MARGIN: usize = 4 * 1024;

/// Whole lines that wait for the driver, and their offsets in everything that was ever queued.
#[derive(Debug)]
pub(super) struct Outbox {
    /// The chunks before the last one, the oldest first.
    full: VecDeque<Chunk>,
    last: Chunk,
    /// The bytes of all chunks, including recalled ones that are still in place.
    bytes: usize,
    limit: usize,
}

/// Removes line ends. In strings they are escaped; the others are white space between the tokens of raw JSON.
fn join_lines(message: &mut [u8]) {
    let mut from = 0;
    while let Some(at) = memchr2(b'\n', b'\r', &message[from..]) {
        message[from + at] = b' ';
        from += at + 1;
    }
}

/// The range of offsets of a message.
pub(super) type Span = Range<u64>;

impl Outbox {
    pub(super) fn new(limit: usize) -> Self {
        // With a limit of zero nothing could ever be sent.
        let limit = limit.max(1);
        Self { full: VecDeque::new(), last: Chunk::default(), bytes: 0, limit }
    }

    /// Returns whether another message may be added. It may exceed the limit, so that a message of any size can be
    /// sent.
    pub(super) fn has_room(&self) -> bool {
        self.bytes < self.limit
    }

    /// Adds a message as one line, even if there is no room.
    pub(super) fn push(&mut self, message: &Message) -> Span {
        if self.last.is_full() {
            self.begin_chunk(CHUNK);
        }
        let start = self.last.bytes.len();
        message.encode(&mut self.last.bytes);
        join_lines(&mut self.last.bytes[start..]);
        self.last.bytes.push(b'\n');
        self.added(start)
    }

    /// Adds a finished line, without copying it.
    pub(super) fn push_line(&mut self, line: LargeLine) -> Span {
        if self.last.len() > 0 {
            self.begin_chunk(0);
        }
        self.last.fill(line);
        self.added(0)
    }

    /// Takes a message back, if it is still in here.
    pub(super) fn recall(&mut self, span: &Span) -> bool {
        if span.start >= self.last.start() {
            self.bytes -= self.last.recall(span);
            return true;
        }
        let after = self.full.partition_point(|chunk| chunk.start() <= span.start);
        let Some(at) = after.checked_sub(1) else { return false };
        self.bytes -= self.full[at].recall(span);
        if self.full[at].len() == 0 {
            self.full.remove(at);
        }
        true
    }

    /// Swaps the first chunk with one that is written; returns false if nothing waits.
    pub(super) fn take(&mut self, written: &mut Chunk) -> bool {
        written.clear();
        if self.is_empty() {
            return false;
        }
        match self.full.pop_front() {
            Some(chunk) => *written = chunk,
            None => {
                let end = self.last.end();
                mem::swap(&mut self.last, written);
                self.last.begin(end);
            }
        }
        self.bytes -= written.len();
        written.sort_gaps();
        true
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    fn begin_chunk(&mut self, room: usize) {
        let next = Chunk::new(self.last.end(), room);
        self.full.push_back(mem::replace(&mut self.last, next));
    }

    fn added(&mut self, start: usize) -> Span {
        let end = self.last.len();
        self.bytes += end - start;
        self.last.place(start)..self.last.place(end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mcp_types::{RawJson, rpc::Request};
    use proptest::prelude::*;

    fn ping(id: i64) -> Message {
        Request::new(id, "ping").into()
    }

    /// Returns the content of the next chunk, without recalled lines.
    fn taken(outbox: &mut Outbox) -> String {
        let mut chunk = Chunk::default();
        outbox.take(&mut chunk);
        let (mut position, mut text) = (chunk.skip_gaps(0), String::new());
        while position < chunk.len() {
            let next = chunk.next(position).concat();
            text.push_str(str::from_utf8(&next).unwrap());
            position = chunk.skip_gaps(position + next.len());
        }
        text
    }

    // spec: STDIO-02
    #[test]
    fn a_message_is_one_line_whatever_its_raw_json_holds() {
        let mut outbox = Outbox::new(1);
        let params = RawJson::parse("{\r\n \"a\\n\": \"b\\r\"\n}").unwrap();
        outbox.push(&Request::new(1, "x").with_params(params).into());
        let line = taken(&mut outbox);
        assert_eq!(
            line,
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\",\"params\":{   \"a\\n\": \"b\\r\" }}\n"
        );
    }

    // spec: STDIO-02
    #[test]
    fn a_large_message_is_the_same_line_without_a_copy() {
        let mut outbox = Outbox::new(1);
        for (space, is_copied) in [(["", " "], false), (["\n", "\r"], true)] {
            let text = format!("{{{}\"a\":{}\"{}\"}}", space[0], space[1], "x\\n".repeat(100_000));
            let params = RawJson::parse(text).unwrap();
            let request = Message::from(Request::new(1, "x").with_params(params.clone()));
            outbox.push(&request);
            let expected = taken(&mut outbox);
            for before in [0, 1] {
                (0..before).for_each(|id| _ = outbox.push(&ping(id)));
                let line = LargeLine::of(&request).unwrap();
                assert_eq!(line.payload().as_ptr() != params.as_bytes().as_ptr(), is_copied);
                let span = outbox.push_line(line);
                outbox.push(&ping(2));
                assert_eq!(span.end - span.start, expected.len() as u64);
                (0..before).for_each(|_| drop(taken(&mut outbox)));
                assert_eq!(taken(&mut outbox), expected);
                assert!(taken(&mut outbox).contains("ping"));
            }
        }
        assert!(LargeLine::of(&ping(1)).is_none());
    }

    #[test]
    fn a_large_message_can_be_taken_back_whatever_is_around_it() {
        let params = RawJson::encode(&["x".repeat(100_000)]).unwrap();
        let large = Message::from(Request::new(1, "x").with_params(params));
        for (before, after) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
            let mut outbox = Outbox::new(1000);
            (0..before).for_each(|id| _ = outbox.push(&ping(id)));
            let span = outbox.push_line(LargeLine::of(&large).unwrap());
            (0..after).for_each(|id| _ = outbox.push(&ping(id)));
            assert!(!outbox.has_room());
            assert!(outbox.recall(&span));
            assert!(outbox.has_room());
            let left = [taken(&mut outbox), taken(&mut outbox)].concat();
            assert_eq!(left.lines().count(), (before + after) as usize);
            assert!(outbox.is_empty() && !left.contains('['));
        }
    }

    #[test]
    fn only_what_is_still_here_can_be_taken_back() {
        let mut outbox = Outbox::new(1000);
        let spans: Vec<_> = (0..5).map(|id| outbox.push(&ping(id))).collect();
        for id in [1, 4, 0] {
            assert!(outbox.recall(&spans[id]));
        }
        let lines = taken(&mut outbox);
        assert_eq!(lines.lines().count(), 2);
        assert!(lines.contains("\"id\":2,") && lines.contains("\"id\":3,"), "{lines}");
        assert!(!outbox.recall(&spans[2]));
        let next = outbox.push(&ping(5));
        assert!(next.start >= spans[3].end);
        assert!(outbox.recall(&next) && outbox.is_empty() && outbox.has_room());
        assert_eq!(taken(&mut outbox), "");
    }

    #[test]
    fn a_chunk_of_which_all_is_taken_back_is_gone() {
        let mut outbox = Outbox::new(usize::MAX);
        let mut spans = Vec::new();
        while outbox.full.len() < 3 {
            spans.push(outbox.push(&ping(1)));
        }
        let ends: Vec<_> = outbox.full.iter().map(Chunk::end).collect();
        let second = |span: &Span| span.start >= ends[0] && span.start < ends[1];
        let before = outbox.bytes;
        for span in spans.iter().filter(|span| second(span)) {
            assert!(outbox.recall(span));
        }
        assert_eq!((outbox.full.len(), before - outbox.bytes), (2, (ends[1] - ends[0]) as usize));
        let mut lines = 0;
        while !outbox.is_empty() {
            lines += taken(&mut outbox).lines().count();
        }
        assert_eq!(lines, spans.iter().filter(|span| !second(span)).count());
        assert_eq!((outbox.bytes, outbox.full.len()), (0, 0));
        assert!(spans.iter().all(|span| !outbox.recall(span)));
    }

    proptest! {
        #[test]
        fn what_is_not_taken_back_in_time_leaves_once_and_in_its_order(
            steps in prop::collection::vec((0..8_u8, any::<prop::sample::Index>()), 0..200),
        ) {
            let mut outbox = Outbox::new(usize::MAX);
            // The range of each message, and whether it was recalled.
            let mut queued: Vec<(Span, bool)> = Vec::new();
            let (mut left, mut taken_up_to) = (String::new(), 0);
            for (step, pick) in steps {
                let id = queued.len() as i64;
                match step {
                    0..3 => queued.push((outbox.push(&ping(id)), false)),
                    3 => queued.push((outbox.push_line(LargeLine::of_text(&format!("\"id\":{id},\n"))), false)),
                    4 => {
                        left.push_str(&taken(&mut outbox));
                        taken_up_to = outbox.full.front().unwrap_or(&outbox.last).start();
                    }
                    _ if queued.is_empty() => {}
                    _ => {
                        let (span, is_back) = &mut queued[pick.index(id as usize)];
                        if !*is_back {
                            *is_back = outbox.recall(span);
                            prop_assert_eq!(*is_back, span.start >= taken_up_to);
                        }
                    }
                }
            }
            while !outbox.is_empty() {
                left.push_str(&taken(&mut outbox));
            }
            prop_assert_eq!((outbox.bytes, outbox.full.len()), (0, 0));
            let mut lines = left.lines();
            for (id, _) in queued.iter().enumerate().filter(|(_, (_, is_back))| !is_back) {
                let line = lines.next().unwrap_or_default();
                prop_assert!(line.contains(&format!("\"id\":{id},")), "{} instead of {}", line, id);
            }
            prop_assert_eq!(lines.next(), None);
        }
    }

    #[test]
    fn one_message_may_overshoot_the_limit() {
        for limit in [0, 1] {
            let mut outbox = Outbox::new(limit);
            assert!(outbox.has_room());
            outbox.push(&ping(1));
            assert!(!outbox.has_room());
            taken(&mut outbox);
            assert!(outbox.has_room());
        }
    }
}
