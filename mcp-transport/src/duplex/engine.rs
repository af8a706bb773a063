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

/// After this many turns the driver lets other tasks run.
const TURNS: usize = 4;

/// Writes what was queued, and hands out what comes. Dropping it fails what is pending and drops the wire.
pub(crate) struct Engine<W: Framing> {
    shared: Arc<Shared<Mutex<Port<W>>>>,
    intake: Arc<Mutex<Intake<W::Inbound>>>,
    /// The callers whom the last turn has something for.
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

    /// Runs the connection to its end, and leaves it to the caller to fail what is pending.
    ///
    /// Each turn writes once and reads what is there, as far as the stream takes and gives: neither waits for the other,
    /// so that two peers that fill each other's pipes get them empty again. Writing comes first, so that the requests
    /// of all the callers that the last turn woke leave together; if most of them are still to come, they go first. When
    /// all is written, the rest of the turns only read: who queues something wakes the driver. The callers are woken when
    /// the turn needs the wire no more, for they may write the next request at once, from another thread.
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
            Written::Some | Written::Soon | Written::All | Written::Closed => false,
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

    /// Reads what is there, routes it, and wakes those whom it is for.
    fn take_in(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let mut intake = self.intake.lock().unwrap_or_else(PoisonError::into_inner);
        let next = intake.take_in(self.shared.port(), cx);
        mem::swap(intake.due(), &mut self.due);
        drop(intake);
        self.due.wake();
        next
    }

    /// The peer stopped reading; what it said before still counts.
    fn last_words(&mut self, cx: &mut Context<'_>, error: BoxError) -> Result<(), Error> {
        for _ in 0..TURNS {
            if !matches!(self.take_in(cx), Poll::Ready(Ok(()))) {
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

impl<W: Framing + Send + 'static> Engine<W> {
    /// What has the connection end as if no handle were left.
    pub(crate) fn release(&self) -> impl FnOnce() + Send + 'static {
        let shared = Arc::clone(&self.shared);
        move || shared.release()
    }
}

impl<W: Framing> Engine<W> {
    /// Fails everything that is pending, and all that comes.
    pub(crate) fn fail(&mut self, error: &Error) {
        self.shared.close(error);
        self.intake.lock().unwrap_or_else(PoisonError::into_inner).close();
    }
}

impl<W: Framing> Drop for Engine<W> {
    fn drop(&mut self) {
        self.fail(&Error::closed("driver of the connection was dropped", Delivery::Unknown));
        // Handles may live longer, and the wire must not.
        let gone = (self.shared.port().take(), self.shared.forget_driver());
        drop(gone);
    }
}

impl<W: Framing> fmt::Debug for Engine<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("written", &self.written).finish_non_exhaustive()
    }
}
