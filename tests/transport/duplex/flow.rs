//! Slow readers, slow writers, floods and crowds.

use super::*;
use futures_util::{FutureExt, future::join_all};
use mcp_transport::duplex::Connection;
use std::{
    collections::HashSet,
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

const MIB: usize = 1024 * 1024;

#[tokio::test]
async fn f21_two_peers_that_fill_each_others_pipes_get_them_empty_again() {
    let mut wire = Wire::with(limits(|limits| limits.outbox_bytes = 64), 64);
    let params = json!({"blob": "y".repeat(MIB)});
    let call = wire.client.clone().call(large_request(1, MIB));
    let replies = deadline(call).await.unwrap();
    // The peer writes everything before it reads a byte.
    wire.peer.notify("large", params).await;
    let request = wire.peer.expect("large").await;
    assert_eq!(request["params"]["blob"].as_str().map(str::len), Some(MIB));
    wire.arrives("large").await;
    wire.peer.answer(1, json!({})).await;
    result(replies).await;
}

#[tokio::test]
async fn f20_calls_wait_for_a_peer_that_does_not_read() {
    let mut wire = Wire::with(limits(|limits| limits.outbox_bytes = 1000), 64);
    let early = wire.open(1, "early").await;
    // The pipe takes a few bytes, the driver takes one buffer, and the queue takes one message beyond its limit.
    let stuck = wire.request(2, "stuck").await;
    let large = deadline(wire.client.clone().call(large_request(3, 5000))).await.unwrap();
    tokio::task::yield_now().await;
    let queued = deadline(wire.client.clone().call(large_request(4, 5000))).await.unwrap();
    let mut waiting = wire.client.clone().call(request(5, "waiting"));
    let mut dropped = wire.client.clone().call(request(6, "dropped"));
    assert!((&mut waiting).now_or_never().is_none());
    assert!((&mut dropped).now_or_never().is_none());
    // The peer's messages are still read.
    wire.peer.answer(1, json!({})).await;
    result(early).await;
    drop(dropped);
    for method in ["stuck", "large", "large"] {
        wire.peer.expect(method).await;
    }
    let waiting = deadline(waiting).await.unwrap();
    wire.peer.expect("waiting").await;
    wire.canary(7).await;
    drop((stuck, large, queued, waiting));
}

// spec: CAN-05
#[tokio::test]
async fn f20_calls_that_are_given_up_before_a_slow_peer_reads_them_never_reach_it() {
    const CALLS: i64 = 8000;
    let mut wire = Wire::with(Limits::default(), 64);
    let begun = wire.request(0, "begun").await;
    tokio::task::yield_now().await;
    // They are polled once, and sent without being polled again.
    let mut calls = Vec::new();
    for id in 1..=CALLS {
        let sending = wire.client.clone().call(request(id, "queued"));
        calls.push(Some(sending.now_or_never().expect("there is room").unwrap()));
    }
    for id in (1..=CALLS).filter(|id| id % 3 != 0).rev().step_by(2) {
        calls[id as usize - 1] = None;
    }
    for id in (1..=CALLS).filter(|id| id % 3 != 0) {
        calls[id as usize - 1] = None;
    }
    wire.peer.expect("begun").await;
    for id in (1..=CALLS).filter(|id| id % 3 == 0) {
        assert_eq!(wire.peer.expect("queued").await["id"], id, "in the order of the calls");
    }
    wire.peer.answer(CALLS - CALLS % 3, json!({})).await;
    result(calls[(CALLS - CALLS % 3) as usize - 1].take().unwrap()).await;
    wire.peer.answer(0, json!({})).await;
    result(begun).await;
}

#[tokio::test]
async fn a_call_that_waits_for_room_fails_with_the_connection() {
    let wire = Wire::with(limits(|limits| limits.outbox_bytes = 1), 64);
    let mut calls = Vec::new();
    for id in 0..4 {
        calls.push(wire.client.clone().call(large_request(id, 1000)));
        tokio::task::yield_now().await;
    }
    let waiting = calls.pop().unwrap();
    drop(wire.peer);
    let error = deadline(waiting).await.unwrap_err();
    assert!(error.is_closed());
    assert_eq!(error.delivery(), mcp_transport::Delivery::NotSent);
}

#[tokio::test]
async fn f20_a_single_message_over_the_limit_is_sent() {
    let mut wire = Wire::with(limits(|limits| limits.outbox_bytes = 10), 4096);
    let replies = deadline(wire.client.clone().call(large_request(1, MIB))).await.unwrap();
    wire.peer.expect("large").await;
    wire.peer.answer(1, json!({})).await;
    result(replies).await;
}

// spec: PROG-04
#[tokio::test]
async fn f23_a_flood_of_progress_blocks_nothing_and_keeps_the_newest() {
    let mut wire = Wire::with(limits(|limits| limits.replies = 8), 64 * 1024);
    let mut replies = wire.open(1, "a").await;
    for progress in 0..10_000 {
        let params = json!({"progressToken": 1, "progress": progress});
        wire.peer.notify("notifications/progress", params).await;
    }
    wire.canary(2).await;
    wire.peer.answer(1, json!({})).await;
    let mut kept = Vec::new();
    for _ in 0..8 {
        kept.push(notification(&mut replies).await.1["progress"].as_i64().unwrap());
    }
    assert_eq!(kept, Vec::from_iter(9_992..10_000));
    result(replies).await;
}

#[tokio::test]
async fn f22_a_subscription_that_nobody_reads_fails_alone() {
    let mut wire = Wire::with(limits(|limits| limits.replies = 8), 64 * 1024);
    let mut replies = wire.open(1, "subscriptions/listen").await;
    let params = json!({"_meta": {"io.modelcontextprotocol/subscriptionId": 1}});
    for _ in 0..9 {
        wire.peer.notify("notifications/tools/list_changed", params.clone()).await;
    }
    let cancelled = wire.peer.expect("notifications/cancelled").await;
    assert_eq!(cancelled["params"]["requestId"], 1);
    wire.canary(2).await;
    for _ in 0..8 {
        notification(&mut replies).await;
    }
    assert!(failure(replies).await.is_overflow());
    wire.assert_clean().await;
}

#[tokio::test]
async fn f22_unsolicited_messages_that_nobody_reads_make_room() {
    let mut wire = Wire::with(limits(|limits| limits.unsolicited = 8), 64 * 1024);
    for number in 0..100 {
        wire.peer.notify("notifications/message", json!({"number": number})).await;
    }
    wire.canary(1).await;
    assert!(matches!(wire.diagnostic().await, Diagnostic::Dropped { count: 92 }));
    for _ in 0..8 {
        wire.arrives("notifications/message").await;
    }
    wire.peer.notify("marker", json!({})).await;
    wire.arrives("marker").await;
}

#[tokio::test]
async fn queued_messages_together_are_no_longer_than_one_may_be() {
    let mut wire = Wire::with(limits(|limits| limits.message_bytes = 1000), 64 * 1024);
    for _ in 0..10 {
        wire.peer.notify("large", json!({"pad": "x".repeat(400)})).await;
    }
    wire.canary(1).await;
    assert!(matches!(wire.diagnostic().await, Diagnostic::Dropped { count: 8 }));
}

/// Answers every request, the newest first in each batch that is available.
async fn answer_all(mut peer: Peer<DuplexStream>) -> Vec<Value> {
    let mut seen = Vec::new();
    while let Some(line) = peer.line().await {
        let message: Value = serde_json::from_str(&line).unwrap();
        if let Some(id) = message.get("id") {
            peer.answer(id.clone(), json!({"nonce": id})).await;
        }
        seen.push(message);
    }
    seen
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f55_ten_thousand_calls_at_a_time_are_all_answered() {
    let wire = Wire::with(limits(|limits| limits.outbox_bytes = 64 * 1024), 64 * 1024);
    let Wire { client, mut driver, peer, unsolicited: _unsolicited, .. } = wire;
    let mut answers = Background::run(answer_all(peer));
    let calls = (0..10_000).map(|id| {
        let mut client = client.clone();
        async move {
            let replies = client.call(request(id, "a")).await.unwrap();
            assert_eq!(result(replies).await, json!({"nonce": id}));
        }
    });
    deadline(join_all(calls)).await;
    drop(client);
    driver.end().await.unwrap();
    assert_eq!(answers.end().await.len(), 10_000);
}

// spec: CAN-06
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f56_a_storm_of_cancellations_disturbs_nobody() {
    let wire = Wire::new();
    let Wire { client, mut driver, peer, unsolicited: _unsolicited, .. } = wire;
    let mut answers = Background::run(answer_all(peer));
    let calls = (0..10_000).map(|id| {
        let mut client = client.clone();
        async move {
            let mut replies = client.call(request(id, "a")).await.unwrap();
            for _ in 0..id % 4 {
                let _ = futures_util::poll!(replies.next());
                tokio::task::yield_now().await;
            }
            if id % 100 == 0 {
                assert_eq!(result(replies).await, json!({"nonce": id}));
            }
        }
    });
    deadline(join_all(calls)).await;
    drop(client);
    driver.end().await.unwrap();
    let (mut asked, mut cancelled) = (HashSet::new(), HashSet::new());
    for message in answers.end().await {
        match message.get("id") {
            Some(id) => assert!(asked.insert(id.as_i64()), "an id is used once"),
            None => {
                let id = message["params"]["requestId"].as_i64();
                assert!(asked.contains(&id), "nothing is cancelled before it was asked");
                assert!(cancelled.insert(id), "nothing is cancelled twice");
            }
        }
    }
    assert!(cancelled.iter().flatten().all(|id| id % 100 != 0));
}

/// Counts the writes.
pub(super) struct Counting {
    io: DuplexStream,
    writes: Arc<AtomicUsize>,
}

impl Counting {
    pub(super) fn new(io: DuplexStream) -> (Self, Arc<AtomicUsize>) {
        let writes = Arc::new(AtomicUsize::new(0));
        (Self { io, writes: Arc::clone(&writes) }, writes)
    }
}

impl AsyncRead for Counting {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Counting {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[tokio::test]
async fn concurrent_calls_leave_in_one_write() {
    let (io, theirs) = tokio::io::duplex(64 * 1024);
    let (io, writes) = Counting::new(io);
    let (mut client, _unsolicited, connection): (_, _, Connection<_>) =
        multiplex(io, Limits::default());
    let _driver = Background::run(connection);
    let replies = join_all((0..64).map(|id| client.call(request(id, "a")))).await;
    let mut peer = Peer::new(theirs);
    for _ in 0..64 {
        peer.expect("a").await;
    }
    assert_eq!(writes.load(Ordering::Relaxed), 1);
    drop(replies);
}
