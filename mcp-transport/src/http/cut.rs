//! The end of a connection, for the calls in flight.

use super::{state::State, stream};
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

/// Whether a connection is cut off, and whom that wakes.
#[derive(Default)]
pub(super) struct Cut {
    is_done: AtomicBool,
    waiting: Mutex<Slab<Waker>>,
}

impl Cut {
    pub(super) fn is_done(&self) -> bool {
        self.is_done.load(Acquire)
    }

    /// Cuts the connection off, for good.
    pub(super) fn make(&self) {
        let mut waiting = self.lock();
        self.is_done.store(true, Release);
        let wakers = mem::take(&mut *waiting);
        // Not under the lock, which those who are woken may want.
        drop(waiting);
        wakers.into_iter().for_each(|(_, waker)| waker.wake());
    }

    fn lock(&self) -> MutexGuard<'_, Slab<Waker>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits until a connection is cut off, or until it is dropped.
pub(super) struct UntilCut {
    state: Arc<State>,
    seat: Option<Seat>,
}

/// A place among those who wait.
struct Seat {
    key: usize,
    of: Address,
}

/// What tells a waker from others that live at the same time.
type Address = (usize, usize);

impl UntilCut {
    pub(super) fn new(state: Arc<State>) -> Self {
        Self { state, seat: None }
    }

    /// Resolves when the connection is cut off, with what a call fails with.
    pub(super) fn poll(&mut self, cx: &Context<'_>) -> Poll<Error> {
        let cut = &self.state.cut;
        if cut.is_done() {
            return Poll::Ready(stream::closed(&self.state.target.url));
        }
        let (waker, of) = (cx.waker(), address(cx.waker()));
        match &mut self.seat {
            // A copy of that waker waits, so that there is no other at its address.
            Some(seat) if seat.of == of => return Poll::Pending,
            seat => {
                let mut waiting = cut.lock();
                // In this order, so that nothing is missed.
                if !cut.is_done() {
                    let before = seat.take().and_then(|seat| waiting.try_remove(seat.key));
                    *seat = Some(Seat { key: waiting.insert(waker.clone()), of });
                    drop(waiting);
                    drop(before);
                    return Poll::Pending;
                }
            }
        }
        Poll::Ready(stream::closed(&self.state.target.url))
    }
}

impl Drop for UntilCut {
    fn drop(&mut self) {
        if let Some(seat) = self.seat.take() {
            let waker = self.state.cut.lock().try_remove(seat.key);
            drop(waker);
        }
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
