//! The outermost future of a call, where errors of layers become `Error`.

use crate::{
    Cancellable, Error, Peer, Reply, Session,
    spare::{Called, Calling},
};
use mcp_transport::BoxError;
use pin_project_lite::pin_project;
use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

pin_project! {
    /// The future of [`Session::call_raw`](crate::Session::call_raw).
    #[derive(Debug)]
    #[must_use = "nothing is sent until it is polled"]
    pub struct CallRaw {
        #[pin]
        reply: Cancellable<Calling>,
        peer: Peer,
    }
}

impl CallRaw {
    pub(crate) fn new(reply: Cancellable<Calling>, peer: Peer) -> Self {
        Self { reply, peer }
    }
}

/// The state of a call after its first poll, returned by [`Session::begin`](crate::Session::begin).
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a call has ended or waits")]
#[must_use = "dropping a call that waits cancels it"]
pub enum Begun {
    /// The call has ended.
    Ended(Result<Reply, Error>),
    /// The call awaits its reply and must be polled.
    Waiting(CompactCall),
}

impl Begun {
    /// Polls, for the first time, a call that cannot be cancelled from outside.
    #[inline]
    pub(crate) fn poll(
        begun: Result<Called, Box<Calling>>,
        session: &Session,
        cx: &mut Context<'_>,
    ) -> Self {
        match begun {
            Ok(mut reply) => match reply.as_mut().poll(cx) {
                Poll::Ready(outcome) => Self::Ended(convert(outcome, session.peer())),
                Poll::Pending => Self::Waiting(CompactCall(Compact::Called(reply))),
            },
            Err(waiting) => {
                let reply = Cancellable::without_watch(*waiting);
                let call = Box::new(CallRaw::new(reply, session.peer().clone()));
                Self::Waiting(CompactCall(Compact::Other(call)))
            }
        }
    }

    /// Polls, for the first time, a call that may be cancelled from outside.
    pub(crate) fn poll_cancellable(call: CallRaw, cx: &mut Context<'_>) -> Self {
        let mut call = Box::new(call);
        match Pin::new(&mut *call).poll(cx) {
            Poll::Ready(outcome) => Self::Ended(outcome),
            Poll::Pending => Self::Waiting(CompactCall(Compact::Other(call))),
        }
    }
}

/// A call begun by [`Session::begin`](crate::Session::begin) that waits for its reply, in little memory.
///
/// # Cancel safety
///
/// Dropping it cancels the request on the wire.
#[must_use = "it does nothing unless polled"]
pub struct CompactCall(Compact);

enum Compact {
    Called(Called),
    /// The layers are not ready yet, or the call may be cancelled from outside.
    Other(Box<CallRaw>),
}

impl CompactCall {
    /// Polls for the reply of a call that `session` has begun.
    ///
    /// # Errors
    ///
    /// Any of [`Error`].
    pub fn poll_reply(
        &mut self,
        session: &Session,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Reply, Error>> {
        match &mut self.0 {
            Compact::Called(reply) => {
                reply.as_mut().poll(cx).map(|outcome| convert(outcome, session.peer()))
            }
            Compact::Other(call) => Pin::new(&mut **call).poll(cx),
        }
    }
}

impl fmt::Debug for CompactCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CompactCall")
    }
}

impl Future for CallRaw {
    type Output = Result<Reply, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        this.reply.poll(cx).map(|outcome| convert(outcome, this.peer))
    }
}

/// Converts the outcome of a call into that of the session.
fn convert(outcome: Result<Reply, BoxError>, peer: &Peer) -> Result<Reply, Error> {
    outcome.map_err(|error| {
        let error = Error::from_layers(error);
        peer.note_error(&error);
        error
    })
}
