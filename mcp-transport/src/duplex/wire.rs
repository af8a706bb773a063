//! The wire: a byte stream that is split into lines, or a channel of whole messages.

use super::salvage::Salvage;
use crate::{
    BoxError, Delivery, Error,
    lines::{Line, Lines, trim},
};
use bytes::Bytes;
use futures_core::Stream;
use futures_util::Sink;
use memchr::memchr;
use std::{
    collections::VecDeque,
    io::IoSlice,
    pin::{Pin, pin},
    task::{Context, Poll, ready},
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};

/// How much is read at once of data that is discarded.
#[cfg(any(feature = "socket", feature = "stdio"))]
const SCRATCH: usize = 8 * 1024;

/// How messages are delimited.
pub(crate) trait Framing {
    /// What was read and not handed out yet.
    type Inbound: Inbound;
}

/// The two directions of a connection. Neither waits for the other.
pub(crate) trait Wire: Framing {
    /// Writes some of these lines, and returns the number of bytes taken. They are either one part or a single line, or
    /// the rest of one; the first part is not empty.
    fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        lines: [&[u8]; 3],
    ) -> Poll<Result<usize, BoxError>>;

    /// Flushes what was written.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>>;

    /// Flushes, and closes the writing half.
    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<()>;

    /// Reads once.
    fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        inbound: &mut Self::Inbound,
    ) -> Poll<Result<(), Error>>;

    /// Reads once and discards the bytes; returns false at the end.
    #[cfg(any(feature = "socket", feature = "stdio"))]
    fn poll_discard(&mut self, cx: &mut Context<'_>) -> Poll<bool>;

    /// Returns whether it wakes without holding a lock that reading takes, so that it can be read by the task it wakes.
    fn wakes_unlocked(&self) -> bool {
        false
    }
}

/// Messages that were read.
pub(crate) trait Inbound: Send {
    /// Creates a buffer for messages of at most this many bytes each.
    fn new(limit: usize) -> Self;

    /// Returns whether more can be read before what was read is handed out, without moving it.
    fn has_room(&self) -> bool;

    /// Returns how many bytes have not been handed out.
    fn unread(&self) -> usize;

    /// Returns the next complete message.
    fn next(&mut self) -> Option<Line>;

    /// Returns the length of an incomplete message, if it does not begin like one.
    fn noise(&self) -> usize;
}

/// Newline-delimited messages over a stream of bytes.
#[derive(Debug)]
pub(crate) struct Bytestream<T> {
    io: Pin<Box<T>>,
    wakes_unlocked: bool,
}

impl<T> Bytestream<T> {
    pub(super) fn new(io: T, wakes_unlocked: bool) -> Self {
        Self { io: Box::pin(io), wakes_unlocked }
    }
}

impl<T> Framing for Bytestream<T> {
    type Inbound = Lines;
}

impl<T: AsyncRead + AsyncWrite> Wire for Bytestream<T> {
    fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        lines: [&[u8]; 3],
    ) -> Poll<Result<usize, BoxError>> {
        let io = self.io.as_mut();
        let written = match lines {
            [lines, [], _] => io.poll_write(cx, lines),
            parts => io.poll_write_vectored(cx, &parts.map(IoSlice::new)),
        };
        written.map_err(Into::into)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.io.as_mut().poll_flush(cx).map_err(Into::into)
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // An error means only that the peer was faster.
        self.io.as_mut().poll_shutdown(cx).map(drop)
    }

    fn poll_read(&mut self, cx: &mut Context<'_>, lines: &mut Lines) -> Poll<Result<(), Error>> {
        Poll::Ready(match ready!(pin!(self.io.read_buf(lines.buffer())).poll(cx)) {
            Ok(0) => Err(closed(lines.partial())),
            Ok(count) => {
                lines.was_read(count);
                Ok(())
            }
            Err(error) => Err(lost(error)),
        })
    }

    #[cfg(any(feature = "socket", feature = "stdio"))]
    fn poll_discard(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        let mut scratch = [0; SCRATCH];
        let mut buffer = &mut scratch[..];
        let read = ready!(pin!(self.io.read_buf(&mut buffer)).poll(cx));
        Poll::Ready(matches!(read, Ok(1..)))
    }

    fn wakes_unlocked(&self) -> bool {
        self.wakes_unlocked
    }
}

impl Inbound for Lines {
    fn new(limit: usize) -> Self {
        Self::new(limit)
    }

    fn has_room(&self) -> bool {
        self.has_room()
    }

    fn unread(&self) -> usize {
        self.unread()
    }

    fn next(&mut self) -> Option<Line> {
        self.next_line()
    }

    fn noise(&self) -> usize {
        self.noise()
    }
}

/// A channel whose items are messages.
#[derive(Debug)]
pub(crate) struct Messages<S>(Pin<Box<S>>);

impl<S> Messages<S> {
    pub(super) fn new(channel: S) -> Self {
        Self(Box::pin(channel))
    }
}

impl<S> Framing for Messages<S> {
    type Inbound = Arrived;
}

impl<S, E> Wire for Messages<S>
where
    S: Sink<Bytes, Error = E> + Stream<Item = Result<Bytes, E>>,
    E: Into<BoxError>,
{
    /// Hands over the first line. Lines come whole, and each is taken whole.
    fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        lines: [&[u8]; 3],
    ) -> Poll<Result<usize, BoxError>> {
        ready!(self.0.as_mut().poll_ready(cx)).map_err(Into::into)?;
        let (message, taken) = match lines {
            [lines, [], _] => {
                let end = memchr(b'\n', lines).unwrap_or(lines.len());
                (Bytes::copy_from_slice(&lines[..end]), lines.len().min(end + 1))
            }
            parts => {
                let line = Bytes::from(parts.concat());
                (line.slice(..memchr(b'\n', &line).unwrap_or(line.len())), line.len())
            }
        };
        self.0.as_mut().start_send(message).map_err(Into::into)?;
        Poll::Ready(Ok(taken))
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.as_mut().poll_flush(cx).map_err(Into::into)
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll_close(cx).map(drop)
    }

    fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        arrived: &mut Arrived,
    ) -> Poll<Result<(), Error>> {
        Poll::Ready(match ready!(self.0.as_mut().poll_next(cx)) {
            Some(Ok(message)) => {
                arrived.messages.push_back(message);
                Ok(())
            }
            Some(Err(error)) => Err(lost(error)),
            None => Err(closed(0)),
        })
    }

    #[cfg(any(feature = "socket", feature = "stdio"))]
    fn poll_discard(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        self.0.as_mut().poll_next(cx).map(|item| matches!(item, Some(Ok(_))))
    }
}

/// The latest messages of a channel: all those read before they are handed out.
#[derive(Debug)]
pub(crate) struct Arrived {
    messages: VecDeque<Bytes>,
    limit: usize,
}

impl Inbound for Arrived {
    fn new(limit: usize) -> Self {
        Self { messages: VecDeque::new(), limit }
    }

    fn has_room(&self) -> bool {
        true
    }

    fn unread(&self) -> usize {
        self.messages.iter().map(Bytes::len).sum()
    }

    fn next(&mut self) -> Option<Line> {
        loop {
            let message = self.messages.pop_front()?;
            if message.len() > self.limit {
                return Some(Line::TooLong(Salvage::of(&message)));
            }
            let message = trim(message);
            if !message.is_empty() {
                return Some(Line::Whole(message));
            }
        }
    }

    fn noise(&self) -> usize {
        0
    }
}

/// The error of a broken connection. An error of another transport in this crate already says what happened.
pub(super) fn lost(error: impl Into<BoxError>) -> Error {
    match error.into().downcast::<Error>() {
        Ok(error) => *error,
        Err(error) => {
            Error::closed("lost the connection to the server", Delivery::Unknown).with_source(error)
        }
    }
}

fn closed(partial: usize) -> Error {
    let text = match partial {
        0 => "server closed the connection".into(),
        _ => format!("server closed the connection {partial} bytes into a message"),
    };
    Error::closed(text, Delivery::Unknown)
}
