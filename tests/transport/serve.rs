//! The serving side, under scripted clients and under the clients of this workspace.

mod http;
mod lines;
pub(crate) mod scripted;

use conformance::script::{Background, Peer, deadline};
use futures_util::StreamExt;
use mcp_transport::{
    Arrival, ClientMessage, Delivery, Error, Replies, ServerMessage, Transport, Unsolicited,
    serve::{self, LineLimits},
};
use mcp_types::{
    ErrorCode, ErrorObject, RawJson,
    rpc::{Message, Notification, Request, Response},
};
use scripted::{Dropped, Running, Scripted, outcome, replies, request};
use serde_json::{Value, json};
use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::{io::DuplexStream, sync::Notify};
use tower::{ServiceExt, service_fn};

fn error_code(message: &Value) -> i64 {
    message["error"]["code"].as_i64().unwrap_or_default()
}

/// Makes calls of every kind, as a client of `server`.
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
    assert_eq!((failed.code, failed.data.as_deref()), (ErrorCode::INVALID_PARAMS, Some(&json!(7))));
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
