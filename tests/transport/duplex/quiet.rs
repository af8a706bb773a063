//! Calls on a quiet wire, which are written by their callers: the driver is polled by hand, or not at all.

use super::{
    end::Broken,
    flow::Counting,
    messages::{channel, receive, send},
    *,
};
use crate::by_hand::{ByHand, Count};
use futures_util::future::join_all;
use mcp_transport::duplex::multiplex_messages;
use std::{
    error::Error as _,
    future::Future,
    io,
    pin::Pin,
    sync::{Arc, atomic::Ordering},
    task::{Context, Poll, Waker},
};
use tokio::io::BufStream;

/// Answers a call that was written, and waits until the answer arrives.
async fn answered<F: Future<Output = Result<(), Error>>>(
    driver: &mut ByHand<F>,
    peer: &mut Peer<DuplexStream>,
    (id, replies): (i64, Replies),
) {
    with_turns(driver, peer.answer(id, json!({"nonce": id}))).await;
    assert!(driver.turn().is_pending());
    assert_eq!(result(replies).await, json!({"nonce": id}));
}

#[tokio::test]
async fn a_lone_call_is_written_without_the_driver() {
    let (ours, theirs) = tokio::io::duplex(1024);
    let (mut client, _unsolicited, connection) = multiplex(ours, Limits::default());
    let (mut driver, mut peer) = (ByHand::idle(connection), Peer::new(theirs));
    for id in 0..10 {
        let replies = deadline(client.call(request(id, "a"))).await.unwrap();
        assert_eq!(driver.wakes(), 0, "there is nothing to do for it");
        assert_eq!(peer.expect("a").await["id"], id);
        answered(&mut driver, &mut peer, (id, replies)).await;
    }
}

/// Makes this many concurrent calls, in rounds that are answered together, and returns the number of writes in each
/// round.
async fn writes_of_rounds(count: i64) -> [usize; 3] {
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    let (io, writes) = Counting::new(ours);
    let (mut client, _unsolicited, connection) = multiplex(io, Limits::default());
    let (mut driver, mut peer) = (ByHand::idle(connection), Peer::new(theirs));
    let mut rounds = [0; 3];
    for (round, written) in (0..).zip(&mut rounds) {
        writes.store(0, Ordering::Relaxed);
        let ids: Vec<i64> = (round * count..(round + 1) * count).collect();
        let replies = join_all(ids.iter().map(|id| client.call(request(*id, "a")))).await;
        assert_eq!(driver.wakes(), 1, "once for all of them");
        assert!(driver.turn().is_pending());
        *written = writes.load(Ordering::Relaxed);
        for id in &ids {
            assert_eq!(peer.expect("a").await["id"], *id, "in the order of the calls");
        }
        for id in &ids {
            peer.answer(*id, json!({})).await;
        }
        assert!(driver.turn().is_pending());
        for replies in replies {
            result(replies.unwrap()).await;
        }
    }
    rounds
}

#[tokio::test]
async fn what_comes_together_leaves_together() {
    // Before the first round it is unknown that others will follow; after answers that arrived together it is expected.
    assert_eq!(writes_of_rounds(12).await, [2, 1, 1]);
}

#[tokio::test]
async fn a_crowd_leaves_in_two_halves_so_that_the_peer_does_not_wait_for_the_second() {
    assert_eq!(writes_of_rounds(64).await, [2, 2, 2]);
}

#[tokio::test]
async fn a_driver_that_runs_right_after_the_first_caller_lets_the_others_go_first() {
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    let (io, writes) = Counting::new(ours);
    let (mut client, _unsolicited, connection) = multiplex(io, Limits::default());
    let (mut driver, mut peer) = (ByHand::idle(connection), Peer::new(theirs));
    let mut last = 0;
    // In the last round, not all answered callers call again.
    for count in [12, 12, 12, 3] {
        writes.store(0, Ordering::Relaxed);
        let ids = last..last + count;
        last = ids.end;
        let (mut calls, mut has_run) = (Vec::new(), false);
        for id in ids.clone() {
            calls.push(deadline(client.call(request(id, "a"))).await.unwrap());
            if driver.wakes() > 0 && !has_run {
                has_run = true;
                assert!(driver.turn().is_pending());
            }
            assert_eq!(driver.wakes(), usize::from(has_run), "it comes back");
        }
        assert!(driver.turn().is_pending());
        let written = writes.load(Ordering::Relaxed);
        assert_eq!(written, if ids.start == 0 { 2 } else { 1 }, "others follow the very first");
        for id in ids.clone() {
            assert_eq!(peer.expect("a").await["id"], id);
            peer.answer(id, json!({})).await;
        }
        assert!(driver.turn().is_pending());
        for replies in calls {
            result(replies).await;
        }
    }
}

#[tokio::test]
async fn a_call_that_nobody_answers_does_not_keep_others_from_the_wire() {
    let (ours, theirs) = tokio::io::duplex(1024);
    let (mut client, _unsolicited, connection) = multiplex(ours, Limits::default());
    let (mut driver, mut peer) = (ByHand::idle(connection), Peer::new(theirs));
    let listening = deadline(client.call(request(1, "subscriptions/listen"))).await.unwrap();
    peer.expect("subscriptions/listen").await;
    // The next one is written by the driver, which yields first: as far as is known, more may follow.
    let replies = deadline(client.call(request(2, "a"))).await.unwrap();
    for _ in 0..2 {
        assert_eq!(driver.wakes(), 1);
        assert!(driver.turn().is_pending());
    }
    assert_eq!(driver.wakes(), 0);
    peer.expect("a").await;
    answered(&mut driver, &mut peer, (2, replies)).await;
    let replies = deadline(client.call(request(3, "b"))).await.unwrap();
    assert_eq!(driver.wakes(), 0);
    peer.expect("b").await;
    drop((replies, listening));
}

#[tokio::test]
async fn what_a_full_pipe_does_not_take_is_left_to_the_driver() {
    let (ours, theirs) = tokio::io::duplex(16);
    let (mut client, _unsolicited, connection) = multiplex(ours, Limits::default());
    let (mut driver, mut peer) = (ByHand::idle(connection), Peer::new(theirs));
    let first = deadline(client.call(large_request(1, 300))).await.unwrap();
    assert!(driver.wakes() > 0, "it has the rest to write");
    let second = deadline(client.call(request(2, "a"))).await.unwrap();
    let read = async {
        assert_eq!(peer.expect("large").await["id"], 1);
        assert_eq!(peer.expect("a").await["id"], 2);
        peer
    };
    let mut peer = with_turns(&mut driver, read).await;
    answered(&mut driver, &mut peer, (1, first)).await;
    answered(&mut driver, &mut peer, (2, second)).await;
}

#[tokio::test]
async fn the_next_in_line_goes_on_when_the_one_before_has_written() {
    let (ours, theirs) = tokio::io::duplex(1024);
    let limits = limits(|limits| limits.outbox_bytes = 1);
    let (mut client, _unsolicited, connection) = multiplex(ours, limits);
    let (mut driver, mut peer) = (ByHand::idle(connection), Peer::new(theirs));
    let first = deadline(client.call(request(1, "a"))).await.unwrap();
    let queued = deadline(client.call(request(2, "a"))).await.unwrap();
    let mut waiting = [client.call(request(3, "a")), client.call(request(4, "a"))];
    let woken = [(); 2].map(|()| Arc::new(Count::default()));
    let mut poll = |place: usize| {
        let waker = Waker::from(Arc::clone(&woken[place]));
        Pin::new(&mut waiting[place]).poll(&mut Context::from_waker(&waker))
    };
    assert!(poll(0).is_pending() && poll(1).is_pending());
    assert!(driver.turn().is_pending());
    answered(&mut driver, &mut peer, (1, first)).await;
    let wakes = |place: usize| woken[place].wakes();
    assert_eq!((wakes(0), wakes(1)), (1, 0), "one after the other");
    // The one whose turn it is finds the wire quiet.
    let Poll::Ready(Ok(third)) = poll(0) else { panic!("there is room") };
    assert_eq!((driver.wakes(), wakes(1)), (0, 1));
    let Poll::Ready(Ok(fourth)) = poll(1) else { panic!("there is room") };
    // It yields to others, and continues later.
    (0..2).for_each(|_| assert!(driver.turn().is_pending()));
    for id in 1..=4 {
        assert_eq!(peer.expect("a").await["id"], id);
    }
    drop((queued, third, fourth));
}

/// Runs a future, and the driver whenever it is woken.
async fn with_turns<D, F>(driver: &mut ByHand<D>, future: F) -> F::Output
where
    D: Future<Output = Result<(), Error>>,
    F: Future,
{
    let mut future = std::pin::pin!(future);
    deadline(std::future::poll_fn(|cx| {
        let polled = future.as_mut().poll(cx);
        if polled.is_pending() && driver.wakes() > 0 {
            assert!(driver.turn().is_pending());
            cx.waker().wake_by_ref();
        }
        polled
    }))
    .await
}

// spec: CAN-05 CAN-06 STDIO-08
#[tokio::test]
async fn f51_a_caller_that_is_gone_after_it_wrote_leaves_whole_lines_and_one_cancellation() {
    // Room for hardly any of the line, up to room for all of it.
    for room in [1, 16, 64, 1024] {
        for is_polled in [false, true] {
            let (ours, theirs) = tokio::io::duplex(room);
            let (mut client, _unsolicited, connection) = multiplex(ours, Limits::default());
            let (mut driver, mut peer) = (ByHand::idle(connection), Peer::new(theirs));
            let mut sending = client.call(request(7, "dropped"));
            if is_polled {
                drop(deadline(&mut sending).await.unwrap());
            }
            drop(sending);
            let next = deadline(client.call(request(8, "next"))).await.unwrap();
            let read = async {
                peer.expect("dropped").await;
                let cancelled = peer.expect("notifications/cancelled").await;
                assert_eq!(cancelled["params"]["requestId"], 7);
                peer.expect("next").await;
            };
            with_turns(&mut driver, read).await;
            let answer = peer.answer(8, json!({"nonce": 8}));
            with_turns(&mut driver, answer).await;
            assert!(driver.turn().is_pending());
            assert_eq!(result(next).await, json!({"nonce": 8}));
        }
    }
}

#[tokio::test]
async fn a_stream_that_buffers_is_flushed() {
    let (ours, theirs) = tokio::io::duplex(1024);
    let (mut client, _unsolicited, connection) = multiplex(BufStream::new(ours), Limits::default());
    let (mut driver, mut peer) = (ByHand::idle(connection), Peer::new(theirs));
    let replies = deadline(client.call(request(1, "a"))).await.unwrap();
    peer.expect("a").await;
    answered(&mut driver, &mut peer, (1, replies)).await;
}

#[tokio::test]
async fn a_channel_of_messages_is_written_by_its_callers_too() {
    let (ours, mut peer) = channel(1024);
    let (mut client, _unsolicited, connection) = multiplex_messages(ours, Limits::default());
    let mut driver = ByHand::idle(connection);
    let replies = deadline(client.call(request(1, "a"))).await.unwrap();
    assert_eq!(receive(&mut peer).await["method"], "a");
    send(&mut peer, r#"{"jsonrpc":"2.0","id":1,"result":{}}"#).await;
    assert!(driver.turn().is_pending());
    assert_eq!(result(replies).await, json!({}));
}

#[tokio::test]
async fn f46_a_wire_that_breaks_under_a_caller_ends_the_connection_as_under_the_driver() {
    let (reader, _writer) = tokio::io::simplex(64);
    let broken = Broken { reader };
    let (mut client, _unsolicited, connection) = multiplex(broken, Limits::default());
    let mut driver = ByHand::idle(connection);
    let replies = deadline(client.call(request(1, "a"))).await.unwrap();
    assert!(driver.wakes() > 0);
    let Poll::Ready(Err(error)) = driver.turn() else { panic!("the connection goes on") };
    assert_eq!(error.to_string(), "lost the connection to the server");
    let source = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    assert_eq!(source.map(io::Error::kind), Some(io::ErrorKind::BrokenPipe));
    let failure = failure(replies).await;
    assert_eq!(failure.to_string(), error.to_string());
    assert_eq!(failure.delivery(), mcp_transport::Delivery::NotSent);
    let refused = deadline(client.call(request(2, "b"))).await.unwrap_err();
    assert!(refused.is_closed());
}

#[tokio::test]
async fn a_caller_outside_a_runtime_leaves_the_wire_to_the_driver() {
    let (ours, theirs) = tokio::io::duplex(1024);
    let (mut client, _unsolicited, connection) = multiplex(ours, Limits::default());
    let (mut driver, mut peer) = (ByHand::idle(connection), Peer::new(theirs));
    let outside = std::thread::spawn(move || client.call(request(1, "a")));
    let sending = outside.join().unwrap();
    assert_eq!(driver.wakes(), 1);
    assert!(driver.turn().is_pending());
    peer.expect("a").await;
    let replies = deadline(sending).await.unwrap();
    answered(&mut driver, &mut peer, (1, replies)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn f55_callers_on_many_threads_write_whole_lines_in_their_order() {
    let (ours, theirs) = tokio::io::duplex(512);
    let (client, _unsolicited, connection) = multiplex(ours, Limits::default());
    let mut driver = Background::run(connection);
    let mut peer = Peer::new(theirs);
    let mut callers: Vec<_> = (0..4)
        .map(|caller| {
            let mut client = client.clone();
            Background::run(async move {
                for number in 0..500 {
                    let replies = client.call(request(caller * 1000 + number, "a")).await.unwrap();
                    // Some wait for their answers, so that the wire is quiet at times; others do not.
                    if number % 3 > 0 {
                        result(replies).await;
                    }
                }
            })
        })
        .collect();
    drop(client);
    let mut last = [-1; 4];
    while let Some(line) = peer.line().await {
        let message: Value = serde_json::from_str(&line).expect("a whole line");
        let Some(id) = message["id"].as_i64() else { continue };
        let (caller, number) = ((id / 1000) as usize, id % 1000);
        assert!(number > last[caller], "{number} after {}", last[caller]);
        last[caller] = number;
        peer.answer(id, json!({})).await;
    }
    assert_eq!(last, [499; 4]);
    for caller in &mut callers {
        caller.end().await;
    }
    driver.end().await.unwrap();
}
