//! Byte streams, with a scripted peer at the other end.

mod alarm;
mod batches;
mod calls;
mod drops;
mod end;
mod flow;
mod framing;
mod large;
mod messages;
mod quiet;

use conformance::{
    clean::{Baseline, assert_clean_wire},
    script::{Background, Peer, deadline},
};
use futures_util::StreamExt;
use mcp_transport::{
    Arrival, ClientMessage, Diagnostic, Error, Replies, ServerMessage, Unsolicited,
    duplex::{Limits, Multiplex, multiplex},
};
use mcp_types::{
    RawJson,
    rpc::{Message, Request, Response},
};
use serde_json::{Value, json};
use tokio::io::DuplexStream;
use tower::Service;

/// A client, its peer, and the driver between them.
struct Wire {
    client: Multiplex,
    unsolicited: Unsolicited,
    driver: Background<Result<(), Error>>,
    peer: Peer<DuplexStream>,
    baseline: Baseline,
}

impl Wire {
    fn new() -> Self {
        Self::with(Limits::default(), 64 * 1024)
    }

    fn with(limits: Limits, capacity: usize) -> Self {
        let baseline = Baseline::take();
        let (ours, theirs) = tokio::io::duplex(capacity);
        let (client, unsolicited, connection) = multiplex(ours, limits);
        let driver = Background::run(connection);
        Self { client, unsolicited, driver, peer: Peer::new(theirs), baseline }
    }

    /// Sends a request.
    async fn request(&self, id: i64, method: &'static str) -> Replies {
        deadline(self.client.clone().call(request(id, method))).await.unwrap()
    }

    /// Sends a request, and waits until it arrives.
    async fn open(&mut self, id: i64, method: &'static str) -> Replies {
        let replies = self.request(id, method).await;
        assert_eq!(self.peer.expect(method).await["id"], id);
        replies
    }

    /// Makes a call that is answered, and checks that nothing else reaches the peer before it.
    async fn canary(&mut self, id: i64) {
        let replies = self.open(id, "canary").await;
        self.peer.answer(id, json!({"nonce": id})).await;
        assert_eq!(result(replies).await, json!({"nonce": id}));
    }

    /// Checks what must hold after a fault that the connection survives: a call is answered, the shutdown is graceful,
    /// nothing is left, and nothing was written that should not have been.
    async fn assert_clean(mut self) {
        self.canary(987_654).await;
        let Self { client, unsolicited, mut driver, mut peer, baseline } = self;
        drop((client, unsolicited));
        peer.rest().await;
        driver.end().await.unwrap();
        assert_clean_wire(peer.received());
        baseline.assert_clean().await;
    }

    /// Checks what must hold after a fault that ends the connection: the driver reports it, and nothing is left.
    async fn assert_lost(self) {
        let Self { mut client, mut unsolicited, mut driver, peer, baseline } = self;
        assert!(driver.end().await.is_err());
        let refused = deadline(client.call(request(987_654, "late"))).await.unwrap_err();
        assert_eq!(refused.delivery(), mcp_transport::Delivery::NotSent);
        while deadline(unsolicited.next()).await.is_some() {}
        assert_clean_wire(peer.received());
        baseline.assert_clean().await;
    }

    /// Returns the next unsolicited arrival.
    async fn arrival(&mut self) -> Arrival {
        deadline(self.unsolicited.next()).await.expect("an arrival")
    }

    /// Expects a notification or request with this method as the next arrival.
    async fn arrives(&mut self, method: &str) {
        match self.arrival().await {
            Arrival::Message(Message::Notification(it)) => assert_eq!(it.method, method),
            Arrival::Message(Message::Request(it)) => assert_eq!(it.method, method),
            other => panic!("{other:?} instead of {method}"),
        }
    }

    /// Expects a diagnostic as the next arrival.
    async fn diagnostic(&mut self) -> Diagnostic {
        match self.arrival().await {
            Arrival::Diagnostic(diagnostic) => diagnostic,
            other => panic!("{other:?} instead of a diagnostic"),
        }
    }
}

fn limits(change: impl FnOnce(&mut Limits)) -> Limits {
    let mut limits = Limits::default();
    change(&mut limits);
    limits
}

fn request(id: i64, method: &'static str) -> ClientMessage {
    Request::new(id, method).into()
}

/// Creates a request of about `size` bytes.
fn large_request(id: i64, size: usize) -> ClientMessage {
    let params = RawJson::encode(&json!({"blob": "x".repeat(size)})).unwrap();
    Request::new(id, "large").with_params(params).into()
}

async fn next(replies: &mut Replies) -> Option<Result<ServerMessage, Error>> {
    deadline(replies.next()).await
}

/// Expects a notification as the next reply, and returns its method and its parameters.
async fn notification(replies: &mut Replies) -> (String, Value) {
    match next(replies).await {
        Some(Ok(Message::Notification(it))) => {
            let params = it.params.map(|params| params.decode().unwrap());
            (it.method.into_owned(), params.unwrap_or_default())
        }
        other => panic!("{other:?} instead of a notification"),
    }
}

/// Returns the result of a call whose next reply is its last.
async fn result(mut replies: Replies) -> Value {
    let Some(Ok(Message::Response(Response { outcome: Ok(result), .. }))) =
        next(&mut replies).await
    else {
        panic!("no result");
    };
    assert!(next(&mut replies).await.is_none(), "a response is the last reply");
    result.decode().unwrap()
}

/// Returns the error of a call whose next reply is its last.
async fn failure(mut replies: Replies) -> Error {
    let error = next(&mut replies).await.expect("a failure").expect_err("a failure");
    assert!(next(&mut replies).await.is_none(), "a failure is the last reply");
    error
}
