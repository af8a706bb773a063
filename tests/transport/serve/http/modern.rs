//! Requests of the stateless revision.

use super::*;
use futures_util::stream;
use mcp_transport::MirroredParams;
use mcp_types::ProtocolVersion;
use std::{sync::Mutex, time::Duration};

// spec: HTTP-05
#[tokio::test]
async fn a_response_that_comes_first_is_json() {
    let endpoint = endpoint(Scripted::modern().server.transport());
    let response = ask(&endpoint, 1, "echo").await;
    assert_eq!(response.status(), 200);
    assert_eq!(header(response.headers(), "mcp-session-id"), None);
    let body = read_json(response).await;
    assert_eq!(
        (&body["id"], &body["result"]["echo"]["_meta"]["progressToken"]),
        (&json!(1), &json!(1))
    );
}

// spec: HTTP-11
#[tokio::test]
async fn what_comes_before_the_response_makes_it_an_event_stream() {
    let endpoint = endpoint(Scripted::modern().server.transport());
    let mut response = ask(&endpoint, 1, "count").await;
    assert_eq!(response.status(), 200);
    assert_eq!(header(response.headers(), "x-accel-buffering"), Some("no"));
    for step in 1..=3 {
        assert_eq!(event(&mut response).await.unwrap()["params"]["progress"], step);
    }
    assert_eq!(event(&mut response).await.unwrap()["result"]["counted"], 3);
    assert_eq!(event(&mut response).await, None);
}

// spec: HTTP-07 HTTP-08 HTTP-19 HDR-01 HDR-02 HDR-04
#[tokio::test]
async fn headers_must_say_what_the_body_says() {
    const MISMATCH: (u16, i64) = (400, -32020);
    const FINE: (u16, i64) = (200, 0);
    let endpoint = endpoint(Scripted::modern().server.transport());
    let call = modern_body(1, "tools/call", json!({ "name": "caf\u{e9}" }));
    let plain = modern_body(1, "tools/call", json!({ "name": "plain" }));
    let fine =
        [("mcp-protocol-version", MODERN), ("mcp-method", "tools/call"), ("mcp-name", "plain")];
    for (changed, value, body, expected) in [
        ("mcp-name", "plain", &plain, FINE),
        ("mcp-name", "=?base64?cGxhaW4=?=", &plain, FINE),
        ("mcp-name", "=?base64?Y2Fmw6k=?=", &call, FINE),
        ("mcp-name", "Plain", &plain, MISMATCH),
        ("mcp-name", "", &plain, MISMATCH),
        ("mcp-name", "=?base64?!?=", &plain, MISMATCH),
        ("mcp-name", "=?base64?/w==?=", &plain, MISMATCH),
        ("mcp-method", "", &plain, MISMATCH),
        ("mcp-method", "Tools/Call", &plain, MISMATCH),
        ("mcp-protocol-version", "", &plain, MISMATCH),
        ("mcp-protocol-version", "2026-07-29", &plain, MISMATCH),
        ("mcp-protocol-version", "2025-11-25", &plain, MISMATCH),
        ("mcp-param-city", "=?base64?!?=", &plain, MISMATCH),
        ("mcp-session-id", "ignored", &plain, FINE),
        ("last-event-id", "ignored", &plain, FINE),
    ] {
        let kept = fine.iter().filter(|(name, _)| *name != changed).copied();
        let headers: Vec<_> = kept.chain([(changed, value)]).collect();
        assert_eq!(
            refusal(post(&endpoint, &headers, body).await).await,
            expected,
            "{changed}: {value}"
        );
    }
    for (method, member) in
        [("prompts/get", "name"), ("resources/read", "uri"), ("tasks/get", "taskId")]
    {
        let body = modern_body(1, method, json!({ member: "a" }));
        for (name, expected) in [("a", FINE), ("b", MISMATCH)] {
            let headers =
                [("mcp-protocol-version", MODERN), ("mcp-method", method), ("mcp-name", name)];
            assert_eq!(refusal(post(&endpoint, &headers, &body).await).await, expected, "{method}");
        }
    }
}

// spec: META-01 VER-01
#[tokio::test]
async fn a_request_must_say_its_revision_and_capabilities() {
    let endpoint = endpoint(Scripted::modern().server.transport());
    let headers = [("mcp-protocol-version", MODERN), ("mcp-method", "echo")];
    for key in ["protocolVersion", "clientCapabilities"] {
        let mut body = modern_body(1, "echo", json!({}));
        let meta = body["params"]["_meta"].as_object_mut().unwrap();
        meta.remove(&format!("io.modelcontextprotocol/{key}"));
        assert_eq!(refusal(post(&endpoint, &headers, &body).await).await, (400, -32602), "{key}");
    }
    let mut body = modern_body(1, "echo", json!({}));
    body["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!("2027-01-01");
    let headers = [("mcp-protocol-version", "2027-01-01"), ("mcp-method", "echo")];
    let error = read_json(post(&endpoint, &headers, &body).await).await;
    let data = json!({ "supported": [MODERN], "requested": "2027-01-01" });
    assert_eq!((error_code(&error), &error["error"]["data"]), (-32022, &data));
    let options = HttpOptions::default().versions(["2027-01-01".into()]);
    let newer = serve::http(Scripted::modern().server.transport(), options);
    assert_eq!(refusal(post(&newer, &headers, &body).await).await, (200, 0));
}

// spec: HTTP-17 META-05
#[tokio::test]
async fn errors_with_a_status_of_their_own_have_it() {
    let endpoint = endpoint(service_fn(|message: ClientMessage| async move {
        let Message::Request(request) = message.body else { panic!("a request") };
        let code = request.method.parse().map(ErrorCode).unwrap();
        let failure = Response::failure(request.id, ErrorObject::new(code, "no"));
        Ok::<_, Error>(Replies::once(failure))
    }));
    for (code, status) in [
        (-32601, 404),
        (-32020, 400),
        (-32021, 400),
        (-32022, 400),
        (-32602, 200),
        (-32603, 200),
        (7, 200),
    ] {
        let response = ask(&endpoint, 1, &code.to_string()).await;
        assert_eq!(refusal(response).await, (status, code));
    }
}

#[tokio::test]
async fn what_headers_and_layers_say_reaches_the_service() {
    type Seen = (Option<ProtocolVersion>, Option<MirroredParams>, Option<&'static str>);
    let seen = Arc::<Mutex<Option<Seen>>>::default();
    let endpoint = endpoint({
        let seen = Arc::clone(&seen);
        service_fn(move |ClientMessage { extensions, .. }: ClientMessage| {
            let found =
                (extensions.get().cloned(), extensions.get().cloned(), extensions.get().copied());
            *seen.lock().unwrap() = Some(found);
            async { Ok::<_, Error>(Replies::empty()) }
        })
    });
    let headers = [
        ("mcp-protocol-version", MODERN),
        ("mcp-method", "echo"),
        ("mcp-param-city", "=?base64?w5Zya8O2?="),
    ];
    let body = modern_body(1, "echo", json!({})).to_string();
    let mut request = http_request("POST", &headers, body.into());
    request.extensions_mut().insert("the user that a layer found");
    assert_eq!(refusal(send(&endpoint, request).await).await, (200, -32603), "no response");
    let mirrored = MirroredParams(vec![("city".to_owned(), "\u{d6}rk\u{f6}".to_owned())]);
    let expected =
        (Some(ProtocolVersion::LATEST), Some(mirrored), Some("the user that a layer found"));
    assert_eq!(seen.lock().unwrap().take(), Some(expected));
}

// spec: HTTP-06 HTTP-15
#[tokio::test]
async fn a_notification_is_accepted_and_a_cancellation_means_nothing() {
    let server = Scripted::modern();
    let endpoint = endpoint(server.server.transport());
    for method in ["notifications/custom", "notifications/cancelled"] {
        let body = json!({ "jsonrpc": "2.0", "method": method, "params": { "requestId": 1 } });
        let headers = [("mcp-protocol-version", MODERN), ("mcp-method", method)];
        let response = post(&endpoint, &headers, &body).await;
        assert_eq!((response.status().as_u16(), read(response).await.as_str()), (202, ""));
        assert_eq!(post(&endpoint, &headers[..1], &body).await.status(), 202);
    }
    assert_eq!(server.server.record().len(), 2);
    assert_eq!(server.server.sent("notifications/custom").len(), 2);
    let body = json!({ "jsonrpc": "2.0", "method": "notifications/custom" });
    let headers = [("mcp-protocol-version", MODERN), ("mcp-method", "notifications/other")];
    assert_eq!(refusal(post(&endpoint, &headers, &body).await).await, (400, -32020));
    let response = json!({ "jsonrpc": "2.0", "id": 1, "result": {} });
    assert_eq!(refusal(post(&endpoint, &headers[..1], &response).await).await, (400, -32600));
}

#[tokio::test]
async fn a_notification_that_the_service_does_not_take_is_an_error() {
    let endpoint = endpoint(service_fn(|_: ClientMessage| async {
        Err::<Replies, _>(Error::other("no way there", Delivery::NotSent))
    }));
    let body = json!({ "jsonrpc": "2.0", "method": "notifications/custom" });
    let response = post(&endpoint, &[("mcp-protocol-version", MODERN)], &body).await;
    assert_eq!(refusal(response).await, (500, -32603));
}

// spec: HTTP-13
#[tokio::test]
async fn an_older_client_is_told_what_is_spoken_here() {
    let endpoint = endpoint(Scripted::modern().server.transport());
    for method in ["GET", "DELETE", "PUT", "OPTIONS"] {
        let response = send(&endpoint, http_request(method, &[], Bytes::new())).await;
        assert_eq!(
            (response.status().as_u16(), header(response.headers(), "allow")),
            (405, Some("POST"))
        );
    }
    let initialize = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": { "protocolVersion": "2025-11-25" } });
    let error = read_json(post(&endpoint, &[], &initialize).await).await;
    assert_eq!(error_code(&error), -32020);
    assert!(error["error"]["message"].as_str().unwrap().contains(MODERN), "{error}");
    let headers = [("mcp-protocol-version", "2025-11-25")];
    let error = read_json(post(&endpoint, &headers, &initialize).await).await;
    assert_eq!(error["error"]["data"]["supported"], json!([MODERN]));
}

// spec: CAN-05 HTTP-15
#[tokio::test]
async fn a_dropped_response_is_a_dropped_call() {
    let server = Scripted::modern();
    let endpoint = endpoint(server.server.transport());
    let mut response = ask(&endpoint, 1, "hang").await;
    assert_eq!(event(&mut response).await.unwrap()["method"], "notifications/begun");
    drop(response);
    server.dropped.wait_for(1).await;
    // Before there is a response, too.
    let gone = Arc::<Dropped>::default();
    let running = Arc::clone(&gone);
    let silent = super::endpoint(service_fn(move |_: ClientMessage| {
        let running = Running(Arc::clone(&running));
        async move {
            pending::<()>().await;
            drop(running);
            Ok::<_, Error>(Replies::empty())
        }
    }));
    let mut asking = Box::pin(ask(&silent, 1, "hang"));
    assert!(futures_util::poll!(&mut asking).is_pending());
    drop(asking);
    gone.wait_for(1).await;
}

// spec: HTTP-12
#[tokio::test(start_paused = true)]
async fn a_silent_call_becomes_a_stream_that_is_kept_open() {
    let server = Scripted::modern();
    let service = server.server.transport();
    let endpoint =
        serve::http(service, options(|limits| limits.keep_alive = Duration::from_secs(1)));
    let mut response = ask(&endpoint, 1, "gated").await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    for _ in 0..3 {
        assert_eq!(chunk(&mut response).await.unwrap(), ":\n\n");
    }
    server.gate.add_permits(1);
    assert_eq!(event(&mut response).await.unwrap()["result"]["gated"], true);
    assert_eq!(event(&mut response).await, None);
}

// spec: MSG-16
#[tokio::test]
async fn a_stateless_client_is_sent_no_requests() {
    let endpoint = endpoint(service_fn(|message: ClientMessage| async move {
        let Message::Request(request) = message.body else { panic!("a request") };
        let said: [Message; 3] = [
            Request::new("q", "roots/list").into(),
            Notification::new("notifications/n").into(),
            Response::success(request.id, RawJson::parse("{\n}").unwrap()).into(),
        ];
        Ok::<_, Error>(Replies::new(stream::iter(said.map(Ok))))
    }));
    let mut response = ask(&endpoint, 1, "echo").await;
    assert_eq!(event(&mut response).await.unwrap()["method"], "notifications/n");
    assert_eq!(event(&mut response).await.unwrap()["result"], json!({}));
    assert_eq!(event(&mut response).await, None);
}
