//! A retry policy of one's own, for tower's own layer: a server that says it is busy is asked again.

#[path = "in_process/answer.rs"]
mod answer;

use mcp_session::{Call, Error, Reply, Session};
use mcp_transport::{BoxError, ClientMessage, Replies, Shared};
use mcp_types::{ErrorCode, ErrorObject};
use serde_json::json;
use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};
use tokio::time::{Sleep, sleep};
use tower::retry::{Policy, RetryLayer};

const BUSY: ErrorCode = ErrorCode(-31_503);

/// Asks again as long as the server is busy, so many times. Each call has its own clone of the policy.
#[derive(Clone)]
struct WhileBusy(u32);

impl Policy<Call, Reply, BoxError> for WhileBusy {
    type Future = Sleep;

    fn retry(&mut self, _: &mut Call, outcome: &mut Result<Reply, BoxError>) -> Option<Sleep> {
        let error = outcome.as_ref().err()?.downcast_ref::<Error>()?;
        if error.as_rpc()?.code != BUSY {
            return None;
        }
        self.0 = self.0.checked_sub(1)?;
        Some(sleep(Duration::from_millis(5)))
    }

    fn clone_request(&mut self, call: &Call) -> Option<Call> {
        // Cheap: parameters are shared bytes. The second try gets a request id of its own.
        Some(call.clone())
    }
}

/// Busy for the first two calls.
async fn server(message: ClientMessage) -> Result<Replies, mcp_transport::Error> {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    answer::answer(message, |_| match CALLS.fetch_add(1, Ordering::Relaxed) {
        0 | 1 => Err(ErrorObject::new(BUSY, "busy")),
        _ => Ok(json!({"resultType": "complete", "tools": []})),
    })
}

#[tokio::main(flavor = "current_thread")]
pub(crate) async fn main() -> Result<(), Error> {
    let builder = Session::builder(Shared::new(tower::service_fn(server)));
    let (session, driver) = builder.layer(RetryLayer::new(WhileBusy(3))).connect().await?;
    let calls = async { session.call_raw(Call::new("tools/list")).await.map(drop) };
    tokio::select! {
        outcome = calls => outcome,
        _ = driver => Err(Error::NotConnected),
    }
}
