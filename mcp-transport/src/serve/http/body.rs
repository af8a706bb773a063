//! Response bodies.

use super::super::encode::one_line;
use crate::ServerMessage;
use bytes::Bytes;
use futures_core::stream::BoxStream;
use http_body::{Frame, SizeHint};
use std::{
    convert::Infallible,
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::{Sleep, sleep};

/// A comment of an event stream, which keeps it open.
const COMMENT: Bytes = Bytes::from_static(b":\n\n");

/// The body of a response of an [`HttpEndpoint`](super::HttpEndpoint): nothing, one JSON value, or an event stream.
///
/// Dropping an event stream drops its call.
pub struct Body(Inner);

enum Inner {
    /// One piece, which may have been taken already.
    Whole(Bytes),
    Events(Events),
}

/// Messages as events.
struct Events {
    first: Option<ServerMessage>,
    messages: BoxStream<'static, ServerMessage>,
    keep_alive: Duration,
    silence: Pin<Box<Sleep>>,
    ended: bool,
}

impl Body {
    pub(super) fn empty() -> Self {
        Self(Inner::Whole(Bytes::new()))
    }

    pub(super) fn json(message: &ServerMessage) -> Self {
        let mut bytes = Vec::with_capacity(256);
        message.encode(&mut bytes);
        Self(Inner::Whole(bytes.into()))
    }

    /// Creates an event for each message, and a comment whenever there is none for this long.
    pub(super) fn events(
        first: Option<ServerMessage>,
        messages: BoxStream<'static, ServerMessage>,
        keep_alive: Duration,
    ) -> Self {
        let silence = Box::pin(sleep(keep_alive));
        Self(Inner::Events(Events { first, messages, keep_alive, silence, ended: false }))
    }
}

impl Events {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let next = match self.first.take() {
            Some(first) => Poll::Ready(Some(first)),
            None => self.messages.as_mut().poll_next(cx),
        };
        let chunk = match next {
            Poll::Ready(Some(message)) => event(&message),
            Poll::Ready(None) => {
                self.ended = true;
                return Poll::Ready(None);
            }
            Poll::Pending if self.silence.as_mut().poll(cx).is_ready() => COMMENT,
            Poll::Pending => return Poll::Pending,
        };
        self.silence.set(sleep(self.keep_alive));
        Poll::Ready(Some(chunk))
    }
}

fn event(message: &ServerMessage) -> Bytes {
    let mut bytes = b"event: message\ndata: ".to_vec();
    one_line(message, &mut bytes);
    bytes.extend_from_slice(b"\n\n");
    bytes.into()
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let chunk = match &mut self.0 {
            Inner::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Inner::Whole(bytes) => Poll::Ready(Some(std::mem::take(bytes))),
            Inner::Events(events) => events.poll_chunk(cx),
        };
        chunk.map(|chunk| chunk.map(|chunk| Ok(Frame::data(chunk))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(&self.0, Inner::Whole(bytes) if bytes.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Inner::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Inner::Events(_) => SizeHint::default(),
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Inner::Whole(bytes) => write!(f, "Body({} bytes)", bytes.len()),
            Inner::Events(_) => f.write_str("Body(events)"),
        }
    }
}
