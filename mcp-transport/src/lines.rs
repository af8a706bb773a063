//! A splitter for newline-delimited messages: bytes in, lines out.

use crate::{duplex::salvage::Salvage, receive_buffer};
use bytes::{Buf, Bytes, BytesMut};
use memchr::{memchr, memrchr};
use std::ops::RangeInclusive;

/// The room that is made for reading, when there is less than a quarter of it left. It doubles when a read fills what
/// there is, up to what a pipe holds, and becomes small again with the reads.
const CHUNK: RangeInclusive<usize> = 4 * 1024..=64 * 1024;
/// From this length on a line gets its buffer to itself, so that later small ones do not keep it alive.
const LARGE: usize = 256 * 1024;
/// A line that goes on for this many times the limit will not end.
const ENDLESS: usize = 4;
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Splits what is read into lines of at most `limit` bytes.
///
/// Lines share the buffer that they were read into. What is over the limit is looked through for its id and forgotten.
#[derive(Debug)]
pub(crate) struct Lines {
    buffer: BytesMut,
    /// How many bytes at the front of the buffer are known to hold no line end.
    scanned: usize,
    chunk: usize,
    limit: usize,
    skipping: Option<Skip>,
}

#[derive(Debug, Default)]
struct Skip {
    salvage: Salvage,
    bytes: usize,
    reported: bool,
}

/// One line of the peer.
#[derive(Debug)]
pub(crate) enum Line {
    /// A line that is not blank, without its end.
    Whole(Bytes),
    /// A line over the limit.
    TooLong(Salvage),
    /// A line so far over the limit that waiting for its end is pointless.
    Endless,
}

impl Lines {
    pub(crate) fn new(limit: usize) -> Self {
        Self { buffer: BytesMut::new(), scanned: 0, chunk: *CHUNK.start(), limit, skipping: None }
    }

    /// Whether the next bytes fit into the buffer that is there.
    pub(crate) fn has_room(&self) -> bool {
        self.buffer.capacity() - self.buffer.len() >= self.chunk / 4
    }

    /// Where the next bytes go.
    pub(crate) fn buffer(&mut self) -> &mut BytesMut {
        if !self.has_room() {
            if self.buffer.is_empty() {
                // Not reserved, for that would keep a buffer which has become larger than need be.
                self.buffer = BytesMut::with_capacity(self.chunk);
            } else {
                receive_buffer::reserve(&mut self.buffer, self.chunk);
            }
        }
        &mut self.buffer
    }

    /// Learns from a read how much room the next ones need.
    pub(crate) fn was_read(&mut self, count: usize) {
        if self.buffer.len() == self.buffer.capacity() {
            self.chunk = (self.chunk * 2).min(*CHUNK.end());
        } else if count < self.chunk / 8 {
            self.chunk = (self.chunk / 2).max(*CHUNK.start());
        }
    }

    /// The next line that is there.
    pub(crate) fn next_line(&mut self) -> Option<Line> {
        loop {
            let Some(at) = memchr(b'\n', &self.buffer[self.scanned..]) else {
                return self.unfinished();
            };
            let at = self.scanned + at;
            self.scanned = 0;
            let mut line = self.buffer.split_to(at + 1);
            line.truncate(at);
            if line.len() >= LARGE {
                self.buffer = BytesMut::from(&self.buffer[..]);
            }
            if let Some(found) = self.finished(line.freeze()) {
                return Some(found);
            }
        }
    }

    /// How many bytes there are that were not handed out.
    pub(crate) fn unread(&self) -> usize {
        self.buffer.len()
    }

    /// How many bytes of an unfinished line there are, behind the lines that were not taken yet.
    pub(crate) fn partial(&self) -> usize {
        match memrchr(b'\n', &self.buffer) {
            Some(at) => self.buffer.len() - at - 1,
            None => self.buffer.len() + self.skipping.as_ref().map_or(0, |skip| skip.bytes),
        }
    }

    /// How many bytes of an unfinished line there are, if it does not begin like a message.
    pub(crate) fn noise(&self) -> usize {
        let line = self.buffer.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&self.buffer);
        match line.trim_ascii_start().first() {
            Some(b'{' | b'[') => 0,
            _ if self.skipping.is_some() => 0,
            _ => self.buffer.len(),
        }
    }

    fn finished(&mut self, line: Bytes) -> Option<Line> {
        if self.skipping.is_none() && line.len() <= self.limit {
            let line = trim(line);
            return (!line.is_empty()).then_some(Line::Whole(line));
        }
        let mut skip = self.skipping.take().unwrap_or_default();
        skip.salvage.feed(&line);
        (!skip.reported).then_some(Line::TooLong(skip.salvage))
    }

    fn unfinished(&mut self) -> Option<Line> {
        self.scanned = self.buffer.len();
        let fits = self.skipping.is_none() && self.buffer.len() <= self.limit;
        if fits || self.buffer.is_empty() {
            return None;
        }
        // The bytes are looked through and let go, with the room that they needed.
        let bytes = std::mem::take(&mut self.buffer);
        self.scanned = 0;
        let skip = self.skipping.get_or_insert_default();
        skip.salvage.feed(&bytes);
        skip.bytes += bytes.len();
        if skip.bytes / ENDLESS > self.limit {
            return Some(Line::Endless);
        }
        if skip.reported || !skip.salvage.is_answer() {
            return None;
        }
        skip.reported = true;
        Some(Line::TooLong(skip.salvage.clone()))
    }
}

/// The line without a byte order mark and the white space around it; JSON allows the latter, some peers write the former.
pub(crate) fn trim(mut line: Bytes) -> Bytes {
    // As nearly all lines are.
    if let [b'{', .., b'}'] = &line[..] {
        return line;
    }
    if line.starts_with(BYTE_ORDER_MARK) {
        line.advance(BYTE_ORDER_MARK.len());
    }
    line.truncate(line.trim_ascii_end().len());
    line.advance(line.len() - line.trim_ascii_start().len());
    line
}

#[cfg(test)]
mod tests;
