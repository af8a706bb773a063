//! A middleware of one's own around a client: each call is noted, with what became of it and how long it took.
//!
//! ```text
//! cargo run -p mcp-client --example middleware
//! ```
//!
//! A middleware is a tower `Layer`. It sees calls of every method and era, also those of helpers like lists, and those that
//! are sent again. Layers for the HTTP below are added to an `Endpoint` (`mcp-transport/examples/auth_layer.rs`).
#![expect(clippy::print_stdout, reason = "an example talks to a person")]

use futures_util::future::BoxFuture;
use mcp_client::session::{BoxCallService, Call, LimitToolsLayer, Reply};
use mcp_client::{Client, Error, mock, transport::BoxError};
use serde_json::json;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Instant;
use tower::{Layer, Service};

/// What was called, and what became of it.
type Log = Arc<Mutex<Vec<(String, &'static str)>>>;

/// Notes calls.
#[derive(Clone)]
struct AuditLayer(Log);

#[derive(Clone)]
struct Audit {
    inner: BoxCallService,
    log: Log,
}

impl Layer<BoxCallService> for AuditLayer {
    type Service = Audit;

    fn layer(&self, inner: BoxCallService) -> Audit {
        Audit { inner, log: Arc::clone(&self.0) }
    }
}

impl Service<Call> for Audit {
    type Response = Reply;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Reply, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, call: Call) -> Self::Future {
        let (method, log) = (call.method.to_string(), Arc::clone(&self.log));
        let begun = Instant::now();
        let outcome = self.inner.call(call);
        Box::pin(async move {
            let outcome = outcome.await;
            let became = if outcome.is_ok() { "answered" } else { "failed" };
            println!("{method} {became} after {:?}", begun.elapsed());
            log.lock().unwrap_or_else(PoisonError::into_inner).push((method, became));
            outcome
        })
    }
}

#[tokio::main(flavor = "current_thread")]
pub(crate) async fn main() -> Result<(), Error> {
    let server = mock::Server::new().tool("weather", |_| Ok(json!("rain")));
    let log = Log::default();
    let client = Client::builder(&server)
        // The first that is added is the outermost: it also sees calls that the next one holds back.
        .layer(AuditLayer(Arc::clone(&log)))
        // One of those that come with the library: at most two calls of a tool at a time.
        .layer(LimitToolsLayer::new(2))
        .build()
        .connect()
        .await?;
    client.list_tools().await?;
    client.call_tool("weather").await?;
    let refused = client.get_prompt("none").await;
    println!("{}", refused.err().map(|error| error.to_string()).unwrap_or_default());
    let log = log.lock().unwrap_or_else(PoisonError::into_inner).clone();
    assert_eq!(
        log.iter().map(|(method, became)| (&**method, *became)).collect::<Vec<_>>(),
        [("tools/list", "answered"), ("tools/call", "answered"), ("prompts/get", "failed")]
    );
    Ok(())
}
