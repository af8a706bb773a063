//! The stream of replies to one message.

use crate::{Error, ServerMessage, Waiters, duplex::CallReplies};
use futures_core::Stream;
use futures_util::stream::poll_fn;
use mcp_types::rpc::Response;
use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

/// The server's messages about one client message, ending with its response.
///
/// The stream is empty for notifications and responses. If it ends without a response, or with an error, the response
/// will never come.
///
/// # Cancel safety
///
/// Dropping it before the response abandons the request, and the binding tells the server.
#[must_use = "dropping the replies abandons the request"]
pub struct Replies(Inner);

enum Inner {
    Ready(Option<ServerMessage>),
    Pending(PendingReplies),
}

/// [`Replies`] without a response yet, in a quarter of the size, for calls in flight.
///
/// # Cancel safety
///
/// See [`Replies`].
#[must_use = "dropping the replies abandons the request"]
pub struct PendingReplies(Source);

enum Source {
    Call(CallReplies),
    Stream(Pin<Box<dyn Stream<Item = Result<ServerMessage, Error>> + Send>>),
}

impl Replies {
    /// Creates empty replies, for a notification or a response.
    pub fn empty() -> Self {
        Self(Inner::Ready(None))
    }

    /// Creates replies of one message that is already there.
    pub fn once(message: impl Into<ServerMessage>) -> Self {
        Self(Inner::Ready(Some(message.into())))
    }

    /// Wraps the replies to a message on a byte stream, without boxing them; none if it was not a request.
    pub(crate) fn of_call(replies: Option<CallReplies>) -> Self {
        Self(match replies {
            Some(replies) => Inner::Pending(PendingReplies(Source::Call(replies))),
            None => Inner::Ready(None),
        })
    }

    /// Returns whether all replies have arrived already.
    pub(crate) fn is_ready(&self) -> bool {
        matches!(self.0, Inner::Ready(_))
    }

    /// Creates replies from a stream.
    pub fn new(stream: impl Stream<Item = Result<ServerMessage, Error>> + Send + 'static) -> Self {
        Self(Inner::Pending(PendingReplies(Source::Stream(Box::pin(stream)))))
    }

    /// Returns the response, if it is already there and the first reply.
    ///
    /// # Errors
    ///
    /// It is not there yet, or something comes before it, or there is none: returns the replies, in a smaller type.
    pub fn into_response(self) -> Result<Response, PendingReplies> {
        match self.0 {
            Inner::Ready(Some(ServerMessage::Response(response))) => Ok(response),
            Inner::Ready(message) => {
                let mut message = message.map(Ok);
                let stream = poll_fn(move |_| Poll::Ready(message.take()));
                Err(PendingReplies(Source::Stream(Box::pin(stream))))
            }
            Inner::Pending(pending) => Err(pending),
        }
    }
}

impl Stream for Replies {
    type Item = Result<ServerMessage, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match &mut self.get_mut().0 {
            Inner::Ready(message) => Poll::Ready(message.take().map(Ok)),
            Inner::Pending(pending) => Pin::new(pending).poll_next(cx),
        }
    }
}

impl PendingReplies {
    /// All calls that wait for replies over the same connection; none if there is no such list.
    #[inline]
    pub fn waiters(&self) -> Option<Waiters<'_>> {
        match &self.0 {
            Source::Call(replies) => replies.waiters(),
            Source::Stream(_) => None,
        }
    }
}

impl Stream for PendingReplies {
    type Item = Result<ServerMessage, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match &mut self.get_mut().0 {
            Source::Call(replies) => Pin::new(replies).poll_next(cx),
            Source::Stream(stream) => stream.as_mut().poll_next(cx),
        }
    }
}

impl fmt::Debug for Replies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Inner::Ready(None) => "Replies(empty)",
            Inner::Ready(Some(_)) => "Replies(ready)",
            Inner::Pending(_) => "Replies(stream)",
        })
    }
}

impl fmt::Debug for PendingReplies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PendingReplies")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::{FutureExt, StreamExt, stream};
    use mcp_types::{RawJson, rpc::Notification};
    use std::mem::size_of;

    fn response() -> Response {
        Response::success(1, RawJson::EMPTY_OBJECT)
    }

    fn count(replies: Replies) -> usize {
        let pending = replies.into_response().unwrap_err();
        pending.map(Result::unwrap).count().now_or_never().unwrap()
    }

    #[test]
    fn a_response_that_is_there_is_taken_and_all_else_comes_as_it_would_have() {
        assert_eq!(Replies::once(response()).into_response().unwrap(), response());
        assert_eq!(count(Replies::empty()), 0);
        assert_eq!(count(Replies::once(Notification::new("a"))), 1);
        let messages = [Notification::new("a").into(), response().into()].map(Ok);
        assert_eq!(count(Replies::new(stream::iter(messages))), 2);
    }

    #[test]
    fn replies_that_are_to_come_take_little_room() {
        assert!(size_of::<PendingReplies>() <= 3 * size_of::<usize>());
    }
}
