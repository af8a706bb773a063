//! The bytes that wait to be written.

use mcp_types::rpc::Message;
use memchr::memchr2_iter;
use std::ops::Range;

/// Buffers that grew beyond this are given back when they are empty.
pub(super) const KEPT: usize = 256 * 1024;

/// Whole lines that wait for the driver, and their places in everything that is ever written.
#[derive(Debug)]
pub(super) struct Outbox {
    bytes: Vec<u8>,
    /// The place of the first of `bytes`: as many were taken before.
    base: u64,
    limit: usize,
}

/// The line of a message that is large, in the memory of its parameters, which are taken out of it.
pub(super) fn large_line(message: &mut Message) -> Option<Vec<u8>> {
    let mut line = message.take_encoded()?;
    join_lines(&mut line);
    line.push(b'\n');
    Some(line)
}

/// Strings have their line ends escaped; what is left is white space between the tokens of raw JSON.
fn join_lines(message: &mut [u8]) {
    let breaks: Vec<usize> = memchr2_iter(b'\n', b'\r', message).collect();
    for at in breaks {
        message[at] = b' ';
    }
}

/// The places of a message: it begins with the first and ends before the last.
pub(super) type Span = Range<u64>;

impl Outbox {
    pub(super) fn new(limit: usize) -> Self {
        Self { bytes: Vec::new(), base: 0, limit }
    }

    /// Whether one more message may be added. It may overshoot the limit, so that one of any size can be sent.
    pub(super) fn has_room(&self) -> bool {
        self.bytes.len() < self.limit
    }

    /// Adds a message as one line, whether there is room or not.
    pub(super) fn push(&mut self, message: &Message) -> Span {
        let start = self.bytes.len();
        message.encode(&mut self.bytes);
        join_lines(&mut self.bytes[start..]);
        self.bytes.push(b'\n');
        self.place(start)..self.place(self.bytes.len())
    }

    /// Adds a line as it is; if nothing else waits, without a copy of it.
    pub(super) fn push_line(&mut self, line: Vec<u8>) -> Span {
        let start = self.bytes.len();
        if self.bytes.is_empty() {
            self.bytes = line;
        } else {
            self.bytes.extend_from_slice(&line);
        }
        self.place(start)..self.place(self.bytes.len())
    }

    /// Takes a message back, if it is the last one and still here.
    pub(super) fn recall(&mut self, span: &Span) -> bool {
        let is_last = span.start >= self.base && span.end == self.place(self.bytes.len());
        if is_last {
            self.bytes.truncate((span.start - self.base) as usize);
        }
        is_last
    }

    /// Swaps what waits for an empty buffer; false if nothing waits.
    pub(super) fn take(&mut self, buffer: &mut Vec<u8>) -> bool {
        if buffer.capacity() > KEPT {
            *buffer = Vec::new();
        }
        buffer.clear();
        if self.bytes.is_empty() {
            return false;
        }
        self.base = self.place(self.bytes.len());
        std::mem::swap(&mut self.bytes, buffer);
        true
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    fn place(&self, index: usize) -> u64 {
        self.base + index as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mcp_types::{RawJson, rpc::Request};

    fn ping(id: i64) -> Message {
        Request::new(id, "ping").into()
    }

    fn taken(outbox: &mut Outbox) -> String {
        let mut buffer = Vec::new();
        outbox.take(&mut buffer);
        String::from_utf8(buffer).unwrap()
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
        let request = || {
            let params = format!("{{\n\"a\":\r\"{}\"}}", "x\\n".repeat(100_000));
            Message::from(Request::new(1, "x").with_params(RawJson::parse(params).unwrap()))
        };
        let mut outbox = Outbox::new(1);
        outbox.push(&request());
        let expected = taken(&mut outbox);
        for before in [0, 1] {
            for id in 0..before {
                outbox.push(&ping(id));
            }
            let line = large_line(&mut request()).unwrap();
            let (place, length) = (line.as_ptr(), line.len() as u64);
            let span = outbox.push_line(line);
            assert_eq!(span.end - span.start, length);
            assert_eq!(outbox.bytes.as_ptr() == place, before == 0);
            assert!(taken(&mut outbox).ends_with(&expected));
        }
        assert_eq!(large_line(&mut ping(1)), None);
    }

    #[test]
    fn only_the_last_message_that_is_still_here_can_be_taken_back() {
        let mut outbox = Outbox::new(1000);
        let first = outbox.push(&ping(1));
        let second = outbox.push(&ping(2));
        assert!(!outbox.recall(&first));
        assert!(outbox.recall(&second));
        assert!(outbox.recall(&first));
        assert_eq!(taken(&mut outbox), "");
        let third = outbox.push(&ping(3));
        assert_eq!(third.start, 0);
        taken(&mut outbox);
        assert!(!outbox.recall(&third));
        assert_eq!(outbox.push(&ping(4)).start, third.end);
    }

    #[test]
    fn one_message_may_overshoot_the_limit() {
        let mut outbox = Outbox::new(1);
        assert!(outbox.has_room());
        outbox.push(&ping(1));
        assert!(!outbox.has_room());
        taken(&mut outbox);
        assert!(outbox.has_room());
    }
}
