//! Ending the calls in flight when their connection ends.

use super::state::State;
use crate::Error;
use slab::Slab;
use std::{
    mem, ptr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{
            AtomicBool,
            Ordering::{Acquire, Release},
        },
    },
    task::{Context, Poll, Waker},
};

/// Whether a connection is cut, and the tasks to wake then.
#[derive(Debug, Default)]
pub(super) struct Cut {
    is_done: AtomicBool,
    waiting: Mutex<Slab<Waker>>,
}

impl Cut {
    pub(super) fn is_done(&self) -> bool {
        self.is_done.load(Acquire)
    }

    /// Cuts the connection for good.
    pub(super) fn make(&self) {
        let mut waiting = self.lock();
        self.is_done.store(true, Release);
        let wakers = mem::take(&mut *waiting);
        // Outside of the lock, which the woken tasks may want.
        drop(waiting);
        wakers.into_iter().for_each(|(_, waker)| waker.wake());
    }

    /// Resolves when the connection is cut. Until then the caller's waker is registered in a seat, to be
    /// [left](Self::leave) afterwards.
    pub(super) fn poll(&self, seat: &mut Option<Seat>, cx: &Context<'_>) -> Poll<()> {
        if self.is_done() {
            return Poll::Ready(());
        }
        let (waker, of) = (cx.waker(), address(cx.waker()));
        // A clone of that waker is registered, so no other one can have its address.
        if seat.as_ref().is_some_and(|seat| seat.of == of) {
            return Poll::Pending;
        }
        let mut waiting = self.lock();
        // Checked after registering, so that nothing is missed.
        if self.is_done() {
            return Poll::Ready(());
        }
        let before = seat.take().and_then(|seat| waiting.try_remove(seat.key));
        *seat = Some(Seat { key: waiting.insert(waker.clone()), of });
        drop(waiting);
        drop(before);
        Poll::Pending
    }

    /// Gives up the seat, if there is one, so that its task is no longer woken.
    pub(super) fn leave(&self, seat: &mut Option<Seat>) {
        if let Some(Seat { key, .. }) = seat.take() {
            let waker = self.lock().try_remove(key);
            drop(waker);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Slab<Waker>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of one waiting task.
#[derive(Debug)]
pub(super) struct Seat {
    key: usize,
    of: Address,
}

/// Distinguishes a waker from all others alive at the same time.
type Address = (usize, usize);

/// Waits until a connection is cut; dropping it stops waiting.
pub(super) struct UntilCut {
    state: Arc<State>,
    seat: Option<Seat>,
}

impl UntilCut {
    pub(super) fn new(state: Arc<State>) -> Self {
        Self { state, seat: None }
    }

    /// Resolves when the connection is cut, with the error of the call.
    pub(super) fn poll(&mut self, cx: &Context<'_>) -> Poll<Error> {
        self.state.poll_cut(&mut self.seat, cx)
    }
}

impl Drop for UntilCut {
    fn drop(&mut self) {
        self.state.cut.leave(&mut self.seat);
    }
}

fn address(waker: &Waker) -> Address {
    (waker.data().addr(), ptr::from_ref(waker.vtable()).addr())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{http::endpoint::target, wakes::Wakes};

    fn poll(until_cut: &mut UntilCut, waker: &Waker) -> Poll<Error> {
        until_cut.poll(&Context::from_waker(waker))
    }

    #[test]
    fn whoever_waits_last_is_woken_once_and_whoever_left_is_not() {
        let state = State::new(Arc::new(target("http://localhost".parse().unwrap()).unwrap()));
        let [(first, one), (second, other), (third, left)] = [(); 3].map(|()| Wakes::counted());
        let mut until_cut = UntilCut::new(Arc::clone(&state));
        for waker in [&one, &one, &other] {
            assert!(poll(&mut until_cut, waker).is_pending());
        }
        let mut leaves = UntilCut::new(Arc::clone(&state));
        assert!(poll(&mut leaves, &left).is_pending());
        assert_eq!(state.cut.lock().len(), 2);
        drop(leaves);
        assert_eq!(state.cut.lock().len(), 1);
        state.cut();
        assert_eq!([first.count(), second.count(), third.count()], [0, 1, 0]);
        assert!(poll(&mut until_cut, &other).is_ready());
        assert!(poll(&mut UntilCut::new(state), &one).is_ready(), "it was cut before");
    }
}
