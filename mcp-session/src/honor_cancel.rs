//! Cancelling calls from outside.

use crate::{Call, Error, Reply};
use mcp_transport::BoxError;
use pin_project_lite::pin_project;
use std::{
    borrow::Cow,
    future::Future,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tower_layer::Layer;
use tower_service::Service;

/// Cancels calls from outside, as an extension of them.
///
/// The caller gets [`Error::Cancelled`] at once, and the server is told as if the call had been dropped. A call that
/// has its answer is no longer cancelled, and one that is cancelled before it begins is never sent. Clones share the
/// cancellation, and any number of calls may carry it.
///
/// ```
/// use mcp_session::{Call, Cancellation};
///
/// let cancellation = Cancellation::new();
/// let call = Call::new("tools/call").with_extension(cancellation.clone());
/// // Later, from anywhere:
/// cancellation.cancel_because("the window was closed");
/// # assert!(cancellation.is_cancelled());
/// # drop(call);
/// ```
// spec: CAN-05
#[derive(Clone, Debug, Default)]
pub struct Cancellation {
    token: CancellationToken,
    reason: Arc<OnceLock<Box<str>>>,
}

impl Cancellation {
    /// Creates a cancellation that has not been triggered.
    pub fn new() -> Self {
        Self::default()
    }

    /// Cancels all calls with this extension, including future ones.
    pub fn cancel(&self) {
        self.token.cancel();
    }

    /// Cancels the calls with a reason, for the error and for logs. Only the first reason counts.
    pub fn cancel_because(&self, reason: impl Into<Box<str>>) {
        // If a reason was given earlier, it stays.
        let _ = self.reason.set(reason.into());
        self.cancel();
    }

    /// Whether the calls are cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.token.is_cancelled()
    }

    /// The reason, if there is one.
    pub fn reason(&self) -> Option<&str> {
        self.reason.get().map(|reason| &**reason)
    }

    fn error(&self, method: &str) -> Error {
        Error::Cancelled { method: method.into(), reason: self.reason().map(Into::into) }
    }
}

/// Cancelling the token cancels the calls.
impl From<CancellationToken> for Cancellation {
    fn from(token: CancellationToken) -> Self {
        Self { token, reason: Arc::default() }
    }
}

/// Cancels calls when their [`Cancellation`] says so.
///
/// On the wire: what dropping the call does. A [`Session`](crate::Session) does this outside of all its layers.
// spec: CAN-05 CAN-06
#[derive(Clone, Debug)]
pub struct HonorCancel<S> {
    inner: S,
}

/// Makes [`HonorCancel`] services.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct HonorCancelLayer;

impl HonorCancelLayer {
    /// Creates the layer.
    pub fn new() -> Self {
        Self
    }
}

impl<S> Layer<S> for HonorCancelLayer {
    type Service = HonorCancel<S>;

    fn layer(&self, inner: S) -> HonorCancel<S> {
        HonorCancel { inner }
    }
}

impl<S> Service<Call> for HonorCancel<S>
where
    S: Service<Call, Response = Reply, Error = BoxError>,
{
    type Response = Reply;
    type Error = BoxError;
    type Future = Cancellable<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, call: Call) -> Self::Future {
        Cancellable::new(call, |call| self.inner.call(call))
    }
}

pin_project! {
    /// The future of [`HonorCancel`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Cancellable<F> {
        #[pin]
        reply: Option<F>,
        // Boxed, because most calls have none.
        watch: Option<Pin<Box<Watch>>>,
    }
}

pin_project! {
    #[derive(Debug)]
    struct Watch {
        #[pin]
        cancelled: WaitForCancellationFutureOwned,
        cancellation: Cancellation,
        method: Cow<'static, str>,
        started: bool,
    }
}

impl<F> Cancellable<F> {
    /// Makes a call, but does not start it if it is already cancelled.
    pub(crate) fn new(call: Call, start: impl FnOnce(Call) -> F) -> Self {
        let watch = call.extensions.get::<Cancellation>().map(|cancellation| {
            Box::pin(Watch {
                cancelled: cancellation.token.clone().cancelled_owned(),
                cancellation: cancellation.clone(),
                method: call.method.clone(),
                started: false,
            })
        });
        let is_over = watch.as_ref().is_some_and(|watch| watch.cancellation.is_cancelled());
        Self { reply: (!is_over).then(|| start(call)), watch }
    }

    /// Wraps a call that cannot be cancelled from outside.
    pub(crate) fn without_watch(reply: F) -> Self {
        Self { reply: Some(reply), watch: None }
    }
}

impl<F> Future for Cancellable<F>
where
    F: Future<Output = Result<Reply, BoxError>>,
{
    type Output = Result<Reply, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Some(watch) = this.watch else {
            return this.reply.as_pin_mut().map_or(Poll::Pending, |reply| reply.poll(cx));
        };
        let watch = watch.as_mut().project();
        // A reply that has arrived counts, but a call that has not started is not started for that.
        if *watch.started || !watch.cancellation.is_cancelled() {
            *watch.started = true;
            if let Some(reply) = this.reply.as_mut().as_pin_mut()
                && let Poll::Ready(outcome) = reply.poll(cx)
            {
                return Poll::Ready(outcome);
            }
        }
        if watch.cancelled.poll(cx).is_pending() {
            return Poll::Pending;
        }
        // spec: CAN-09
        tracing::debug!(method = %watch.method, reason = watch.cancellation.reason(), "a call is given up");
        let error = watch.cancellation.error(watch.method);
        // Now, not when the caller drops this: dropping the call is what tells the server.
        this.reply.set(None);
        Poll::Ready(Err(error.into()))
    }
}
