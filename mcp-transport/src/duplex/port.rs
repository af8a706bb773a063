//! Access to the wire, for the driver or for a caller during one write.

use super::{
    exchange::{Exchange, Outgoing, settle},
    outflow::Outflow,
    shared::Shared,
    wire::{Inbound, Wire},
};
use crate::{BoxError, Error};
use std::{
    mem,
    sync::{Mutex, MutexGuard, TryLockError},
    task::{Context, Poll, Waker},
};

/// The wire and the bytes being written.
pub(super) struct Port<W> {
    /// None once the driver is gone.
    wire: Option<W>,
    outflow: Outflow,
    /// The task that the wire wakes, whoever polls it: a stream remembers only one waker per direction.
    driver: Waker,
    /// The waker to use instead for reading.
    bell: Option<Waker>,
    /// An error that a caller has met. The driver ends the connection with it.
    broken: Option<BoxError>,
}

/// The progress of writing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Written {
    /// A part of the queue was written, and the rest may follow.
    Some,
    /// Nothing yet: the driver yields to callers first.
    Soon,
    /// The whole queue was written.
    All,
    /// The peer does not take any more.
    Blocked,
    /// Everything was written, including the end, and the wire is being closed.
    Closing,
    /// Everything was written, and the wire is closed.
    Closed,
}

/// The result of reading.
#[derive(Debug)]
pub(super) struct Reading {
    /// Whether anything was read.
    pub(super) has_read: bool,
    /// How the last read ended: there may be more, or nothing more was available.
    pub(super) next: Poll<Result<(), Error>>,
}

impl<W> Port<W> {
    pub(super) fn new(wire: W) -> Mutex<Self> {
        let (outflow, driver) = (Outflow::default(), Waker::noop().clone());
        Mutex::new(Self { wire: Some(wire), outflow, driver, bell: None, broken: None })
    }

    /// Returns the offset before which everything is written.
    pub(super) fn written(&self) -> u64 {
        self.outflow.written()
    }

    /// Sets the waker for when there is something to read.
    pub(super) fn hang(&mut self, bell: Waker) {
        self.bell = Some(bell);
    }

    /// Takes the wire and its wakers, to be dropped after the lock is released.
    pub(super) fn take(&mut self) -> (Option<W>, Waker, Option<Waker>) {
        let driver = mem::replace(&mut self.driver, Waker::noop().clone());
        (self.wire.take(), driver, self.bell.take())
    }
}

impl<W: Wire> Port<W> {
    /// Writes part of the queue once.
    pub(super) fn write(
        &mut self,
        shared: &Shared<Mutex<Self>>,
        cx: &mut Context<'_>,
    ) -> Result<Written, BoxError> {
        if !self.driver.will_wake(cx.waker()) {
            self.driver = cx.waker().clone();
            shared.remember_driver(&self.driver);
        }
        if let Some(error) = self.broken.take() {
            return Err(error);
        }
        let Some(wire) = &mut self.wire else { return Ok(Written::Closed) };
        if self.outflow.is_empty() {
            match shared.poll_outgoing(self.outflow.refill(), cx) {
                Outgoing::Lines => {}
                Outgoing::Soon => return Ok(Written::Soon),
                Outgoing::Nothing => {
                    let _flushed = self.outflow.poll_flush(wire, cx)?;
                    return Ok(Written::All);
                }
                Outgoing::Finished if wire.poll_shutdown(cx).is_ready() => {
                    return Ok(Written::Closed);
                }
                Outgoing::Finished => return Ok(Written::Closing),
            }
        }
        let written = self.outflow.poll_write(wire, cx)?;
        Ok(if written.is_ready() { Written::Some } else { Written::Blocked })
    }

    /// Reads what is available; when there is nothing more, the wire is registered to wake.
    ///
    /// That takes two reads, but then the wire need not be polled again after what was read has been processed.
    pub(super) fn read(&mut self, cx: &mut Context<'_>, inbound: &mut W::Inbound) -> Reading {
        let mut next = self.poll_read(cx, inbound);
        let has_read = matches!(next, Poll::Ready(Ok(())));
        if has_read && inbound.has_room() {
            next = self.poll_read(cx, inbound);
        }
        Reading { has_read, next }
    }

    fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        inbound: &mut W::Inbound,
    ) -> Poll<Result<(), Error>> {
        let Some(wire) = &mut self.wire else { return Poll::Pending };
        match &self.bell {
            Some(bell) => wire.poll_read(&mut Context::from_waker(bell), inbound),
            None => wire.poll_read(cx, inbound),
        }
    }

    /// Closes the writing half, even if something is left to write.
    #[cfg(any(feature = "socket", feature = "stdio"))]
    pub(super) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.wire.as_mut().map_or(Poll::Ready(()), |wire| wire.poll_shutdown(cx))
    }

    /// Reads once and discards the bytes; returns false at the end.
    #[cfg(any(feature = "socket", feature = "stdio"))]
    pub(super) fn poll_discard(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        self.wire.as_mut().map_or(Poll::Ready(false), |wire| wire.poll_discard(cx))
    }

    /// Returns whether a caller may write: everything taken before is written, and the driver is there to finish what
    /// the caller begins.
    fn is_quiet(&self) -> bool {
        self.outflow.is_empty() && self.broken.is_none() && self.wire.is_some()
    }

    /// Writes what was taken; returns the driver to wake if that was not everything.
    fn write_through(&mut self) -> Option<Waker> {
        let wire = self.wire.as_mut()?;
        match self.outflow.poll_all(wire, &mut Context::from_waker(&self.driver)) {
            Poll::Ready(Ok(())) => return None,
            Poll::Ready(Err(error)) => self.broken = Some(error),
            Poll::Pending => {}
        }
        Some(self.driver.clone())
    }
}

/// What a caller can do with any kind of wire.
pub(super) trait WriteThrough: Send + Sync {
    /// Writes what is queued, unless the wire is in use; what cannot be written is left to the driver.
    ///
    /// Nothing waits for the wire while holding the exchange, and lines are taken only under both locks: so they are
    /// written in the order of the exchange.
    fn write_through(&self, exchange: MutexGuard<'_, Exchange>);

    /// Returns the waker for when there is something to read, unless the wire is in use.
    fn bell(&self) -> Option<Waker>;
}

impl<W: Wire + Send> WriteThrough for Mutex<Port<W>> {
    fn write_through(&self, mut exchange: MutexGuard<'_, Exchange>) {
        let port = match self.try_lock() {
            Ok(port) => Some(port),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        };
        let Some(mut port) = port.filter(|port| port.is_quiet()) else { return settle(exchange) };
        exchange.take_outgoing(port.outflow.refill());
        // There is room again for the callers waiting for it.
        settle(exchange);
        let driver = port.write_through();
        drop(port);
        if let Some(driver) = driver {
            driver.wake();
        }
    }

    fn bell(&self) -> Option<Waker> {
        self.try_lock().ok()?.bell.clone()
    }
}
