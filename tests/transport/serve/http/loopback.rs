//! A real HTTP server on a loopback address, and the client of this crate.

use super::*;
use futures_util::stream;
use hyper::{body::Incoming, service};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use mcp_transport::{Binding, Connector, Link, Shared, http::Endpoint};
use mcp_types::ProtocolVersion;
use std::sync::Mutex;
use tokio::{net::TcpListener, task::JoinSet};
use tower::{Service, util::BoxCloneSyncService};

/// Serves an endpoint until it is dropped.
struct Listening {
    url: String,
    _tasks: Background<()>,
}

impl Listening {
    async fn new(endpoint: HttpEndpoint) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/mcp", listener.local_addr().unwrap());
        Self { url, _tasks: Background::run(accept(listener, endpoint)) }
    }

    /// The client of this crate, connected.
    async fn client(&self) -> Client<impl Transport + use<>> {
        let link = Endpoint::parse(&self.url).unwrap().connect().await.unwrap();
        let driver = Background::run(link.driver);
        Client { transport: link.transport, unsolicited: link.unsolicited, driver }
    }
}

struct Client<T> {
    transport: T,
    unsolicited: Unsolicited,
    driver: Background<Result<(), Error>>,
}

async fn accept(listener: TcpListener, endpoint: HttpEndpoint) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let endpoint = endpoint.clone();
        let service = service::service_fn(move |request: HttpRequest<Incoming>| {
            endpoint.clone().call(request)
        });
        connections.spawn(async move {
            let server = auto::Builder::new(TokioExecutor::new());
            // A client that drops a call may break its connection.
            server.serve_connection(TokioIo::new(stream), service).await.ok();
        });
    }
}

/// A message of the stateless revision.
fn modern(id: i64, method: &'static str, params: &Value) -> ClientMessage {
    let body = modern_body(id, method, params.clone());
    request(id, method, &body["params"]).with_extension(ProtocolVersion::LATEST)
}

/// A message of the last revision with a handshake.
fn legacy(id: i64, method: &'static str, params: &Value) -> ClientMessage {
    request(id, method, params).with_extension(ProtocolVersion::V2025_11_25)
}

async fn handshake<T: Transport>(client: &Client<T>) {
    let params = json!({ "protocolVersion": "2025-11-25", "capabilities": {} });
    outcome(client.transport.clone(), legacy(0, "initialize", &params)).await.unwrap();
    let initialized = ClientMessage::new(Notification::new("notifications/initialized"))
        .with_extension(ProtocolVersion::V2025_11_25);
    assert_eq!(replies(client.transport.clone(), initialized).await.unwrap(), []);
}

async fn finish<T>(client: Client<T>) {
    let Client { transport, mut driver, .. } = client;
    drop(transport);
    driver.end().await.unwrap();
}

#[tokio::test]
async fn a_stateless_client_and_the_endpoint_understand_each_other() {
    let server = Scripted::modern();
    let listening = Listening::new(endpoint(server.server.transport())).await;
    let client = listening.client().await;
    check_calls(&client.transport, &server, modern).await;
    let missing = outcome(client.transport.clone(), modern(5, "missing", &json!({}))).await;
    assert_eq!(missing.unwrap_err().code, ErrorCode::METHOD_NOT_FOUND);
    let name = json!({ "name": "Stra\u{df}e \u{4e16}" });
    outcome(client.transport.clone(), modern(6, "tools/call", &name)).await.unwrap();
    finish(client).await;
}

#[tokio::test]
async fn a_client_with_a_handshake_and_the_endpoint_understand_each_other() {
    let server = Scripted::legacy();
    let endpoint = endpoint(Scripted::modern().server.transport());
    let (endpoint, driver) = endpoint.with_sessions(Shared::new(server.server.transport()));
    let _driver = Background::run(driver);
    let listening = Listening::new(endpoint).await;
    let client = listening.client().await;
    handshake(&client).await;
    check_calls(&client.transport, &server, legacy).await;
    finish(client).await;
}

// A proxy is one expression: a client's transport is a service that can be served.
#[tokio::test]
async fn a_proxy_is_a_served_transport() {
    let server = Scripted::modern();
    let behind = Listening::new(endpoint(server.server.transport())).await;
    let near = behind.client().await;
    let proxy = Listening::new(endpoint(near.transport.clone())).await;
    let client = proxy.client().await;
    check_calls(&client.transport, &server, modern).await;
    drop((client, proxy));
    finish(near).await;
}

// For clients with a handshake, a connector makes one connection per session.
#[tokio::test]
async fn a_proxy_of_sessions_is_a_served_connector() {
    let server = Scripted::legacy();
    let behind = endpoint(Scripted::modern().server.transport());
    let (behind, driver) = behind.with_sessions(Shared::new(server.server.transport()));
    let _driver = Background::run(driver);
    let behind = Listening::new(behind).await;
    let proxy = endpoint(Scripted::modern().server.transport());
    let (proxy, driver) = proxy.with_sessions(Endpoint::parse(&behind.url).unwrap());
    let _proxy_driver = Background::run(driver);
    let proxy = Listening::new(proxy).await;
    for _ in 0..2 {
        let client = proxy.client().await;
        handshake(&client).await;
        check_calls(&client.transport, &server, legacy).await;
        finish(client).await;
    }
    assert_eq!(server.server.sent("initialize").len(), 2);
}

// spec: H25-07 H25-09
#[tokio::test]
async fn what_a_service_says_unasked_reaches_the_client() {
    let (sender, receiver) = tokio::sync::mpsc::channel(8);
    let answers = Arc::new(tokio::sync::Mutex::new(Vec::new()));
    let server = Unasked { receiver: Mutex::new(Some(receiver)), answers: Arc::clone(&answers) };
    let endpoint = endpoint(Scripted::modern().server.transport());
    let (endpoint, driver) = endpoint.with_sessions(server);
    let _driver = Background::run(driver);
    let listening = Listening::new(endpoint).await;
    let mut client = listening.client().await;
    handshake(&client).await;
    for id in ["a", "b"] {
        sender.send(Arrival::Message(Request::new(id, "ping").into())).await.unwrap();
        let Arrival::Message(Message::Request(ping)) =
            deadline(client.unsolicited.next()).await.unwrap()
        else {
            panic!("a request");
        };
        let pong = ClientMessage::new(Response::success(ping.id, RawJson::EMPTY_OBJECT))
            .with_extension(ProtocolVersion::V2025_11_25);
        assert_eq!(replies(client.transport.clone(), pong).await.unwrap(), []);
        assert_eq!(answers.lock().await.pop(), Some(Some(id.into())));
    }
}

/// A server that sends what a test tells it, and records the ids of the answers.
struct Unasked {
    receiver: Mutex<Option<tokio::sync::mpsc::Receiver<Arrival>>>,
    answers: Arc<tokio::sync::Mutex<Vec<Option<mcp_types::RequestId>>>>,
}

impl Connector for Unasked {
    type Transport = BoxCloneSyncService<ClientMessage, Replies, Error>;

    async fn connect(&self) -> Result<Link<Self::Transport>, Error> {
        let receiver = self.receiver.lock().unwrap().take().unwrap();
        let said = stream::unfold(receiver, async |mut it| Some((it.recv().await?, it)));
        let answers = Arc::clone(&self.answers);
        let service = service_fn(move |message: ClientMessage| {
            let answers = Arc::clone(&answers);
            async move {
                Ok(match message.body {
                    Message::Request(request) => {
                        Replies::once(Response::success(request.id, RawJson::EMPTY_OBJECT))
                    }
                    Message::Response(response) => {
                        answers.lock().await.push(response.id);
                        Replies::empty()
                    }
                    Message::Notification(_) => Replies::empty(),
                })
            }
        });
        let link = Link::new(BoxCloneSyncService::new(service), Binding::InProcess);
        Ok(link.with_unsolicited(Unsolicited::new(said)))
    }
}

// Clients choose their own ids; over a shared connection they have to differ.
#[tokio::test]
async fn many_stateless_clients_share_one_connection() {
    let server = Scripted::modern();
    let (link, theirs) = mcp_transport::memory::pair(64 * 1024);
    let _behind = Background::run(link.driver);
    let _server =
        Background::run(serve::lines(theirs, server.server.transport(), LineLimits::default()));
    let proxy = Listening::new(endpoint(serve::Renumber::new(link.transport))).await;
    let clients = [proxy.client().await, proxy.client().await, proxy.client().await];
    let calls = clients.iter().map(async |client| {
        check_calls(&client.transport, &server, modern).await;
        let params = json!({ "finite": true, "_meta": { "progressToken": "mine" } });
        let listen = modern(1, "subscriptions/listen", &params);
        replies(client.transport.clone(), listen).await.unwrap()
    });
    let subscription = json!({ "io.modelcontextprotocol/subscriptionId": 1 });
    for told in futures_util::future::join_all(calls).await {
        let params = told.iter().filter_map(|message| match message {
            Message::Notification(it) => it.params.as_ref(),
            _ => None,
        });
        let params: Vec<Value> = params.map(|params| params.decode().unwrap()).collect();
        assert_eq!(params[0]["progressToken"], "mine");
        assert_eq!((&params[1]["_meta"], &params[2]["requestId"]), (&subscription, &json!(1)));
    }
}

// spec: VER-03 VER-09 LIFE-01
#[tokio::test]
async fn a_whole_client_finds_out_which_eras_are_served() {
    let (modern, legacy) = (Scripted::modern(), Scripted::legacy());
    let sessions = || Shared::new(legacy.server.transport());
    let only_sessions = serve::http(modern.server.transport(), HttpOptions::default().versions([]));
    let (both, both_driver) = endpoint(modern.server.transport()).with_sessions(sessions());
    let (only_sessions, only_driver) = only_sessions.with_sessions(sessions());
    let _drivers = [both_driver, only_driver].map(Background::run);
    for (endpoint, version) in [
        (endpoint(modern.server.transport()), ProtocolVersion::LATEST),
        (both, ProtocolVersion::LATEST),
        (only_sessions, ProtocolVersion::LATEST_LEGACY),
    ] {
        let listening = Listening::new(endpoint).await;
        let client = mcp_client::Client::new(Endpoint::parse(&listening.url).unwrap());
        let connection = deadline(client.connect()).await.unwrap();
        assert_eq!(connection.server().unwrap().version, version);
        deadline(connection.close()).await;
    }
}
