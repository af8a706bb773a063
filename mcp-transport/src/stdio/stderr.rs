//! What a child writes to standard error.

use crate::excerpt::excerpt;
use std::{
    collections::VecDeque,
    future::Future,
    pin::pin,
    process::Stdio,
    task::{Context, Poll, ready},
};
use tokio::{io::AsyncReadExt, process::ChildStderr};

/// How much is read at a time.
const CHUNK: usize = 4096;
/// How much of the end is kept.
const TAIL: usize = 64 * 1024;
/// A line longer than this is logged in parts.
const LINE: usize = 1024;
/// After this many reads the driver does something else.
const TURNS: usize = 16;

/// What becomes of a child's standard error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stderr {
    /// It is read, so that the child never waits; the last 64 KiB are kept for the error of a child that dies, and
    /// each line is a `tracing` event of level debug.
    #[default]
    Capture,
    /// It goes where the parent's goes.
    Inherit,
    /// It goes nowhere.
    Null,
}

impl Stderr {
    pub(super) fn stdio(self) -> Stdio {
        match self {
            Self::Capture => Stdio::piped(),
            Self::Inherit => Stdio::inherit(),
            Self::Null => Stdio::null(),
        }
    }
}

/// Reads a child's standard error and keeps its end.
#[derive(Debug)]
pub(super) struct Tail {
    server: String,
    pipe: Option<ChildStderr>,
    chunk: Vec<u8>,
    bytes: VecDeque<u8>,
    line: Vec<u8>,
}

impl Tail {
    pub(super) fn new(server: String, pipe: Option<ChildStderr>) -> Self {
        let chunk = Vec::with_capacity(CHUNK);
        Self { server, pipe, chunk, bytes: VecDeque::new(), line: Vec::new() }
    }

    /// Reads what there is; ready at the end.
    pub(super) fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        for _ in 0..TURNS {
            let Some(pipe) = &mut self.pipe else { return Poll::Ready(()) };
            self.chunk.clear();
            match ready!(pin!(pipe.read_buf(&mut self.chunk)).poll(cx)) {
                Ok(1..) => self.keep_chunk(),
                Ok(0) | Err(_) => self.end(),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// What is kept, from the beginning of a line.
    pub(super) fn text(&self) -> String {
        let (front, back) = self.bytes.as_slices();
        let bytes = [front, back].concat();
        let skipped = match bytes.iter().position(|byte| *byte == b'\n') {
            Some(end) if bytes.len() == TAIL => end + 1,
            _ => 0,
        };
        String::from_utf8_lossy(&bytes[skipped..]).trim_end().to_owned()
    }

    fn keep_chunk(&mut self) {
        let chunk = std::mem::take(&mut self.chunk);
        self.keep(&chunk);
        self.chunk = chunk;
    }

    fn keep(&mut self, chunk: &[u8]) {
        let excess = (self.bytes.len() + chunk.len()).saturating_sub(TAIL);
        self.bytes.drain(..excess);
        self.bytes.extend(chunk);
        self.trace(chunk);
    }

    fn trace(&mut self, chunk: &[u8]) {
        if tracing::enabled!(tracing::Level::DEBUG) {
            let server = self.server.clone();
            self.log(chunk, |line| {
                tracing::debug!(server, stderr = excerpt(line, LINE));
            });
        }
    }

    /// Gives out the lines of a chunk, and keeps the beginning of the last for the next. Long lines come in parts.
    fn log(&mut self, chunk: &[u8], mut line: impl FnMut(&[u8])) {
        for part in chunk.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(part);
            if part.ends_with(b"\n") || self.line.len() >= LINE {
                self.line.chunks(LINE).for_each(&mut line);
                self.line.clear();
            }
        }
    }

    fn end(&mut self) {
        self.pipe = None;
        if !self.line.is_empty() {
            self.trace(b"\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_kept_from_the_beginning_of_a_line() {
        let mut tail = Tail::new("test".to_owned(), None);
        tail.keep(b"first\n");
        assert_eq!(tail.text(), "first");
        for _ in 0..TAIL / 4 {
            tail.keep(b"abc\n");
        }
        tail.keep(b"last \xFF");
        assert!(tail.bytes.len() == TAIL && tail.text().starts_with("abc\n"));
        assert!(tail.text().ends_with("abc\nlast \u{FFFD}"));
    }

    #[test]
    fn lines_are_logged_whole_and_in_parts_of_limited_size() {
        let mut tail = Tail::new("test".to_owned(), None);
        let mut logged = Vec::new();
        for chunk in [&b"a\nb"[..], b"c\n", &[b'x'; LINE + 1], b"\n"] {
            tail.log(chunk, |line| logged.push(String::from_utf8_lossy(line).into_owned()));
        }
        assert_eq!(logged[..2], ["a\n", "bc\n"]);
        assert_eq!(logged[2..].iter().map(String::len).collect::<Vec<_>>(), [LINE, 1, 1]);
    }
}
