//! The response future of the default client.

use super::{
    RequestBody,
    client::{Body, Client, Decoding},
    redirect::{MAX_REDIRECTS, Spare},
};
use crate::BoxError;
use futures_util::future::BoxFuture;
use http::{Request, Response, Uri};
use pin_project_lite::pin_project;
use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tower_service::Service;

pin_project! {
    /// The response future of [`Client`], which follows redirects.
    ///
    /// # Cancel safety
    ///
    /// Dropping it cancels the request. Nothing is sent before the first poll.
    pub struct ResponseFuture {
        #[pin]
        stage: Stage,
    }
}

pin_project! {
    #[project = StageProjected]
    enum Stage {
        First {
            #[pin]
            answering: <Decoding as Service<Request<RequestBody>>>::Future,
            following: Option<Box<Following>>,
        },
        // Boxed, because it is rare.
        Boxed { answering: BoxFuture<'static, Result<Response<Body>, BoxError>> },
    }
}

/// The state needed to follow redirects.
pub(super) struct Following {
    pub(super) client: Client,
    pub(super) spare: Spare,
    /// How many redirects were followed before.
    pub(super) followed: usize,
}

impl ResponseFuture {
    /// Creates the future of an answer, which follows redirects unless that is left to its caller.
    pub(super) fn new(
        answering: <Decoding as Service<Request<RequestBody>>>::Future,
        following: Option<Box<Following>>,
    ) -> Self {
        Self { stage: Stage::First { answering, following } }
    }

    /// Wraps the future of an answer that is obtained in another way.
    #[cfg(feature = "oauth")]
    pub(super) fn boxed(
        answering: impl Future<Output = Result<Response<Body>, BoxError>> + Send + 'static,
    ) -> Self {
        Self { stage: Stage::Boxed { answering: Box::pin(answering) } }
    }
}

impl Future for ResponseFuture {
    type Output = Result<Response<Body>, BoxError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut stage = self.as_mut().project().stage;
        let following = match stage.as_mut().project() {
            StageProjected::Boxed { answering } => return answering.as_mut().poll(cx),
            StageProjected::First { answering, following } => {
                let response = ready!(answering.poll(cx))?;
                let to = following.as_ref().and_then(|following| following.to(&response));
                match (to, following.take()) {
                    (Some(to), Some(following)) => following.follow(to),
                    _ => return Poll::Ready(Ok(response.map(Body::new))),
                }
            }
        };
        stage.set(Stage::Boxed { answering: Box::pin(following) });
        self.poll(cx)
    }
}

impl Following {
    /// Returns the target of a redirect, if it is followed.
    fn to<B>(&self, response: &Response<B>) -> Option<Uri> {
        let (from, method) = (self.spare.uri(), self.spare.method());
        let to = self.client.redirect(method, from, response);
        to.filter(|_| self.followed < MAX_REDIRECTS)
    }

    /// Follows redirects, starting with the one to `to`.
    async fn follow(mut self: Box<Self>, mut to: Uri) -> Result<Response<Body>, BoxError> {
        loop {
            self.followed += 1;
            let response = self.client.send(self.spare.follow(to)).await?;
            match self.to(&response) {
                Some(next) => to = next,
                None => return Ok(response.map(Body::new)),
            }
        }
    }
}

impl fmt::Debug for ResponseFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResponseFuture")
    }
}
