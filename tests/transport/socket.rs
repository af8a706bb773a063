//! Sockets: TCP and Unix, with a scripted server at the other end.

use conformance::{
    clean::{Baseline, assert_clean_wire},
    script::{Background, Peer, deadline},
};
use futures_util::StreamExt;
use mcp_transport::{
    Binding, ClientMessage, Connector, Delivery, Error, Link, Replies,
    duplex::{Limits, Multiplex},
    socket::Tcp,
};
use mcp_types::{
    RawJson,
    rpc::{Message, Request, Response},
};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tower::Service;

#[cfg(unix)]
mod undriven;
#[cfg(unix)]
mod unix;

const SHORT: Duration = Duration::from_millis(50);
const LONG: Duration = Duration::from_secs(60);

/// A client and its server.
struct Wire<S> {
    client: Multiplex,
    driver: Background<Result<(), Error>>,
    peer: Peer<S>,
}

impl<S: tokio::io::AsyncRead + tokio::io::AsyncWrite> Wire<S> {
    fn new(link: Link<Multiplex>, server: S) -> Self {
        assert_eq!(link.binding, Binding::ByteStream);
        let driver = Background::run(link.driver);
        Self { client: link.transport, driver, peer: Peer::new(server) }
    }

    async fn open(&mut self, id: i64) -> Replies {
        let message = ClientMessage::new(Request::new(id, "a"));
        let replies = deadline(self.client.call(message)).await.unwrap();
        assert_eq!(self.peer.expect("a").await["id"], id);
        replies
    }

    async fn canary(&mut self, id: i64) {
        let replies = self.open(id).await;
        self.peer.answer(id, json!({"nonce": id})).await;
        assert_eq!(result(replies).await, json!({"nonce": id}));
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

async fn refused(connector: impl Connector) -> Error {
    let error = deadline(connector.connect()).await.map(drop).unwrap_err();
    assert!(error.is_connect() && error.delivery() == Delivery::NotSent, "{error:?}");
    error
}

async fn listener() -> (TcpListener, Tcp) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, Tcp::new("127.0.0.1", port))
}

async fn tcp(change: impl FnOnce(Tcp) -> Tcp) -> Wire<TcpStream> {
    let (listener, tcp) = listener().await;
    let connector = change(tcp);
    let (link, accepted) =
        deadline(async { tokio::join!(connector.connect(), listener.accept()) }).await;
    Wire::new(link.unwrap(), accepted.unwrap().0)
}

// spec: STDIO-14 CUST-03
#[tokio::test]
async fn a_server_is_called_over_tcp_and_left_in_good_order() {
    let baseline = Baseline::take();
    let mut wire = tcp(|tcp| tcp.close_grace(LONG)).await;
    wire.canary(1).await;
    drop(wire.open(2).await);
    drop(wire.client);
    let rest = wire.peer.rest().await;
    assert_eq!(rest.len(), 1, "the cancellation, then the end");
    assert_clean_wire(wire.peer.received());
    // Messages that the server still sends do not disturb the shutdown.
    wire.peer.notify("goodbye", json!({})).await;
    drop(wire.peer);
    wire.driver.end().await.unwrap();
    baseline.assert_clean().await;
}

#[tokio::test]
async fn a_server_that_does_not_close_its_side_has_a_grace() {
    let mut wire = tcp(|tcp| tcp.close_grace(SHORT)).await;
    wire.canary(1).await;
    drop(wire.client);
    wire.driver.end().await.unwrap();
}

#[tokio::test]
async fn f20_a_server_that_does_not_read_has_the_same_grace() {
    let mut wire = tcp(|tcp| tcp.close_grace(SHORT)).await;
    let params = RawJson::encode(&json!({"pad": "x".repeat(16 << 20)})).unwrap();
    let message = ClientMessage::new(Request::new(1, "a").with_params(params));
    drop(deadline(wire.client.call(message)).await.unwrap());
    tokio::time::sleep(SHORT).await;
    drop(wire.client);
    wire.driver.end().await.unwrap();
}

#[tokio::test]
async fn a_name_is_looked_up_and_every_address_is_tried() {
    let (listener, _) = listener().await;
    let port = listener.local_addr().unwrap().port();
    // The name may resolve to an IPv6 address first, where nothing listens.
    let link = deadline(Tcp::new("localhost", port).connect()).await.unwrap();
    let accepted = deadline(listener.accept()).await.unwrap();
    Wire::new(link, accepted.0).canary(1).await;
}

#[tokio::test]
async fn f24_a_connection_that_cannot_be_made_says_where_and_why() {
    let (listener, tcp) = listener().await;
    let place = listener.local_addr().unwrap();
    drop(listener);
    let error = refused(tcp).await;
    assert_eq!(error.to_string(), format!("cannot connect to {place}: nobody listens there"));
    assert!(std::error::Error::source(&error).is_some());
    refused(Tcp::new("no-such-host.invalid", 1)).await;
    // The limit includes name resolution.
    let error = refused(Tcp::new("127.0.0.1", 1).connect_timeout(Duration::ZERO)).await;
    assert!(error.to_string().contains("no answer within 0ns"), "{error}");
}

#[tokio::test]
async fn f25_a_reset_fails_every_call_that_waits() {
    let mut wire = tcp(|tcp| tcp).await;
    let calls = [wire.open(1).await, wire.open(2).await];
    // Closing with unread data resets the connection.
    let message = ClientMessage::new(Request::new(3, "unread"));
    let unread = deadline(wire.client.call(message)).await.unwrap();
    tokio::time::sleep(SHORT).await;
    drop(wire.peer);
    for replies in calls.into_iter().chain([unread]) {
        let error = failure(replies).await;
        assert!(error.is_closed() && error.delivery() == Delivery::Unknown, "{error:?}");
    }
    assert!(wire.driver.end().await.unwrap_err().is_closed());
}

#[tokio::test]
async fn limits_hold_over_a_socket() {
    let mut limits = Limits::default();
    limits.message_bytes = 1000;
    let mut wire = tcp(|tcp| tcp.limits(limits)).await;
    let replies = wire.open(1).await;
    wire.peer.answer(1, json!({"pad": "x".repeat(1000)})).await;
    assert!(failure(replies).await.is_too_large());
    wire.canary(2).await;
}

#[tokio::test]
async fn f52_dropping_the_driver_closes_the_socket_at_once() {
    let mut wire = tcp(|tcp| tcp.close_grace(LONG)).await;
    let replies = wire.open(1).await;
    wire.driver.cut().await;
    assert!(failure(replies).await.is_closed());
    assert_eq!(wire.peer.rest().await, Vec::<Value>::new());
}

#[cfg(target_os = "linux")]
#[test]
fn f47_two_hundred_sockets_leave_no_descriptor_and_no_task() {
    let name = "socket::f47_two_hundred_sockets_leave_no_descriptor_and_no_task";
    conformance::alone::succeeds_alone(name, "", || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut wire = tcp(|tcp| tcp).await;
            wire.canary(1).await;
            drop(wire);
            let baseline = Baseline::take();
            for way in 0..200 {
                connect_and_end(way).await;
            }
            baseline.assert_clean().await;
        });
    });
}

#[cfg(target_os = "linux")]
async fn connect_and_end(way: usize) {
    end(tcp(|tcp| tcp.close_grace(SHORT)).await, way).await;
    if way % 4 == 3 {
        let (listener, tcp) = listener().await;
        give_up(&tcp).await;
        drop(listener);
        refused(tcp).await;
    }
}

/// Ends a connection in one of four ways.
#[cfg(target_os = "linux")]
async fn end<S: tokio::io::AsyncRead + tokio::io::AsyncWrite>(mut wire: Wire<S>, way: usize) {
    let replies = wire.open(1).await;
    match way % 4 {
        0 => wire.driver.cut().await,
        1 => {
            drop(wire.peer);
            assert!(failure(replies).await.is_closed());
            assert!(wire.driver.end().await.is_err());
        }
        2 => {
            drop((replies, wire.client));
            wire.peer.finish().await;
            wire.driver.end().await.unwrap();
        }
        _ => {}
    }
}

/// Drops the connecting future after various numbers of polls, some of them after it has connected.
#[cfg(target_os = "linux")]
async fn give_up(connector: &impl Connector) {
    for polls in 0..5 {
        let mut connecting = Box::pin(connector.connect());
        for _ in 0..polls {
            let polled = futures_util::poll!(&mut connecting);
            tokio::task::yield_now().await;
            if polled.is_ready() {
                break;
            }
        }
    }
}
