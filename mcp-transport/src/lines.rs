//! A splitter for newline-delimited messages: bytes in, lines out.

use crate::{duplex::salvage::Salvage, receive_buffer};
use bytes::{Buf, Bytes, BytesMut};
use memchr::{memchr, memrchr};
use std::ops::RangeInclusive;

/// The capacity that is reserved for reading when less than a quarter of it is left. It doubles when a read fills the
/// buffer, up to the size of a pipe, and shrinks again with smaller reads.
const CHUNK: RangeInclusive<usize> = 4 * 1024..=64 * 1024;
/// The length from which a line gets its own buffer, so that later small ones do not keep it alive.
const LARGE: usize = 256 * 1024;
/// A line that is longer than this many times the limit is taken as endless.
const ENDLESS: usize = 4;
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Splits the input into lines of at most `limit` bytes.
///
/// Lines share the buffer that they were read into. Longer ones are scanned for their id and discarded.
#[derive(Debug)]
pub(crate) struct Lines {
    buffer: BytesMut,
    /// How many bytes at the front of the buffer contain no line end.
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

    /// Returns whether the next bytes fit into the buffer.
    pub(crate) fn has_room(&self) -> bool {
        self.buffer.capacity() - self.buffer.len() >= self.chunk / 4
    }

    /// Returns the buffer for the next bytes.
    pub(crate) fn buffer(&mut self) -> &mut BytesMut {
        if !self.has_room() {
            if self.buffer.is_empty() {
                // Not `reserve`, which would keep a buffer that has become larger than necessary.
                self.buffer = BytesMut::with_capacity(self.chunk);
            } else {
                receive_buffer::reserve(&mut self.buffer, self.chunk);
            }
        }
        &mut self.buffer
    }

    /// Adapts the capacity for the next reads to the size of this one.
    pub(crate) fn was_read(&mut self, count: usize) {
        if self.buffer.len() == self.buffer.capacity() {
            self.chunk = (self.chunk * 2).min(*CHUNK.end());
        } else if count < self.chunk / 8 {
            self.chunk = (self.chunk / 2).max(*CHUNK.start());
        }
    }

    /// Returns the next complete line.
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

    /// Returns how many bytes have not been handed out.
    pub(crate) fn unread(&self) -> usize {
        self.buffer.len()
    }

    /// Returns the length of the incomplete line behind the lines that have not been taken yet.
    pub(crate) fn partial(&self) -> usize {
        match memrchr(b'\n', &self.buffer) {
            Some(at) => self.buffer.len() - at - 1,
            None => self.buffer.len() + self.skipping.as_ref().map_or(0, |skip| skip.bytes),
        }
    }

    /// Returns the length of the incomplete line, if it does not begin like a message.
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
        // The bytes are scanned and dropped, together with their buffer.
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

/// Trims a byte order mark and white space; JSON allows the latter, and some peers write the former.
pub(crate) fn trim(mut line: Bytes) -> Bytes {
    // The usual case.
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
