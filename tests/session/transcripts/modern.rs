//! With a stateless server.

use super::{call_tool, play};
use futures_util::StreamExt;
use mcp_session::{Cancellation, Deadlines, Event, Events, Notice, Options, Tasks};
use mcp_types::subscriptions::SubscriptionFilter;
use serde_json::{Value, json};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

// spec: MSG-05 MSG-12 MSG-18 META-10
#[tokio::test(start_paused = true)]
async fn a_call() {
    let transcript = r#"
        C> {"id": 2, "method": "tools/call", "params": {"name": "t", "_meta": {"progressToken": 2}}}
        S< {"id": 2, "result": {"resultType": "complete", "content": []}}
    "#;
    let called = async |session: mcp_session::Session| session.call_raw(call_tool()).await;
    let reply = play(Options::default(), transcript, called).await.unwrap();
    assert_eq!(reply.decode::<Value>().unwrap()["content"], json!([]));
}

// spec: PROG-01 PROG-02
#[tokio::test(start_paused = true)]
async fn progress() {
    let transcript = r#"
        C> {"id": 2, "method": "tools/call", "params": {"name": "t", "_meta": {"progressToken": 2}}}
        S< {"method": "notifications/progress", "params": {"progressToken": 2, "progress": 1, "total": 2}}
        S< {"method": "notifications/progress", "params": {"progressToken": 2, "progress": 2, "total": 2}}
        S< {"id": 2, "result": {"resultType": "complete", "content": []}}
    "#;
    let steps = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&steps);
    let events = Events::listener(move |event| {
        if matches!(event, Event::Progress(_)) {
            count.fetch_add(1, Relaxed);
        }
    });
    let called = async |session: mcp_session::Session| {
        session.call_raw(call_tool().with_events(events)).await
    };
    play(Options::default(), transcript, called).await.unwrap();
    assert_eq!(steps.load(Relaxed), 2);
}

// spec: CAN-02 CAN-05 CAN-06
#[tokio::test(start_paused = true)]
async fn a_call_that_is_given_up() {
    let transcript = r#"
        C> {"id": 2, "method": "tools/call", "params": {"name": "t"}}
        C> {"method": "notifications/cancelled", "params": {"requestId": 2}}
    "#;
    let called = async |session: mcp_session::Session| {
        let call = call_tool().with_extension(Deadlines::total(Duration::from_secs(1)));
        session.call_raw(call).await
    };
    assert!(play(Options::default(), transcript, called).await.unwrap_err().is_timeout());
}

// spec: CAN-05 CAN-06
#[tokio::test(start_paused = true)]
async fn a_call_that_is_cancelled_from_outside() {
    let transcript = r#"
        C> {"id": 2, "method": "tools/call", "params": {"name": "t"}}
        C> {"method": "notifications/cancelled", "params": {"requestId": 2}}
    "#;
    let called = async |session: mcp_session::Session| {
        let cancellation = Cancellation::new();
        let call = call_tool().with_extension(Deadlines::NONE).with_extension(cancellation.clone());
        let later = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            cancellation.cancel();
        };
        tokio::join!(session.call_raw(call), later).0
    };
    assert!(play(Options::default(), transcript, called).await.unwrap_err().is_cancelled());
}

// spec: MRTR-01 MRTR-03 MRTR-06 MRTR-08
#[tokio::test(start_paused = true)]
async fn input_that_is_required() {
    let transcript = r#"
        C> {"id": 2, "method": "tools/call", "params": {"name": "t", "_meta": {"progressToken": 2}}}
        S< {"id": 2, "result": {"resultType": "input_required", "inputRequests": {"q": {"method": "roots/list"}}, "requestState": "s"}}
        C> {"id": 3, "method": "tools/call", "params": {"name": "t", "inputResponses": {"q": {"roots": []}}, "requestState": "s", "_meta": {"progressToken": 3}}}
        S< {"id": 3, "result": {"resultType": "complete", "content": []}}
    "#;
    let called = async |session: mcp_session::Session| session.call_raw(call_tool()).await;
    play(Options::default(), transcript, called).await.unwrap();
}

// spec: SUB-01 SUB-07 CAN-12
#[tokio::test(start_paused = true)]
async fn a_subscription() {
    let transcript = r#"
        C> {"id": 2, "method": "subscriptions/listen", "params": {"notifications": {"toolsListChanged": true}}}
        S< {"method": "notifications/subscriptions/acknowledged", "params": {"notifications": {"toolsListChanged": true}, "_meta": {"io.modelcontextprotocol/subscriptionId": 2}}}
        S< {"method": "notifications/tools/list_changed", "params": {"_meta": {"io.modelcontextprotocol/subscriptionId": 2}}}
        C> {"method": "notifications/cancelled", "params": {"requestId": 2}}
    "#;
    let listened = async |session: mcp_session::Session| {
        let mut filter = SubscriptionFilter::default();
        filter.tools_list_changed = Some(true);
        let mut subscription = session.subscribe(filter).await.unwrap();
        subscription.next().await.unwrap().unwrap()
    };
    assert_eq!(play(Options::default(), transcript, listened).await, Notice::ToolsChanged);
}

// spec: TASKX-02 TASKX-05 TASKX-13
#[tokio::test(start_paused = true)]
async fn a_task() {
    let transcript = r#"
        C> {"id": 2, "method": "tools/call", "params": {"name": "t", "_meta": {"progressToken": 2}}}
        S< {"id": 2, "result": {"resultType": "task", "taskId": "x", "status": "working", "createdAt": "", "lastUpdatedAt": "", "ttlMs": null, "pollIntervalMs": 500}}
        C> {"id": 3, "method": "tasks/get", "params": {"taskId": "x", "_meta": {"progressToken": 3}}}
        S< {"id": 3, "result": {"resultType": "complete", "taskId": "x", "status": "input_required", "createdAt": "", "lastUpdatedAt": "", "ttlMs": null, "inputRequests": {"q": {"method": "roots/list"}}}}
        C> {"id": 4, "method": "tasks/update", "params": {"taskId": "x", "inputResponses": {"q": {"roots": []}}, "_meta": {"progressToken": 4}}}
        S< {"id": 4, "result": {"resultType": "complete"}}
        C> {"id": 5, "method": "tasks/get", "params": {"taskId": "x", "_meta": {"progressToken": 5}}}
        S< {"id": 5, "result": {"resultType": "complete", "taskId": "x", "status": "completed", "createdAt": "", "lastUpdatedAt": "", "ttlMs": null, "result": {"content": []}}}
    "#;
    let mut options = Options::default();
    options.extensions.push(Arc::new(Tasks::new()));
    let called = async |session: mcp_session::Session| session.call_raw(call_tool()).await;
    play(options, transcript, called).await.unwrap();
}

// spec: MSG-15 MSG-16 STDIO-04 CUST-04
#[tokio::test(start_paused = true)]
async fn a_request_of_the_server_and_a_notification_that_are_not_answered() {
    let transcript = r#"
        C> {"id": 2, "method": "tools/call", "params": {"name": "t", "_meta": {"progressToken": 2}}}
        S< {"id": "q", "method": "roots/list"}
        S< {"method": "notifications/tools/list_changed"}
        S< {"id": 2, "result": {"resultType": "complete", "content": []}}
    "#;
    let called = async |session: mcp_session::Session| session.call_raw(call_tool()).await;
    play(Options::default(), transcript, called).await.unwrap();
}
