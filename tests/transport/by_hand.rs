//! Drivers that are polled by hand.

use mcp_transport::Error;
use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

/// A waker that counts its wake-ups.
#[derive(Default)]
pub(crate) struct Count(AtomicUsize);

impl Count {
    pub(crate) fn wakes(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A driver that only runs when told to.
pub(crate) struct ByHand<F> {
    driver: Pin<Box<F>>,
    woken: Arc<Count>,
}

impl<F: Future<Output = Result<(), Error>>> ByHand<F> {
    /// Wraps a driver, and polls it once; it must have nothing to do.
    pub(crate) fn idle(driver: F) -> Self {
        let mut by_hand = Self { driver: Box::pin(driver), woken: Arc::default() };
        assert!(by_hand.turn().is_pending());
        by_hand
    }

    pub(crate) fn turn(&mut self) -> Poll<Result<(), Error>> {
        self.woken.0.store(0, Ordering::Relaxed);
        let waker = Waker::from(Arc::clone(&self.woken));
        self.driver.as_mut().poll(&mut Context::from_waker(&waker))
    }

    /// Returns how often it was woken since its last turn.
    pub(crate) fn wakes(&self) -> usize {
        self.woken.wakes()
    }
}
