//! What stateless servers tell of tasks.

use super::{connect, handle::start, is_declared, params, task};
use crate::script::{Answer, Script, deadline, discovered};
use futures_util::{StreamExt, TryStreamExt, stream};
use mcp_session::Call;
use mcp_transport::{Binding, Delivery, Error, Replies};
use mcp_types::{
    RawJson,
    rpc::{Message, Notification, Request, Response},
};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Creates a server whose tasks never progress when polled, with this answer to a subscription.
fn server(listen: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Script {
    Script::new(Binding::ByteStream, move |_, request| match &*request.method {
        "server/discover" => discovered(&["2026-07-28"]),
        "subscriptions/listen" => listen(request),
        "tasks/get" => Answer::Result(task("working", json!({"pollIntervalMs": 60_000}))),
        "tools/call" => {
            let made = json!({"resultType": "task", "pollIntervalMs": 60_000});
            Answer::Result(task("working", made))
        }
        _ => Answer::Result(json!({"resultType": "complete"})),
    })
}

fn told(method: &'static str, request: &Request, params: &Value) -> Message {
    let mut params = params.clone();
    params["_meta"] = json!({"io.modelcontextprotocol/subscriptionId": request.id});
    Notification::new(method).with_params(RawJson::encode(&params).unwrap()).into()
}

fn acknowledged(request: &Request, ids: &[&str]) -> Message {
    let agreed = json!({"notifications": {"taskIds": ids}});
    told("notifications/subscriptions/acknowledged", request, &agreed)
}

/// Acknowledges, and sends these states of the task, one per second.
fn each_second(request: &Request, states: Vec<Value>) -> Answer {
    let first = acknowledged(request, &["t-1"]);
    let states: Vec<_> =
        states.iter().map(|state| told("notifications/tasks", request, state)).collect();
    let states = stream::iter(states).then(async |state| {
        sleep(Duration::from_secs(1)).await;
        Ok(state)
    });
    let said = stream::once(async { Ok(first) }).chain(states).chain(stream::pending());
    Answer::Stream(Replies::new(Box::pin(said)))
}

fn count(script: &Script, method: &str) -> usize {
    script.methods().iter().filter(|line| line.ends_with(method)).count()
}

// spec: TASKX-01 SUB-01
#[tokio::test(start_paused = true)]
async fn a_server_that_tells_how_a_task_is_need_not_be_asked() {
    deadline(async {
        let script = server(|request| {
            let other = task("failed", json!({"taskId": "another"}));
            let half = task("working", json!({"statusMessage": "half"}));
            let done = task("completed", json!({"result": {"content": []}}));
            each_second(request, vec![json!({"taskId": 7}), other, half, done])
        });
        let session = connect(&script).await;
        let begun = Instant::now();
        let reply = session.call_raw(Call::new("tools/call")).await.unwrap();
        assert_eq!(reply.result.as_str(), r#"{"content":[]}"#);
        assert_eq!((begun.elapsed().as_secs(), count(&script, "tasks/get")), (4, 0));
        let lines = script.log();
        let listen = lines.iter().find(|line| line.contains("subscriptions/listen")).unwrap();
        assert_eq!(params(listen)["notifications"], json!({"taskIds": ["t-1"]}));
        assert!(is_declared(listen));

        let handle = start(&session).await;
        let told: Vec<_> = handle.changes().try_collect().await.unwrap();
        let messages: Vec<_> = told.iter().map(|state| state.message.as_deref()).collect();
        assert_eq!(messages, [None, Some("half"), None]);
        assert_eq!((count(&script, "tasks/get"), handle.result().await.is_ok()), (1, true));
    })
    .await;
}

// spec: TASKX-07 TASKX-09
#[tokio::test(start_paused = true)]
async fn what_a_task_asks_on_the_stream_is_answered() {
    deadline(async {
        let script = server(|request| {
            let schema = json!({"type": "object", "properties": {}});
            let ask = json!({"method": "elicitation/create",
                "params": {"mode": "form", "message": "?", "requestedSchema": schema}});
            let asks = task("input_required", json!({"inputRequests": {"a": ask}}));
            let done = task("completed", json!({"result": {}}));
            each_second(request, vec![asks.clone(), asks, done])
        });
        connect(&script).await.call_raw(Call::new("tools/call")).await.unwrap();
        assert_eq!((count(&script, "tasks/update"), count(&script, "tasks/get")), (1, 0));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_tell_is_asked_as_ever() {
    type Listen = fn(&Request) -> Answer;

    let refuses: Listen = |_| Answer::Refuse(-32601, json!("no such method"));
    let agrees_to_nothing: Listen = |request| {
        let states = stream::iter([Ok(acknowledged(request, &[]))]).chain(stream::pending());
        Answer::Stream(Replies::new(Box::pin(states)))
    };
    let ends: Listen = |request| {
        let end = Response::success(request.id.clone(), RawJson::EMPTY_OBJECT);
        Answer::Say(vec![acknowledged(request, &["t-1"]), end.into()])
    };
    let is_lost: Listen = |_| Answer::Fail(Error::other("cut", Delivery::Unknown));
    let is_silent: Listen = |_| Answer::Silence;
    // How often a subscription is requested when two tasks are waited for.
    for (listen, often) in
        [(refuses, 1), (agrees_to_nothing, 2), (ends, 2), (is_lost, 2), (is_silent, 2)]
    {
        let script = server(listen);
        let session = connect(&script).await;
        for _ in 0..2 {
            let handle = start(&session).await;
            let minutes = tokio::time::timeout(Duration::from_secs(150), handle.wait());
            assert!(minutes.await.is_err(), "it never ends");
        }
        assert_eq!(count(&script, "tasks/get"), 4, "once a minute");
        assert_eq!(count(&script, "subscriptions/listen"), often);
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_asked_often_is_not_asked_to_tell() {
    let eager = json!({"pollIntervalMs": 900});
    let script = Script::new(Binding::ByteStream, move |_, request| match &*request.method {
        "server/discover" => discovered(&["2026-07-28"]),
        "tasks/get" => Answer::Result(task("working", eager.clone())),
        _ => {
            let made = json!({"resultType": "task", "pollIntervalMs": 900});
            Answer::Result(task("working", made))
        }
    });
    let session = connect(&script).await;
    let handle = start(&session).await;
    assert!(tokio::time::timeout(Duration::from_secs(10), handle.wait()).await.is_err());
    assert_eq!(count(&script, "subscriptions/listen"), 0);
}
