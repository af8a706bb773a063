//! Who may use the wire: the driver, or a caller for the time of one write.

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

/// The wire and what is on its way out.
pub(super) struct Port<W> {
    /// None when the driver is gone.
    wire: Option<W>,
    outflow: Outflow,
    /// Whom the wire wakes, whoever polls it, for it remembers no more than one for each direction.
    driver: Waker,
    /// Whom it wakes instead when there is something to read.
    bell: Option<Waker>,
    /// What a caller has met. The driver ends the connection with it.
    broken: Option<BoxError>,
}

/// How far writing has got.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Written {
    /// Some of what is queued, and the rest may follow.
    Some,
    /// Nothing yet: others go first.
    Soon,
    /// All that is queued.
    All,
    /// What the peer takes, which is not all.
    Blocked,
    /// All, the last included, and the peer is being told.
    Closing,
    /// The same, and it was told.
    Closed,
}

/// What reading came to.
#[derive(Debug)]
pub(super) struct Reading {
    /// Whether something was read.
    pub(super) has_read: bool,
    /// How the last read ended: there may be more, or there was nothing more to read.
    pub(super) next: Poll<Result<(), Error>>,
}

impl<W> Port<W> {
    pub(super) fn new(wire: W) -> Mutex<Self> {
        let (outflow, driver) = (Outflow::default(), Waker::noop().clone());
        Mutex::new(Self { wire: Some(wire), outflow, driver, bell: None, broken: None })
    }

    /// The place before which all is written.
    pub(super) fn written(&self) -> u64 {
        self.outflow.written()
    }

    /// Has the wire wake this one when there is something to read.
    pub(super) fn hang(&mut self, bell: Waker) {
        self.bell = Some(bell);
    }

    /// Gives up the wire, and whom it wakes, to be dropped when the lock is gone.
    pub(super) fn take(&mut self) -> (Option<W>, Waker, Option<Waker>) {
        let driver = mem::replace(&mut self.driver, Waker::noop().clone());
        (self.wire.take(), driver, self.bell.take())
    }
}

impl<W: Wire> Port<W> {
    /// Writes once of what is queued.
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

    /// Reads what is there and, once there is nothing, is told by the wire when there is more.
    ///
    /// That takes two reads: whoever has the wire need not come back to it when what was read is worked off.
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

    /// Closes the writing half, whatever is left to write.
    #[cfg(any(feature = "socket", feature = "stdio"))]
    pub(super) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.wire.as_mut().map_or(Poll::Ready(()), |wire| wire.poll_shutdown(cx))
    }

    /// Reads once and forgets it; false at the end.
    #[cfg(any(feature = "socket", feature = "stdio"))]
    pub(super) fn poll_discard(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        self.wire.as_mut().map_or(Poll::Ready(false), |wire| wire.poll_discard(cx))
    }

    /// Whether a caller may write: all that was taken before is written, and the driver is there to end what it begins.
    fn is_quiet(&self) -> bool {
        self.outflow.is_empty() && self.broken.is_none() && self.wire.is_some()
    }

    /// Writes what was taken; gives the driver to be woken, if that is not all.
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

/// What a caller can do with a wire of any kind.
pub(super) trait WriteThrough: Send + Sync {
    /// Writes what is queued, unless somebody else has the wire; what cannot be written is left to the driver.
    ///
    /// Nobody waits for the wire while holding the exchange, and the lines of others come after those that are taken
    /// under both locks: the wire has the order of the exchange.
    fn write_through(&self, exchange: MutexGuard<'_, Exchange>);

    /// What the wire rings when there is something to read, unless somebody has the wire.
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
        // There is room again for those who wait for it.
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
