//! Wakers that are collected under a lock and woken after it.

use std::{mem, task::Waker};

/// The capacity above which memory is released.
const KEPT: usize = 1024;

/// Wakes several callers at once, at the latest when it is dropped.
///
/// Waking each one immediately would run it into the work that wakes the others: other threads would start one after
/// the other, find nothing more to do, and sleep again.
#[derive(Debug, Default)]
pub(super) struct Wakers {
    /// The first one is stored inline, because often it is the only one.
    first: Option<Waker>,
    others: Vec<Waker>,
}

impl Wakers {
    pub(super) fn extend(&mut self, wakers: impl IntoIterator<Item = Waker>) {
        let mut wakers = wakers.into_iter();
        if self.first.is_none() {
            self.first = wakers.next();
        }
        self.others.extend(wakers);
    }

    /// Takes the wakers, to be woken elsewhere. If there is only one, the spare capacity stays here.
    pub(super) fn take(&mut self) -> Self {
        let others = if self.others.is_empty() { Vec::new() } else { mem::take(&mut self.others) };
        Self { first: self.first.take(), others }
    }

    /// Returns whether there is capacity for more than the first.
    pub(super) fn has_room(&self) -> bool {
        self.others.capacity() > 0
    }

    /// Takes over the capacity of wakers that were taken, now that they are woken.
    pub(super) fn take_room(&mut self, mut woken: Self) {
        if !self.has_room() {
            self.others = mem::take(&mut woken.others);
        }
    }

    pub(super) fn wake(&mut self) {
        self.first.take().into_iter().chain(self.others.drain(..)).for_each(Waker::wake);
        if self.others.capacity() > KEPT {
            self.others = Vec::new();
        }
    }
}

impl Drop for Wakers {
    fn drop(&mut self) {
        self.wake();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wakes::Wakes;

    #[test]
    fn everybody_is_woken_once_even_by_dropping() {
        let (wakes, waker) = Wakes::counted();
        let crowd = || (0..2 * KEPT).map(|_| waker.clone());
        let mut wakers = Wakers::default();
        wakers.extend(crowd());
        assert_eq!(wakes.count(), 0);
        wakers.wake();
        assert_eq!(wakes.count(), 2 * KEPT);
        assert!(wakers.others.capacity() <= KEPT);
        wakers.extend(crowd());
        drop(wakers);
        assert_eq!(wakes.count(), 4 * KEPT);
    }

    #[test]
    fn those_who_are_taken_out_leave_their_room_to_the_next() {
        let (wakes, waker) = Wakes::counted();
        let mut wakers = Wakers::default();
        for count in [3, 1, 3] {
            wakers.extend((0..count).map(|_| waker.clone()));
            let mut due = wakers.take();
            assert_eq!(wakers.has_room(), count == 1, "one has no need of it");
            due.wake();
            wakers.take_room(due);
            assert!(wakers.has_room());
        }
        assert_eq!(wakes.count(), 7);
    }
}
