//! What is still to be done for those who are gone.

use futures_util::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};
use mcp_transport::Seldom;
use std::{
    future::Future,
    panic::AssertUnwindSafe,
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::mpsc;

/// How many errands wait for the driver of the session.
const WAITING: usize = 64;
/// How many are run at a time.
const RUNNING: usize = 1024;
/// How long one may take, unless it is work.
const LIMIT: Duration = Duration::from_secs(5);

/// Something to be done by the driver of a session, because whoever wanted it was dropped.
pub(crate) type Errand = BoxFuture<'static, ()>;

/// The errands of a session.
pub(crate) struct Errands {
    sender: mpsc::Sender<Errand>,
    receiver: Mutex<Option<mpsc::Receiver<Errand>>>,
}

impl Default for Errands {
    fn default() -> Self {
        let (sender, receiver) = mpsc::channel(WAITING);
        Self { sender, receiver: Mutex::new(Some(receiver)) }
    }
}

impl Errands {
    /// Leaves something to the driver; when too much waits already, it is not done.
    pub(crate) fn leave(&self, errand: Errand) {
        // The clock is asked for by the driver: there may be none where something is dropped.
        self.leave_work(Box::pin(async move { drop(tokio::time::timeout(LIMIT, errand).await) }));
    }

    /// Leaves something that takes its time to the driver; false if too much waits already.
    pub(crate) fn leave_work(&self, work: Errand) -> bool {
        let is_left = self.sender.try_send(work).is_ok();
        if !is_left {
            tracing::debug!("too much waits for the driver of the session");
        }
        is_left
    }

    /// Runs errands for as long as the driver runs, which takes them once.
    pub(crate) async fn run_beside<F: Future>(&self, driver: F) -> F::Output {
        let receiver = self.receiver.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut receiver) = receiver else { return driver.await };
        let errands = async move {
            let mut running = FuturesUnordered::new();
            loop {
                tokio::select! {
                    Some(errand) = receiver.recv(), if running.len() < RUNNING => {
                        // Layers of the user run in it, which may panic as they like.
                        running.push(AssertUnwindSafe(errand).catch_unwind());
                    }
                    Some(done) = running.next() => {
                        if done.is_err() {
                            tracing::error!("what was left to the driver of the session panicked");
                        }
                    }
                    else => return,
                }
            }
        };
        tokio::select! {
            biased;
            output = driver => output,
            () = Seldom::new(errands) => std::future::pending().await,
        }
    }
}
