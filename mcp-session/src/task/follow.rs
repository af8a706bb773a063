//! Following a task on behalf of the call that started it.

use super::{known::Known, work::Work};
use crate::{BoxCallService, Error, Peer, Phase, Reply};
use futures_util::FutureExt;
use std::time::Duration;

/// Follows a task to its end. If dropped earlier, it cancels the task.
pub(crate) struct Follow {
    work: Work,
}

impl Follow {
    pub(crate) fn new(service: BoxCallService, peer: Peer, known: Known) -> Self {
        Self { work: Work::new(service, peer, known) }
    }

    /// Waits for the outcome of the task, up to the limit.
    pub(crate) async fn run(mut self, limit: Option<Duration>) -> Result<Reply, Error> {
        let Some(after) = limit else { return self.work.follow().await };
        let method = self.work.known.method.as_ref().into();
        match tokio::time::timeout(after, self.work.follow()).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Error::Timeout { method, phase: Phase::Total, after }),
        }
    }
}

impl Drop for Follow {
    fn drop(&mut self) {
        if self.work.known.ended().is_some() {
            return;
        }
        // A cancellation is only a request; whether it took effect is not checked.
        let Work { service, peer, known, .. } = &self.work;
        let mut work = Work::new(service.clone(), peer.clone(), known.clone());
        let cancel = async move { drop(work.cancel().await) };
        peer.errands().leave(cancel.boxed());
    }
}
