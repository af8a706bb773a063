//! The work of a connection, whatever it is made over.

use super::{
    exchange::Outgoing,
    router::Router,
    shared::Shared,
    wire::{Wire, lost},
};
use crate::{BoxError, Delivery, Error, lines::Line};
use std::{
    fmt, io,
    sync::Arc,
    task::{Context, Poll, ready},
};
#[cfg(any(feature = "socket", feature = "stdio"))]
use std::{pin::Pin, time::Duration};
#[cfg(any(feature = "socket", feature = "stdio"))]
use tokio::time::{Sleep, sleep};

/// After this many turns the driver lets other tasks run.
const TURNS: usize = 32;

/// Writes what was queued, and hands out what comes. Dropping it fails what is pending.
pub(crate) struct Engine<W> {
    wire: W,
    shared: Arc<Shared>,
    router: Router,
    outgoing: Vec<u8>,
    /// How many bytes of `outgoing` are written.
    position: usize,
    /// How many bytes were ever written.
    written: u64,
    unflushed: bool,
    /// All is written, and no more will be.
    is_finished: bool,
    is_shut_down: bool,
}

impl<W: Wire> Engine<W> {
    pub(super) fn new(wire: W, shared: Arc<Shared>, router: Router) -> Self {
        Self {
            wire,
            shared,
            router,
            outgoing: Vec::new(),
            position: 0,
            written: 0,
            unflushed: false,
            is_finished: false,
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
        self.wire.poll_shutdown(cx)
    }

    /// Whether nobody holds the connection any more while the peer does not take what is left, after a pending run.
    #[cfg(any(feature = "socket", feature = "stdio"))]
    fn is_stuck(&self, cx: &Context<'_>) -> bool {
        let is_blocked = self.position < self.outgoing.len();
        self.is_finished || is_blocked && self.shared.poll_released(cx)
    }

    /// Reads and drops what still comes, after the end.
    #[cfg(any(feature = "socket", feature = "stdio"))]
    pub(crate) fn poll_discard(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        for _ in 0..TURNS {
            if !ready!(self.wire.poll_discard(cx)) {
                return Poll::Ready(());
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Writes once; pending when nothing is queued or the peer does not read.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        if self.position == self.outgoing.len() {
            self.position = 0;
            match self.shared.poll_outgoing(&mut self.outgoing, cx) {
                Outgoing::Lines => {}
                Outgoing::Nothing => {
                    ready!(self.poll_flush(cx))?;
                    return Poll::Pending;
                }
                Outgoing::Finished => return self.poll_finish(cx),
            }
        }
        let count = ready!(self.wire.poll_write(cx, &self.outgoing[self.position..]))?;
        if count == 0 {
            return Poll::Ready(Err(io::Error::from(io::ErrorKind::WriteZero).into()));
        }
        self.position += count;
        self.written += count as u64;
        self.unflushed = true;
        Poll::Ready(Ok(()))
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        if self.unflushed {
            ready!(self.wire.poll_flush(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_finish(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.is_finished = true;
        ready!(self.poll_close(cx));
        self.is_shut_down = true;
        Poll::Ready(Ok(()))
    }

    /// Reads once and routes the messages that are complete.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        ready!(self.wire.poll_read(cx))?;
        while let Some(line) = self.wire.next() {
            match line {
                Line::Whole(line) => self.router.line(&line),
                Line::TooLong(salvage) => self.router.too_long(&salvage),
                Line::Endless => return Poll::Ready(Err(endless())),
            }
            self.router.check_noise(0)?;
        }
        Poll::Ready(self.router.check_noise(self.wire.noise()))
    }

    /// The peer stopped reading; what it said before still counts.
    fn last_words(&mut self, cx: &mut Context<'_>, error: BoxError) -> Result<(), Error> {
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

/// Runs a connection, and at its end gives the peer a time to take what is left.
#[cfg(any(feature = "socket", feature = "stdio"))]
#[derive(Debug)]
pub(crate) struct Patience {
    grace: Duration,
    end: Option<Pin<Box<Sleep>>>,
}

#[cfg(any(feature = "socket", feature = "stdio"))]
impl Patience {
    pub(crate) fn new(grace: Duration) -> Self {
        Self { grace, end: None }
    }

    /// Runs the connection to its end; false if the peer did not take what was left.
    pub(crate) fn poll_run<W: Wire>(
        &mut self,
        engine: &mut Engine<W>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<bool, Error>> {
        if let Poll::Ready(end) = engine.poll_run(cx) {
            return Poll::Ready(end.map(|()| true));
        }
        if !engine.is_stuck(cx) {
            return Poll::Pending;
        }
        let end = self.end.get_or_insert_with(|| Box::pin(sleep(self.grace)));
        end.as_mut().poll(cx).map(|()| Ok(false))
    }
}

impl<W> Engine<W> {
    /// Fails everything that is pending, and all that comes.
    pub(crate) fn fail(&mut self, error: &Error) {
        self.shared.close(error, self.written);
        self.router.close();
    }
}

impl<W> Drop for Engine<W> {
    fn drop(&mut self) {
        self.fail(&Error::closed("driver of the connection was dropped", Delivery::Unknown));
    }
}

impl<W> fmt::Debug for Engine<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("written", &self.written).finish_non_exhaustive()
    }
}

fn endless() -> Error {
    let text = "server does not end its line: is it an MCP server?";
    Error::closed(text, Delivery::Unknown)
}
