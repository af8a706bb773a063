//! The standard error of a child.

use crate::excerpt::excerpt;
use std::{
    collections::VecDeque,
    fmt,
    fs::OpenOptions,
    future::Future,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    pin::pin,
    process::Stdio,
    sync::Arc,
    task::{Context, Poll, ready},
};
use tokio::{io::AsyncReadExt, process::ChildStderr};

/// The size of one read.
const CHUNK: usize = 4096;
/// The length from which a line is logged in parts.
const LINE: usize = 1024;
/// The number of reads after which the driver does something else.
const TURNS: usize = 16;

/// What happens to a child's standard error.
///
/// If it is read, it never blocks the child, and its end is kept for the error when the child dies.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum Stderr {
    /// It is read, and each line is a `tracing` event of level debug.
    #[default]
    Capture,
    /// It is read, and each line goes to a function: [`Stderr::lines`].
    Lines(LineFunction),
    /// The child appends it to this file. No part of it is kept.
    File(PathBuf),
    /// It goes where the parent's goes. No part of it is kept.
    Inherit,
    /// It is discarded.
    Null,
}

impl Stderr {
    /// Passes each line to `function`, without its line ending and control characters.
    ///
    /// Lines longer than 1 KiB come in parts. The function is called by the driver, so it must be quick. After a panic
    /// it is not called again.
    pub fn lines(function: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self::Lines(LineFunction(Arc::new(function)))
    }

    /// Opens the child's end.
    pub(super) fn open(&self) -> Result<Stdio, OpenError<'_>> {
        Ok(match self {
            Self::Capture | Self::Lines(_) => Stdio::piped(),
            Self::File(path) => {
                let file = OpenOptions::new().append(true).create(true).open(path);
                file.map_err(|source| OpenError { path, source })?.into()
            }
            Self::Inherit => Stdio::inherit(),
            Self::Null => Stdio::null(),
        })
    }

    fn line_function(&self) -> Option<LineFunction> {
        match self {
            Self::Lines(function) => Some(function.clone()),
            _ => None,
        }
    }
}

/// The file for standard error cannot be opened.
pub(super) struct OpenError<'a> {
    pub(super) path: &'a Path,
    pub(super) source: io::Error,
}

/// The function of [`Stderr::Lines`].
#[derive(Clone)]
pub struct LineFunction(Arc<dyn Fn(&str) + Send + Sync>);

impl LineFunction {
    /// Calls the function; returns false if it panicked.
    fn call(&self, line: &str) -> bool {
        catch_unwind(AssertUnwindSafe(|| (self.0)(line))).is_ok()
    }
}

impl fmt::Debug for LineFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LineFunction")
    }
}

/// Reads a child's standard error and keeps its end.
#[derive(Debug)]
pub(super) struct Tail {
    server: String,
    pipe: Option<ChildStderr>,
    bytes: VecDeque<u8>,
    limit: usize,
    line: Vec<u8>,
    function: Option<LineFunction>,
}

impl Tail {
    pub(super) fn new(
        server: String,
        pipe: Option<ChildStderr>,
        policy: &Stderr,
        limit: usize,
    ) -> Self {
        let function = policy.line_function();
        Self { server, pipe, bytes: VecDeque::new(), limit, line: Vec::new(), function }
    }

    /// Reads what is available; ready at the end.
    pub(super) fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // Not kept between calls: most children are silent.
        let mut chunk = [0; CHUNK];
        for _ in 0..TURNS {
            let Some(pipe) = &mut self.pipe else { return Poll::Ready(()) };
            match ready!(pin!(pipe.read(&mut chunk)).poll(cx)) {
                Ok(count @ 1..) => self.keep(&chunk[..count]),
                Ok(0) | Err(_) => self.end(),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Returns the text kept, from the beginning of a line.
    pub(super) fn text(&self) -> String {
        let (front, back) = self.bytes.as_slices();
        let bytes = [front, back].concat();
        let skipped = match bytes.iter().position(|byte| *byte == b'\n') {
            Some(end) if bytes.len() == self.limit => end + 1,
            _ => 0,
        };
        String::from_utf8_lossy(&bytes[skipped..]).trim_end().to_owned()
    }

    fn keep(&mut self, chunk: &[u8]) {
        let kept = &chunk[chunk.len().saturating_sub(self.limit)..];
        let excess = (self.bytes.len() + kept.len()).saturating_sub(self.limit);
        self.bytes.drain(..excess);
        self.bytes.extend(kept);
        self.report(chunk);
    }

    /// Passes the lines of a chunk to their receiver.
    fn report(&mut self, chunk: &[u8]) {
        let is_traced = self.function.is_none() && tracing::enabled!(tracing::Level::DEBUG);
        if self.function.is_none() && !is_traced {
            return;
        }
        let mut function = self.function.take();
        let server = self.server.clone();
        self.split(chunk, |line| {
            let line = excerpt(line, LINE);
            match &function {
                Some(call) if !call.call(&line) => function = None,
                Some(_) => {}
                None => tracing::debug!(server, stderr = line),
            }
        });
        self.function = function;
    }

    /// Hands out the lines of a chunk, and keeps the beginning of the last one. Long lines come in parts.
    fn split(&mut self, chunk: &[u8], mut line: impl FnMut(&[u8])) {
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
            self.report(b"\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    const TAIL: usize = 1000;

    fn tail(policy: &Stderr) -> Tail {
        Tail::new("test".to_owned(), None, policy, TAIL)
    }

    #[test]
    fn the_end_is_kept_from_the_beginning_of_a_line() {
        let mut tail = tail(&Stderr::Capture);
        tail.keep(b"first\n");
        assert_eq!(tail.text(), "first");
        for _ in 0..TAIL / 4 {
            tail.keep(b"abc\n");
        }
        tail.keep(b"last \xFF");
        assert!(tail.bytes.len() == TAIL && tail.text().starts_with("abc\n"));
        assert!(tail.text().ends_with("abc\nlast \u{FFFD}"));
        tail.keep(&[b'x'; TAIL + 1]);
        assert_eq!(tail.text(), "x".repeat(TAIL));
    }

    #[test]
    fn lines_are_given_out_whole_and_in_parts_of_limited_size() {
        let mut tail = tail(&Stderr::Capture);
        let mut lines = Vec::new();
        for chunk in [&b"a\nb"[..], b"c\n", &[b'x'; LINE + 1], b"\n"] {
            tail.split(chunk, |line| lines.push(String::from_utf8_lossy(line).into_owned()));
        }
        assert_eq!(lines[..2], ["a\n", "bc\n"]);
        assert_eq!(lines[2..].iter().map(String::len).collect::<Vec<_>>(), [LINE, 1, 1]);
    }

    #[test]
    fn a_function_that_panics_is_called_no_more() {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&lines);
        let mut tail = tail(&Stderr::lines(move |line| {
            seen.lock().unwrap().push(line.to_owned());
            assert_ne!(line, "bad", "as the test wants it");
        }));
        tail.keep(b"\x1b[1mgood\nbad\nugly\n");
        tail.keep(b"late");
        tail.end();
        assert_eq!(*lines.lock().unwrap_or_else(|it| it.into_inner()), ["[1mgood", "bad"]);
    }
}
