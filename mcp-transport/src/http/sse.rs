//! An incremental parser for server-sent events: bytes in, events out, no IO.
//!
//! Follows the [event stream grammar](https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream):
//! any chunk boundary, all three line ends, comments, a byte order mark, several `data` lines. An event that lies within
//! one chunk shares its bytes.

use crate::receive_buffer;
use bytes::{Buf, Bytes, BytesMut};
use memchr::{memchr, memchr2};
use std::{mem, time::Duration};

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";
/// The length from which a line is large.
const LARGE: usize = 256 * 1024;

/// An event. Without a `data` line there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    /// The `event` field.
    pub(crate) name: Option<Bytes>,
    /// The `data` lines, joined with line feeds.
    pub(crate) data: Bytes,
    /// The `id` field.
    pub(crate) id: Option<Bytes>,
}

/// An event is longer than the limit. The rest of it is skipped, and the decoder continues with the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLarge;

/// Turns chunks into events.
#[derive(Debug)]
pub(crate) struct Decoder {
    limit: usize,
    input: Bytes,
    /// The beginning of a line whose end has not arrived.
    line: BytesMut,
    event: Partial,
    skip: Skip,
    /// Whether the last line ended with a carriage return; a line feed that follows belongs to it.
    line_feed_is_due: bool,
    at_start: bool,
    last_event_id: Option<Bytes>,
    retry: Option<Duration>,
}

/// The event being read.
#[derive(Debug, Default)]
struct Partial {
    size: usize,
    name: Option<Bytes>,
    data: Data,
    id: Option<Bytes>,
}

#[derive(Debug, Default)]
enum Data {
    #[default]
    None,
    One(Bytes),
    Joined(BytesMut),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Skip {
    Nothing,
    /// The rest of a comment.
    Comment,
    /// The rest of an event that is too large; `line` says whether its current line has begun.
    Event {
        line: bool,
    },
}

impl Decoder {
    /// Creates a decoder that refuses events of more than `limit` bytes.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit,
            input: Bytes::new(),
            line: BytesMut::new(),
            event: Partial::default(),
            skip: Skip::Nothing,
            line_feed_is_due: false,
            at_start: true,
            last_event_id: None,
            retry: None,
        }
    }

    /// Takes the next chunk. All events of the previous one should have been taken out before.
    pub(crate) fn push(&mut self, chunk: Bytes) {
        if self.input.is_empty() {
            self.input = chunk;
        } else {
            let mut joined = BytesMut::from(mem::take(&mut self.input));
            joined.extend_from_slice(&chunk);
            self.input = joined.freeze();
        }
    }

    /// Returns the id to resume from: that of the last event that had one, if it was not empty.
    pub(crate) fn last_event_id(&self) -> Option<&Bytes> {
        self.last_event_id.as_ref().filter(|id| !id.is_empty())
    }

    /// Returns how long the server asks to wait before a reconnect.
    pub(crate) fn retry(&self) -> Option<Duration> {
        self.retry
    }

    /// Returns the next event, or none until there is another chunk.
    ///
    /// # Errors
    ///
    /// The event is too large; the next call continues after it.
    pub(crate) fn next_event(&mut self) -> Result<Option<Event>, TooLarge> {
        if let Some(event) = self.usual_event() {
            return Ok(Some(event));
        }
        loop {
            if self.line_feed_is_due && !self.input.is_empty() {
                self.line_feed_is_due = false;
                if self.input[0] == b'\n' {
                    self.input.advance(1);
                }
            }
            let Some(end) = memchr2(b'\n', b'\r', &self.input) else {
                let rest = mem::take(&mut self.input);
                return self.keep(&rest).map(|()| None);
            };
            let line = self.input.split_to(end);
            self.line_feed_is_due = self.input.get_u8() == b'\r';
            if let Some(event) = self.end_line(line)? {
                return Ok(Some(event));
            }
        }
    }

    /// Returns the next event, if it is complete and has the usual form: a message in one `data` line, with or without
    /// a name before it.
    fn usual_event(&mut self) -> Option<Event> {
        let is_amid = self.event.size > 0 || !self.line.is_empty() || self.line_feed_is_due;
        if is_amid || self.at_start || self.skip != Skip::Nothing {
            return None;
        }
        let text = &*self.input;
        let after_name = text.strip_prefix(b"event: message").and_then(strip_line_end);
        let line = after_name.unwrap_or(text).strip_prefix(b"data: ")?;
        let length = memchr2(b'\n', b'\r', line)?;
        let rest = strip_line_end(&line[length..]).and_then(strip_line_end)?;
        let (start, end) = (text.len() - line.len(), text.len() - rest.len());
        if end > self.limit {
            return None;
        }
        let name = after_name.map(|_| Bytes::from_static(b"message"));
        let mut data = self.input.split_to(end);
        data.advance(start);
        data.truncate(length);
        Some(Event { name, data, id: None })
    }

    /// Keeps the beginning of a line.
    fn keep(&mut self, part: &[u8]) -> Result<(), TooLarge> {
        if part.is_empty() {
            return Ok(());
        }
        match &mut self.skip {
            Skip::Comment => return Ok(()),
            Skip::Event { line } => {
                *line = true;
                return Ok(());
            }
            Skip::Nothing => {}
        }
        if self.line.is_empty() && part[0] == b':' {
            self.skip = Skip::Comment;
            self.at_start = false;
            return Ok(());
        }
        if self.event.size + self.line.len() + part.len() > self.limit {
            self.drop_event(true);
            return Err(TooLarge);
        }
        receive_buffer::reserve(&mut self.line, part.len());
        self.line.extend_from_slice(part);
        Ok(())
    }

    /// Reads a line whose last part is `tail`.
    fn end_line(&mut self, tail: Bytes) -> Result<Option<Event>, TooLarge> {
        match self.skip {
            Skip::Comment => {
                self.skip = Skip::Nothing;
                return Ok(None);
            }
            Skip::Event { line } => {
                let blank = !line && tail.is_empty();
                self.skip = if blank { Skip::Nothing } else { Skip::Event { line: false } };
                return Ok(None);
            }
            Skip::Nothing => {}
        }
        let mut line = if self.line.is_empty() {
            tail
        } else {
            receive_buffer::reserve(&mut self.line, tail.len());
            self.line.extend_from_slice(&tail);
            // A large line gets its own buffer: nothing else keeps it alive, and its reader may take it over.
            let is_large = self.line.len() >= LARGE;
            let line = if is_large { mem::take(&mut self.line) } else { self.line.split() };
            line.freeze()
        };
        if mem::take(&mut self.at_start) && line.starts_with(BYTE_ORDER_MARK) {
            line.advance(BYTE_ORDER_MARK.len());
        }
        match line.first() {
            None => return Ok(self.dispatch()),
            Some(b':') => return Ok(None),
            Some(_) => {}
        }
        self.event.size += line.len();
        if self.event.size > self.limit {
            self.drop_event(false);
            return Err(TooLarge);
        }
        self.read_field(&line);
        Ok(None)
    }

    fn read_field(&mut self, line: &Bytes) {
        let colon = memchr(b':', line);
        let mut value = line.slice(colon.map_or(line.len(), |colon| colon + 1)..);
        if value.first() == Some(&b' ') {
            value.advance(1);
        }
        match &line[..colon.unwrap_or(line.len())] {
            b"data" => self.event.data.push(value),
            b"event" => self.event.name = Some(value),
            // Copied, because it outlives its chunk.
            b"id" if !value.contains(&0) => self.event.id = Some(Bytes::copy_from_slice(&value)),
            b"retry" => {
                if let Some(retry) = milliseconds(&value) {
                    self.retry = Some(retry);
                }
            }
            _ => {}
        }
    }

    fn dispatch(&mut self) -> Option<Event> {
        let Partial { name, data, id, .. } = mem::take(&mut self.event);
        if id.is_some() {
            self.last_event_id.clone_from(&id);
        }
        let data = match data {
            Data::None => return None,
            Data::One(data) => data,
            Data::Joined(data) => data.freeze(),
        };
        Some(Event { name, data, id })
    }

    fn drop_event(&mut self, within_line: bool) {
        self.line = BytesMut::new();
        self.event = Partial::default();
        self.skip = Skip::Event { line: within_line };
    }
}

impl Data {
    fn push(&mut self, line: Bytes) {
        *self = match mem::take(self) {
            Self::None => Self::One(line),
            Self::One(first) => Self::join(BytesMut::from(first), &line),
            Self::Joined(lines) => Self::join(lines, &line),
        };
    }

    fn join(mut lines: BytesMut, line: &[u8]) -> Self {
        lines.extend_from_slice(b"\n");
        lines.extend_from_slice(line);
        Self::Joined(lines)
    }
}

/// Strips the end of a line, if it is certain that nothing of it is missing.
fn strip_line_end(text: &[u8]) -> Option<&[u8]> {
    text.strip_prefix(b"\n").or_else(|| text.strip_prefix(b"\r\n"))
}

fn milliseconds(value: &[u8]) -> Option<Duration> {
    let digits = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    let text = std::str::from_utf8(value).ok().filter(|_| digits)?;
    text.parse().ok().map(Duration::from_millis)
}

#[cfg(test)]
mod tests;
