//! A mock service, whose calls a test answers by hand.
//!
//! For tests of middlewares and of what is built on a session. Unlike the mock of `tower-test` it is a
//! [`CallService`](crate::CallService): its clones are the same service, and may be called from everywhere.
//!
//! ```
//! use mcp_session::{Call, DeadlineLayer, mock};
//! use tower::{Layer, ServiceExt};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let (service, mut server) = mock::pair();
//! let service = DeadlineLayer::default().layer(service);
//! let (reply, ()) = tokio::join!(service.oneshot(Call::new("tools/list")), async {
//!     let asked = server.next().await.unwrap();
//!     assert_eq!(asked.call().method, "tools/list");
//!     asked.reply(&serde_json::json!({"tools": []}));
//! });
//! assert_eq!(reply.unwrap().result.as_str(), r#"{"tools":[]}"#);
//! # }
//! ```

use crate::{Call, Error, Reply};
use futures_util::future::BoxFuture;
use mcp_transport::{BoxError, Delivery};
use mcp_types::{ErrorObject, RawJson};
use serde::Serialize;
use std::task::{Context, Poll};
use tokio::sync::{mpsc, oneshot};
use tower_service::Service;

/// The number of calls queued for the test; further callers wait.
const WAITING: usize = 64;

/// Creates a service, and the handle that answers its calls.
pub fn pair() -> (Mock, Handle) {
    let (sender, receiver) = mpsc::channel(WAITING);
    (Mock(sender), Handle(receiver))
}

/// The mock service.
#[derive(Clone, Debug)]
pub struct Mock(mpsc::Sender<Asked>);

/// The test's side of a [`Mock`].
#[derive(Debug)]
pub struct Handle(mpsc::Receiver<Asked>);

/// A call that waits for its answer. If it is dropped, the call fails as if the connection were lost.
#[derive(Debug)]
#[must_use = "a call that is dropped fails"]
pub struct Asked {
    call: Call,
    answer: oneshot::Sender<Result<Reply, BoxError>>,
}

impl Handle {
    /// The next call; `None` when all clones of the service are gone.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no call.
    pub async fn next(&mut self) -> Option<Asked> {
        self.0.recv().await
    }
}

impl Asked {
    /// The call.
    pub fn call(&self) -> &Call {
        &self.call
    }

    /// Waits until the caller has dropped the call.
    pub async fn abandoned(&mut self) {
        self.answer.closed().await;
    }

    /// Answers with a result.
    ///
    /// # Panics
    ///
    /// The result cannot be serialized to JSON.
    pub fn reply(self, result: &impl Serialize) {
        let result = RawJson::encode(result).expect("the result has a JSON form");
        self.send(Ok(Reply::new(result)));
    }

    /// Answers with an error of the server.
    pub fn refuse(self, error: ErrorObject) {
        let error = Error::rpc(&self.call.method, error);
        self.fail(error);
    }

    /// Fails the call.
    pub fn fail(self, error: impl Into<BoxError>) {
        self.send(Err(error.into()));
    }

    fn send(self, outcome: Result<Reply, BoxError>) {
        // A caller that has given up no longer wants it.
        let _ = self.answer.send(outcome);
    }
}

impl Service<Call> for Mock {
    type Response = Reply;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Reply, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: Call) -> Self::Future {
        let calls = self.0.clone();
        let (answer, outcome) = oneshot::channel();
        Box::pin(async move {
            let asked = Asked { call, answer };
            if calls.send(asked).await.is_err() {
                return Err(lost(Delivery::NotSent));
            }
            outcome.await.unwrap_or_else(|_| Err(lost(Delivery::Unknown)))
        })
    }
}

fn lost(delivery: Delivery) -> BoxError {
    mcp_transport::Error::closed("the mock is gone", delivery).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use mcp_types::ErrorCode;
    use tower::ServiceExt;

    #[tokio::test]
    async fn calls_are_answered_refused_dropped_and_given_up() {
        let (service, mut server) = pair();
        #[expect(clippy::disallowed_methods, reason = "a test owns its runtime")]
        let ask = || tokio::spawn(service.clone().oneshot(Call::new("any")));

        let asked = ask();
        server.next().await.unwrap().reply(&());
        assert_eq!(asked.await.unwrap().unwrap().result.as_str(), "null");

        let asked = ask();
        let error = ErrorObject::new(ErrorCode::INVALID_PARAMS, "no");
        server.next().await.unwrap().refuse(error.clone());
        let refused = Error::from_layers(asked.await.unwrap().unwrap_err());
        assert_eq!(refused.as_rpc(), Some(&error));

        let asked = ask();
        drop(server.next().await.unwrap());
        let dropped = Error::from_layers(asked.await.unwrap().unwrap_err());
        assert_eq!(dropped.as_transport().unwrap().delivery(), Delivery::Unknown);

        let asked = ask();
        let mut call = server.next().await.unwrap();
        asked.abort();
        call.abandoned().await;

        drop(server);
        let gone = Error::from_layers(service.clone().oneshot(Call::new("any")).await.unwrap_err());
        assert!(gone.is_retryable());
    }
}
