//! The outermost of a call: what the session makes of its error.

use crate::{Cancellable, Error, Peer, Reply, spare::Calling};
use pin_project_lite::pin_project;
use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

pin_project! {
    /// A call of [`Session::call_raw`](crate::Session::call_raw), whose error is converted.
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

impl Future for CallRaw {
    type Output = Result<Reply, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        this.reply.poll(cx).map_err(|error| {
            let error = Error::from_layers(error);
            this.peer.note_error(&error);
            error
        })
    }
}
