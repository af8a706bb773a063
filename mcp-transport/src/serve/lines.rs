//! Serving newline-delimited JSON.

mod outbox;

use super::{
    backend::Backend,
    in_flight::{Call, InFlight, Refused},
    refusal,
};
use crate::{
    Arrival, Delivery, Error, ServerMessage, Unsolicited,
    lines::{Line, Lines},
};
use bytes::Bytes;
use futures_core::Stream;
use futures_util::stream::SelectAll;
use mcp_types::{
    ErrorCode, RequestId,
    rpc::{Message, Response},
};
use outbox::Outbox;
use std::{
    fmt,
    future::Future,
    io,
    pin::{Pin, pin},
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite},
    time::{Sleep, sleep},
};

/// The number of turns after which the driver yields to other tasks.
const TURNS: usize = 32;

/// The limits for one client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LineLimits {
    /// The length of a received message. A longer one is refused. Default: 64 MiB.
    pub message_bytes: usize,
    /// How many bytes may wait to be written. Beyond it replies wait; a single message may be larger. Default: 1 MiB.
    pub outbox_bytes: usize,
    /// How many requests may be in flight; further ones are refused. As many notifications and responses may wait for
    /// the service; further ones are dropped. Default: 1024.
    pub requests: usize,
    /// How long calls in flight may go on after the end of the input. Subscriptions end at once. When the calls are
    /// over, the client has as long again to read the rest. Default: 30 s.
    pub grace: Duration,
}

impl Default for LineLimits {
    fn default() -> Self {
        Self {
            message_bytes: 64 * 1024 * 1024,
            outbox_bytes: 1024 * 1024,
            requests: 1024,
            grace: Duration::from_secs(30),
        }
    }
}

/// The driver that serves one client over a byte stream, made by [`lines`](super::lines).
///
/// It ends when the client has closed its half of the stream, the calls in flight are answered, and everything is
/// written; then it closes its own half. A client that does not read stalls its own replies. Bytes that are not a
/// message are answered with a JSON-RPC error, with the id of the request if it can be found.
///
/// # Errors
///
/// The stream breaks, the client sends an endless line, or it does not read the rest at the end.
///
/// # Panics
///
/// At the end of the input, when there are calls in flight and the tokio runtime has no timer.
///
/// # Cancel safety
///
/// Dropping it drops the calls in flight.
#[must_use = "nothing is served unless it is polled"]
pub struct ServeLines<T> {
    io: Pin<Box<T>>,
    lines: Lines,
    backend: Backend,
    in_flight: InFlight,
    calls: SelectAll<Call>,
    unsolicited: Option<Unsolicited>,
    outbox: Outbox,
    limits: LineLimits,
    /// The grace of the calls in flight after the end of the input, and then that of the output.
    grace: Option<Pin<Box<Sleep>>>,
}

impl<T: AsyncRead + AsyncWrite> ServeLines<T> {
    pub(super) fn new(io: T, backend: Backend, limits: LineLimits) -> Self {
        Self {
            io: Box::pin(io),
            lines: Lines::new(limits.message_bytes),
            backend,
            in_flight: InFlight::new(limits.requests),
            calls: SelectAll::new(),
            unsolicited: None,
            outbox: Outbox::new(limits.outbox_bytes),
            limits,
            grace: None,
        }
    }

    /// Also writes the unsolicited requests and notifications of the service.
    pub fn with_unsolicited(mut self, unsolicited: Unsolicited) -> Self {
        self.unsolicited = Some(unsolicited);
        self
    }

    /// Writes, polls the calls, and reads, until nothing makes progress.
    ///
    /// Reading waits neither for the calls nor for the client to read: a cancellation, or an answer that a call waits
    /// for, always gets through. Refusals are the exception, so that a client cannot fill the memory with them.
    fn poll_serve(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        for _ in 0..TURNS {
            let wrote = match self.outbox.poll_write(self.io.as_mut(), cx) {
                Poll::Ready(Err(error)) => return Poll::Ready(Err(lost(error))),
                wrote => wrote.is_ready(),
            };
            if wrote && self.calls.is_empty() {
                self.begin_grace_again();
            }
            let answered = self.poll_answers(cx);
            if self.grace.is_some() && self.calls.is_empty() && self.outbox.is_empty() {
                // An error means only that the client was faster.
                ready!(self.io.as_mut().poll_shutdown(cx)).ok();
                return Poll::Ready(Ok(()));
            }
            let read = match self.poll_input(cx) {
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                read => read.is_ready(),
            };
            if !(wrote || answered.is_ready() || read) {
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Takes replies, as long as there is room for them.
    fn poll_answers(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut took = false;
        while self.outbox.has_room() {
            let message = match Pin::new(&mut self.calls).poll_next(cx) {
                Poll::Ready(Some(message)) => Some(message),
                Poll::Ready(None) | Poll::Pending => self.poll_unsolicited(cx),
            };
            let Some(message) = message else { break };
            self.outbox.push(&message);
            took = true;
        }
        if took { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Returns the next unsolicited message. Responses are skipped, because they belong to no request.
    fn poll_unsolicited(&mut self, cx: &mut Context<'_>) -> Option<ServerMessage> {
        loop {
            let unsolicited = self.unsolicited.as_mut()?;
            match Pin::new(unsolicited).poll_next(cx) {
                Poll::Ready(Some(Arrival::Message(Message::Response(_)))) => {}
                Poll::Ready(Some(Arrival::Message(message))) => return Some(message),
                Poll::Ready(Some(Arrival::Diagnostic(diagnostic))) => {
                    tracing::debug!(%diagnostic, "noticed behind a served stream");
                }
                Poll::Ready(None) => self.unsolicited = None,
                Poll::Pending => return None,
            }
        }
    }

    /// Reads once and takes the complete lines; after the end of the input, waits for the end of the grace.
    fn poll_input(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if let Some(grace) = &mut self.grace {
            if self.calls.is_empty() && self.outbox.is_empty() {
                return Poll::Pending;
            }
            ready!(grace.as_mut().poll(cx));
            if self.calls.is_empty() {
                return Poll::Ready(Err(unread()));
            }
            self.calls = SelectAll::new();
            self.begin_grace_again();
            return Poll::Ready(Ok(()));
        }
        if self.outbox.is_full_of_refusals() {
            return Poll::Pending;
        }
        let count = match ready!(pin!(self.io.read_buf(self.lines.buffer())).poll(cx)) {
            Ok(count) => count,
            Err(error) => return Poll::Ready(Err(lost(error))),
        };
        if count == 0 {
            // The last line may lack a line end.
            self.lines.buffer().extend_from_slice(b"\n");
            self.grace = Some(Box::pin(sleep(self.limits.grace)));
        }
        while let Some(line) = self.lines.next_line() {
            match line {
                Line::Whole(line) => self.line(&line),
                Line::TooLong(salvage) => {
                    self.refuse(refusal::to_too_long(&salvage, self.limits.message_bytes));
                }
                Line::Endless => return Poll::Ready(Err(endless())),
            }
        }
        if count == 0 {
            self.in_flight.cancel_subscriptions();
        }
        Poll::Ready(Ok(()))
    }

    /// Starts the grace a second time, after the first.
    fn begin_grace_again(&mut self) {
        let length = self.limits.grace;
        if let Some(grace) = &mut self.grace {
            grace.set(sleep(length));
        }
    }

    fn line(&mut self, line: &Bytes) {
        match Message::decode(line) {
            Ok(message) => self.message(message),
            Err(error) => self.refuse(refusal::to_bytes(line, &error)),
        }
    }

    fn message(&mut self, message: Message) {
        let id = match &message {
            Message::Request(request) => Some(request.id.clone()),
            Message::Notification(notification) => {
                if self.in_flight.take_cancellation(notification) {
                    return;
                }
                None
            }
            // An error that belongs to no known request.
            Message::Response(Response { id: None, .. }) => return,
            Message::Response(_) => None,
        };
        // Cancelled calls are removed only when they are polled, which a client that does not read prevents.
        let has_room = id.is_none() || self.calls.len() / 2 < self.limits.requests;
        let call = if has_room {
            self.in_flight.begin(&self.backend, message.into())
        } else {
            Err(Refused::Full)
        };
        match (call, id) {
            (Ok(call), _) => self.calls.push(call),
            (Err(refused), Some(id)) => self.refuse(Some(refused.response(id))),
            (Err(_), None) => tracing::warn!(
                limit = self.limits.requests,
                "dropped a message: the service takes none of those before it"
            ),
        }
    }

    fn refuse(&mut self, refusal: Option<Response>) {
        if let Some(refusal) = refusal {
            self.outbox.refuse(&refusal.into());
        }
    }
}

impl Refused {
    /// Returns the response to a request that is not passed on.
    pub(super) fn response(self, id: RequestId) -> Response {
        match self {
            // With its id, it would be taken for the response to the other request.
            Self::IdInUse => {
                let text = format!("a request with the id {id} is in flight");
                refusal::response(None, ErrorCode::INVALID_REQUEST, text)
            }
            Self::Full => {
                let text = "too many requests at once: wait for an answer";
                refusal::response(Some(id), ErrorCode::INTERNAL_ERROR, text)
            }
        }
    }
}

impl<T: AsyncRead + AsyncWrite> Future for ServeLines<T> {
    type Output = Result<(), Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.poll_serve(cx)
    }
}

impl<T> fmt::Debug for ServeLines<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServeLines").field("limits", &self.limits).finish_non_exhaustive()
    }
}

fn lost(error: io::Error) -> Error {
    Error::closed("lost the connection to the client", Delivery::Unknown).with_source(error)
}

fn unread() -> Error {
    Error::closed("client does not read the rest of what it has asked for", Delivery::Unknown)
}

fn endless() -> Error {
    Error::closed("client does not end its line: is it an MCP client?", Delivery::Unknown)
}
