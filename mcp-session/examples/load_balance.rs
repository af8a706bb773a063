//! One client over three replicas of a server: tower's own balancer chooses the less busy of two.

#[path = "in_process/answer.rs"]
mod answer;

use futures_util::future::{join_all, try_join_all};
use mcp_session::{Call, Error, Session};
use mcp_transport::{BoxError, ClientMessage, Driver, Shared};
use serde_json::json;
use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};
use tower::{
    ServiceExt,
    balance::p2c::Balance,
    buffer::Buffer,
    discover::ServiceList,
    load::{CompleteOnResponse, PendingRequests},
};

const REPLICAS: usize = 3;

/// A replica that counts what it does.
async fn connect(calls: Arc<AtomicU32>) -> Result<(Session, Driver), Error> {
    let server = tower::service_fn(move |message: ClientMessage| {
        let calls = Arc::clone(&calls);
        async move {
            tokio::task::yield_now().await;
            answer::answer(message, |_| {
                calls.fetch_add(1, Ordering::Relaxed);
                Ok(json!({"resultType": "complete", "tools": []}))
            })
        }
    });
    Session::builder(Shared::new(server)).connect().await
}

async fn call_all(sessions: Vec<Session>) -> Result<(), BoxError> {
    let replicas = sessions
        .into_iter()
        .map(|session| PendingRequests::new(session, CompleteOnResponse::default()))
        .collect::<Vec<_>>();
    let balance = Balance::new(ServiceList::new(replicas));
    // A balancer is one; the buffer makes it a service that can be cloned, and so a session of three.
    let client = Buffer::new(balance, 64);
    try_join_all((0..60).map(|_| client.clone().oneshot(Call::new("tools/list")))).await?;
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
pub(crate) async fn main() -> Result<(), BoxError> {
    let counts: [Arc<AtomicU32>; REPLICAS] = Default::default();
    let connected = try_join_all(counts.iter().cloned().map(connect)).await?;
    let (sessions, drivers): (Vec<_>, Vec<_>) = connected.into_iter().unzip();
    tokio::select! {
        outcome = call_all(sessions) => outcome?,
        _ = join_all(drivers) => return Err(Error::NotConnected.into()),
    }
    let counts = counts.map(|count| count.load(Ordering::Relaxed));
    tracing::info!(?counts, "calls of each replica");
    assert!(
        counts.iter().sum::<u32>() == 60 && counts.iter().all(|count| *count > 0),
        "{counts:?}"
    );
    Ok(())
}
