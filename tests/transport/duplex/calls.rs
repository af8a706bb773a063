//! Routing of messages, and cancellation of abandoned calls.

use super::*;
use mcp_transport::Delivery;
use mcp_types::{ErrorCode, ErrorObject, rpc::Notification};

// spec: STDIO-02
#[tokio::test]
async fn messages_leave_in_the_order_of_the_calls() {
    let mut wire = Wire::new();
    let mut client = wire.client.clone();
    let pending: Vec<_> = (0..100).map(|id| client.call(request(id, "tools/list"))).collect();
    for id in 0..100 {
        assert_eq!(wire.peer.expect("tools/list").await["id"], id);
    }
    drop(pending);
}

// spec: MSG-07
#[tokio::test]
async fn responses_find_their_calls_in_any_order() {
    let mut wire = Wire::new();
    let first = wire.open(1, "a").await;
    let second = wire.open(2, "b").await;
    wire.peer.answer(2, json!({"of": 2})).await;
    wire.peer.answer(1, json!({"of": 1})).await;
    assert_eq!(result(first).await, json!({"of": 1}));
    assert_eq!(result(second).await, json!({"of": 2}));
}

// spec: MSG-07 CAN-07
#[tokio::test]
async fn what_is_read_together_keeps_its_order_for_each_call() {
    let mut wire = Wire::new();
    let mut calls = Vec::new();
    for id in 0..100 {
        calls.push(wire.open(id, "a").await);
    }
    let mut text = String::new();
    for id in 0..100 {
        let response = |id, of| json!({"jsonrpc": "2.0", "id": id, "result": {"of": of}});
        let progress = |at| {
            let params = json!({"progressToken": id, "progress": at});
            json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": params})
        };
        let is_told = id % 40 == 7;
        let before = is_told.then(|| progress(1));
        let after = is_told.then(|| progress(2));
        let second = (id % 40 == 8).then(|| response(id, -1));
        let stray = (id % 40 == 9).then(|| response(id + 1_000, id));
        let lines = [before, Some(response(id, id)), after, second, stray];
        lines.iter().flatten().for_each(|line| text.push_str(&format!("{line}\n")));
    }
    wire.peer.send_raw(text).await;
    for (id, mut replies) in (0..).zip(calls) {
        if id % 40 == 7 {
            assert_eq!(notification(&mut replies).await.1["progress"], 1);
        }
        assert_eq!(result(replies).await, json!({"of": id}), "and nothing else");
    }
    for id in [7, 9, 47, 49, 87, 89] {
        match wire.arrival().await {
            Arrival::Message(Message::Notification(it)) => {
                assert!(it.params.unwrap().as_str().contains(&format!(":{id},")) && id % 40 == 7);
            }
            Arrival::Message(Message::Response(it)) => assert_eq!(it.id, Some((id + 1_000).into())),
            other => panic!("{other:?}"),
        }
    }
    wire.assert_clean().await;
}

#[tokio::test]
async fn an_error_response_is_a_reply() {
    let mut wire = Wire::new();
    let mut replies = wire.open(1, "a").await;
    let error = json!({"code": -32601, "message": "no", "data": [1]});
    wire.peer.send(json!({"jsonrpc": "2.0", "id": 1, "error": error})).await;
    let Some(Ok(Message::Response(response))) = next(&mut replies).await else { panic!("reply") };
    let expected = ErrorObject::new(ErrorCode::METHOD_NOT_FOUND, "no").with_data(json!([1]));
    assert_eq!(response.outcome, Err(expected));
}

// spec: STDIO-08 CAN-05 CAN-06 SUB-06
#[tokio::test]
async fn a_dropped_call_is_cancelled_on_the_wire_once() {
    let mut wire = Wire::new();
    drop(wire.open(7, "subscriptions/listen").await);
    let cancelled = wire.peer.expect("notifications/cancelled").await;
    assert_eq!(cancelled["params"], json!({"requestId": 7}));
    wire.assert_clean().await;
}

#[tokio::test]
async fn a_call_dropped_before_it_left_was_never_made() {
    let (ours, theirs) = tokio::io::duplex(1024);
    let (mut client, _unsolicited, connection) = multiplex(ours, Limits::default());
    drop(client.call(request(1, "a")));
    let replies = deadline(client.call(request(2, "b"))).await.unwrap();
    let mut peer = Peer::new(theirs);
    let _driver = Background::run(connection);
    peer.expect("b").await;
    drop((client, replies));
    assert_eq!(peer.rest().await.len(), 1, "one cancellation and nothing else");
}

// spec: CAN-06 CAN-08
#[tokio::test]
async fn an_answered_call_is_not_cancelled() {
    let mut wire = Wire::new();
    let replies = wire.open(1, "a").await;
    wire.peer.answer(1, json!({})).await;
    wire.peer.notify("marker", json!({})).await;
    // The marker follows the response, so that was routed, although it was not read.
    wire.arrives("marker").await;
    drop(replies);
    wire.assert_clean().await;
}

// spec: LIFE-09
#[tokio::test]
async fn initialize_is_never_cancelled() {
    let mut wire = Wire::new();
    drop(wire.open(1, "initialize").await);
    wire.assert_clean().await;
}

// spec: CAN-07 CAN-08
#[tokio::test]
async fn f18_a_late_response_is_dropped_in_silence() {
    let mut wire = Wire::new();
    drop(wire.open(1, "a").await);
    wire.peer.expect("notifications/cancelled").await;
    wire.peer.answer(1, json!({})).await;
    wire.peer.notify("marker", json!({})).await;
    wire.arrives("marker").await;
    wire.assert_clean().await;
}

#[tokio::test]
async fn f13_the_second_response_to_a_call_is_ignored() {
    let mut wire = Wire::new();
    let replies = wire.open(1, "a").await;
    wire.peer.answer(1, json!({"n": 1})).await;
    wire.peer.answer(1, json!({"n": 2})).await;
    wire.peer.notify("marker", json!({})).await;
    wire.arrives("marker").await;
    assert_eq!(result(replies).await, json!({"n": 1}));
    wire.assert_clean().await;
}

// spec: MSG-07 MSG-09
#[tokio::test]
async fn f14_a_response_to_nobody_touches_no_call() {
    let mut wire = Wire::new();
    wire.peer.answer(5, json!({})).await;
    assert!(matches!(wire.arrival().await, Arrival::Message(Message::Response(_))));
    let replies = wire.open(1, "a").await;
    wire.peer.send(json!({"jsonrpc": "2.0", "error": {"code": -32700, "message": "?"}})).await;
    assert!(matches!(wire.arrival().await, Arrival::Message(Message::Response(_))));
    wire.peer.answer(1, json!({"ok": true})).await;
    assert_eq!(result(replies).await, json!({"ok": true}));
}

#[tokio::test]
async fn f14_a_response_may_come_before_its_request_is_written() {
    let mut wire = Wire::with(Limits::default(), 64);
    let replies = deadline(wire.client.clone().call(large_request(1, 10_000))).await.unwrap();
    wire.peer.answer(1, json!({"early": true})).await;
    assert_eq!(result(replies).await, json!({"early": true}));
    // A message that was begun is written completely.
    wire.peer.expect("large").await;
    wire.assert_clean().await;
}

// spec: MSG-07
#[tokio::test]
async fn f15_an_id_of_another_type_answers_nothing() {
    let mut wire = Wire::new();
    let replies = wire.open(1, "a").await;
    wire.peer.answer("1", json!({"wrong": true})).await;
    assert!(matches!(wire.arrival().await, Arrival::Message(Message::Response(_))));
    for id in ["1.0", "1e0", "9223372036854775808", "[1]", "{\"id\":1}", "true"] {
        let line = format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{}}}}\n");
        wire.peer.send_raw(line).await;
        assert!(matches!(wire.diagnostic().await, Diagnostic::NotAMessage { .. }), "{id}");
    }
    wire.peer.answer(1, json!({"right": true})).await;
    assert_eq!(result(replies).await, json!({"right": true}));
}

// spec: STDIO-14 MSG-03
#[tokio::test]
async fn string_ids_work_like_integers() {
    let mut wire = Wire::new();
    let message = ClientMessage::new(Request::new("a\"b", "x"));
    let replies = deadline(wire.client.clone().call(message)).await.unwrap();
    assert_eq!(wire.peer.expect("x").await["id"], "a\"b");
    wire.peer.answer("a\"b", json!({})).await;
    assert_eq!(result(replies).await, json!({}));
}

// spec: MSG-05
#[tokio::test]
async fn an_id_in_use_is_refused() {
    let mut wire = Wire::new();
    let replies = wire.open(1, "a").await;
    let error = deadline(wire.client.clone().call(request(1, "b"))).await.unwrap_err();
    assert_eq!(error.delivery(), Delivery::NotSent);
    wire.peer.answer(1, json!({})).await;
    result(replies).await;
    wire.assert_clean().await;
}

// spec: PROG-02 PROG-03
#[tokio::test]
async fn progress_goes_to_its_call() {
    let mut wire = Wire::new();
    let mut first = wire.open(1, "a").await;
    let mut second = wire.open(2, "b").await;
    for token in [json!(2), json!(1), json!("1"), json!(3), json!(1.5)] {
        let params = json!({"progressToken": token, "progress": 1});
        wire.peer.notify("notifications/progress", params).await;
    }
    for _ in 0..3 {
        wire.arrives("notifications/progress").await;
    }
    assert_eq!(notification(&mut first).await.1["progressToken"], 1);
    assert_eq!(notification(&mut second).await.1["progressToken"], 2);
    wire.peer.answer(1, json!({})).await;
    wire.peer.answer(2, json!({})).await;
    result(first).await;
    result(second).await;
}

// spec: STDIO-07 SUB-04 SUB-09
#[tokio::test]
async fn subscriptions_are_told_apart() {
    let mut wire = Wire::new();
    let mut first = wire.open(1, "subscriptions/listen").await;
    let mut second = wire.open(2, "subscriptions/listen").await;
    let key = "io.modelcontextprotocol/subscriptionId";
    for id in [json!(2), json!(1), json!("2"), json!(9)] {
        let params = json!({"_meta": {key: id}});
        wire.peer.notify("notifications/tools/list_changed", params).await;
    }
    wire.peer.notify("notifications/tools/list_changed", json!({})).await;
    for _ in 0..3 {
        wire.arrives("notifications/tools/list_changed").await;
    }
    assert_eq!(notification(&mut first).await.1["_meta"][key], 1);
    assert_eq!(notification(&mut second).await.1["_meta"][key], 2);
}

// spec: CAN-11 CAN-12 SUB-07
#[tokio::test]
async fn a_server_gives_up_subscriptions_alone() {
    let mut wire = Wire::new();
    let mut listen = wire.open(1, "subscriptions/listen").await;
    let _other = wire.open(2, "tools/call").await;
    wire.peer.notify("notifications/cancelled", json!({"requestId": 2})).await;
    wire.arrives("notifications/cancelled").await;
    wire.peer.notify("notifications/cancelled", json!({"requestId": 1})).await;
    assert_eq!(notification(&mut listen).await.0, "notifications/cancelled");
    wire.peer.answer(1, json!({})).await;
    assert_eq!(result(listen).await, json!({}));
}

// spec: MSG-16 LIFE-08
#[tokio::test]
async fn requests_of_a_legacy_server_can_be_answered() {
    let mut wire = Wire::new();
    let replies = wire.open(1, "tools/call").await;
    wire.peer.send(json!({"jsonrpc": "2.0", "id": 1, "method": "roots/list"})).await;
    wire.arrives("roots/list").await;
    let answer = ClientMessage::new(Response::success(1, RawJson::EMPTY_OBJECT));
    let mut nothing = deadline(wire.client.clone().call(answer)).await.unwrap();
    assert!(next(&mut nothing).await.is_none());
    let answer = wire.peer.receive().await;
    assert_eq!(answer, json!({"jsonrpc": "2.0", "id": 1, "result": {}}));
    wire.peer.answer(1, json!({"done": true})).await;
    assert_eq!(result(replies).await, json!({"done": true}));
}

#[tokio::test]
async fn a_notification_has_no_replies() {
    let mut wire = Wire::new();
    let message = ClientMessage::new(Notification::new("notifications/initialized"));
    let mut replies = deadline(wire.client.clone().call(message)).await.unwrap();
    assert!(next(&mut replies).await.is_none());
    let sent = wire.peer.receive().await;
    assert_eq!(sent, json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
}
