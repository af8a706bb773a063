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

/// How many errands wait for the driver of the session.
const WAITING: usize = 64;
/// How many are run at a time.
const RUNNING: usize = 1024;
/// How long one may take, unless it is work.
const LIMIT: Duration = Duration::from_secs(5);

/// Something to be done by the driver of a session, because whoever wanted it was dropped.
pub(crate) type Errand = BoxFuture<'static, ()>;

/// The errands of a session. Not a channel: most sessions have none, and a channel has room for many.
#[derive(Default)]
pub(crate) struct Errands {
    queue: Mutex<Queue>,
    driver: AtomicWaker,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Errand>,
    /// Somebody runs them.
    is_taken: bool,
    /// Nobody runs them any more.
    is_over: bool,
}

impl Errands {
    /// Leaves something to the driver; when too much waits already, it is not done.
    pub(crate) fn leave(&self, errand: Errand) {
        // The clock is asked for by the driver: there may be none where something is dropped.
        self.leave_work(Box::pin(async move { drop(tokio::time::timeout(LIMIT, errand).await) }));
    }

    /// Leaves something that takes its time to the driver; false if too much waits already.
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

    /// Runs errands for as long as the driver runs, which takes them once.
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

/// Runs errands, and never ends.
struct Runner<'a> {
    errands: &'a Errands,
    // Layers of the user run in them, which may panic as they like.
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
        // Outside of the lock: what is dropped may leave an errand.
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
