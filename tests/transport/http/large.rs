//! Answers of many MiB.

use super::*;
use conformance::http_server::{Step, event, response};
use mcp_types::rpc::Message;

const MIB: usize = 1024 * 1024;

/// An answer in pieces that do not match its lines.
fn pieces(content_type: &'static str, text: &str) -> Answer {
    let mut answer = Answer::body(content_type, "");
    for piece in text.as_bytes().chunks(300_007) {
        answer = answer.step(Step::Send(piece.to_vec().into()));
    }
    answer
}

#[tokio::test]
async fn a_large_answer_belongs_to_its_caller_alone() {
    let blob = "QUJD".repeat(4 * MIB);
    let sent = blob.clone();
    let server = start(move |request| {
        let answer = response(request, &json!({"blob": sent}));
        match &*request.rpc_method() {
            "whole" => Answer::json(&answer)
                .header("content-length", &answer.to_string().len().to_string()),
            "pieces" => pieces("application/json", &answer.to_string()),
            "event" => Answer::events(&[answer]),
            _ => pieces("text/event-stream", &event(&answer)),
        }
    })
    .await;
    let mut peer = connect(&server).await;
    for (id, method) in [(1, "whole"), (2, "pieces"), (3, "event"), (4, "events")] {
        let mut replies = deadline(peer.send(modern(id, method, json!({})))).await.unwrap();
        let Some(Message::Response(response)) = replies.pop() else { panic!("{method}") };
        let result = response.outcome.unwrap();
        assert!(result.as_str() == format!(r#"{{"blob":"{blob}"}}"#), "{method}");
        assert!(result.into_bytes().is_unique(), "{method}");
    }
}

#[tokio::test]
async fn a_large_request_is_the_same_body_whoever_else_holds_its_parameters() {
    let server = start(|request| Answer::result(request, &json!({"ok": true}))).await;
    let mut peer = connect(&server).await;
    let blob = "QUJD".repeat(MIB);
    for id in 1..=2 {
        let message = modern(id, "large", json!({"blob": blob}));
        let other = (id == 2).then(|| message.clone());
        deadline(peer.ask(message)).await.outcome.unwrap();
        drop(other);
    }
    for (id, request) in (1..).zip(server.requests()) {
        let body = request.json();
        assert!(body["id"] == id && body["params"]["blob"] == *blob, "{id}");
    }
}

// spec: HDR-01 HDR-03
#[tokio::test]
async fn a_request_of_two_parts_is_one_body_with_the_headers_of_both() {
    let server = start(|request| Answer::result(request, &json!({"ok": true}))).await;
    let mut peer = connect(&server).await;
    let blob = "QUJD".repeat(MIB / 4);
    for id in 1..=3 {
        let meta = format!(
            r#"{{"io.modelcontextprotocol/protocolVersion":"2026-07-28","progressToken":{id}}}"#
        );
        let rest = format!(r#""name":"tool-{id}","arguments":{{"name":"blob","blob":"{blob}"}}}}"#);
        let params = RawJson::of_parts(format!(r#"{{"_meta":{meta},"#), rest.into());
        let mut message = modern(id, "tools/call", json!({}));
        message.body = Request::new(id, "tools/call").with_params(params).into();
        deadline(peer.ask(message)).await.outcome.unwrap();
    }
    for (id, request) in (1..).zip(server.requests()) {
        assert_eq!(request.header("mcp-name"), Some(&*format!("tool-{id}")));
        assert_eq!(request.header("mcp-protocol-version"), Some("2026-07-28"));
        assert_eq!(request.header("content-length"), Some(&*request.body.len().to_string()));
        let params = &request.json()["params"];
        assert!(params["arguments"]["blob"] == *blob && params["_meta"]["progressToken"] == id);
    }
}
