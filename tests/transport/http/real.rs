//! Real servers, of both eras.

use super::*;
use conformance::peers;

/// Adds the other members that a stateless request needs.
fn stateless(id: i64, method: &'static str, mut params: Value) -> ClientMessage {
    params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!({});
    params["_meta"]["io.modelcontextprotocol/clientInfo"] = json!({ "name": "t", "version": "0" });
    params["_meta"]["progressToken"] = json!(id);
    modern(id, method, params)
}

fn result(replies: &[ServerMessage]) -> Value {
    match replies.last() {
        Some(ServerMessage::Response(response)) => {
            response.outcome.as_ref().unwrap().decode().unwrap()
        }
        other => panic!("no response: {other:?}"),
    }
}

// spec: HTTP-05 HTTP-11 HTTP-15 HTTP-17 HDR-01 HDR-02 HDR-05
#[tokio::test]
async fn a_stateless_server_answers_with_json_and_streams() {
    let Some(server) = peers::or_skip(peers::fastmcp_http()) else { return };
    deadline(async {
        let mut peer = connect_to(Endpoint::parse(server.url()).unwrap()).await;
        let replies = peer.send(stateless(1, "server/discover", json!({}))).await.unwrap();
        assert_eq!(result(&replies)["supportedVersions"], json!(["2026-07-28"]));
        let replies = peer.send(stateless(2, "tools/list", json!({}))).await.unwrap();
        let listed = result(&replies);
        let names: Vec<_> =
            listed["tools"].as_array().unwrap().iter().map(|tool| &tool["name"]).collect();
        assert!(names.contains(&&json!("route")), "{names:?}");

        let response = peer.ask(stateless(3, "no/such", json!({}))).await;
        assert_eq!(response.outcome.unwrap_err().code.0, -32601);

        let route = json!({ "name": "route", "arguments": { "region": "Z\u{fc}rich" } });
        let response = peer.ask(stateless(4, "tools/call", route.clone())).await;
        assert_eq!(response.outcome.unwrap_err().code.0, -32020, "the header is missing");
        let region = mcp_transport::MirroredParams(vec![("Region".into(), "Z\u{fc}rich".into())]);
        let call = stateless(5, "tools/call", route).with_extension(region);
        let replies = peer.send(call).await.unwrap();
        assert!(result(&replies).to_string().contains("Z\u{fc}rich"));

        let count = json!({ "name": "count", "arguments": { "steps": 3 } });
        let replies = peer.send(stateless(6, "tools/call", count)).await.unwrap();
        assert_eq!(replies.len(), 4, "progress, then the result: {replies:?}");
    })
    .await;
}

// spec: H25-09 H25-13 H25-18 LIFE-04
#[tokio::test]
async fn a_legacy_server_keeps_its_session_until_the_delete() {
    let Some(server) = peers::or_skip(peers::everything_http()) else { return };
    deadline(async {
        let mut peer = connect_to(Endpoint::parse(server.url()).unwrap()).await;
        let replies = peer.send(initialize(0)).await.unwrap();
        assert_eq!(result(&replies)["protocolVersion"], "2025-11-25");
        assert_eq!(peer.send(initialized()).await.unwrap(), []);
        let call = |id, name: &str, arguments: Value| {
            let meta = json!({ "progressToken": id });
            let params = json!({ "name": name, "arguments": arguments, "_meta": meta });
            legacy(Request::new(id, "tools/call").with_params(RawJson::encode(&params).unwrap()))
        };
        let replies = peer.send(call(1, "echo", json!({ "message": "hello" }))).await.unwrap();
        assert!(result(&replies).to_string().contains("hello"));
        let long = json!({ "duration": 1, "steps": 4 });
        let replies = peer.send(call(2, "trigger-long-running-operation", long)).await.unwrap();
        assert!(replies.len() > 2, "progress, then the result: {replies:?}");

        let Connected { http, mut driver, unsolicited, .. } = peer;
        drop(http);
        driver.end().await.unwrap();
        let left: Vec<_> = unsolicited.collect().await;
        assert!(left.iter().all(|it| matches!(it, Arrival::Message(_))), "{left:?}");
    })
    .await;
}

// spec: SSE24-01 SSE24-02 LIFE-04
#[tokio::test]
async fn a_server_of_http_with_sse_is_found_and_spoken_to() {
    let Some(server) = peers::or_skip(peers::everything_sse()) else { return };
    deadline(async {
        let mut peer = connect_to(Endpoint::parse(server.url()).unwrap()).await;
        let error = error_of(peer.send(stateless(0, "server/discover", json!({}))).await);
        assert!(error.status().unwrap().is_client_error(), "{error:?}");
        let replies = peer.send(initialize(1)).await.unwrap();
        assert_eq!(result(&replies)["serverInfo"]["name"], "mcp-servers/everything");
        peer.send(initialized()).await.unwrap();
        let params = json!({
            "name": "trigger-long-running-operation",
            "arguments": { "duration": 0.2, "steps": 2 },
            "_meta": { "progressToken": 2 },
        });
        let params = RawJson::encode(&params).unwrap();
        let call = legacy(Request::new(2, "tools/call").with_params(params));
        let replies = peer.send(call).await.unwrap();
        assert_eq!(replies.len(), 3, "progress, then the result: {replies:?}");
        let Connected { http, mut driver, .. } = peer;
        drop(http);
        driver.end().await.unwrap();
    })
    .await;
}
