//! The state that the handles and the driver of a connection share.

use super::{
    Limits,
    alarm::Mark,
    call::CallReplies,
    calls::Key,
    exchange::{Exchange, Outgoing, settle},
    outbox::{Chunk, LargeLine},
    port::{Port, WriteThrough},
};
use crate::Error;
use mcp_types::rpc::Message;
use std::{
    fmt, mem,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Waker},
};

/// Keeps the connection open: dropping the last handle lets the driver end.
#[derive(Debug)]
pub(super) struct Handle(Arc<Shared<dyn WriteThrough>>);

impl Handle {
    pub(super) fn new(shared: Arc<Shared<dyn WriteThrough>>) -> Self {
        Self(shared)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Exchange> {
        self.0.lock()
    }

    #[inline]
    pub(super) fn alarm(&self) -> &Mark {
        &self.0.alarm
    }

    /// Returns the connection without keeping it open.
    pub(super) fn downgrade(&self) -> Weak<Shared<dyn WriteThrough>> {
        Arc::downgrade(&self.0)
    }

    /// Queues a message, or writes it at once if nothing else is being written; returns the replies to it.
    pub(super) fn send(
        self: &Arc<Self>,
        mut exchange: MutexGuard<'_, Exchange>,
        message: &Message,
        line: Option<LargeLine>,
    ) -> Result<Option<CallReplies>, Error> {
        let is_quiet = exchange.is_quiet();
        let key = exchange.send(message, line)?;
        if (is_quiet || exchange.is_complete()) && is_in_runtime() {
            self.0.port.write_through(exchange);
            self.0.answer_bell();
        } else {
            settle(exchange);
        }
        Ok(key.map(|key| CallReplies::new(key, Arc::clone(self))))
    }

    pub(super) fn abandon(&self, key: Key) {
        let mut exchange = self.0.lock();
        let left = exchange.abandon(key);
        settle(exchange);
        drop(left);
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.release();
    }
}

/// Returns whether code that needs a runtime may run here, as in the driver: some kinds of streams need one to be
/// written.
fn is_in_runtime() -> bool {
    tokio::runtime::Handle::try_current().is_ok()
}

/// The shared state: only the driver knows the type of the wire.
pub(super) struct Shared<P: ?Sized> {
    pub(super) limits: Limits,
    exchange: Mutex<Exchange>,
    /// The driver, for tasks that must not wait for the wire.
    driver: Mutex<Waker>,
    /// Whether the bell rang while the wire was in use; its holder then reads.
    has_rung: AtomicBool,
    /// The alarm for all calls that wait for replies.
    alarm: Mark,
    port: P,
}

impl<W> Shared<Mutex<Port<W>>> {
    pub(super) fn new(wire: W, limits: Limits) -> Self {
        let exchange = Mutex::new(Exchange::new(&limits));
        let driver = Mutex::new(Waker::noop().clone());
        let has_rung = AtomicBool::new(false);
        Self { limits, exchange, driver, has_rung, alarm: Mark::default(), port: Port::new(wire) }
    }

    /// Waits for the wire, which is never held for longer than one write or read.
    pub(super) fn port(&self) -> MutexGuard<'_, Port<W>> {
        self.port.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the wire, if it is free. Otherwise its holder reads when it is done: the driver in its turn, a caller
    /// because it is told to.
    pub(super) fn port_or_tell(&self) -> Option<MutexGuard<'_, Port<W>>> {
        if let Ok(port) = self.port.try_lock() {
            return Some(port);
        }
        self.has_rung.swap(true, Ordering::AcqRel);
        // A holder that has released the wire in between may have missed the bell.
        self.port.try_lock().ok()
    }

    pub(super) fn close(&self, error: &Error) {
        // Holding the wire, so that no caller writes a message that is then reported as not sent.
        let port = self.port();
        let callers = self.lock().close(error, port.written());
        drop(port);
        callers.into_iter().for_each(Waker::wake);
    }
}

impl<P: ?Sized> Shared<P> {
    pub(super) fn lock(&self) -> MutexGuard<'_, Exchange> {
        self.exchange.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn alarm(&self) -> &Mark {
        &self.alarm
    }

    pub(super) fn remember_driver(&self, driver: &Waker) {
        drop(self.replace_driver(driver.clone()));
    }

    /// Takes the driver's waker, to be dropped when no lock is held.
    pub(super) fn forget_driver(&self) -> Waker {
        self.replace_driver(Waker::noop().clone())
    }

    pub(super) fn wake_driver(&self) {
        let driver = self.driver.lock().unwrap_or_else(PoisonError::into_inner).clone();
        driver.wake();
    }

    fn replace_driver(&self, driver: Waker) -> Waker {
        let mut place = self.driver.lock().unwrap_or_else(PoisonError::into_inner);
        mem::replace(&mut place, driver)
    }

    pub(super) fn poll_outgoing(&self, lines: &mut Chunk, cx: &Context<'_>) -> Outgoing {
        let mut exchange = self.lock();
        let outgoing = exchange.poll_outgoing(lines, cx.waker());
        settle(exchange);
        outgoing
    }

    /// Lets the driver end.
    pub(super) fn release(&self) {
        let mut exchange = self.lock();
        exchange.release();
        settle(exchange);
    }

    pub(super) fn is_released(&self) -> bool {
        self.lock().is_released()
    }

    #[cfg(any(feature = "socket", feature = "stdio"))]
    pub(super) fn poll_released(&self, cx: &Context<'_>) -> bool {
        self.lock().poll_released(cx.waker())
    }
}

impl Shared<dyn WriteThrough> {
    /// Reads what arrived while a caller held the wire; otherwise the driver would have to wait for it.
    fn answer_bell(&self) {
        if self.has_rung.swap(false, Ordering::AcqRel) {
            match self.port.bell() {
                Some(bell) => bell.wake(),
                None => self.wake_driver(),
            }
        }
    }
}

impl<P: ?Sized> fmt::Debug for Shared<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("limits", &self.limits).finish_non_exhaustive()
    }
}
