//! Answers read where their readiness is noticed: the driver is polled by hand, or not at all.

use super::*;
use crate::by_hand::ByHand;
use futures_util::FutureExt;
use mcp_transport::{Arrival, Driver, Unsolicited};
use std::task::Poll;

impl ByHand<Driver> {
    /// Waits until it is woken, and runs it.
    async fn woken_turn(&mut self) -> Poll<Result<(), Error>> {
        let woken = async {
            while self.wakes() == 0 {
                tokio::task::yield_now().await;
            }
        };
        deadline(woken).await;
        self.turn()
    }
}

struct Undriven {
    client: Multiplex,
    unsolicited: Unsolicited,
    driver: ByHand<Driver>,
    peer: Peer<TcpStream>,
}

impl Undriven {
    /// A connection whose driver is idle.
    async fn idle() -> Self {
        let (link, peer) = connect().await;
        let Link { transport: client, unsolicited, driver, .. } = link;
        Self { client, unsolicited, driver: ByHand::idle(driver), peer }
    }

    async fn open(&mut self, id: i64) -> Replies {
        let message = ClientMessage::new(Request::new(id, "a"));
        let replies = deadline(self.client.call(message)).await.unwrap();
        assert_eq!(self.peer.expect("a").await["id"], id);
        replies
    }
}

async fn connect() -> (Link<Multiplex>, Peer<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let connector = Tcp::new("127.0.0.1", listener.local_addr().unwrap().port());
    let link = deadline(connector.connect()).await.unwrap();
    (link, Peer::new(deadline(listener.accept()).await.unwrap().0))
}

#[tokio::test]
async fn the_answer_to_a_lone_call_needs_no_turn_of_the_driver() {
    let mut wire = Undriven::idle().await;
    for id in 0..10 {
        let replies = wire.open(id).await;
        wire.peer.answer(id, json!({"nonce": id})).await;
        assert_eq!(result(replies).await, json!({"nonce": id}));
    }
    wire.peer.notify("told", json!({})).await;
    let told = deadline(wire.unsolicited.next()).await;
    assert!(
        matches!(told, Some(Arrival::Message(Message::Notification(it))) if it.method == "told")
    );
    assert_eq!(wire.driver.wakes(), 0);
}

#[tokio::test]
async fn what_is_long_is_left_to_the_driver() {
    let mut wire = Undriven::idle().await;
    let mut replies = wire.open(1).await;
    let long = json!({"long": "x".repeat(50_000)});
    wire.peer.answer(1, long.clone()).await;
    let answer = loop {
        assert!(wire.driver.woken_turn().await.is_pending());
        if let Some(answer) = replies.next().now_or_never() {
            break answer;
        }
    };
    let Some(Ok(Message::Response(Response { outcome: Ok(result), .. }))) = answer else {
        panic!("{answer:?}");
    };
    assert_eq!(result.decode::<Value>().unwrap(), long);
    // After that everything works as before.
    let replies = wire.open(2).await;
    wire.peer.answer(2, json!({})).await;
    super::result(replies).await;
    assert_eq!(wire.driver.wakes(), 0);
}

#[tokio::test]
async fn the_end_is_noticed_and_told_by_the_driver() {
    let mut wire = Undriven::idle().await;
    let answered = wire.open(1).await;
    wire.peer.answer(1, json!({})).await;
    result(answered).await;
    let mut pending = wire.open(2).await;
    drop(wire.peer);
    let end = wire.driver.woken_turn().await;
    assert!(matches!(end, Poll::Ready(Err(error)) if error.is_closed()));
    let failure = deadline(pending.next()).await.unwrap().unwrap_err();
    assert!(failure.is_closed() && failure.delivery() == Delivery::Unknown);
}

#[tokio::test]
async fn a_driver_that_is_dropped_takes_the_stream_with_it() {
    let mut wire = Undriven::idle().await;
    let mut replies = wire.open(1).await;
    drop(wire.driver);
    assert_eq!(wire.peer.rest().await, Vec::<Value>::new(), "the stream ends");
    assert!(deadline(replies.next()).await.unwrap().is_err());
}

/// Answers every request.
async fn answer_all(mut peer: Peer<TcpStream>) {
    while let Some(line) = peer.line().await {
        let message: Value = serde_json::from_str(&line).unwrap();
        if let Some(id) = message.get("id") {
            peer.answer(id.clone(), json!({"nonce": id})).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn f55_no_answer_is_missed_between_the_driver_and_those_who_notice_it() {
    let (link, peer) = connect().await;
    let mut answers = Background::run(answer_all(peer));
    let mut driver = Background::run(link.driver);
    // One at a time, and sometimes a few.
    let mut callers: Vec<_> = (0..4)
        .map(|caller| {
            let mut client = link.transport.clone();
            Background::run(async move {
                for number in 0..500 * (caller % 2 + 1) {
                    let id = caller * 10_000 + number;
                    let message = ClientMessage::new(Request::new(id, "a"));
                    let replies = client.call(message).await.unwrap();
                    assert_eq!(result(replies).await, json!({"nonce": id}));
                }
            })
        })
        .collect();
    drop((link.transport, link.unsolicited));
    for caller in &mut callers {
        caller.end().await;
    }
    driver.end().await.unwrap();
    answers.end().await;
}
