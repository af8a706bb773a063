//! Waking all calls that wait for replies over a connection, for a deadline that they share.

use super::{
    port::WriteThrough,
    shared::{Handle, Shared},
};
use std::{
    fmt,
    num::NonZero,
    sync::{
        Weak,
        atomic::{AtomicU64, Ordering},
    },
    task::Waker,
};

/// All calls that wait for replies over one connection.
///
/// The connection knows the waker of each. So a single [`Alarm`] can serve the deadlines of all of them, and a call
/// that is answered in time needs no timer.
#[derive(Clone, Copy)]
pub struct Waiters<'a>(&'a Handle);

impl<'a> Waiters<'a> {
    pub(super) fn new(handle: &'a Handle) -> Self {
        Self(handle)
    }

    /// Returns the number of the current alarm. It wakes all calls that have polled their replies before and wait for
    /// them.
    #[inline]
    pub fn alarm(self) -> Option<NonZero<u64>> {
        self.0.alarm().number()
    }

    /// Sets an alarm, unless there is one. Numbers must not be reused.
    pub fn set_alarm(self, number: NonZero<u64>) -> Option<Alarm> {
        let is_set = self.0.alarm().set(number);
        is_set.then(|| Alarm { number, connection: self.0.downgrade() })
    }
}

/// Wakes all calls that wait for replies over one connection when it is dropped, as if replies had arrived.
///
/// No task is woken under a lock of the connection.
#[must_use = "it rings when it is dropped"]
pub struct Alarm {
    number: NonZero<u64>,
    connection: Weak<Shared<dyn WriteThrough>>,
}

impl Drop for Alarm {
    fn drop(&mut self) {
        let Some(connection) = self.connection.upgrade() else { return };
        // Before the wakers are taken: calls that begin to wait later see no alarm.
        connection.alarm().clear(self.number);
        let callers = connection.lock().callers();
        callers.into_iter().for_each(Waker::wake);
    }
}

/// The number of the current alarm, or zero.
#[derive(Debug, Default)]
pub(super) struct Mark(AtomicU64);

impl Mark {
    #[inline]
    fn number(&self) -> Option<NonZero<u64>> {
        NonZero::new(self.0.load(Ordering::Acquire))
    }

    fn set(&self, number: NonZero<u64>) -> bool {
        self.replace(0, number.get())
    }

    fn clear(&self, number: NonZero<u64>) {
        // Otherwise the alarm is another one.
        self.replace(number.get(), 0);
    }

    fn replace(&self, old: u64, new: u64) -> bool {
        self.0.compare_exchange(old, new, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }
}

impl fmt::Debug for Waiters<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiters").field("alarm", &self.alarm()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Alarm").field("number", &self.number).finish_non_exhaustive()
    }
}
