//! Forwarding the wake-ups of a connection to the call that uses it.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{
            AtomicBool,
            Ordering::{Relaxed, SeqCst},
        },
    },
    task::{Wake, Waker},
};

/// The only waker that the socket of a connection ever sees.
///
/// A connection is polled by the call that uses it. Wake-ups while it is polled are only noted, because the call is
/// running; later ones wake the call, or the keepers of the pool while there is no call.
pub(super) struct Relay {
    /// Whether something happened since the connection was polled.
    is_noted: AtomicBool,
    is_polled: AtomicBool,
    /// Whether something was read, including the end of the stream.
    has_read: AtomicBool,
    /// The waiting call. Wake-ups are noted while this is locked, so that one of the two sides sees the other.
    call: Mutex<Option<Waker>>,
    keepers: Arc<Keepers>,
}

impl Relay {
    pub(super) fn new(keepers: Arc<Keepers>) -> Arc<Self> {
        Arc::new(Self {
            is_noted: AtomicBool::new(false),
            is_polled: AtomicBool::new(false),
            has_read: AtomicBool::new(false),
            call: Mutex::default(),
            keepers,
        })
    }

    /// From here to [`Self::wait`] or [`Self::leave`] wake-ups are noted and not forwarded. Returns whether one was
    /// noted before, and clears it, because the connection is about to be polled.
    pub(super) fn begin(&self) -> bool {
        self.has_read.store(false, Relaxed);
        // A concurrent wake-up that does not see this yet wakes a task in vain, and does no other harm.
        self.is_polled.store(true, Relaxed);
        // Usually nothing is noted, and a load is cheaper than a swap.
        self.is_noted.load(SeqCst) && self.is_noted.swap(false, SeqCst)
    }

    /// Forwards wake-ups to the call again; returns false if one was noted, of which the call was not told.
    pub(super) fn wait(&self, call: &Waker) -> bool {
        let mut waiting = self.call();
        self.is_polled.store(false, Relaxed);
        if self.has_note() {
            return false;
        }
        match &mut *waiting {
            Some(waiting) => waiting.clone_from(call),
            None => *waiting = Some(call.clone()),
        }
        true
    }

    /// Forwards wake-ups to the keepers: no call uses the connection. `has_waited` says whether the waker of a call may
    /// still be held here.
    pub(super) fn leave(&self, has_waited: bool) {
        self.is_polled.store(false, SeqCst);
        if has_waited {
            let call = self.call().take();
            drop(call);
        }
    }

    /// Returns whether something has happened.
    pub(super) fn has_note(&self) -> bool {
        self.is_noted.load(SeqCst)
    }

    /// Called by the socket when something was read.
    pub(super) fn read(&self) {
        self.has_read.store(true, Relaxed);
    }

    /// Returns whether something was read since [`Self::begin`].
    pub(super) fn has_read(&self) -> bool {
        self.has_read.load(Relaxed)
    }

    fn call(&self) -> MutexGuard<'_, Option<Waker>> {
        self.call.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Relay {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let (call, is_known) = {
            let mut waiting = self.call();
            let is_known = self.has_note();
            self.is_noted.store(true, SeqCst);
            (waiting.take(), is_known)
        };
        match call {
            Some(call) => call.wake(),
            None if is_known || self.is_polled.load(SeqCst) => {}
            None => self.keepers.wake(),
        }
    }
}

/// The tasks that look after the idle connections of a pool: one for each transport that uses it.
#[derive(Default)]
pub(super) struct Keepers(Mutex<Vec<(u64, Waker)>>);

impl Keepers {
    /// Registers the task of one of them.
    pub(super) fn register(&self, number: u64, waker: &Waker) {
        let mut wakers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match wakers.iter_mut().find(|(of, _)| *of == number) {
            Some((_, known)) => known.clone_from(waker),
            None => wakers.push((number, waker.clone())),
        }
    }

    pub(super) fn remove(&self, number: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|(of, _)| *of != number);
    }

    pub(super) fn wake(&self) {
        let wakers: Vec<_> = {
            let wakers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            wakers.iter().map(|(_, waker)| waker.clone()).collect()
        };
        wakers.into_iter().for_each(Waker::wake);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wakes::Wakes;

    #[test]
    fn a_wake_up_reaches_whoever_waits_and_nobody_who_is_at_it() {
        let ((call, caller), (keeper, keeping)) = (Wakes::counted(), Wakes::counted());
        let keepers = Arc::new(Keepers::default());
        keepers.register(1, &keeping);
        let relay = Relay::new(keepers);
        let counts = || (call.count(), keeper.count());
        assert!(!relay.begin());
        relay.wake_by_ref();
        assert_eq!(counts(), (0, 0), "whoever polls finds the note");
        assert!(!relay.wait(&caller), "there is a note");
        assert!(relay.begin() && !relay.has_note());
        assert!(relay.wait(&caller));
        relay.wake_by_ref();
        assert_eq!(counts(), (1, 0));
        assert!(relay.begin());
        assert!(relay.wait(&caller) && !relay.begin());
        relay.leave(true);
        relay.wake_by_ref();
        relay.wake_by_ref();
        assert_eq!(counts(), (1, 1), "nobody uses it, and once is enough");
        assert!(relay.has_note());
    }
}
