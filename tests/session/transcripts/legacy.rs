//! With a server that has a handshake.

use super::{call_tool, play};
use crate::wire;
use futures_util::StreamExt;
use mcp_session::{Cancellation, Deadlines, Event, Events, Notice, Session};
use mcp_types::{rpc::Notification, subscriptions::SubscriptionFilter};
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
        C> {"id": 2, "method": "resources/read", "params": {"_meta": {"progressToken": 2}}}
        S< {"id": 2, "result": {"contents": []}}
    "#;
    let called =
        async |session: Session| session.call_raw(mcp_session::Call::new("resources/read")).await;
    play(wire::legacy(), transcript, called).await.unwrap();
}

// spec: PROG-01 PROG-02
#[tokio::test(start_paused = true)]
async fn progress() {
    let transcript = r#"
        C> {"id": 2, "method": "tools/call", "params": {"name": "t", "_meta": {"progressToken": 2}}}
        S< {"method": "notifications/progress", "params": {"progressToken": 2, "progress": 1}}
        S< {"method": "notifications/progress", "params": {"progressToken": 2, "progress": 2}}
        S< {"id": 2, "result": {"content": []}}
    "#;
    let steps = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&steps);
    let events = Events::listener(move |event| {
        if matches!(event, Event::Progress(_)) {
            count.fetch_add(1, Relaxed);
        }
    });
    let called = async |session: Session| session.call_raw(call_tool().with_events(events)).await;
    play(wire::legacy(), transcript, called).await.unwrap();
    assert_eq!(steps.load(Relaxed), 2);
}

// spec: CAN-02 CAN-05 CAN-06
#[tokio::test(start_paused = true)]
async fn a_call_that_is_given_up() {
    let transcript = r#"
        C> {"id": 2, "method": "tools/call", "params": {"name": "t"}}
        C> {"method": "notifications/cancelled", "params": {"requestId": 2}}
    "#;
    let called = async |session: Session| {
        let call = call_tool().with_extension(Deadlines::total(Duration::from_secs(1)));
        session.call_raw(call).await
    };
    assert!(play(wire::legacy(), transcript, called).await.unwrap_err().is_timeout());
}

// spec: CAN-05 CAN-06
#[tokio::test(start_paused = true)]
async fn a_call_that_is_cancelled_from_outside() {
    let transcript = r#"
        C> {"id": 2, "method": "tools/call", "params": {"name": "t"}}
        C> {"method": "notifications/cancelled", "params": {"requestId": 2}}
    "#;
    let called = async |session: Session| {
        let cancellation = Cancellation::new();
        let call = call_tool().with_extension(Deadlines::NONE).with_extension(cancellation.clone());
        let later = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            cancellation.cancel();
        };
        tokio::join!(session.call_raw(call), later).0
    };
    assert!(play(wire::legacy(), transcript, called).await.unwrap_err().is_cancelled());
}

// spec: MSG-17 PING-01
#[tokio::test(start_paused = true)]
async fn requests_of_the_server_during_a_call() {
    let transcript = r#"
        C> {"id": 2, "method": "tools/call", "params": {"name": "t", "_meta": {"progressToken": 2}}}
        S< {"id": "q", "method": "roots/list"}
        C> {"id": "q", "result": {"roots": []}}
        S< {"id": "p", "method": "ping"}
        C> {"id": "p", "result": {}}
        S< {"id": "x", "method": "no/such"}
        C> {"id": "x", "error": {"code": -32601, "message": "this client does not answer no/such"}}
        S< {"id": 2, "result": {"content": []}}
    "#;
    let called = async |session: Session| session.call_raw(call_tool()).await;
    play(wire::legacy(), transcript, called).await.unwrap();
}

// spec: SUB-11
#[tokio::test(start_paused = true)]
async fn a_subscription() {
    let transcript = r#"
        C> {"id": 2, "method": "resources/subscribe", "params": {"uri": "file:///a", "_meta": {"progressToken": 2}}}
        S< {"id": 2, "result": {}}
        S< {"method": "notifications/tools/list_changed"}
        S< {"method": "notifications/resources/updated", "params": {"uri": "file:///a"}}
        C> {"id": 3, "method": "resources/unsubscribe", "params": {"uri": "file:///a", "_meta": {"progressToken": 3}}}
        S< {"id": 3, "result": {}}
    "#;
    let listened = async |session: Session| {
        let mut filter = SubscriptionFilter::default();
        filter.tools_list_changed = Some(true);
        filter.resource_subscriptions = Some(vec!["file:///a".into()]);
        let subscription = session.subscribe(filter).await.unwrap();
        subscription.take(2).map(Result::unwrap).collect::<Vec<_>>().await
    };
    let updated = Notice::ResourceUpdated { uri: "file:///a".into() };
    assert_eq!(play(wire::legacy(), transcript, listened).await, [Notice::ToolsChanged, updated]);
}

// spec: TASK25-05 TASK25-06 TASK25-08 TASK25-10
#[tokio::test(start_paused = true)]
async fn a_task() {
    let transcript = r#"
        C> {"id": 2, "method": "tools/call", "params": {"name": "t", "_meta": {"progressToken": 2}}}
        S< {"id": 2, "error": {"code": -32601, "message": "as a task, please"}}
        C> {"id": 3, "method": "tools/list", "params": {"_meta": {"progressToken": 3}}}
        S< {"id": 3, "result": {"tools": [{"name": "t", "inputSchema": {}, "execution": {"taskSupport": "required"}}]}}
        C> {"id": 4, "method": "tools/call", "params": {"name": "t", "task": {}, "_meta": {"progressToken": 4}}}
        S< {"id": 4, "result": {"task": {"taskId": "x", "status": "working", "createdAt": "", "lastUpdatedAt": "", "ttl": null, "pollInterval": 500}}}
        C> {"id": 5, "method": "tasks/get", "params": {"taskId": "x", "_meta": {"progressToken": 5}}}
        S< {"id": 5, "result": {"taskId": "x", "status": "input_required", "createdAt": "", "lastUpdatedAt": "", "ttl": null}}
        C> {"id": 6, "method": "tasks/result", "params": {"taskId": "x"}}
        S< {"id": "q", "method": "roots/list", "params": {"_meta": {"io.modelcontextprotocol/related-task": {"taskId": "x"}}}}
        C> {"id": "q", "result": {"roots": [], "_meta": {"io.modelcontextprotocol/related-task": {"taskId": "x"}}}}
        S< {"id": 6, "result": {"content": [], "_meta": {"io.modelcontextprotocol/related-task": {"taskId": "x"}}}}
        C> {"id": 7, "method": "tasks/get", "params": {"taskId": "x", "_meta": {"progressToken": 7}}}
        S< {"id": 7, "result": {"taskId": "x", "status": "completed", "createdAt": "", "lastUpdatedAt": "", "ttl": null}}
        C> {"id": 8, "method": "tasks/result", "params": {"taskId": "x"}}
        S< {"id": 8, "result": {"content": [], "_meta": {"io.modelcontextprotocol/related-task": {"taskId": "x"}}}}
    "#;
    let called = async |session: Session| session.call_raw(call_tool()).await;
    play(wire::legacy(), transcript, called).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn notifications_both_ways() {
    let transcript = r#"
        C> {"method": "notifications/roots/list_changed"}
        S< {"method": "notifications/message", "params": {"level": "info", "data": "seen"}}
        S< {"id": "p", "method": "ping"}
        C> {"id": "p", "result": {}}
    "#;
    let (sender, mut heard) = tokio::sync::mpsc::channel(1);
    let mut options = wire::legacy();
    options.events = Events::channel(sender);
    let told = async |session: Session| {
        session.notify(Notification::new("notifications/roots/list_changed")).await.unwrap();
        let event = heard.recv().await.unwrap();
        // So that the answer to the ping is written before the session ends.
        tokio::time::sleep(Duration::from_secs(1)).await;
        event
    };
    match play(options, transcript, told).await {
        Event::Notification(notification) => {
            assert_eq!(notification.method, "notifications/message")
        }
        other => panic!("{other:?}"),
    }
}
