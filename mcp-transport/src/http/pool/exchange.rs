//! One request over a connection that was idle: what most requests are.

use super::{Answer, http1::Lease, tries::Tries};
use crate::{
    BoxError,
    http::{RequestBody, pool::LeasedBody},
};
use http::{Request, Response};
use hyper::{body::Incoming, client::conn::TrySendError};
use pin_project_lite::pin_project;
use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

/// What hyper gives for a request.
pub(super) type Answered = Result<Response<Incoming>, TrySendError<Request<RequestBody>>>;

pin_project! {
    /// Waits for the head of the response. A request that the server has certainly not seen is sent again.
    pub(super) struct Exchange<F> {
        // In this order: the connection is to see that nobody waits any more.
        #[pin]
        answering: F,
        lease: Option<Lease>,
        tries: Tries,
        // What is sent again is in a box.
        again: Option<Answer>,
    }
}

impl<F: Future<Output = Answered>> Exchange<F> {
    /// The request that `answering` is about, over the connection of the lease.
    pub(super) fn new(answering: F, lease: Lease, tries: Tries) -> Self {
        Self { answering, lease: Some(lease), tries, again: None }
    }
}

impl<F: Future<Output = Answered>> Future for Exchange<F> {
    type Output = Result<Response<LeasedBody>, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let Some(mut lease) = this.lease.take() {
            let Poll::Ready(answered) = lease.poll(cx, |cx| this.answering.as_mut().poll(cx))
            else {
                *this.lease = Some(lease);
                return Poll::Pending;
            };
            let pool = lease.pool();
            match lease.end(answered) {
                Ok(response) => return Poll::Ready(Ok(response)),
                Err(refused) => {
                    let request = this.tries.again(refused)?;
                    *this.again = Some(Box::pin(pool.send(request, this.tries.clone())));
                }
            }
        }
        match this.again {
            Some(again) => again.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }
}
