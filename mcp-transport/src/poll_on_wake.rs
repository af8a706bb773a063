//! A future that is polled only after its own wake-ups.

use pin_project_lite::pin_project;
use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker, ready},
};

pin_project! {
    /// A future that is polled only after its own wake-ups, and not whenever the task around it is polled.
    ///
    /// It is for the rare branches of a loop, such as the end of a connection in a driver that is polled for each message.
    /// Polling it when it was not woken costs a comparison.
    ///
    /// ```
    /// use mcp_transport::PollOnWake;
    /// use std::pin::pin;
    ///
    /// # async fn example(messages: impl Future<Output = ()>, end: impl Future<Output = ()>) {
    /// tokio::select! {
    ///     () = messages => {}
    ///     () = PollOnWake::new(end) => {}
    /// }
    /// # }
    /// ```
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the future.
    #[must_use = "futures do nothing unless they are polled"]
    pub struct PollOnWake<F> {
        #[pin]
        future: Option<F>,
        bell: Arc<Bell>,
        // The bell as a waker.
        waker: Waker,
        // The waker of the current task, to compare without a lock.
        task: Option<Waker>,
    }
}

/// Notes that the future was woken, and wakes the task around it.
#[derive(Default)]
struct Bell {
    has_rung: AtomicBool,
    task: Mutex<Option<Waker>>,
}

impl Bell {
    fn task(&self) -> MutexGuard<'_, Option<Waker>> {
        self.task.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // Stored before the task is looked up: a task that is registered concurrently checks this afterwards.
        self.has_rung.store(true, Ordering::Release);
        let task = self.task().clone();
        if let Some(task) = task {
            task.wake();
        }
    }
}

impl<F: Future> PollOnWake<F> {
    /// Waits for `future`, which is polled the first time in any case.
    pub fn new(future: F) -> Self {
        let bell = Arc::new(Bell { has_rung: AtomicBool::new(true), task: Mutex::default() });
        let waker = Waker::from(Arc::clone(&bell));
        Self { future: Some(future), bell, waker, task: None }
    }
}

impl<F: Future> Future for PollOnWake<F> {
    type Output = F::Output;

    /// Stays pending after it was ready.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        if this.task.as_ref().is_none_or(|task| !task.will_wake(cx.waker())) {
            *this.task = Some(cx.waker().clone());
            let before = this.bell.task().replace(cx.waker().clone());
            drop(before);
        }
        if !this.bell.has_rung.load(Ordering::Acquire) {
            return Poll::Pending;
        }
        // Cleared before the future is polled, so that later wake-ups are noticed the next time.
        this.bell.has_rung.swap(false, Ordering::AcqRel);
        let Some(future) = this.future.as_mut().as_pin_mut() else { return Poll::Pending };
        let output = ready!(future.poll(&mut Context::from_waker(this.waker)));
        this.future.set(None);
        Poll::Ready(output)
    }
}

impl<F> fmt::Debug for PollOnWake<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PollOnWake")
            .field("is_over", &self.future.is_none())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wakes::Wakes;
    use std::{future::poll_fn, pin::pin, sync::atomic::AtomicUsize};

    #[test]
    fn it_is_polled_when_it_was_woken_and_not_otherwise() {
        let (polls, inner) = (AtomicUsize::new(0), Mutex::new(None));
        let mut seldom = pin!(PollOnWake::new(poll_fn(|cx| {
            *inner.lock().unwrap() = Some(cx.waker().clone());
            if polls.fetch_add(1, Ordering::Relaxed) < 2 { Poll::Pending } else { Poll::Ready(7) }
        })));
        let ring = || inner.lock().unwrap().clone().unwrap().wake();
        let (first, first_task) = Wakes::counted();
        let (second, second_task) = Wakes::counted();
        let mut poll = |task: &Waker| seldom.as_mut().poll(&mut Context::from_waker(task));
        for _ in 0..3 {
            assert!(poll(&first_task).is_pending());
        }
        assert_eq!(polls.load(Ordering::Relaxed), 1);
        ring();
        assert_eq!(first.count(), 1);
        // Another task takes over: it notices the rung bell, which wakes only this task from now on.
        assert!(poll(&second_task).is_pending());
        assert_eq!(polls.load(Ordering::Relaxed), 2);
        ring();
        assert_eq!(first.count(), 1);
        assert_eq!(second.count(), 1);
        assert_eq!(poll(&second_task), Poll::Ready(7));
        ring();
        assert!(poll(&second_task).is_pending(), "nothing comes after the end");
    }

    #[test]
    fn a_future_that_wakes_itself_is_polled_again() {
        let mut polls = 0;
        let mut seldom = pin!(PollOnWake::new(poll_fn(|cx| {
            cx.waker().wake_by_ref();
            polls += 1;
            if polls < 10 { Poll::Pending } else { Poll::Ready(()) }
        })));
        let (count, task) = Wakes::counted();
        while seldom.as_mut().poll(&mut Context::from_waker(&task)).is_pending() {}
        assert_eq!(count.count(), 10);
    }
}
