//! One request and its response head, usually over an idle connection.

use super::{http1::Lease, tries::Tries};
use crate::{
    BoxError,
    http::{RequestBody, pool::LeasedBody},
};
use futures_util::future::BoxFuture;
use http::{Request, Response};
use hyper::{body::Incoming, client::conn::TrySendError};
use std::{
    future::Future,
    mem,
    pin::Pin,
    task::{Context, Poll},
};

/// The result of a request sent with hyper.
pub(super) type Answered = Result<Response<Incoming>, TrySendError<Request<RequestBody>>>;

type Outcome = Result<Response<LeasedBody>, BoxError>;

/// Waits for the head of the response. A request that the server has certainly not seen is sent again.
///
/// While there are many exchanges, a request yields once before it is sent: the available answers are read first, and
/// then the requests leave together. A waiting server is woken only by the first of them.
pub(in crate::http) struct Exchange {
    usual: Option<(Lease, Tries)>,
    lets_pass: bool,
    /// Boxed, for requests that have to wait for a connection or are sent again.
    boxed: Option<BoxFuture<'static, Outcome>>,
}

impl Exchange {
    /// Waits for the answer to the request that was given to the connection of the lease.
    pub(super) fn new(lease: Lease, tries: Tries, lets_pass: bool) -> Self {
        Self { usual: Some((lease, tries)), lets_pass, boxed: None }
    }

    /// Wraps the future of an answer that is obtained in another way.
    pub(super) fn boxed(answering: impl Future<Output = Outcome> + Send + 'static) -> Self {
        Self { usual: None, lets_pass: false, boxed: Some(Box::pin(answering)) }
    }
}

impl Future for Exchange {
    type Output = Outcome;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        let this = self.get_mut();
        if mem::take(&mut this.lets_pass) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if let Some((lease, _)) = &mut this.usual {
            let Poll::Ready(answered) = lease.poll(cx) else { return Poll::Pending };
            let Some((lease, mut tries)) = this.usual.take() else { return Poll::Pending };
            match answered {
                Ok(response) => return Poll::Ready(Ok(lease.end(response))),
                Err(error) => {
                    let request = tries.again(lease.refused(error))?;
                    this.boxed = Some(Box::pin(lease.pool().send(request, tries)));
                }
            }
        }
        match &mut this.boxed {
            Some(boxed) => boxed.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }
}
