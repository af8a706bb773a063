//! The answer to a request of the default client.

use super::{
    RequestBody,
    client::{Body, Client, Decoding},
    redirect::Spare,
};
use crate::BoxError;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use pin_project_lite::pin_project;
use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tower_service::Service;

pin_project! {
    /// The answer to a request of [`Client`], which follows redirects.
    ///
    /// # Cancel safety
    ///
    /// Dropping it gives the request up. A request whose answer was never polled is not sent.
    pub struct Answering {
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
            // What a redirect needs.
            spare: Option<Spare>,
            client: Client,
        },
        // In a box, because it is rare.
        Seldom { answering: BoxFuture<'static, Result<Response<Body>, BoxError>> },
    }
}

impl Answering {
    pub(super) fn new(
        answering: <Decoding as Service<Request<RequestBody>>>::Future,
        spare: Spare,
        client: Client,
    ) -> Self {
        Self { stage: Stage::First { answering, spare: Some(spare), client } }
    }

    /// An answer that is got in another way.
    #[cfg(feature = "oauth")]
    pub(super) fn seldom(
        answering: impl Future<Output = Result<Response<Body>, BoxError>> + Send + 'static,
    ) -> Self {
        Self { stage: Stage::Seldom { answering: Box::pin(answering) } }
    }
}

impl Future for Answering {
    type Output = Result<Response<Body>, BoxError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut stage = self.as_mut().project().stage;
        let following = match stage.as_mut().project() {
            StageProjected::Seldom { answering } => return answering.as_mut().poll(cx),
            StageProjected::First { answering, spare, client } => {
                let response = ready!(answering.poll(cx))?;
                let to = spare.as_ref().and_then(|spare| client.redirect(spare, &response));
                match (to, spare.take()) {
                    (Some(to), Some(spare)) => client.clone().follow(spare, to),
                    _ => return Poll::Ready(Ok(response.map(Body::new))),
                }
            }
        };
        stage.set(Stage::Seldom { answering: Box::pin(following) });
        self.poll(cx)
    }
}

impl fmt::Debug for Answering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answering")
    }
}
