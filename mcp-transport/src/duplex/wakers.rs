//! Wakers that are collected under a lock and woken after it.

use std::task::Waker;

/// Room for more than this is given back.
const KEPT: usize = 1024;

/// Wakes several callers in one go, at the latest when it is dropped.
///
/// Who is woken at once, while others still wait for their turn, runs into the work that wakes them: other threads come
/// one after the other, find nothing more to do, and sleep again.
#[derive(Debug, Default)]
pub(super) struct Wakers {
    /// The first has a place of its own, for often it is the only one.
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
}
