//! The future that hands a message to the connection.

use super::{CallReplies, exchange::settle, outbox::LargeLine, shared::Handle, waiters::Ticket};
use crate::{Error, Replies};
use mcp_types::rpc::Message;
use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

/// The future of a call to [`Multiplex`](crate::Multiplex): ready as soon as the message is queued.
///
/// # Cancel safety
///
/// Dropping it before it is ready takes the message back.
#[derive(Debug)]
#[must_use = "dropping it abandons the request"]
pub struct Sending(Option<Stage>);

#[derive(Debug)]
enum Stage {
    /// With the replies, if it was a request.
    Sent(Result<Option<CallReplies>, Error>),
    /// Boxed, because it is rare, and each call in flight would need the space for it.
    Waiting(Box<Waiting>),
}

/// A message that waits for room.
#[derive(Debug)]
struct Waiting {
    handle: Arc<Handle>,
    message: Message,
    /// The message, if it is large.
    line: Option<LargeLine>,
    ticket: Ticket,
}

impl Sending {
    /// Queues the message at once if there is room, so that messages leave in the order of the calls.
    pub(super) fn start(handle: &Arc<Handle>, message: Message) -> Self {
        // Done before any lock is taken, because it takes a while.
        let line = LargeLine::of(&message);
        let mut exchange = handle.lock();
        Self(Some(match exchange.queue_up() {
            Some(ticket) => {
                let handle = Arc::clone(handle);
                Stage::Waiting(Box::new(Waiting { handle, message, line, ticket }))
            }
            None => Stage::Sent(handle.send(exchange, &message, line)),
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
            Stage::Sent(result) => Poll::Ready(result.map(Replies::of_call)),
            Stage::Waiting(mut waiting) => match waiting.poll_send(cx) {
                Poll::Ready(result) => Poll::Ready(result.map(Replies::of_call)),
                Poll::Pending => {
                    self.0 = Some(Stage::Waiting(waiting));
                    Poll::Pending
                }
            },
        }
    }
}

impl Waiting {
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<CallReplies>, Error>> {
        let mut exchange = self.handle.lock();
        if exchange.poll_turn(self.ticket, cx.waker()) {
            Poll::Ready(self.handle.send(exchange, &self.message, self.line.take()))
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
