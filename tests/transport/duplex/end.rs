//! How connections end, and what happens to their calls.

use super::*;
use mcp_transport::{Binding, Delivery, duplex, memory};
use std::{
    error::Error as _,
    io,
    pin::Pin,
    task::{Context, Poll},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf, join};

// spec: STDIO-10
#[tokio::test]
async fn f01_the_end_of_the_stream_fails_every_call_at_once() {
    let mut wire = Wire::new();
    let first = wire.open(1, "a").await;
    let second = wire.open(2, "b").await;
    drop(wire.peer);
    for replies in [first, second] {
        let error = failure(replies).await;
        assert!(error.is_closed() && error.delivery() == Delivery::Unknown, "{error:?}");
    }
    assert!(wire.driver.end().await.unwrap_err().is_closed());
    let error = deadline(wire.client.clone().call(request(3, "c"))).await.unwrap_err();
    assert!(error.is_closed() && error.delivery() == Delivery::NotSent);
    assert!(deadline(wire.unsolicited.next()).await.is_none());
}

#[tokio::test]
async fn f02_half_a_line_at_the_end_is_never_a_message() {
    let mut wire = Wire::new();
    let replies = wire.open(1, "a").await;
    wire.peer.send_raw(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#).await;
    drop(wire.peer);
    let error = failure(replies).await;
    assert!(error.is_closed());
    assert_eq!(error.to_string(), "server closed the connection 36 bytes into a message");
}

#[tokio::test]
async fn f02_answers_that_came_with_the_end_count_and_half_a_line_behind_them_does_not() {
    let mut wire = Wire::new();
    let (first, second) = (wire.open(1, "a").await, wire.open(2, "b").await);
    let answer = r#"{"jsonrpc":"2.0","id":1,"result":{"nonce":1}}"#;
    wire.peer.send_raw(&format!("{answer}\n{{\"jsonrpc\"")).await;
    drop(wire.peer);
    assert_eq!(result(first).await, json!({"nonce": 1}));
    let error = failure(second).await;
    assert_eq!(error.to_string(), "server closed the connection 10 bytes into a message");
}

#[tokio::test]
async fn a_request_that_never_left_is_known_not_to_be_sent() {
    let wire = Wire::with(Limits::default(), 16);
    let begun = wire.request(1, "begun").await;
    tokio::task::yield_now().await;
    let queued = wire.request(2, "queued").await;
    drop(wire.peer);
    assert_eq!(failure(begun).await.delivery(), Delivery::Unknown);
    assert_eq!(failure(queued).await.delivery(), Delivery::NotSent);
}

// spec: STDIO-09
#[tokio::test]
async fn the_last_handle_closes_the_stream_after_all_is_written() {
    let mut wire = Wire::with(Limits::default(), 64);
    let call = wire.client.clone().call(large_request(1, 10_000));
    tokio::task::yield_now().await;
    // The driver is in the middle of the request: it writes the rest, and the cancellation.
    drop(call);
    drop(wire.client);
    wire.peer.expect("large").await;
    wire.peer.expect("notifications/cancelled").await;
    assert_eq!(wire.peer.rest().await, Vec::<Value>::new());
    wire.driver.end().await.unwrap();
}

#[tokio::test]
async fn unread_replies_keep_the_connection_open() {
    let mut wire = Wire::new();
    let mut replies = wire.open(1, "a").await;
    drop(wire.client);
    wire.peer.notify("notifications/progress", json!({"progressToken": 1})).await;
    notification(&mut replies).await;
    wire.peer.answer(1, json!({})).await;
    result(replies).await;
    assert_eq!(wire.peer.rest().await, Vec::<Value>::new());
    wire.driver.end().await.unwrap();
}

#[tokio::test]
async fn f52_dropping_the_driver_fails_every_call() {
    let mut wire = Wire::new();
    let replies = wire.open(1, "a").await;
    wire.driver.cut().await;
    assert!(failure(replies).await.is_closed());
    assert!(deadline(wire.client.call(request(2, "b"))).await.unwrap_err().is_closed());
    assert!(deadline(wire.unsolicited.next()).await.is_none());
    assert_eq!(wire.peer.rest().await, Vec::<Value>::new());
}

#[test]
fn f53_everything_may_be_dropped_outside_a_runtime() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (mut link, server) = memory::pair(1024);
    let replies = runtime.block_on(link.transport.call(request(1, "a"))).unwrap();
    assert_eq!(link.binding, Binding::ByteStream);
    drop(runtime);
    drop(replies);
    drop((link, server));
}

/// A stream whose writing half is broken, and perhaps its reading half.
pub(super) struct Broken<R> {
    pub(super) reader: R,
}

impl<R: AsyncRead + Unpin> AsyncRead for Broken<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.reader).poll_read(cx, buffer)
    }
}

impl<R: Unpin> AsyncWrite for Broken<R> {
    fn poll_write(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        _bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()))
    }
}

#[tokio::test]
async fn f46_answers_that_came_before_the_pipe_broke_still_count() {
    let answer = &b"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n"[..];
    let (mut client, _unsolicited, connection) =
        multiplex(Broken { reader: answer }, Limits::default());
    let answered = deadline(client.call(request(1, "a"))).await.unwrap();
    let lost = deadline(client.call(request(2, "b"))).await.unwrap();
    let error = deadline(connection).await.unwrap_err();
    assert!(error.is_closed());
    let source = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    assert_eq!(source.map(io::Error::kind), Some(io::ErrorKind::BrokenPipe));
    result(answered).await;
    let error = failure(lost).await;
    assert!(error.is_closed() && error.source().is_some());
    assert_eq!(error.delivery(), Delivery::NotSent);
}

#[tokio::test]
async fn a_broken_pipe_after_the_last_handle_is_no_failure() {
    let (reader, _writer) = tokio::io::simplex(64);
    let (client, _unsolicited, connection) = multiplex(Broken { reader }, Limits::default());
    drop(client);
    deadline(connection).await.unwrap();
}

#[tokio::test]
async fn two_halves_make_a_stream() {
    let (to_server, from_client) = tokio::io::duplex(1024);
    let (to_client, from_server) = tokio::io::duplex(1024);
    let mut link = duplex::connect(join(from_server, to_server));
    let mut driver = Background::run(link.driver);
    let mut peer = Peer::new(join(from_client, to_client));
    let replies = deadline(link.transport.call(request(1, "a"))).await.unwrap();
    peer.expect("a").await;
    peer.answer(1, json!({})).await;
    result(replies).await;
    drop(link.transport);
    assert_eq!(peer.rest().await, Vec::<Value>::new());
    driver.end().await.unwrap();
}

#[tokio::test]
async fn a_connection_that_is_still_held_can_be_shut_down() {
    let (ours, theirs) = tokio::io::duplex(4096);
    let link = duplex::connect(ours);
    let (mut client, mut driver) = (link.transport, link.driver);
    let mut peer = conformance::script::Peer::new(theirs);
    let replies = deadline(async {
        tokio::select! {
            replies = async {
                let replies = client.call(request(1, "a")).await.unwrap();
                peer.expect("a").await;
                replies
            } => replies,
            _ = &mut driver => panic!("the connection is held"),
        }
    });
    let replies = replies.await;
    driver.shut_down();
    deadline(driver).await.unwrap();
    assert!(peer.rest().await.is_empty(), "nothing is said to a server that sees the end");
    let error = failure(replies).await;
    assert!(error.is_closed() && error.delivery() == Delivery::Unknown, "{error:?}");
    let error = deadline(client.call(request(2, "b"))).await.unwrap_err();
    assert_eq!(error.delivery(), Delivery::NotSent);
}
