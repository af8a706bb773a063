//! Handing a message over.

use super::{
    exchange::{Ticket, settle},
    shared::Handle,
};
use crate::{Error, Replies};
use mcp_types::rpc::Message;
use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

/// A message on its way into the queue; ready as soon as it is there.
///
/// # Cancel safety
///
/// Dropping it before it is ready takes the message back.
#[derive(Debug)]
#[must_use = "dropping it abandons the request"]
pub struct Sending(Option<Stage>);

#[derive(Debug)]
enum Stage {
    Sent(Result<Replies, Error>),
    Waiting(Waiting),
}

/// A message that waits for room.
#[derive(Debug)]
struct Waiting {
    handle: Arc<Handle>,
    message: Message,
    ticket: Ticket,
}

impl Sending {
    /// Queues the message at once if there is room, so that messages leave in the order of the calls.
    pub(super) fn start(handle: &Arc<Handle>, message: Message) -> Self {
        let mut exchange = handle.lock();
        Self(Some(match exchange.queue_up() {
            Some(ticket) => Stage::Waiting(Waiting { handle: Arc::clone(handle), message, ticket }),
            None => Stage::Sent(handle.send(exchange, &message)),
        }))
    }
}

impl Future for Sending {
    type Output = Result<Replies, Error>;

    /// # Panics
    ///
    /// When polled again after it was ready.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.0.take().expect("polled after it was ready") {
            Stage::Sent(result) => Poll::Ready(result),
            Stage::Waiting(waiting) => match waiting.poll_send(cx) {
                Poll::Ready(result) => Poll::Ready(result),
                Poll::Pending => {
                    self.0 = Some(Stage::Waiting(waiting));
                    Poll::Pending
                }
            },
        }
    }
}

impl Waiting {
    fn poll_send(&self, cx: &mut Context<'_>) -> Poll<Result<Replies, Error>> {
        let mut exchange = self.handle.lock();
        if exchange.poll_turn(self.ticket, cx.waker()) {
            Poll::Ready(self.handle.send(exchange, &self.message))
        } else {
            Poll::Pending
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut exchange = self.handle.lock();
        exchange.leave(self.ticket);
        settle(exchange);
    }
}
