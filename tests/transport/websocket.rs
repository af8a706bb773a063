//! WebSocket, with a scripted server at the other end.

mod faults;
#[cfg(target_os = "linux")]
mod leaks;
mod opening;

use conformance::{
    clean::{Baseline, assert_clean_wire},
    script::{Background, deadline},
};
use futures_util::{SinkExt, StreamExt};
use mcp_transport::{
    ClientMessage, Connector, Delivery, Error, Replies, Unsolicited,
    duplex::{Limits, Multiplex},
    websocket::WebSocket,
};
use mcp_types::{
    RawJson,
    rpc::{Message, Request, Response},
};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::{
    WebSocketStream, accept_hdr_async,
    tungstenite::{
        self,
        handshake::server::{Request as Opening, Response as Accepted},
        protocol::{CloseFrame, frame::coding::CloseCode},
    },
};
use tower::Service;

const SHORT: Duration = Duration::from_millis(50);
const LONG: Duration = Duration::from_secs(60);

/// A client and its server.
struct Wire {
    client: Multiplex,
    unsolicited: Unsolicited,
    driver: Background<Result<(), Error>>,
    peer: WebSocketStream<TcpStream>,
    received: Vec<Value>,
    baseline: Baseline,
}

async fn listener() -> (TcpListener, WebSocket) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/mcp?key=hunter2", listener.local_addr().unwrap());
    (listener, WebSocket::new(url.parse().unwrap()))
}

/// Accepts the subprotocol of the client.
#[expect(clippy::result_large_err, reason = "the library's own type of callback")]
fn accept(
    request: &Opening,
    mut response: Accepted,
) -> Result<Accepted, tungstenite::handshake::server::ErrorResponse> {
    let protocol = request.headers()["sec-websocket-protocol"].clone();
    assert_eq!(protocol, "mcp");
    response.headers_mut().insert("sec-websocket-protocol", protocol);
    Ok(response)
}

impl Wire {
    async fn new() -> Self {
        Self::with(|socket| socket).await
    }

    async fn with(change: impl FnOnce(WebSocket) -> WebSocket) -> Self {
        let baseline = Baseline::take();
        let (listener, socket) = listener().await;
        let connector = change(socket);
        let server = async {
            let (stream, _) = listener.accept().await.unwrap();
            accept_hdr_async(stream, accept).await.unwrap()
        };
        let (link, peer) = deadline(async { tokio::join!(connector.connect(), server) }).await;
        let link = link.unwrap();
        let driver = Background::run(link.driver);
        let (client, unsolicited) = (link.transport, link.unsolicited);
        Self { client, unsolicited, driver, peer, received: Vec::new(), baseline }
    }

    /// The next frame.
    async fn frame(&mut self) -> tungstenite::Message {
        deadline(self.peer.next()).await.expect("a frame").unwrap()
    }

    async fn receive(&mut self) -> Value {
        let tungstenite::Message::Text(text) = self.frame().await else { panic!("no text") };
        assert!(!text.contains('\n'));
        let message: Value = serde_json::from_str(&text).unwrap();
        self.received.push(message.clone());
        message
    }

    async fn send(&mut self, frame: impl Into<tungstenite::Message>) {
        deadline(self.peer.send(frame.into())).await.unwrap();
    }

    async fn answer(&mut self, id: i64, result: Value) {
        self.send(json!({"jsonrpc": "2.0", "id": id, "result": result}).to_string()).await;
    }

    async fn open(&mut self, id: i64) -> Replies {
        let message = ClientMessage::new(Request::new(id, "a"));
        let replies = deadline(self.client.call(message)).await.unwrap();
        assert_eq!(self.receive().await["id"], id);
        replies
    }

    async fn canary(&mut self, id: i64) {
        let replies = self.open(id).await;
        self.answer(id, json!({"nonce": id})).await;
        assert_eq!(result(replies).await, json!({"nonce": id}));
    }

    /// Checks what must hold after a fault that the connection survives.
    async fn assert_clean(mut self) {
        self.canary(987_654).await;
        let Self { client, unsolicited, mut driver, mut peer, received, baseline } = self;
        drop((client, unsolicited));
        // The closing handshake, which the library at the other end answers by itself.
        loop {
            match deadline(peer.next()).await {
                Some(Ok(tungstenite::Message::Close(_))) => {}
                None => break,
                other => panic!("{other:?} instead of the end"),
            }
        }
        driver.end().await.unwrap();
        drop(peer);
        assert_clean_wire(&received);
        baseline.assert_clean().await;
    }
}

async fn result(mut replies: Replies) -> Value {
    match deadline(replies.next()).await {
        Some(Ok(Message::Response(Response { outcome: Ok(result), .. }))) => {
            result.decode().unwrap()
        }
        other => panic!("{other:?} instead of a result"),
    }
}

async fn failure(mut replies: Replies) -> Error {
    deadline(replies.next()).await.expect("a failure").expect_err("a failure")
}

// spec: CUST-01 CUST-03
#[tokio::test]
async fn a_server_is_called_over_a_websocket_and_left_in_good_order() {
    let mut wire = Wire::with(|socket| socket.close_grace(LONG)).await;
    let first = wire.open(1).await;
    let second = wire.open(2).await;
    drop(wire.open(3).await);
    let cancelled = wire.receive().await;
    assert_eq!(cancelled["params"], json!({"requestId": 3}));
    wire.answer(2, json!({"of": 2})).await;
    // Line breaks are white space here, and do not end a message.
    wire.send("{\"jsonrpc\": \"2.0\",\n\"id\": 1,\r\n\"result\": {\"of\": \"ä\"}}\n").await;
    assert_eq!(result(first).await, json!({"of": "ä"}));
    assert_eq!(result(second).await, json!({"of": 2}));
    wire.assert_clean().await;
}

#[tokio::test]
async fn a_message_may_come_in_pieces_and_in_binary() {
    use tungstenite::protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    };
    let mut wire = Wire::new().await;
    let replies = wire.open(1).await;
    let message = json!({"jsonrpc": "2.0", "id": 1, "result": {"text": "äöü"}}).to_string();
    for (place, byte) in message.bytes().enumerate() {
        let kind = if place == 0 { Data::Text } else { Data::Continue };
        let is_last = place + 1 == message.len();
        let frame = Frame::message(vec![byte], OpCode::Data(kind), is_last);
        wire.send(tungstenite::Message::Frame(frame)).await;
        if place == 3 {
            wire.send(tungstenite::Message::Ping(vec![1].into())).await;
        }
    }
    assert_eq!(result(replies).await, json!({"text": "äöü"}));
    assert!(
        matches!(wire.frame().await, tungstenite::Message::Pong(payload) if payload[..] == [1])
    );
    let replies = wire.open(2).await;
    let message = json!({"jsonrpc": "2.0", "id": 2, "result": {}}).to_string();
    wire.send(message.into_bytes()).await;
    assert_eq!(result(replies).await, json!({}));
    wire.assert_clean().await;
}

#[tokio::test]
async fn f21_two_peers_that_fill_each_others_pipes_get_them_empty_again() {
    let mut wire = Wire::new().await;
    let pad = "x".repeat(8 << 20);
    let params = RawJson::encode(&json!({"pad": pad})).unwrap();
    let call = wire.client.call(ClientMessage::new(Request::new(1, "a").with_params(params)));
    let replies = deadline(call).await.unwrap();
    // The peer writes everything before it reads a byte.
    wire.answer(1, json!({"pad": pad})).await;
    assert_eq!(wire.receive().await["params"]["pad"].as_str().map(str::len), Some(pad.len()));
    result(replies).await;
    wire.assert_clean().await;
}
