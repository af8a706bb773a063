//! Streamable HTTP, against a scripted server on a real socket.

mod cancel;
mod compression;
mod connections;
mod faults;
mod http2;
mod http_sse;
mod large;
mod legacy;
mod login;
mod modern;
mod proxies;
mod real;
mod redirects;
mod refusals;
mod resume;
mod reuse;
mod settings;
mod streams;
mod tls;
mod turns;

use conformance::{
    http_server::{Answer, HttpServer, Recorded},
    script::{Background, deadline},
};
use futures_util::StreamExt;
use mcp_transport::{
    Arrival, Binding, ClientMessage, Connector, Error, ServerMessage, Unsolicited,
    http::{Endpoint, Http, MakeHttpService},
};
use mcp_types::{
    ProtocolVersion, RawJson,
    rpc::{Notification, Request, Response},
};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::task::JoinSet;
use tower::{Service, ServiceExt};

/// A connection whose driver runs.
struct Connected<S = mcp_transport::http::Client> {
    http: Http<S>,
    unsolicited: Unsolicited,
    driver: Background<Result<(), Error>>,
}

async fn start(script: impl Fn(&Recorded) -> Answer + Send + Sync + 'static) -> HttpServer {
    HttpServer::start(script).await.unwrap()
}

async fn connect(server: &HttpServer) -> Connected {
    connect_to(Endpoint::parse(server.url()).unwrap()).await
}

async fn connect_to<T: MakeHttpService>(endpoint: Endpoint<T>) -> Connected<T::Service> {
    let link = endpoint.connect().await.unwrap();
    assert_eq!(link.binding, Binding::Http);
    let driver = Background::run(link.driver);
    Connected { http: link.transport, unsolicited: link.unsolicited, driver }
}

impl<S: mcp_transport::http::HttpService> Connected<S> {
    /// Sends a message and reads all replies to it.
    async fn send(&mut self, message: ClientMessage) -> Result<Vec<ServerMessage>, Error> {
        send(self.http.clone(), message).await
    }

    /// Returns the only reply to a message.
    async fn ask(&mut self, message: ClientMessage) -> Response {
        let mut replies = self.send(message).await.unwrap();
        match (replies.pop(), replies.is_empty()) {
            (Some(ServerMessage::Response(response)), true) => response,
            other => panic!("not one response: {other:?}"),
        }
    }

    async fn next_unsolicited(&mut self) -> Arrival {
        self.unsolicited.next().await.expect("the connection is open")
    }
}

async fn send<S: mcp_transport::http::HttpService>(
    mut http: Http<S>,
    message: ClientMessage,
) -> Result<Vec<ServerMessage>, Error> {
    let mut replies = http.ready().await?.call(message).await?;
    let mut messages = Vec::new();
    while let Some(message) = replies.next().await {
        messages.push(message?);
    }
    Ok(messages)
}

/// Creates a request of the stateless revision.
fn modern(id: i64, method: &'static str, mut params: Value) -> ClientMessage {
    params["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!("2026-07-28");
    let params = RawJson::encode(&params).unwrap();
    ClientMessage::new(Request::new(id, method).with_params(params))
        .with_extension(ProtocolVersion::V2026_07_28)
}

/// Creates a tool call of the stateless revision.
fn modern_call(id: i64) -> ClientMessage {
    modern(id, "tools/call", json!({ "name": "echo", "arguments": {} }))
}

/// Creates a message of the last revision with a handshake.
fn legacy(message: impl Into<ServerMessage>) -> ClientMessage {
    ClientMessage::new(message).with_extension(ProtocolVersion::V2025_11_25)
}

fn legacy_call(id: i64) -> ClientMessage {
    let params = RawJson::encode(&json!({ "name": "echo", "arguments": {} })).unwrap();
    legacy(Request::new(id, "tools/call").with_params(params))
}

fn initialize(id: i64) -> ClientMessage {
    let params = json!({
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": { "name": "test", "version": "0" },
    });
    legacy(Request::new(id, "initialize").with_params(RawJson::encode(&params).unwrap()))
}

fn initialized() -> ClientMessage {
    legacy(Notification::new("notifications/initialized"))
}

/// Answers as a well-behaved server does.
fn well_behaved(request: &Recorded) -> Answer {
    match request.rpc_method().as_str() {
        "initialize" => Answer::result(request, &json!({ "protocolVersion": "2025-11-25" }))
            .header("mcp-session-id", "session-1"),
        _ if request.method == "GET" => Answer::status(405),
        _ if request.method == "DELETE" => Answer::status(200),
        _ if request.json()["id"].is_null() => Answer::status(202),
        _ => Answer::result(request, &json!({ "ok": true })),
    }
}

fn error_of(result: Result<Vec<ServerMessage>, Error>) -> Error {
    result.expect_err("the call fails")
}
