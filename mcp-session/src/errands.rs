//! What is still to be done for those who are gone.

use futures_util::{StreamExt, future::BoxFuture, stream::FuturesUnordered};
use std::{
    future::Future,
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::mpsc;

/// How many errands wait for the driver of the session.
const WAITING: usize = 64;
/// How long one may take.
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
        if self.sender.try_send(errand).is_err() {
            tracing::debug!("too much waits for the driver of the session");
        }
    }

    /// Runs errands for as long as the driver runs, which takes them once.
    pub(crate) async fn run_beside<F: Future>(&self, driver: F) -> F::Output {
        let receiver = self.receiver.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut receiver) = receiver else { return driver.await };
        let errands = async move {
            let mut running = FuturesUnordered::new();
            loop {
                tokio::select! {
                    Some(errand) = receiver.recv() => running.push(tokio::time::timeout(LIMIT, errand)),
                    Some(_) = running.next() => {}
                    else => return,
                }
            }
        };
        tokio::select! {
            biased;
            output = driver => output,
            () = errands => std::future::pending().await,
        }
    }
}
