//! The driver of a byte stream.

use super::{exchange::Outgoing, router::Router, shared::Shared};
use crate::{
    Delivery, Error,
    lines::{Line, Lines},
};
use std::{
    fmt,
    future::Future,
    io,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, ready},
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};

/// After this many turns the driver lets other tasks run.
const TURNS: usize = 32;

/// The driver of a byte stream: writes what was queued, and hands out what comes.
///
/// It ends when no handle is left and all is written, after it has closed its half of the stream; or when the peer
/// closes the stream or it breaks, and then every pending call fails with the cause. Dropping it fails them too.
#[must_use = "a connection makes no progress unless it is polled"]
pub struct Connection<T> {
    io: Pin<Box<T>>,
    lines: Lines,
    shared: Arc<Shared>,
    router: Router,
    outgoing: Vec<u8>,
    /// How many bytes of `outgoing` are written.
    position: usize,
    /// How many bytes were ever written.
    written: u64,
    unflushed: bool,
    is_shut_down: bool,
}

impl<T: AsyncRead + AsyncWrite> Connection<T> {
    pub(super) fn new(io: T, shared: Arc<Shared>, router: Router) -> Self {
        Self {
            io: Box::pin(io),
            lines: Lines::new(shared.limits.message_bytes),
            shared,
            router,
            outgoing: Vec::new(),
            position: 0,
            written: 0,
            unflushed: false,
            is_shut_down: false,
        }
    }

    /// Runs the connection to its end, and leaves it to the caller to fail what is pending.
    ///
    /// Each turn writes once and reads once, as far as the stream takes and gives: neither waits for the other, so
    /// that two peers that fill each other's pipes get them empty again. Writing comes first, so that the requests
    /// of all the callers that the last turn woke leave together.
    pub(crate) fn poll_run(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        for _ in 0..TURNS {
            let wrote = match self.poll_write(cx) {
                Poll::Ready(Err(error)) => return Poll::Ready(self.last_words(cx, error)),
                wrote => wrote.is_ready(),
            };
            if self.is_shut_down {
                return Poll::Ready(Ok(()));
            }
            match self.poll_read(cx) {
                Poll::Ready(Err(error)) => return Poll::Ready(self.end_of_input(error)),
                Poll::Ready(Ok(())) => {}
                Poll::Pending if wrote => {}
                Poll::Pending => return Poll::Pending,
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Closes the writing half, whatever is left to write.
    pub(crate) fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.io.as_mut().poll_shutdown(cx).map(drop)
    }

    /// Reads and drops what still comes, after the end.
    #[cfg(feature = "stdio")]
    pub(crate) fn poll_discard(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut scratch = [0; 8 * 1024];
        for _ in 0..TURNS {
            let mut buffer = &mut scratch[..];
            match ready!(pin!(self.io.read_buf(&mut buffer)).poll(cx)) {
                Ok(1..) => {}
                Ok(0) | Err(_) => return Poll::Ready(()),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Writes once; pending when nothing is queued or the peer does not read.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.position == self.outgoing.len() {
            self.position = 0;
            match self.shared.poll_outgoing(&mut self.outgoing, cx) {
                Outgoing::Lines => {}
                Outgoing::Nothing => {
                    ready!(self.poll_flush(cx))?;
                    return Poll::Pending;
                }
                Outgoing::Finished => return self.poll_shutdown(cx),
            }
        }
        let count = ready!(self.io.as_mut().poll_write(cx, &self.outgoing[self.position..]))?;
        if count == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        self.position += count;
        self.written += count as u64;
        self.unflushed = true;
        Poll::Ready(Ok(()))
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.unflushed {
            ready!(self.io.as_mut().poll_flush(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Closing flushes; an error tells no more than that the peer was quicker.
        ready!(self.poll_close(cx));
        self.is_shut_down = true;
        Poll::Ready(Ok(()))
    }

    /// Reads once and routes the lines that are complete.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let count = match ready!(pin!(self.io.read_buf(self.lines.buffer())).poll(cx)) {
            Ok(count) => count,
            Err(error) => return Poll::Ready(Err(lost(error))),
        };
        if count == 0 {
            return Poll::Ready(Err(closed(self.lines.partial())));
        }
        while let Some(line) = self.lines.next_line() {
            match line {
                Line::Whole(line) => self.router.line(&line),
                Line::TooLong(salvage) => self.router.too_long(&salvage),
                Line::Endless => return Poll::Ready(Err(endless())),
            }
        }
        Poll::Ready(Ok(()))
    }

    /// The peer stopped reading; what it said before still counts.
    fn last_words(&mut self, cx: &mut Context<'_>, error: io::Error) -> Result<(), Error> {
        for _ in 0..TURNS {
            if !matches!(self.poll_read(cx), Poll::Ready(Ok(()))) {
                break;
            }
        }
        self.end_of_input(lost(error))
    }

    /// The end of a connection that nobody holds any more is no failure.
    fn end_of_input(&self, error: Error) -> Result<(), Error> {
        if self.shared.is_released() { Ok(()) } else { Err(error) }
    }
}

impl<T> Connection<T> {
    /// Fails everything that is pending, and all that comes.
    pub(crate) fn fail(&mut self, error: &Error) {
        self.shared.close(error, self.written);
        self.router.close();
    }
}

impl<T: AsyncRead + AsyncWrite> Future for Connection<T> {
    type Output = Result<(), Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let end = ready!(self.poll_run(cx));
        let shut_down = Error::closed("connection was shut down", Delivery::NotSent);
        self.fail(end.as_ref().err().unwrap_or(&shut_down));
        Poll::Ready(end)
    }
}

impl<T> Drop for Connection<T> {
    fn drop(&mut self) {
        self.fail(&Error::closed("driver of the connection was dropped", Delivery::Unknown));
    }
}

impl<T> fmt::Debug for Connection<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("written", &self.written).finish_non_exhaustive()
    }
}

fn lost(error: io::Error) -> Error {
    Error::closed("lost the connection to the server", Delivery::Unknown).with_source(error)
}

fn closed(partial: usize) -> Error {
    let text = match partial {
        0 => "server closed the connection".into(),
        _ => format!("server closed the connection {partial} bytes into a message"),
    };
    Error::closed(text, Delivery::Unknown)
}

fn endless() -> Error {
    Error::closed("server does not end its line: is it an MCP server?", Delivery::Unknown)
}
