//! The time budget of a call over all its attempts.

use crate::{Call, Deadlines, Error, Phase};
use mcp_transport::BoxError;
use std::time::Duration;
use tokio::time::Instant;

/// The time of a call since its first attempt, minus the time spent answering the server's questions.
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

    /// Runs a future that produces an answer, without charging its time to the server.
    pub(crate) async fn answering<T>(&mut self, answer: impl Future<Output = T>) -> T {
        let start = Instant::now();
        let answered = answer.await;
        self.spent_on_answers += start.elapsed();
        answered
    }

    /// Returns the time left for the server, if there is a limit.
    ///
    /// # Errors
    ///
    /// No time is left.
    pub(crate) fn left(&self, method: &str) -> Result<Option<Duration>, Error> {
        let Some(total) = self.limits.total else { return Ok(None) };
        let spent = self.begun.elapsed().saturating_sub(self.spent_on_answers);
        match total.saturating_sub(spent) {
            Duration::ZERO => Err(timeout(method, total)),
            left => Ok(Some(left)),
        }
    }

    /// Returns the call, limited to the time that is left.
    ///
    /// # Errors
    ///
    /// No time is left.
    pub(crate) fn limit(&self, mut call: Call) -> Result<Call, Error> {
        if let Some(left) = self.left(&call.method)? {
            call.extensions.insert(Deadlines { total: Some(left), ..self.limits });
        }
        Ok(call)
    }

    /// Adapts the error of an attempt: if its limit was exceeded, reports the total of all attempts.
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
