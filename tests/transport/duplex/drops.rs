//! Calls that are dropped, at every possible point.

use super::*;
use futures_util::{FutureExt, future::poll_fn};
use mcp_transport::{Delivery, Transport};
use std::{
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};
use tower::{Layer, ServiceBuilder};

// spec: CAN-02
#[tokio::test(start_paused = true)]
async fn f17_a_call_that_nobody_answers_is_given_up_at_its_deadline() {
    let mut wire = Wire::new();
    let mut replies = wire.open(1, "a").await;
    let waited = tokio::time::timeout(Duration::from_secs(60), replies.next()).await;
    assert!(waited.is_err());
    drop(replies);
    wire.peer.expect("notifications/cancelled").await;
    wire.assert_clean().await;
}

#[tokio::test]
async fn f18_late_responses_leave_no_trace_however_many() {
    let mut wire = Wire::new();
    for id in 0..20_000 {
        drop(wire.open(id, "a").await);
        wire.peer.expect("notifications/cancelled").await;
        wire.peer.answer(id, json!({})).await;
    }
    wire.peer.notify("marker", json!({})).await;
    // None of them became unsolicited messages.
    wire.arrives("marker").await;
    wire.assert_clean().await;
}

// spec: CAN-06 CAN-08
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f19_a_call_is_answered_or_cancelled_and_never_both_by_us() {
    let mut wire = Wire::new();
    let mut answered = Vec::new();
    for id in 0..2000 {
        let mut replies = wire.request(id, "a").await;
        wire.skip_to("a").await;
        let mut caller = Background::run(async move {
            // It is dropped at about the time when the response arrives.
            for _ in 0..id % 7 {
                tokio::task::yield_now().await;
            }
            matches!(replies.next().now_or_never(), Some(Some(Ok(Message::Response(_)))))
        });
        wire.peer.answer(id, json!({})).await;
        if caller.end().await {
            answered.push(id);
        }
    }
    let marker = wire.request(5000, "marker").await;
    wire.skip_to("marker").await;
    wire.peer.answer(5000, json!({})).await;
    result(marker).await;
    let cancelled = wire.peer.received().iter().filter_map(|it| it["params"]["requestId"].as_i64());
    let cancelled: Vec<_> = cancelled.collect();
    assert!(
        answered.iter().all(|id| !cancelled.contains(id)),
        "what was answered is not cancelled"
    );
    wire.assert_clean().await;
}

impl Wire {
    /// Returns the next message of the client with this method, skipping cancellations.
    async fn skip_to(&mut self, method: &str) {
        while self.peer.receive().await["method"] != method {}
    }
}

#[tokio::test]
async fn f51_a_call_dropped_at_any_poll_disturbs_nobody() {
    for polls in 0..12 {
        // A small pipe: the request is sent in pieces, and the drop happens between them.
        let mut wire = Wire::with(limits(|limits| limits.outbox_bytes = 64), 64);
        let bystander = wire.open(1, "bystander").await;
        let mut client = wire.client.clone();
        let call = async move {
            let mut replies = client.call(large_request(2, 300)).await.unwrap();
            replies.next().await
        };
        let mut call = Box::pin(call);
        for _ in 0..polls {
            let polled = poll_fn(|cx: &mut Context<'_>| Poll::Ready(call.as_mut().poll(cx))).await;
            assert!(polled.is_pending());
            tokio::task::yield_now().await;
        }
        drop(call);
        let next = wire.client.clone().call(request(3, "next"));
        let (next, ()) = deadline(async { tokio::join!(next, wire.skip_to("next")) }).await;
        let next = next.unwrap();
        wire.peer.answer(1, json!({})).await;
        wire.peer.answer(3, json!({})).await;
        result(bystander).await;
        result(next).await;
        wire.assert_clean().await;
    }
}

// spec: CUST-01
#[tokio::test]
async fn f58_layers_of_tower_go_around_a_transport() {
    let mut wire = Wire::new();
    let layers = ServiceBuilder::new().buffer(4).concurrency_limit(1);
    let mut limited = layers.service(wire.client.clone());
    // A future that was never polled, and a permit that was returned.
    drop(limited.call_when_ready(request(1, "dropped")));
    let replies = limited.call_when_ready(request(2, "a")).await.unwrap();
    wire.skip_to("a").await;
    wire.peer.answer(2, json!({})).await;
    result(replies).await;
    drop(limited);
    // If a layer sends a second request with the same id while the first is pending, the second fails and the first is
    // answered.
    let replies = wire.open(3, "b").await;
    let again = deadline(wire.client.clone().call(request(3, "b"))).await.unwrap_err();
    assert_eq!(again.delivery(), Delivery::NotSent);
    wire.peer.answer(3, json!({})).await;
    result(replies).await;
    wire.assert_clean().await;
}

trait CallWhenReady<E> {
    async fn call_when_ready(&mut self, message: ClientMessage) -> Result<Replies, E>;
}

impl<S: Service<ClientMessage, Response = Replies>> CallWhenReady<S::Error> for S {
    async fn call_when_ready(&mut self, message: ClientMessage) -> Result<Replies, S::Error> {
        deadline(poll_fn(|cx| self.poll_ready(cx))).await?;
        deadline(self.call(message)).await
    }
}

/// A layer that keeps a journal, as a user might write it.
#[derive(Clone, Default)]
struct Journal(Arc<Mutex<Vec<String>>>);

#[derive(Clone)]
struct Journaled<S> {
    inner: S,
    journal: Journal,
}

impl<S> Layer<S> for Journal {
    type Service = Journaled<S>;

    fn layer(&self, inner: S) -> Journaled<S> {
        Journaled { inner, journal: self.clone() }
    }
}

impl<S: Service<ClientMessage>> Service<ClientMessage> for Journaled<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, message: ClientMessage) -> S::Future {
        if let Message::Request(request) = &message.body {
            self.journal.0.lock().unwrap().push(request.method.to_string());
        }
        self.inner.call(message)
    }
}

#[tokio::test]
async fn a_layer_of_ones_own_makes_a_transport_of_a_transport() {
    fn is_transport(_: &impl Transport) {}
    let mut wire = Wire::new();
    let journal = Journal::default();
    let mut client = journal.layer(wire.client.clone());
    is_transport(&client);
    let replies = deadline(client.call(request(1, "a"))).await.unwrap();
    wire.peer.expect("a").await;
    wire.peer.answer(1, json!({})).await;
    result(replies).await;
    drop(client);
    assert_eq!(*journal.0.lock().unwrap(), ["a"]);
    wire.assert_clean().await;
}
