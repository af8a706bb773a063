//! The time budget of a call over all its attempts.

use crate::{Call, Deadlines, Error, Phase};
use mcp_transport::BoxError;
use std::time::Duration;
use tokio::time::Instant;

/// The time of a call from its first try on, without what was spent on answers to the server's questions.
#[derive(Clone, Copy)]
pub(crate) struct Budget {
    limits: Deadlines,
    begun: Instant,
    spent_on_answers: Duration,
}

impl Budget {
    pub(crate) fn new(limits: Deadlines, begun: Instant) -> Self {
        Self { limits, begun, spent_on_answers: Duration::ZERO }
    }

    /// Runs what gives an answer, whose time is not that of the server.
    pub(crate) async fn answering<T>(&mut self, answer: impl Future<Output = T>) -> T {
        let start = Instant::now();
        let answered = answer.await;
        self.spent_on_answers += start.elapsed();
        answered
    }

    /// What is left for the server, if there is a limit.
    ///
    /// # Errors
    ///
    /// Nothing is left.
    pub(crate) fn left(&self, method: &str) -> Result<Option<Duration>, Error> {
        let Some(total) = self.limits.total else { return Ok(None) };
        let spent = self.begun.elapsed().saturating_sub(self.spent_on_answers);
        match total.saturating_sub(spent) {
            Duration::ZERO => Err(timeout(method, total)),
            left => Ok(Some(left)),
        }
    }

    /// The call with what is left of its time.
    ///
    /// # Errors
    ///
    /// Nothing is left.
    pub(crate) fn limit(&self, mut call: Call) -> Result<Call, Error> {
        if let Some(left) = self.left(&call.method)? {
            call.extensions.insert(Deadlines { total: Some(left), ..self.limits });
        }
        Ok(call)
    }

    /// The error of a try; of one whose time was over the limit is that of all tries.
    pub(crate) fn explain(&self, error: BoxError) -> BoxError {
        match (error.downcast_ref(), self.limits.total) {
            (Some(Error::Timeout { method, phase: Phase::Total, .. }), Some(total)) => {
                timeout(method, total).into()
            }
            _ => error,
        }
    }
}

fn timeout(method: &str, after: Duration) -> Error {
    Error::Timeout { method: method.into(), phase: Phase::Total, after }
}
