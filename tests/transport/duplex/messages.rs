//! Channels with their own framing.

use super::*;
use bytes::{Bytes, BytesMut};
use futures_util::SinkExt;
use mcp_transport::duplex::{MessageConnection, connect_messages, multiplex_messages};
use std::io;
use tokio_util::codec::{Framed, LengthDelimitedCodec};

pub(super) type Channel = Framed<DuplexStream, LengthDelimitedCodec>;

/// Returns the two ends of a channel with length-delimited messages.
pub(super) fn channel(
    capacity: usize,
) -> (
    impl futures_util::Sink<Bytes, Error = io::Error>
    + futures_util::Stream<Item = io::Result<Bytes>>
    + Send
    + 'static,
    Channel,
) {
    let (ours, theirs) = tokio::io::duplex(capacity);
    let ours = Framed::new(ours, LengthDelimitedCodec::new());
    let ours = ours.map(|message| message.map(BytesMut::freeze));
    (ours, Framed::new(theirs, LengthDelimitedCodec::new()))
}

pub(super) async fn receive(peer: &mut Channel) -> Value {
    let message = deadline(peer.next()).await.expect("a message").unwrap();
    serde_json::from_slice(&message).unwrap()
}

pub(super) async fn send(peer: &mut Channel, text: impl Into<Bytes>) {
    deadline(peer.send(text.into())).await.unwrap();
}

// spec: CUST-01 CUST-03
#[tokio::test]
async fn a_channel_of_messages_is_a_connection_like_any_other() {
    let (ours, mut peer) = channel(1024);
    let mut link = connect_messages(ours);
    let mut driver = Background::run(link.driver);
    let replies = deadline(link.transport.call(request(1, "a"))).await.unwrap();
    let dropped = deadline(link.transport.call(request(2, "b"))).await.unwrap();
    assert_eq!(receive(&mut peer).await["method"], "a");
    assert_eq!(receive(&mut peer).await["method"], "b");
    drop(dropped);
    assert_eq!(receive(&mut peer).await["method"], "notifications/cancelled");
    // Line breaks are white space here, and do not end a message.
    send(&mut peer, "{\"jsonrpc\": \"2.0\",\n \"id\": 1,\r\n \"result\": {}}\n").await;
    assert_eq!(result(replies).await, json!({}));
    drop(link.transport);
    assert!(deadline(peer.next()).await.is_none());
    driver.end().await.unwrap();
}

#[tokio::test]
async fn what_is_no_message_is_treated_as_in_a_line() {
    let (ours, mut peer) = channel(64 * 1024);
    let limits = limits(|limits| limits.message_bytes = 1000);
    let (mut client, mut unsolicited, connection): (_, _, MessageConnection<_>) =
        multiplex_messages(ours, limits);
    let driver = Background::run(connection);
    let mut calls = Vec::new();
    for id in 1..=4 {
        calls.push(deadline(client.call(request(id, "a"))).await.unwrap());
    }
    let mut calls = calls.into_iter();
    let pad = "x".repeat(1000);
    send(&mut peer, "").await;
    send(&mut peer, "noise").await;
    send(&mut peer, &b"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"a\":\"\xFF\"}}"[..]).await;
    send(&mut peer, format!(r#"{{"result":{{"pad":"{pad}"}},"jsonrpc":"2.0","id":2}}"#)).await;
    send(&mut peer, r#"[{"jsonrpc":"2.0","id":3,"result":{}}]"#).await;
    assert!(failure(calls.next().unwrap()).await.is_malformed());
    assert!(failure(calls.next().unwrap()).await.is_too_large());
    assert_eq!(result(calls.next().unwrap()).await, json!({}));
    let arrival = deadline(unsolicited.next()).await;
    assert!(matches!(arrival, Some(Arrival::Diagnostic(Diagnostic::NotAMessage { .. }))));
    drop(peer);
    assert!(failure(calls.next().unwrap()).await.is_closed());
    drop(driver);
}

#[tokio::test]
async fn a_number_with_a_fraction_is_what_the_server_wrote() {
    let (ours, mut peer) = channel(1024);
    let mut link = connect_messages(ours);
    let _driver = Background::run(link.driver);
    let mut replies = deadline(link.transport.call(request(1, "a"))).await.unwrap();
    // The fast path for reading it stops at a neighbouring number.
    let number = "4.4444444444444444e23";
    let error = format!(r#"{{"code":1,"message":"","data":{number}}}"#);
    send(&mut peer, format!(r#"{{"jsonrpc":"2.0","id":1,"error":{error}}}"#)).await;
    let Some(Ok(Message::Response(response))) = deadline(replies.next()).await else {
        panic!("no response")
    };
    let data = response.outcome.unwrap_err().data;
    assert_eq!(data.as_deref(), Some(&json!(number.parse::<f64>().unwrap())));
}

#[tokio::test]
async fn f21_two_peers_that_fill_each_others_channels_get_them_empty_again() {
    let (ours, mut peer) = channel(64);
    let mut link = connect_messages(ours);
    let _driver = Background::run(link.driver);
    let replies = deadline(link.transport.call(large_request(1, 1 << 20))).await.unwrap();
    // The peer writes everything before it reads a byte.
    let pad = "y".repeat(1 << 20);
    send(&mut peer, format!(r#"{{"jsonrpc":"2.0","id":1,"result":{{"pad":"{pad}"}}}}"#)).await;
    assert_eq!(receive(&mut peer).await["method"], "large");
    result(replies).await;
}

#[tokio::test]
async fn a_request_of_two_parts_is_one_message() {
    let (ours, mut peer) = channel(1024);
    let mut link = connect_messages(ours);
    let _driver = Background::run(link.driver);
    let blob = "x".repeat(100_000);
    let params = RawJson::of_parts(r#"{"_meta":{},"#, format!(r#""blob":"{blob}"}}"#).into());
    let message = Request::new(1, "large").with_params(params);
    let replies = deadline(link.transport.call(message.into())).await.unwrap();
    let received = receive(&mut peer).await;
    assert!(received["params"] == json!({"_meta": {}, "blob": blob}));
    send(&mut peer, r#"{"jsonrpc":"2.0","id":1,"result":{}}"#).await;
    result(replies).await;
}

#[tokio::test]
async fn a_channel_that_breaks_is_the_cause() {
    let (ours, mut peer) = channel(1024);
    let mut link = connect_messages(ours);
    let mut driver = Background::run(link.driver);
    let replies = deadline(link.transport.call(request(1, "a"))).await.unwrap();
    receive(&mut peer).await;
    // A length with fewer bytes than it says.
    deadline(tokio::io::AsyncWriteExt::write_all(peer.get_mut(), &[0, 0, 1, 0, 7])).await.unwrap();
    drop(peer);
    let error = failure(replies).await;
    assert!(error.is_closed() && std::error::Error::source(&error).is_some(), "{error:?}");
    assert!(driver.end().await.is_err());
}
