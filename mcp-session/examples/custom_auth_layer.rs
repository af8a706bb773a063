//! A layer of one's own: each call carries the token of the day.

#[path = "in_process/answer.rs"]
mod answer;

use mcp_session::{Call, Error, Session};
use mcp_transport::{ClientMessage, Replies, Shared};
use mcp_types::{ErrorCode, ErrorObject, RawJson};
use serde_json::json;
use std::{
    sync::Arc,
    task::{Context, Poll},
};
use tower::{Layer, Service};

/// Puts a token into `_meta` of each call; asks for it anew each time, so that it can change.
#[derive(Clone)]
struct Authorize<S> {
    inner: S,
    token: Arc<dyn Fn() -> String + Send + Sync>,
}

#[derive(Clone)]
struct AuthorizeLayer(Arc<dyn Fn() -> String + Send + Sync>);

impl<S> Layer<S> for AuthorizeLayer {
    type Service = Authorize<S>;

    fn layer(&self, inner: S) -> Authorize<S> {
        Authorize { inner, token: Arc::clone(&self.0) }
    }
}

impl<S: Service<Call>> Service<Call> for Authorize<S> {
    type Response = S::Response;
    type Error = S::Error;
    // It only edits the request, so the future of the inner service will do.
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut call: Call) -> S::Future {
        if let Ok(token) = RawJson::encode(&(self.token)()) {
            call.meta.insert("com.example/token", token);
        }
        self.inner.call(call)
    }
}

/// Takes no call without the token.
async fn server(message: ClientMessage) -> Result<Replies, mcp_transport::Error> {
    answer::answer(message, |params| match params.as_str().contains("open sesame") {
        true => Ok(json!({"resultType": "complete", "tools": []})),
        false => Err(ErrorObject::new(ErrorCode(-31_401), "unauthorized")),
    })
}

#[tokio::main(flavor = "current_thread")]
pub(crate) async fn main() -> Result<(), Error> {
    let builder = Session::builder(Shared::new(tower::service_fn(server)));
    let layer = AuthorizeLayer(Arc::new(|| "open sesame".to_owned()));
    let (session, driver) = builder.layer(layer).connect().await?;
    let calls = async { session.call_raw(Call::new("tools/list")).await.map(drop) };
    tokio::select! {
        outcome = calls => outcome,
        _ = driver => Err(Error::NotConnected),
    }
}
