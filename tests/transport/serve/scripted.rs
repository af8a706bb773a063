//! An in-process server that does what it is asked.

use conformance::{
    in_process::{Asked, InProcess},
    script::deadline,
};
use futures_util::StreamExt;
use mcp_transport::{ClientMessage, Error, ServerMessage, Transport};
use mcp_types::{
    ErrorCode, ErrorObject, RawJson,
    rpc::{Message, Request, Response},
};
use serde_json::{Value, json};
use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::sync::{Notify, Semaphore};
use tower::ServiceExt;

/// A server whose answer depends on the method.
#[derive(Clone, Debug)]
pub(crate) struct Scripted {
    pub(crate) server: InProcess,
    pub(crate) dropped: Arc<Dropped>,
    /// One permit for each answered call of `gated`.
    pub(crate) gate: Arc<Semaphore>,
}

/// Counts dropped calls.
#[derive(Debug, Default)]
pub(crate) struct Dropped {
    pub(crate) count: AtomicUsize,
    changed: Notify,
}

/// A call that is counted if it is dropped.
pub(crate) struct Running(pub(crate) Arc<Dropped>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.count.fetch_add(1, Ordering::SeqCst);
        self.0.changed.notify_waiters();
    }
}

impl Dropped {
    /// Waits until this many calls were dropped.
    pub(crate) async fn wait_for(&self, count: usize) {
        deadline(async {
            loop {
                let changed = self.changed.notified();
                if self.count.load(Ordering::SeqCst) >= count {
                    return;
                }
                changed.await;
            }
        })
        .await;
    }
}

impl Scripted {
    fn new(make: fn(Answerer) -> InProcess) -> Self {
        let (dropped, gate) = (Arc::<Dropped>::default(), Arc::new(Semaphore::new(0)));
        let server = make(Answerer { dropped: Arc::clone(&dropped), gate: Arc::clone(&gate) });
        Self { server, dropped, gate }
    }

    pub(crate) fn modern() -> Self {
        Self::new(|answerer| InProcess::modern(move |asked| answerer.clone().answer(asked)))
    }

    pub(crate) fn legacy() -> Self {
        Self::new(|answerer| InProcess::legacy(move |asked| answerer.clone().answer(asked)))
    }
}

#[derive(Clone)]
struct Answerer {
    dropped: Arc<Dropped>,
    gate: Arc<Semaphore>,
}

impl Answerer {
    async fn answer(self, asked: Asked) -> Result<Value, ErrorObject> {
        match asked.method.as_str() {
            "count" => {
                for step in 1..=3 {
                    asked.progress(step, 3).await;
                }
                Ok(json!({ "counted": 3 }))
            }
            "subscriptions/listen" if asked.params["finite"] == true => {
                let id = &asked.params["_meta"]["progressToken"];
                asked.progress(1, 2).await;
                let meta = json!({ "_meta": { "io.modelcontextprotocol/subscriptionId": id } });
                asked.tell("notifications/tools/list_changed", meta).await;
                asked.tell("notifications/cancelled", json!({ "requestId": id })).await;
                Ok(json!({}))
            }
            "ask" => Ok(json!({ "answer": asked.ask("roots/list", json!({})).await? })),
            "gated" => {
                self.gate.acquire().await.unwrap().forget();
                Ok(json!({ "gated": true }))
            }
            "hang" | "subscriptions/listen" => {
                let _running = Running(self.dropped);
                asked.tell("notifications/begun", json!({})).await;
                pending().await
            }
            "tell-and-hang" => {
                let _running = Running(self.dropped);
                asked.progress(1, 2).await;
                pending().await
            }
            "fail" => Err(ErrorObject::new(ErrorCode::INVALID_PARAMS, "wrong").with_data(7)),
            "missing" => Err(ErrorObject::new(ErrorCode::METHOD_NOT_FOUND, "no such method")),
            _ => Ok(json!({ "echo": asked.params })),
        }
    }
}

/// A request.
pub(crate) fn request(id: i64, method: &'static str, params: &Value) -> ClientMessage {
    Request::new(id, method).with_params(RawJson::encode(params).unwrap()).into()
}

/// Returns all replies of a server to a message.
pub(crate) async fn replies(
    transport: impl Transport,
    message: ClientMessage,
) -> Result<Vec<ServerMessage>, Error> {
    deadline(async {
        let mut replies = transport.oneshot(message).await?;
        let mut messages = Vec::new();
        while let Some(message) = replies.next().await {
            messages.push(message?);
        }
        Ok(messages)
    })
    .await
}

/// Returns the outcome of a call that is answered by just a response.
pub(crate) async fn outcome(
    transport: impl Transport,
    message: ClientMessage,
) -> Result<Value, ErrorObject> {
    let mut replies = replies(transport, message).await.unwrap();
    match (replies.pop(), replies.is_empty()) {
        (Some(Message::Response(Response { outcome, .. })), true) => {
            outcome.map(|result| result.decode().unwrap())
        }
        other => panic!("{other:?} instead of one response"),
    }
}
