//! What a server says about one message.

use crate::{Error, ServerMessage, duplex::CallReplies};
use futures_core::Stream;
use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

/// The server's messages about one client message, ending with its response.
///
/// Empty for notifications and responses. A stream that ends without a response, or an error, means that the response
/// will never come.
///
/// # Cancel safety
///
/// Dropping it before the response abandons the request, and the binding tells the server.
#[must_use = "dropping the replies abandons the request"]
pub struct Replies(Inner);

enum Inner {
    Ready(Option<ServerMessage>),
    Call(CallReplies),
    Stream(Pin<Box<dyn Stream<Item = Result<ServerMessage, Error>> + Send>>),
}

impl Replies {
    /// No replies: the message was a notification or a response.
    pub fn empty() -> Self {
        Self(Inner::Ready(None))
    }

    /// One reply, already there.
    pub fn once(message: impl Into<ServerMessage>) -> Self {
        Self(Inner::Ready(Some(message.into())))
    }

    /// The replies to a call on a byte stream, without a box.
    pub(crate) fn of_call(replies: CallReplies) -> Self {
        Self(Inner::Call(replies))
    }

    /// Whether all that there will be is there.
    pub(crate) fn is_ready(&self) -> bool {
        matches!(self.0, Inner::Ready(_))
    }

    /// Replies as they come.
    pub fn new(stream: impl Stream<Item = Result<ServerMessage, Error>> + Send + 'static) -> Self {
        Self(Inner::Stream(Box::pin(stream)))
    }
}

impl Stream for Replies {
    type Item = Result<ServerMessage, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match &mut self.get_mut().0 {
            Inner::Ready(message) => Poll::Ready(message.take().map(Ok)),
            Inner::Call(replies) => Pin::new(replies).poll_next(cx),
            Inner::Stream(stream) => stream.as_mut().poll_next(cx),
        }
    }
}

impl fmt::Debug for Replies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Inner::Ready(None) => "Replies(empty)",
            Inner::Ready(Some(_)) => "Replies(ready)",
            Inner::Call(_) | Inner::Stream(_) => "Replies(stream)",
        })
    }
}
