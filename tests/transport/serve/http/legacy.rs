//! Clients of revisions with a handshake.

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
    /// Begins a session, and gives its id.
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

/// Makes connections to one server, and says things unasked on each.
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

/// A list that changed, then silence.
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

#[tokio::test]
async fn a_handshake_that_is_refused_begins_no_session() {
    let options = options(|limits| limits.sessions = 1);
    let served = serve_with(Shared::new(Scripted::modern().server.transport()), options);
    for _ in 0..3 {
        let response = post(&served.endpoint, &[], &initialize()).await;
        assert_eq!(header(response.headers(), SESSION), None);
        assert_eq!(refusal(response).await, (200, -32601));
    }
}

#[tokio::test]
async fn a_handshake_that_is_given_up_begins_no_session() {
    let service = service_fn(|_: ClientMessage| pending::<Result<Replies, Error>>());
    let served = serve_with(Shared::new(service), options(|limits| limits.sessions = 1));
    for _ in 0..3 {
        let body = initialize();
        let mut asking = Box::pin(post(&served.endpoint, &[], &body));
        assert!(futures_util::poll!(&mut asking).is_pending());
    }
}

#[tokio::test]
async fn sessions_over_the_limit_are_refused() {
    let options = options(|limits| limits.sessions = 2);
    let served = serve_with(Shared::new(Scripted::legacy().server.transport()), options);
    let id = served.begin().await;
    served.begin().await;
    let response = post(&served.endpoint, &[], &initialize()).await;
    assert_eq!(refusal(response).await, (503, -32603));
    assert_eq!(served.send("DELETE", &id).await.status(), 204);
    served.begin().await;
}

#[tokio::test]
async fn requests_of_one_session_have_a_limit() {
    let server = Scripted::legacy();
    let options = options(|limits| limits.requests = 1);
    let served = serve_with(Shared::new(server.server.transport()), options);
    let id = served.begin().await;
    let mut response = served.post(&id, &body(1, "hang")).await;
    event(&mut response).await.unwrap();
    assert_eq!(refusal(served.post(&id, &body(2, "echo")).await).await, (503, -32603));
}

#[tokio::test(start_paused = true)]
async fn an_idle_session_ends_and_one_in_use_does_not() {
    let options = options(|limits| limits.session_idle = Duration::from_secs(60));
    let served = serve_with(Talkative::new(&Scripted::legacy(), list_changed), options);
    let (idle, listening, calling) =
        (served.begin().await, served.begin().await, served.begin().await);
    let _stream = served.send("GET", &listening).await;
    for _ in 0..4 {
        tokio::time::sleep(Duration::from_secs(40)).await;
        assert_eq!(refusal(served.post(&calling, &body(1, "echo")).await).await, (200, 0));
    }
    assert_eq!(refusal(served.post(&idle, &body(1, "echo")).await).await.0, 404);
    assert_eq!(refusal(served.post(&listening, &body(1, "echo")).await).await, (200, 0));
}

#[tokio::test(start_paused = true)]
async fn limits_of_no_time_and_of_all_time_do_no_harm() {
    for idle in [Duration::ZERO, Duration::MAX] {
        let server = Scripted::legacy();
        let options = options(|limits| {
            (limits.session_idle, limits.keep_alive, limits.body_timeout) =
                (idle, Duration::MAX, Duration::MAX);
        });
        let served = serve_with(Shared::new(server.server.transport()), options);
        let response = post(&served.endpoint, &[], &initialize()).await;
        let id = header(response.headers(), SESSION).unwrap().to_owned();
        tokio::time::sleep(Duration::from_secs(1)).await;
        let status = served.post(&id, &body(1, "echo")).await.status();
        assert_eq!(status, if idle == Duration::ZERO { 404 } else { 200 });
    }
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

/// Connects to a scripted peer, which the test holds.
#[derive(Default)]
struct Piped(Arc<Mutex<Vec<DuplexStream>>>);

impl Connector for Piped {
    type Transport = mcp_transport::Multiplex;

    async fn connect(&self) -> Result<Link<Self::Transport>, Error> {
        let (link, peer) = memory::pair(1024);
        self.0.lock().unwrap().push(peer);
        Ok(link)
    }
}

#[tokio::test]
async fn a_session_ends_with_its_connection_and_its_calls_say_why() {
    let peers = Piped::default();
    let held = Arc::clone(&peers.0);
    let served = serve(peers);
    let initialize = initialize();
    let beginning = post(&served.endpoint, &[], &initialize);
    let answering = async {
        while held.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        let mut peer = Peer::new(held.lock().unwrap().remove(0));
        peer.expect("initialize").await;
        peer.answer(0, json!({ "protocolVersion": "2025-11-25" })).await;
        peer
    };
    let (response, mut peer) = tokio::join!(beginning, answering);
    let id = header(response.headers(), SESSION).unwrap().to_owned();
    let hanging_up = async {
        peer.expect("echo").await;
        drop(peer);
    };
    let call = body(1, "echo");
    let (response, ()) = tokio::join!(served.post(&id, &call), hanging_up);
    let error = read_json(response).await;
    assert_eq!(error["error"]["message"], "server closed the connection");
    assert_eq!(refusal(served.post(&id, &call).await).await.0, 404);
}

#[tokio::test]
async fn the_driver_ends_with_the_endpoint_and_lets_connections_end_in_good_order() {
    let peers = Piped::default();
    let held = Arc::clone(&peers.0);
    let Served { endpoint, mut driver } = serve(peers);
    let initialize = initialize();
    let asking = post(&endpoint, &[], &initialize);
    let peer = async {
        while held.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        let mut peer = Peer::new(held.lock().unwrap().remove(0));
        peer.expect("initialize").await;
        peer.answer(0, json!({})).await;
        peer
    };
    let (_, mut peer) = tokio::join!(asking, peer);
    drop(endpoint);
    assert_eq!(peer.line().await, None, "the connection is shut down");
    driver.end().await.unwrap();
}

#[tokio::test]
async fn without_its_driver_no_session_goes_on_or_begins() {
    let server = Scripted::legacy();
    let served = serve(Shared::new(server.server.transport()));
    let id = served.begin().await;
    let mut response = served.post(&id, &body(1, "hang")).await;
    event(&mut response).await.unwrap();
    served.driver.cut().await;
    assert_eq!(event(&mut response).await, None);
    server.dropped.wait_for(1).await;
    let endpoint = served.endpoint;
    assert_eq!(refusal(post(&endpoint, &[(SESSION, &id)], &body(2, "echo")).await).await.0, 404);
    assert_eq!(refusal(post(&endpoint, &[], &initialize()).await).await, (503, -32603));
    assert_eq!(refusal(ask(&endpoint, 1, "echo").await).await, (200, 0), "the others are served");
}

#[tokio::test]
async fn a_connection_that_cannot_be_made_is_an_error_of_the_handshake() {
    struct Nowhere;
    impl Connector for Nowhere {
        type Transport = Connection;
        async fn connect(&self) -> Result<Link<Connection>, Error> {
            Err(Error::other("no way there", Delivery::NotSent))
        }
    }
    let served = serve_with(Nowhere, options(|limits| limits.sessions = 1));
    for _ in 0..2 {
        let error = read_json(post(&served.endpoint, &[], &initialize()).await).await;
        assert_eq!(error["error"]["message"], "no way there");
    }
}
