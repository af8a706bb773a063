//! The work of a driver, generic over the wire.

use super::{
    intake::Intake,
    port::{Port, Written},
    shared::Shared,
    wakers::Wakers,
    wire::{Framing, Wire, lost},
};
use crate::{BoxError, Delivery, Error};
use std::{
    fmt, mem,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};
#[cfg(any(feature = "socket", feature = "stdio"))]
use std::{pin::Pin, time::Duration};
#[cfg(any(feature = "socket", feature = "stdio"))]
use tokio::time::{Sleep, sleep};

/// The number of turns after which the driver yields to other tasks.
const TURNS: usize = 4;

/// Writes what is queued, and routes what arrives. Dropping it fails the pending calls and drops the wire.
pub(crate) struct Engine<W: Framing> {
    shared: Arc<Shared<Mutex<Port<W>>>>,
    intake: Arc<Mutex<Intake<W::Inbound>>>,
    /// The callers to wake after the last turn.
    due: Wakers,
    written: Written,
}

impl<W: Wire> Engine<W> {
    pub(super) fn new(
        shared: Arc<Shared<Mutex<Port<W>>>>,
        intake: Arc<Mutex<Intake<W::Inbound>>>,
    ) -> Self {
        Self { shared, intake, due: Wakers::default(), written: Written::All }
    }

    /// Runs the connection to its end; failing the pending calls is left to the caller.
    ///
    /// Each turn writes once and reads what is available, as far as the stream allows: neither waits for the other, so
    /// that two peers which have filled each other's pipes can empty them again. Writing comes first, so that the
    /// requests of all callers woken by the last turn leave together; if most of them have yet to come, they run first.
    /// Once everything is written, the remaining turns only read: queueing a message wakes the driver. The callers are
    /// woken when the turn has finished with the wire, because they may write their next requests at once, from another
    /// thread.
    pub(crate) fn poll_run(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.written = Written::Some;
        for _ in 0..TURNS {
            if self.written == Written::Some {
                let written = self.shared.port().write(&self.shared, cx);
                match written {
                    Ok(written) => self.written = written,
                    Err(error) => return Poll::Ready(self.last_words(cx, error)),
                }
            }
            if self.written == Written::Closed {
                return Poll::Ready(Ok(()));
            }
            match self.take_in(cx) {
                Poll::Ready(Err(error)) => return Poll::Ready(self.end_of_input(error)),
                Poll::Ready(Ok(())) => {}
                Poll::Pending if self.written == Written::Some => {}
                Poll::Pending if self.written == Written::Soon => break,
                Poll::Pending => return Poll::Pending,
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Closes the writing half, even if something is left to write.
    #[cfg(any(feature = "socket", feature = "stdio"))]
    pub(crate) fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.shared.port().poll_shutdown(cx)
    }

    /// Returns whether, after a pending run, the connection is unused but the peer does not read what is left.
    #[cfg(any(feature = "socket", feature = "stdio"))]
    fn is_stuck(&self, cx: &Context<'_>) -> bool {
        match self.written {
            Written::Closing => true,
            Written::Blocked => self.shared.poll_released(cx),
            Written::Some | Written::Soon | Written::All | Written::Closed => false,
        }
    }

    /// Reads and discards what arrives after the end.
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

    /// Reads what is available, routes it, and wakes its receivers.
    fn take_in(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let mut intake = self.intake.lock().unwrap_or_else(PoisonError::into_inner);
        let next = intake.take_in(self.shared.port(), cx);
        mem::swap(intake.due(), &mut self.due);
        drop(intake);
        self.due.wake();
        next
    }

    /// The peer has stopped reading; what it sent before still counts.
    fn last_words(&mut self, cx: &mut Context<'_>, error: BoxError) -> Result<(), Error> {
        for _ in 0..TURNS {
            if !matches!(self.take_in(cx), Poll::Ready(Ok(()))) {
                break;
            }
        }
        self.end_of_input(lost(error))
    }

    /// The end of an unused connection is not a failure.
    fn end_of_input(&self, error: Error) -> Result<(), Error> {
        if self.shared.is_released() { Ok(()) } else { Err(error) }
    }
}

/// Runs a connection, and gives the peer some time at its end to read what is left.
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

    /// Runs the connection to its end; returns false if the peer did not read what was left.
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

impl<W: Framing + Send + 'static> Engine<W> {
    /// Returns a function that makes the connection end as if no handle were left.
    pub(crate) fn release(&self) -> impl FnOnce() + Send + 'static {
        let shared = Arc::clone(&self.shared);
        move || shared.release()
    }
}

impl<W: Framing> Engine<W> {
    /// Fails all pending calls, and all later ones.
    pub(crate) fn fail(&mut self, error: &Error) {
        self.shared.close(error);
        self.intake.lock().unwrap_or_else(PoisonError::into_inner).close();
    }
}

impl<W: Framing> Drop for Engine<W> {
    fn drop(&mut self) {
        self.fail(&Error::closed("driver of the connection was dropped", Delivery::Unknown));
        // Handles may live longer, but the wire must not.
        let gone = (self.shared.port().take(), self.shared.forget_driver());
        drop(gone);
    }
}

impl<W: Framing> fmt::Debug for Engine<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("written", &self.written).finish_non_exhaustive()
    }
}
