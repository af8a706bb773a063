//! Callers to wake.

use std::task::Waker;

/// Room for more than this is given back.
const KEPT: usize = 1024;

/// Wakes several callers in one go, at the latest when it is dropped.
///
/// Who is woken at once, while others still wait for their turn, runs into the work that wakes them: other threads come
/// one after the other, find nothing more to do, and sleep again.
#[derive(Debug, Default)]
pub(super) struct Wakers(Vec<Waker>);

impl Wakers {
    pub(super) fn extend(&mut self, wakers: impl IntoIterator<Item = Waker>) {
        self.0.extend(wakers);
    }

    pub(super) fn wake(&mut self) {
        self.0.drain(..).for_each(Waker::wake);
        if self.0.capacity() > KEPT {
            self.0 = Vec::new();
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
    use std::{
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
        task::Wake,
    };

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn everybody_is_woken_once_even_by_dropping() {
        let count = Arc::new(Count::default());
        let crowd = || (0..2 * KEPT).map(|_| Waker::from(Arc::clone(&count)));
        let mut wakers = Wakers::default();
        wakers.extend(crowd());
        assert_eq!(count.0.load(Ordering::Relaxed), 0);
        wakers.wake();
        assert_eq!(count.0.load(Ordering::Relaxed), 2 * KEPT);
        assert!(wakers.0.capacity() <= KEPT);
        wakers.extend(crowd());
        drop(wakers);
        assert_eq!(count.0.load(Ordering::Relaxed), 4 * KEPT);
    }
}
