//! Newline-delimited JSON.

mod clients;
mod limits;

use super::*;
use futures_util::{FutureExt, stream};
use mcp_transport::duplex;
use std::time::Duration;
use tokio::{io::AsyncWriteExt, sync::Semaphore};

/// A scripted client, and the driver that serves it.
struct Served {
    client: Peer<DuplexStream>,
    driver: Background<Result<(), Error>>,
}

fn serve(service: impl serve::Server) -> Served {
    serve_within(service, LineLimits::default())
}

fn serve_within(service: impl serve::Server, limits: LineLimits) -> Served {
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    let driver = Background::run(serve::lines(ours, service, limits));
    Served { client: Peer::new(theirs), driver }
}

fn limits(change: impl FnOnce(&mut LineLimits)) -> LineLimits {
    let mut limits = LineLimits::default();
    change(&mut limits);
    limits
}

impl Served {
    async fn ask(&mut self, id: i64, method: &str) {
        let params = json!({ "_meta": { "progressToken": id } });
        let message = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        self.client.send(message).await;
    }

    /// Expects the response to this request as the next message.
    async fn response(&mut self, id: i64) -> Value {
        let message = self.client.receive().await;
        assert_eq!(message["id"], id, "{message}");
        message
    }

    /// Makes a call that is answered, and checks that nothing else arrives before the answer.
    async fn canary(&mut self, id: i64) {
        self.ask(id, "echo").await;
        assert!(self.response(id).await["result"]["echo"].is_object());
    }

    /// Ends the input, and returns what still arrives.
    async fn finish(mut self) -> Vec<Value> {
        let rest = self.client.finish().await;
        self.driver.end().await.unwrap();
        rest
    }
}

// spec: MSG-07 STDIO-02
#[tokio::test]
async fn calls_are_answered_as_they_end() {
    let server = Scripted::modern();
    let mut served = serve(server.server.transport());
    served.ask(1, "gated").await;
    served.canary(2).await;
    served.ask(3, "fail").await;
    let error = json!({ "code": -32602, "message": "wrong", "data": 7 });
    assert_eq!(served.response(3).await["error"], error);
    server.gate.add_permits(1);
    assert_eq!(served.response(1).await["result"]["gated"], true);
    assert_eq!(served.finish().await, [] as [Value; 0]);
}

// spec: PROG-02 MSG-16
#[tokio::test]
async fn what_a_service_says_before_the_response_comes_before_it() {
    let server = Scripted::legacy();
    let mut served = serve(server.server.transport());
    served.ask(1, "count").await;
    for step in 1..=3 {
        let progress = served.client.expect("notifications/progress").await;
        assert_eq!(progress["params"]["progress"], step);
    }
    assert_eq!(served.response(1).await["result"]["counted"], 3);
    served.ask(2, "ask").await;
    let question = served.client.expect("roots/list").await;
    served.client.answer(question["id"].clone(), json!({ "roots": [] })).await;
    assert_eq!(served.response(2).await["result"]["answer"], json!({ "roots": [] }));
}

// spec: CAN-05 CAN-06 CAN-11 STDIO-08
#[tokio::test]
async fn a_cancelled_call_is_dropped_and_never_answered() {
    let server = Scripted::modern();
    let mut served = serve(server.server.transport());
    for method in ["hang", "subscriptions/listen"] {
        served.ask(1, method).await;
        served.client.expect("notifications/begun").await;
        served.client.notify("notifications/cancelled", json!({ "requestId": 1 })).await;
    }
    server.dropped.wait_for(2).await;
    for params in [json!({ "requestId": 9 }), json!({ "requestId": null }), json!({})] {
        served.client.notify("notifications/cancelled", params).await;
    }
    served.canary(1).await;
    assert_eq!(server.server.sent("notifications/cancelled"), [] as [Value; 0]);
}

// spec: LIFE-09
#[tokio::test]
async fn a_handshake_cannot_be_cancelled() {
    let gate = Arc::<Notify>::default();
    let opened = Arc::clone(&gate);
    let mut served = serve(service_fn(move |message: ClientMessage| {
        let gate = Arc::clone(&gate);
        async move {
            let Message::Request(request) = message.body else { return Ok(Replies::empty()) };
            gate.notified().await;
            Ok::<_, Error>(Replies::once(Response::success(request.id, RawJson::EMPTY_OBJECT)))
        }
    }));
    served.ask(1, "initialize").await;
    served.client.notify("notifications/cancelled", json!({ "requestId": 1 })).await;
    served.client.send_raw("garbage\n").await;
    assert_eq!(error_code(&served.client.receive().await), -32700, "all before it was read");
    opened.notify_one();
    served.response(1).await;
}

#[tokio::test]
async fn messages_reach_the_service_in_their_order() {
    let server = Scripted::modern();
    let mut served = serve(server.server.transport());
    let mut sent = Vec::new();
    for id in 0..100 {
        let message = match id % 3 {
            0 => json!({ "jsonrpc": "2.0", "method": "notifications/n", "params": { "n": id } }),
            1 => json!({ "jsonrpc": "2.0", "id": id, "result": { "n": id } }),
            _ => json!({ "jsonrpc": "2.0", "id": id, "method": "fail", "params": {} }),
        };
        served.client.send(message.clone()).await;
        sent.push(message);
    }
    assert_eq!(served.finish().await.len(), 33);
    let received: Vec<Value> =
        server.server.record().iter().map(|text| serde_json::from_str(text).unwrap()).collect();
    assert_eq!(received, sent);
}

// spec: MSG-03 MSG-08 MSG-10 STDIO-06
#[tokio::test]
async fn what_is_not_a_message_is_refused_and_nothing_else() {
    let mut served = serve(Scripted::modern().server.transport());
    served.client.send_raw("\u{feff}\r\n\n  \n").await;
    for (line, code, id) in [
        ("garbage", -32700, Value::Null),
        (r#"{"jsonrpc":"2.0","id":5,"method":"echo""#, -32700, json!(5)),
        (r#"{"jsonrpc":"1.0","id":5,"method":"echo"}"#, -32600, json!(5)),
        (r#"[{"jsonrpc":"2.0","id":5,"method":"echo"}]"#, -32600, Value::Null),
        ("null", -32600, Value::Null),
    ] {
        served.client.send_raw(format!("{line}\r\n")).await;
        let refusal = served.client.receive().await;
        assert_eq!((error_code(&refusal), &refusal["id"]), (code, &id), "{line}");
        served.canary(6).await;
    }
    // Answers to answers would be taken for answers to other requests.
    served.client.send_raw("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":7}\n").await;
    served.client.send(json!({ "jsonrpc": "2.0", "error": { "code": 1, "message": "" } })).await;
    served.client.send_raw(b"\xFF\xFE\n").await;
    assert_eq!(error_code(&served.client.receive().await), -32700);
    assert_eq!(served.finish().await, [] as [Value; 0]);
}

// spec: MSG-05
#[tokio::test]
async fn an_id_in_use_fails_no_call() {
    let server = Scripted::modern();
    let mut served = serve(server.server.transport());
    served.ask(1, "gated").await;
    served.ask(1, "echo").await;
    let refusal = served.client.receive().await;
    assert_eq!((error_code(&refusal), refusal.get("id")), (-32600, None));
    server.gate.add_permits(1);
    assert_eq!(served.response(1).await["result"]["gated"], true);
    served.canary(1).await;
}

#[tokio::test]
async fn what_is_in_flight_at_the_end_of_the_input_is_still_answered() {
    let server = Scripted::modern();
    let mut served = serve(server.server.transport());
    served.ask(1, "gated").await;
    served.ask(2, "subscriptions/listen").await;
    served.client.expect("notifications/begun").await;
    // The last line has no line end.
    served.client.send_raw(r#"{"jsonrpc":"2.0","id":3,"method":"gated"}"#).await;
    let Served { client, mut driver } = served;
    let mut rest = Background::run(client.finish());
    server.dropped.wait_for(1).await;
    server.gate.add_permits(2);
    let ids: Vec<Value> = rest.end().await.iter().map(|message| message["id"].clone()).collect();
    assert_eq!(ids, [1, 3]);
    driver.end().await.unwrap();
}

#[tokio::test]
async fn the_end_of_the_input_in_the_middle_of_a_message_is_refused() {
    let mut served = serve(Scripted::modern().server.transport());
    served.client.send_raw(r#"{"jsonrpc":"2.0","id":3,"method":"#).await;
    let rest = served.finish().await;
    assert_eq!((error_code(&rest[0]), rest.len()), (-32700, 1));
}

#[tokio::test]
async fn dropping_the_driver_drops_the_calls() {
    let server = Scripted::modern();
    let mut served = serve(server.server.transport());
    served.ask(1, "hang").await;
    served.client.expect("notifications/begun").await;
    served.driver.cut().await;
    server.dropped.wait_for(1).await;
}

#[tokio::test]
async fn a_service_that_fails_has_answered_with_an_error() {
    let mut served = serve(service_fn(|message: ClientMessage| async move {
        let Message::Request(request) = message.body else { return Ok(Replies::empty()) };
        let said = ErrorObject::new(ErrorCode::METHOD_NOT_FOUND, "said by the server behind");
        match &*request.method {
            "call" => Err(Error::other("no way there", Delivery::NotSent)),
            "peer" => Err(Error::other("refused", Delivery::Delivered).with_peer_error(said)),
            "replies" => {
                let failure = Error::closed("lost on the way", Delivery::Unknown);
                Ok(Replies::new(stream::iter([Err(failure)])))
            }
            "nothing" => Ok(Replies::empty()),
            _ => Ok(Replies::once(Response::success(99, RawJson::EMPTY_OBJECT))),
        }
    }));
    for (method, code, text) in [
        ("call", -32603, "no way there"),
        ("peer", -32601, "said by the server behind"),
        ("replies", -32603, "lost on the way"),
        ("nothing", -32603, "server gave no response"),
    ] {
        served.ask(1, method).await;
        let error = &served.response(1).await["error"];
        assert_eq!((&error["code"], &error["message"]), (&json!(code), &json!(text)));
    }
    served.ask(1, "other").await;
    assert_eq!(
        served.response(1).await["result"],
        json!({}),
        "the response has the id of its request"
    );
}

#[tokio::test]
async fn what_a_service_says_unasked_is_written_too() {
    let said: [Message; 3] = [
        Notification::new("notifications/tools/list_changed").into(),
        Response::success(1, RawJson::EMPTY_OBJECT).into(),
        Request::new("q", "roots/list").into(),
    ];
    let unsolicited = Unsolicited::new(stream::iter(said.map(Arrival::Message)));
    let server = Scripted::legacy();
    let (ours, theirs) = tokio::io::duplex(1024);
    let driver = serve::lines(ours, server.server.transport(), LineLimits::default());
    let driver = Background::run(driver.with_unsolicited(unsolicited));
    let mut served = Served { client: Peer::new(theirs), driver };
    served.client.expect("notifications/tools/list_changed").await;
    assert_eq!(served.client.expect("roots/list").await["id"], "q");
    served.client.answer("q", json!({})).await;
    served.canary(1).await;
    assert_eq!(server.server.record().len(), 2);
    assert_eq!(served.finish().await, [] as [Value; 0]);
}

// spec: STDIO-02
#[tokio::test]
async fn a_message_is_one_line_whatever_its_raw_json_holds() {
    let mut served = serve(service_fn(|message: ClientMessage| async move {
        let Message::Request(request) = message.body else { return Ok(Replies::empty()) };
        let result = RawJson::parse("{\r\n \"a\": \"b\\n\"\n}").unwrap();
        Ok::<_, Error>(Replies::once(Response::success(request.id, result)))
    }));
    served.ask(1, "x").await;
    assert_eq!(
        served.response(1).await["result"],
        json!({ "a": "b
" })
    );
}
