//! Rejecting results that are not complete.

use crate::{
    Call, CallService, Error, Misbehavior, Reply,
    followed::{Again, Ended, Follow, Outcome},
    result_type::{is_complete, result_type},
    task::AsTask,
};
use futures_util::future::BoxFuture;
use mcp_transport::BoxError;
use pin_project_lite::pin_project;
use std::{
    borrow::Cow,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};
use tower_layer::Layer;
use tower_service::Service;

/// Fails calls whose `resultType` no layer below has handled.
///
/// A `resultType` that the client does not know makes the result invalid; it never counts as complete
/// ([clause](https://modelcontextprotocol.io/specification/2026-07-28/basic/index#responses)).
// spec: MSG-13
#[derive(Clone, Debug)]
pub struct RequireComplete<S> {
    inner: S,
}

/// Makes [`RequireComplete`] services.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct RequireCompleteLayer;

impl RequireCompleteLayer {
    /// Creates the layer.
    pub fn new() -> Self {
        Self
    }
}

impl<S> Layer<S> for RequireCompleteLayer {
    type Service = RequireComplete<S>;

    fn layer(&self, inner: S) -> RequireComplete<S> {
        RequireComplete { inner }
    }
}

impl<S: CallService> Service<Call> for RequireComplete<S> {
    type Response = Reply;
    type Error = BoxError;
    type Future = Complete<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, call: Call) -> Self::Future {
        let by_handle = call.extensions.get::<AsTask>().is_some();
        let method = call.method.clone();
        Complete { reply: self.inner.call(call), by_handle, method }
    }
}

pin_project! {
    /// The future of [`RequireComplete`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Complete<F> {
        #[pin]
        reply: F,
        by_handle: bool,
        method: Cow<'static, str>,
    }
}

impl<F> Future for Complete<F>
where
    F: Future<Output = Result<Reply, BoxError>>,
{
    type Output = Result<Reply, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let reply = ready!(this.reply.poll(cx))?;
        Poll::Ready(check(reply, *this.by_handle, this.method))
    }
}

impl Follow for RequireCompleteLayer {
    #[inline]
    fn follows(&self, _: &str, outcome: &Outcome) -> bool {
        outcome.as_ref().is_ok_and(|reply| !is_complete(&reply.result))
    }

    fn follow(
        _: Arc<Again<Self>>,
        Ended { call, outcome, .. }: Ended,
    ) -> BoxFuture<'static, Outcome> {
        let by_handle = call.extensions.get::<AsTask>().is_some();
        let checked = outcome.and_then(|reply| check(reply, by_handle, &call.method));
        Box::pin(std::future::ready(checked))
    }
}

/// Passes on a reply if it is complete.
fn check(reply: Reply, by_handle: bool, method: &str) -> Outcome {
    let misbehavior = match result_type(&reply.result).as_deref() {
        Ok("complete") => return Ok(reply),
        // Whoever holds the task's handle checks the type.
        Ok("task") if by_handle => return Ok(reply),
        Ok(_) => Misbehavior::UnknownResultType,
        Err(_) => Misbehavior::InvalidResult,
    };
    Err(Error::misbehaved(method, misbehavior).into())
}
