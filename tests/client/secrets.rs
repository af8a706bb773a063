//! What is never said aloud: credentials, session ids, states of servers, arguments.

use crate::deadline;
use conformance::{
    http_server::{Answer, HttpServer, Recorded},
    log::Log,
};
use http::{HeaderName, HeaderValue};
use mcp_client::{Client, Error, Handlers, Mode, Roots};
use mcp_transport::http::Endpoint;
use serde_json::json;
use tracing::Level;

/// Part of everything that must not be shown.
const SECRET: &str = "hunter2";

/// A server of either era, with secrets of its own, which answers some calls and fails others.
fn answer(request: &Recorded) -> Answer {
    let id = request.json()["id"].clone();
    let is_modern = request.header("mcp-method").is_some();
    let session = "hunter2-session";
    match request.rpc_method().as_str() {
        "server/discover" if is_modern && request.header("x-era") == Some("modern") => {
            Answer::result(
                request,
                &json!({
                    "resultType": "complete", "supportedVersions": ["2026-07-28"],
                    "capabilities": {"tools": {}}, "ttlMs": 0, "cacheScope": "private",
                }),
            )
        }
        "initialize" => Answer::result(
            request,
            &json!({
                "protocolVersion": "2025-11-25", "capabilities": {"tools": {}},
                "serverInfo": {"name": "s", "version": "1"},
            }),
        )
        .header("mcp-session-id", session),
        "tools/call" if request.json()["params"]["name"] == "broken" => Answer::status(500),
        "tools/call" if request.json()["params"]["name"] == "odd" => {
            Answer::body("text/html", "<p>no</p>")
        }
        "tools/call" if is_modern && request.json()["params"]["requestState"].is_null() => {
            Answer::result(
                request,
                &json!({"resultType": "input_required",
                "requestState": "hunter2-state", "inputRequests": {"q": {"method": "roots/list"}}}),
            )
        }
        "tools/call" => Answer::result(request, &json!({"resultType": "complete", "content": []})),
        _ if request.method == "GET" => Answer::status(405),
        _ if request.method == "DELETE" => Answer::status(200),
        _ if id.is_null() => Answer::status(202),
        _ => Answer::status(400),
    }
}

fn chain(error: &Error) -> String {
    let mut text = format!("{error} {error:?}");
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text} {cause} {cause:?}");
        source = cause.source();
    }
    text
}

// spec: LOG-05 H25-14 MRTR-04 SBP-14
#[tokio::test]
async fn neither_logs_nor_errors_nor_debug_output_have_secrets() {
    let log = Log::default();
    let recording = log.record(Level::TRACE);
    let server = HttpServer::start(answer).await.unwrap();
    let mut shown = String::new();
    for (era, mode) in [("modern", Mode::Auto), ("legacy", Mode::Legacy)] {
        let header = |name: &'static str, value: &str| {
            (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
        };
        let mut endpoint = Endpoint::parse(&format!("{}?key=hunter2-query", server.url())).unwrap();
        for (name, value) in [header("authorization", "Bearer hunter2-token"), header("x-era", era)]
        {
            endpoint = endpoint.header(name, value);
        }
        let roots = Handlers::new().roots(Roots::folders(["/srv"]).unwrap());
        let client = Client::builder(endpoint).mode(mode).input(roots).build();
        let connection = deadline(client.connect()).await.unwrap();
        let call = |tool: &str| connection.call_tool(tool).argument("password", "hunter2-argument");
        deadline(call("good")).await.unwrap();
        for tool in ["broken", "odd"] {
            shown += &chain(&deadline(call(tool)).await.unwrap_err());
        }
        shown += &format!("{client:?} {connection:?} {:?} {:?}", connection.server(), call("good"));
        deadline(connection.close()).await;
    }
    let sent = server.requests();
    assert!(sent.iter().any(|request| request.header("mcp-session-id").is_some()));
    assert!(sent.iter().any(|request| request.json()["params"]["requestState"].is_string()));
    drop(recording);
    assert!(!shown.contains(SECRET), "{shown}");
    let log = log.text();
    assert!(log.contains("mcp_"), "something is logged: {log}");
    assert!(log.lines().all(|line| !line.contains(SECRET)), "{log}");
}
