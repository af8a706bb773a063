//! Cleanup for callers that were dropped, run by the driver of the session.

use futures_util::{
    FutureExt, StreamExt,
    future::{BoxFuture, CatchUnwind},
    stream::FuturesUnordered,
    task::AtomicWaker,
};
use mcp_transport::PollOnWake;
use std::{
    collections::VecDeque,
    future::Future,
    mem,
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

/// The maximum number of errands queued for the session's driver.
const WAITING: usize = 64;
/// The maximum number of errands run at a time.
const RUNNING: usize = 1024;
/// The time limit of an errand, unless it is work.
const LIMIT: Duration = Duration::from_secs(5);

/// Something for the driver of a session to do, because the task that wanted it was dropped.
pub(crate) type Errand = BoxFuture<'static, ()>;

/// The errands of a session. Not a channel: most sessions have no errands, and a channel preallocates.
#[derive(Default)]
pub(crate) struct Errands {
    queue: Mutex<Queue>,
    driver: AtomicWaker,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Errand>,
    /// Whether a driver has taken them.
    is_taken: bool,
    /// Whether the driver has ended.
    is_over: bool,
}

impl Errands {
    /// Leaves an errand to the driver; if the queue is full, it is discarded.
    pub(crate) fn leave(&self, errand: Errand) {
        // The driver reads the clock: there may be no runtime where something is dropped.
        self.leave_work(Box::pin(async move { drop(tokio::time::timeout(LIMIT, errand).await) }));
    }

    /// Leaves longer work to the driver; returns false if the queue is full.
    pub(crate) fn leave_work(&self, work: Errand) -> bool {
        let mut queue = self.queue();
        if queue.is_over || queue.waiting.len() >= WAITING {
            drop(queue);
            tracing::debug!("too much waits for the driver of the session");
            return false;
        }
        queue.waiting.push_back(work);
        drop(queue);
        self.driver.wake();
        true
    }

    /// Runs errands while the driver runs, which takes them only once.
    pub(crate) async fn run_beside<F: Future>(&self, driver: F) -> F::Output {
        if mem::replace(&mut self.queue().is_taken, true) {
            return driver.await;
        }
        let runner = Runner { errands: self, running: FuturesUnordered::new() };
        tokio::select! {
            biased;
            output = driver => output,
            () = PollOnWake::new(runner) => std::future::pending().await,
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs errands; never completes.
struct Runner<'a> {
    errands: &'a Errands,
    // They run the user's layers, which may panic.
    running: FuturesUnordered<CatchUnwind<AssertUnwindSafe<Errand>>>,
}

impl Runner<'_> {
    fn begin(&mut self) {
        let mut queue = self.errands.queue();
        while self.running.len() < RUNNING
            && let Some(errand) = queue.waiting.pop_front()
        {
            self.running.push(AssertUnwindSafe(errand).catch_unwind());
        }
    }
}

impl Future for Runner<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.errands.driver.register(cx.waker());
        loop {
            self.begin();
            let Poll::Ready(Some(done)) = self.running.poll_next_unpin(cx) else {
                return Poll::Pending;
            };
            if done.is_err() {
                tracing::error!("what was left to the driver of the session panicked");
            }
        }
    }
}

impl Drop for Runner<'_> {
    fn drop(&mut self) {
        let mut queue = self.errands.queue();
        queue.is_over = true;
        let left = mem::take(&mut queue.waiting);
        // Outside the lock: dropping an errand may leave another one.
        drop(queue);
        drop(left);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    fn counted(done: &Arc<AtomicUsize>) -> Errand {
        let done = Arc::clone(done);
        Box::pin(async move { _ = done.fetch_add(1, Ordering::Relaxed) })
    }

    #[tokio::test]
    async fn errands_run_beside_the_driver_whether_they_were_left_before_or_later() {
        let (errands, done) = (Errands::default(), Arc::default());
        assert!(errands.leave_work(counted(&done)));
        let driver = async {
            tokio::task::yield_now().await;
            assert!(errands.leave_work(counted(&done)));
            while done.load(Ordering::Relaxed) < 2 {
                tokio::task::yield_now().await;
            }
        };
        let run = tokio::time::timeout(LIMIT, errands.run_beside(driver));
        run.await.expect("both are run");
        assert!(!errands.leave_work(counted(&done)), "nobody would run it");
    }

    #[test]
    fn only_so_many_errands_wait() {
        let (errands, done) = (Errands::default(), Arc::default());
        for _ in 0..WAITING {
            assert!(errands.leave_work(counted(&done)));
        }
        assert!(!errands.leave_work(counted(&done)));
    }
}
