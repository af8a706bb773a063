//! Clients of revisions with a handshake.

mod connections;
mod sessions;

use super::*;
use futures_util::stream;
use mcp_transport::{Binding, Connector, Link, Shared, memory};
use std::{sync::Mutex, time::Duration};
use tower::util::BoxCloneSyncService;

const SESSION: &str = "mcp-session-id";

type Connection = BoxCloneSyncService<ClientMessage, Replies, Error>;

/// An endpoint whose sessions are driven.
struct Served {
    endpoint: HttpEndpoint,
    driver: Background<Result<(), Error>>,
}

fn serve(connector: impl Connector) -> Served {
    serve_with(connector, HttpOptions::default())
}

fn serve_with(connector: impl Connector, options: HttpOptions) -> Served {
    let endpoint = serve::http(Scripted::modern().server.transport(), options);
    let (endpoint, driver) = endpoint.with_sessions(connector);
    Served { endpoint, driver: Background::run(driver) }
}

fn initialize() -> Value {
    let params = json!({ "protocolVersion": "2025-11-25", "capabilities": {} });
    json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params })
}

fn body(id: i64, method: &str) -> Value {
    let params = json!({ "_meta": { "progressToken": id } });
    json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })
}

fn notification(method: &str, params: &Value) -> Value {
    json!({ "jsonrpc": "2.0", "method": method, "params": params })
}

impl Served {
    /// Begins a session, and returns its id.
    async fn begin(&self) -> String {
        let response = post(&self.endpoint, &[], &initialize()).await;
        let id = header(response.headers(), SESSION).expect("a session").to_owned();
        assert_eq!(read_json(response).await["result"]["protocolVersion"], "2025-11-25");
        let initialized = notification("notifications/initialized", &json!({}));
        assert_eq!(self.post(&id, &initialized).await.status(), 202);
        id
    }

    async fn post(&self, session: &str, body: &Value) -> HttpResponse<Body> {
        post(&self.endpoint, &[(SESSION, session)], body).await
    }

    async fn send(&self, method: &str, session: &str) -> HttpResponse<Body> {
        send(&self.endpoint, http_request(method, &[(SESSION, session)], Bytes::new())).await
    }
}

/// Connects to one server, and sends unsolicited messages on each connection.
struct Talkative {
    server: Connection,
    connections: AtomicUsize,
    say: fn(usize) -> Unsolicited,
}

impl Talkative {
    fn new(server: &Scripted, say: fn(usize) -> Unsolicited) -> Self {
        let server = BoxCloneSyncService::new(server.server.transport());
        Self { server, connections: AtomicUsize::new(0), say }
    }
}

impl Connector for Talkative {
    type Transport = Connection;

    async fn connect(&self) -> Result<Link<Connection>, Error> {
        let number = self.connections.fetch_add(1, Ordering::SeqCst);
        let link = Link::new(self.server.clone(), Binding::InProcess);
        Ok(link.with_unsolicited((self.say)(number)))
    }
}

/// A changed list, then silence.
fn list_changed(number: usize) -> Unsolicited {
    let params = RawJson::encode(&json!({ "connection": number })).unwrap();
    let changed = Notification::new("notifications/tools/list_changed").with_params(params);
    let stray = Response::success(1, RawJson::EMPTY_OBJECT);
    let said = [Message::from(stray), changed.into()].map(Arrival::Message);
    Unsolicited::new(stream::iter(said).chain(stream::pending()))
}

// spec: H25-13 H25-14 H25-15 H25-18 H25-19
#[tokio::test]
async fn a_session_lasts_from_the_handshake_to_the_delete() {
    let server = Scripted::legacy();
    let served = serve(Shared::new(server.server.transport()));
    let id = served.begin().await;
    assert!(id.len() >= 32 && id.bytes().all(|byte| byte.is_ascii_graphic()), "{id}");
    assert_ne!(served.begin().await, id);
    let response = served.post(&id, &body(1, "echo")).await;
    assert_eq!(header(response.headers(), SESSION), None);
    assert_eq!(refusal(response).await, (200, 0));
    assert_eq!(refusal(served.post(&id, &body(2, "missing")).await).await, (200, -32601));
    assert_eq!(refusal(post(&served.endpoint, &[], &body(3, "echo")).await).await, (400, -32600));
    assert_eq!(refusal(served.post("other", &body(3, "echo")).await).await, (404, -32600));
    for method in ["GET", "DELETE"] {
        assert_eq!(refusal(served.send(method, "").await).await.0, 400);
        assert_eq!(refusal(served.send(method, "other").await).await.0, 404);
    }
    assert_eq!(served.send("DELETE", &id).await.status(), 204);
    for body in [body(3, "echo"), notification("notifications/n", &json!({}))] {
        assert_eq!(served.post(&id, &body).await.status(), 404);
    }
    assert_eq!(served.send("PUT", &id).await.status(), 405);
}

// spec: H25-09 MSG-16
#[tokio::test]
async fn a_service_may_ask_and_is_answered() {
    let server = Scripted::legacy();
    let served = serve(Shared::new(server.server.transport()));
    let id = served.begin().await;
    let mut response = served.post(&id, &body(1, "ask")).await;
    let question = event(&mut response).await.unwrap();
    assert_eq!(question["method"], "roots/list");
    let answer = json!({ "jsonrpc": "2.0", "id": question["id"], "result": { "roots": [] } });
    assert_eq!(served.post(&id, &answer).await.status(), 202);
    assert_eq!(event(&mut response).await.unwrap()["result"]["answer"], json!({ "roots": [] }));
    assert_eq!(event(&mut response).await, None);
}

// spec: H25-06 CAN-06
#[tokio::test]
async fn a_cancelled_call_is_dropped_and_its_stream_ends() {
    let server = Scripted::legacy();
    let served = serve(Shared::new(server.server.transport()));
    let (first, second) = (served.begin().await, served.begin().await);
    let mut mine = served.post(&first, &body(1, "hang")).await;
    let mut other = served.post(&second, &body(1, "hang")).await;
    event(&mut mine).await.unwrap();
    event(&mut other).await.unwrap();
    assert_eq!(refusal(served.post(&first, &body(1, "echo")).await).await, (400, -32600));
    let cancelled = notification("notifications/cancelled", &json!({ "requestId": 1 }));
    assert_eq!(served.post(&first, &cancelled).await.status(), 202);
    assert_eq!(event(&mut mine).await, None);
    server.dropped.wait_for(1).await;
    drop(other);
    server.dropped.wait_for(2).await;
    assert_eq!(server.server.sent("notifications/cancelled"), [] as [Value; 0]);
}

// spec: H25-07 H25-08 H25-10 H25-11
#[tokio::test]
async fn what_is_said_unasked_comes_on_the_newest_stream_of_its_session() {
    let served = serve(Talkative::new(&Scripted::legacy(), list_changed));
    for connection in 0..2 {
        let id = served.begin().await;
        let mut stream = served.send("GET", &id).await;
        assert_eq!(stream.status(), 200);
        let changed = event(&mut stream).await.unwrap();
        assert_eq!(changed["params"]["connection"], connection);
        let mut newer = served.send("GET", &id).await;
        assert_eq!(event(&mut stream).await, None, "there is one stream at a time");
        assert_eq!(served.send("DELETE", &id).await.status(), 204);
        assert_eq!(event(&mut newer).await, None);
    }
    let request = http_request("GET", &[(SESSION, "x"), ("accept", "text/html")], Bytes::new());
    assert_eq!(send(&served.endpoint, request).await.status(), 406);
}

#[tokio::test]
async fn a_service_that_says_nothing_unasked_has_no_stream() {
    let served = serve(Shared::new(Scripted::legacy().server.transport()));
    let id = served.begin().await;
    assert_eq!(served.send("GET", &id).await.status(), 405);
}

// spec: H25-19
#[tokio::test]
async fn a_revision_that_nobody_knows_is_refused() {
    let served = serve(Shared::new(Scripted::legacy().server.transport()));
    let id = served.begin().await;
    for (version, status) in [("2025-06-18", 200), ("2025-01-01", 400), ("1", 400)] {
        let headers = [(SESSION, id.as_str()), ("mcp-protocol-version", version)];
        let response = post(&served.endpoint, &headers, &body(1, "echo")).await;
        assert_eq!(response.status(), status, "{version}");
    }
}

#[tokio::test]
async fn both_eras_are_served_at_one_endpoint() {
    let served = serve(Shared::new(Scripted::legacy().server.transport()));
    let id = served.begin().await;
    let (a, b) = tokio::join!(ask(&served.endpoint, 1, "echo"), async {
        served.post(&id, &body(1, "echo")).await
    });
    assert_eq!((refusal(a).await, refusal(b).await), ((200, 0), (200, 0)));
    let headers = [("mcp-protocol-version", "2027-01-01"), ("mcp-method", "echo")];
    let mut newer = modern_body(1, "echo", json!({}));
    newer["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!("2027-01-01");
    let error = read_json(post(&served.endpoint, &headers, &newer).await).await;
    let supported = json!(["2026-07-28", "2025-11-25", "2025-06-18", "2025-03-26"]);
    assert_eq!(error["error"]["data"]["supported"], supported);
}
