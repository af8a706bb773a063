//! The serving side, under scripted clients and under the clients of this workspace.

mod http;
mod lines;

use conformance::{
    in_process::InProcess,
    script::{Background, Peer, deadline},
};
use futures_util::StreamExt;
use mcp_transport::{
    Arrival, ClientMessage, Delivery, Error, Replies, ServerMessage, Transport, Unsolicited,
    serve::{self, LineLimits},
};
use mcp_types::{
    ErrorCode, ErrorObject, RawJson,
    rpc::{Message, Notification, Request, Response},
};
use serde_json::{Value, json};
use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::{
    io::DuplexStream,
    sync::{Notify, Semaphore},
};
use tower::{ServiceExt, service_fn};

/// A server whose answer the method says.
#[derive(Clone, Debug)]
struct Scripted {
    server: InProcess,
    dropped: Arc<Dropped>,
    /// One permit for each call of `gated` that is answered.
    gate: Arc<Semaphore>,
}

/// How many calls were given up.
#[derive(Debug, Default)]
struct Dropped {
    count: AtomicUsize,
    changed: Notify,
}

/// A call that counts if it is given up.
struct Running(Arc<Dropped>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.count.fetch_add(1, Ordering::SeqCst);
        self.0.changed.notify_waiters();
    }
}

impl Dropped {
    /// Waits until as many calls were given up.
    async fn wait_for(&self, count: usize) {
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

    fn modern() -> Self {
        Self::new(|answerer| InProcess::modern(move |asked| answerer.clone().answer(asked)))
    }

    fn legacy() -> Self {
        Self::new(|answerer| InProcess::legacy(move |asked| answerer.clone().answer(asked)))
    }
}

#[derive(Clone)]
struct Answerer {
    dropped: Arc<Dropped>,
    gate: Arc<Semaphore>,
}

impl Answerer {
    async fn answer(self, asked: conformance::in_process::Asked) -> Result<Value, ErrorObject> {
        match asked.method.as_str() {
            "count" => {
                for step in 1..=3 {
                    asked.progress(step, 3).await;
                }
                Ok(json!({ "counted": 3 }))
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

fn request(id: i64, method: &'static str, params: &Value) -> ClientMessage {
    Request::new(id, method).with_params(RawJson::encode(params).unwrap()).into()
}

/// All that a server says about a message.
async fn replies(
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

/// The outcome of a call that is answered by a response alone.
async fn outcome(transport: impl Transport, message: ClientMessage) -> Result<Value, ErrorObject> {
    let mut replies = replies(transport, message).await.unwrap();
    match (replies.pop(), replies.is_empty()) {
        (Some(Message::Response(Response { outcome, .. })), true) => {
            outcome.map(|result| result.decode().unwrap())
        }
        other => panic!("{other:?} instead of one response"),
    }
}

fn error_code(message: &Value) -> i64 {
    message["error"]["code"].as_i64().unwrap_or_default()
}

/// Calls of every kind, as one client of `server` sees them.
async fn check_calls(
    client: &impl Transport,
    server: &Scripted,
    request: fn(i64, &'static str, &Value) -> ClientMessage,
) {
    let token = json!({ "_meta": { "progressToken": 1 } });
    let counted = replies(client.clone(), request(1, "count", &token)).await.unwrap();
    let methods: Vec<_> = counted.iter().map(kind).collect();
    assert_eq!(
        methods,
        ["notifications/progress"; 3].into_iter().chain(["response"]).collect::<Vec<_>>()
    );
    let call = request(2, "echo", &json!({ "a": [1, "\n"] }));
    let echoed = outcome(client.clone(), call).await.unwrap();
    assert_eq!(echoed["echo"]["a"], json!([1, "\n"]));
    let failed = outcome(client.clone(), request(3, "fail", &json!({}))).await.unwrap_err();
    assert_eq!((failed.code, failed.data), (ErrorCode::INVALID_PARAMS, Some(json!(7))));
    let before = server.dropped.count.load(Ordering::SeqCst);
    let token = json!({ "_meta": { "progressToken": 4 } });
    let mut replies =
        deadline(client.clone().oneshot(request(4, "tell-and-hang", &token))).await.unwrap();
    assert_eq!(kind(&deadline(replies.next()).await.unwrap().unwrap()), "notifications/progress");
    drop(replies);
    server.dropped.wait_for(before + 1).await;
    let calls =
        (10..74).map(|id| outcome(client.clone(), request(id, "echo", &json!({ "id": id }))));
    for (echoed, id) in futures_util::future::join_all(calls).await.into_iter().zip(10..) {
        assert_eq!(echoed.unwrap()["echo"]["id"], id);
    }
}

fn kind(message: &ServerMessage) -> &str {
    match message {
        Message::Request(request) => &request.method,
        Message::Notification(notification) => &notification.method,
        Message::Response(_) => "response",
    }
}
