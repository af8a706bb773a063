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
    mem,
    pin::Pin,
    task::{Context, Poll},
};

/// What hyper gives for a request.
pub(super) type Answered = Result<Response<Incoming>, TrySendError<Request<RequestBody>>>;

pin_project! {
    /// Waits for the head of the response. A request that the server has certainly not seen is sent again.
    ///
    /// While there are many exchanges, a request lets one turn of its task pass before it is sent: the answers that are there
    /// are read first, and then requests leave together. A server that waits is woken by the first of them alone.
    pub(super) struct Exchange<F> {
        // In this order: the connection is to see that nobody waits any more.
        #[pin]
        answering: F,
        lease: Option<Lease>,
        tries: Tries,
        has_let_pass: bool,
        // What is sent again is in a box.
        again: Option<Answer>,
    }
}

impl<F: Future<Output = Answered>> Exchange<F> {
    /// The request that `answering` is about, over the connection of the lease.
    pub(super) fn new(answering: F, lease: Lease, tries: Tries) -> Self {
        Self { answering, lease: Some(lease), tries, has_let_pass: false, again: None }
    }
}

impl<F: Future<Output = Answered>> Future for Exchange<F> {
    type Output = Result<Response<LeasedBody>, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if !mem::replace(this.has_let_pass, true)
            && this.lease.as_ref().is_some_and(Lease::is_one_of_many)
        {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
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
                    *this.again = Some(Box::pin(pool.send(request, this.tries.left())));
                }
            }
        }
        match this.again {
            Some(again) => again.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }
}
