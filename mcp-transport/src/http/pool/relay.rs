//! Who is woken when something happens on a connection.

use futures_util::task::AtomicWaker;
use std::{
    cell::Cell,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    task::{Wake, Waker},
};

thread_local! {
    /// This thread asks for something that a connection brings, or gives it something to do, and polls the connection in any
    /// case: it needs no wake-up for that.
    static IS_ASKING: Cell<bool> = const { Cell::new(false) };
}

/// Does what would wake a connection that is about to be polled.
pub(super) fn quietly<T>(ask: impl FnOnce() -> T) -> T {
    /// In a drop, so that a panic does not leave the thread deaf.
    struct Asking;

    impl Drop for Asking {
        fn drop(&mut self) {
            IS_ASKING.set(false);
        }
    }

    IS_ASKING.set(true);
    let _asking = Asking;
    ask()
}

/// The one waker that a connection ever sees.
///
/// A connection is polled by the call that uses it. What wakes it in the middle of that is only noted, because that call is
/// running; later the call is woken, and the keepers of the pool while there is none.
pub(super) struct Relay {
    is_polled: AtomicBool,
    is_noted: AtomicBool,
    call: AtomicWaker,
    keepers: Arc<Keepers>,
}

impl Relay {
    pub(super) fn new(keepers: Arc<Keepers>) -> Arc<Self> {
        Arc::new(Self {
            is_polled: AtomicBool::new(false),
            is_noted: AtomicBool::new(false),
            call: AtomicWaker::new(),
            keepers,
        })
    }

    /// From here to [`Self::end`] wake-ups are noted and go nowhere.
    pub(super) fn begin(&self) {
        self.is_polled.store(true, SeqCst);
    }

    /// Lets wake-ups through again: to the call, if one is given. Whoever ends has to look for a note after that.
    pub(super) fn end(&self, call: Option<&Waker>) {
        match call {
            Some(call) => self.call.register(call),
            None => drop(self.call.take()),
        }
        self.is_polled.store(false, SeqCst);
    }

    /// Whether something was noted since it was asked last.
    pub(super) fn take_note(&self) -> bool {
        // Mostly there is nothing, and to look costs less than to change.
        self.is_noted.load(SeqCst) && self.is_noted.swap(false, SeqCst)
    }

    /// Whether something has happened.
    pub(super) fn has_note(&self) -> bool {
        self.is_noted.load(SeqCst)
    }
}

impl Wake for Relay {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if IS_ASKING.get() {
            return;
        }
        // In this order: what is not let through is noted before `end`.
        self.is_noted.store(true, SeqCst);
        if self.is_polled.load(SeqCst) {
            return;
        }
        match self.call.take() {
            Some(call) => call.wake(),
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
        relay.begin();
        relay.wake_by_ref();
        assert_eq!(counts(), (0, 0), "whoever polls finds the note");
        assert!(relay.take_note() && !relay.take_note());
        relay.end(Some(&caller));
        relay.wake_by_ref();
        assert_eq!(counts(), (1, 0));
        relay.begin();
        relay.end(None);
        relay.wake_by_ref();
        assert_eq!(counts(), (1, 1), "nobody uses it");
        assert!(relay.take_note());
        quietly(|| relay.wake_by_ref());
        assert!(!relay.has_note(), "it was no news");
    }
}
