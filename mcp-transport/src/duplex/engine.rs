//! The work of a connection, whatever it is made over.

use super::{
    port::{Port, Written},
    router::Router,
    shared::Shared,
    wire::{Framing, Inbound, Wire, lost},
};
use crate::{BoxError, Delivery, Error, lines::Line};
use std::{
    fmt,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};
#[cfg(any(feature = "socket", feature = "stdio"))]
use std::{pin::Pin, time::Duration};
#[cfg(any(feature = "socket", feature = "stdio"))]
use tokio::time::{Sleep, sleep};

/// After this many turns the driver lets other tasks run.
const TURNS: usize = 4;

/// Writes what was queued, and hands out what comes. Dropping it fails what is pending and drops the wire.
pub(crate) struct Engine<W: Framing> {
    shared: Arc<Shared<Mutex<Port<W>>>>,
    inbound: W::Inbound,
    router: Router,
    written: Written,
}

impl<W: Wire> Engine<W> {
    pub(super) fn new(
        shared: Arc<Shared<Mutex<Port<W>>>>,
        inbound: W::Inbound,
        router: Router,
    ) -> Self {
        Self { shared, inbound, router, written: Written::All }
    }

    /// Runs the connection to its end, and leaves it to the caller to fail what is pending.
    ///
    /// Each turn writes once and reads what is there, as far as the stream takes and gives: neither waits for the other,
    /// so that two peers that fill each other's pipes get them empty again. Writing comes first, so that the requests
    /// of all the callers that the last turn woke leave together. When all is written, the rest of the turns only
    /// read: who queues something wakes the driver. The callers are woken when the turn needs the wire no more, for
    /// they may write the next request at once, from another thread.
    pub(crate) fn poll_run(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.written = Written::Some;
        for _ in 0..TURNS {
            let mut port = self.shared.port();
            if self.written == Written::Some {
                match port.write(&self.shared, cx) {
                    Ok(written) => self.written = written,
                    Err(error) => {
                        drop(port);
                        return Poll::Ready(self.last_words(cx, error));
                    }
                }
            }
            if self.written == Written::Closed {
                return Poll::Ready(Ok(()));
            }
            let reading = port.read(cx, &mut self.inbound);
            drop(port);
            if reading.has_read
                && let Err(error) = self.route()
            {
                return Poll::Ready(self.end_of_input(error));
            }
            match reading.next {
                Poll::Ready(Err(error)) => return Poll::Ready(self.end_of_input(error)),
                Poll::Ready(Ok(())) => {}
                Poll::Pending if self.written == Written::Some => {}
                Poll::Pending => return Poll::Pending,
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Closes the writing half, whatever is left to write.
    #[cfg(any(feature = "socket", feature = "stdio"))]
    pub(crate) fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.shared.port().poll_shutdown(cx)
    }

    /// Whether nobody holds the connection any more while the peer does not take what is left, after a pending run.
    #[cfg(any(feature = "socket", feature = "stdio"))]
    fn is_stuck(&self, cx: &Context<'_>) -> bool {
        match self.written {
            Written::Closing => true,
            Written::Blocked => self.shared.poll_released(cx),
            Written::Some | Written::All | Written::Closed => false,
        }
    }

    /// Reads and drops what still comes, after the end.
    #[cfg(any(feature = "socket", feature = "stdio"))]
    pub(crate) fn poll_discard(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        for _ in 0..TURNS {
            if !std::task::ready!(self.shared.port().poll_discard(cx)) {
                return Poll::Ready(());
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Routes the messages that are complete, and wakes those whom they are for.
    fn route(&mut self) -> Result<(), Error> {
        let routed = self.route_lines();
        self.router.wake();
        routed
    }

    fn route_lines(&mut self) -> Result<(), Error> {
        while let Some(line) = self.inbound.next() {
            match line {
                Line::Whole(line) => self.router.line(line),
                Line::TooLong(salvage) => self.router.too_long(&salvage),
                Line::Endless => return Err(endless()),
            }
            self.router.check_noise(0)?;
        }
        self.router.check_noise(self.inbound.noise())
    }

    /// The peer stopped reading; what it said before still counts.
    fn last_words(&mut self, cx: &mut Context<'_>, error: BoxError) -> Result<(), Error> {
        for _ in 0..TURNS {
            let reading = self.shared.port().read(cx, &mut self.inbound);
            let is_routed = reading.has_read && self.route().is_ok();
            if !is_routed || !matches!(reading.next, Poll::Ready(Ok(()))) {
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

impl<W: Framing> Engine<W> {
    /// Fails everything that is pending, and all that comes.
    pub(crate) fn fail(&mut self, error: &Error) {
        self.shared.close(error);
        self.router.close();
    }
}

impl<W: Framing> Drop for Engine<W> {
    fn drop(&mut self) {
        self.fail(&Error::closed("driver of the connection was dropped", Delivery::Unknown));
        // Handles may live longer, and the wire must not.
        let gone = self.shared.port().take();
        drop(gone);
    }
}

impl<W: Framing> fmt::Debug for Engine<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("written", &self.written).finish_non_exhaustive()
    }
}

fn endless() -> Error {
    let text = "server does not end its line: is it an MCP server?";
    Error::closed(text, Delivery::Unknown)
}
