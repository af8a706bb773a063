//! Forwarding wake-ups of a connection to whoever uses it.

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

/// The one waker that the socket of a connection ever sees.
///
/// A connection is polled by the call that uses it. What wakes it in the middle of that is only noted, because that call is
/// running; later the call is woken, and the keepers of the pool while there is none.
pub(super) struct Relay {
    /// Something happened since the connection was polled.
    is_noted: AtomicBool,
    is_polled: AtomicBool,
    /// Something was read, or the end of what there is to read was seen.
    has_read: AtomicBool,
    /// The call that waits. A note is made while this is locked, so that one of the two sees the other.
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

    /// From here to [`Self::wait`] or [`Self::leave`] wake-ups are noted and go nowhere. Says whether there was one before,
    /// and forgets it, for the connection is polled now.
    pub(super) fn begin(&self) -> bool {
        self.has_read.store(false, Relaxed);
        // A wake-up in between that does not see it yet reaches somebody for nothing, and no more.
        self.is_polled.store(true, Relaxed);
        // Mostly there is nothing, and to look costs less than to change.
        self.is_noted.load(SeqCst) && self.is_noted.swap(false, SeqCst)
    }

    /// Lets wake-ups through again, to the call; false if there is a note, which nobody was told of.
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

    /// Lets wake-ups through again, to the keepers: nobody uses the connection. `has_waited` says whether a call may still
    /// be known here.
    pub(super) fn leave(&self, has_waited: bool) {
        self.is_polled.store(false, SeqCst);
        if has_waited {
            let call = self.call().take();
            drop(call);
        }
    }

    /// Whether something has happened.
    pub(super) fn has_note(&self) -> bool {
        self.is_noted.load(SeqCst)
    }

    /// The socket says that something was read.
    pub(super) fn read(&self) {
        self.has_read.store(true, Relaxed);
    }

    /// Whether something was read since [`Self::begin`].
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
