//! Holding back all calls of a session when the server asks one to wait.

use super::{Shared, backoff};
use crate::{Call, CallService, Deadlines, Error, Reply};
use futures_util::{FutureExt, future::BoxFuture};
use mcp_transport::{BoxError, Delivery};
use pin_project_lite::pin_project;
use std::{
    fmt,
    future::Future,
    mem,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::time::{Instant, sleep};
use tower::ServiceExt;
use tower_service::Service;

/// Holds back all calls while the server asks to wait: a `Retry-After` with HTTP status 429 or 503 applies to all of
/// them.
///
/// Until then, up to [`RetryOptions::max_retry_after`](super::RetryOptions::max_retry_after), calls wait before they
/// are sent, plus a random extra time, so that they do not all return at once. A call whose total limit does not allow
/// the wait, or that has already waited as often as it has attempts, fails at once with the server's error, and is not
/// sent.
///
/// # Cancel safety
///
/// Dropping a call that waits sends nothing.
#[derive(Clone, Debug)]
pub struct HonorRetryAfter<S> {
    inner: S,
    shared: Arc<Shared>,
}

impl<S> HonorRetryAfter<S> {
    pub(super) fn new(inner: S, shared: Arc<Shared>) -> Self {
        Self { inner, shared }
    }
}

impl<S: CallService> Service<Call> for HonorRetryAfter<S> {
    type Response = Reply;
    type Error = BoxError;
    type Future = Honoring<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, call: Call) -> Self::Future {
        let shared = Arc::clone(&self.shared);
        if shared.pause.left().is_none() {
            return Honoring { sent: Some(self.inner.call(call)), held: None, shared };
        }
        // Releases the ready clone, so that others can use it while this call waits.
        let clone = self.inner.clone();
        drop(mem::replace(&mut self.inner, clone.clone()));
        let held = hold(clone, call, Arc::clone(&shared)).boxed();
        Honoring { sent: None, held: Some(held), shared }
    }
}

async fn hold<S: CallService>(
    inner: S,
    mut call: Call,
    shared: Arc<Shared>,
) -> Result<Reply, BoxError> {
    let (options, begun) = (&shared.options, Instant::now());
    let mut deadlines: Deadlines = call.extensions.get().copied().unwrap_or(options.deadlines);
    for waits in 0.. {
        let Some((left, error)) = shared.pause.left() else { break };
        let jitter = backoff::full_jitter(waits, options.first_backoff, options.max_backoff);
        let wait = left.saturating_add(jitter);
        let in_time = deadlines.total.is_none_or(|total| begun.elapsed() + wait < total);
        if !in_time || waits >= options.attempts {
            let error = error.with_retry_after(left).with_delivery(Delivery::NotSent);
            return Err(Error::from(error).into());
        }
        tracing::debug!(method = %call.method, ?wait, "the server has asked to wait");
        sleep(wait).await;
    }
    if let Some(total) = &mut deadlines.total {
        *total = total.saturating_sub(begun.elapsed());
        call.extensions.insert(deadlines);
    }
    inner.oneshot(call).await
}

/// Until when the server wants no calls.
#[derive(Debug, Default)]
pub(super) struct Pause(Mutex<Option<(Instant, mcp_transport::Error)>>);

impl Pause {
    /// Returns the rest of the pause, and the server's error.
    fn left(&self) -> Option<(Duration, mcp_transport::Error)> {
        let mut pause = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (until, error) = pause.as_ref()?;
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            *pause = None;
            return None;
        }
        Some((left, error.clone()))
    }

    /// Learns from the error of a call. A shorter pause does not end a longer one.
    fn learn(&self, error: &BoxError, longest: Duration) {
        let Some(error) = Error::transport_of(error) else { return };
        // A refusal by this very service is nothing new.
        if error.delivery() == Delivery::NotSent
            || !matches!(error.status().map(|it| it.as_u16()), Some(429 | 503))
        {
            return;
        }
        let wait = error.retry_after().unwrap_or_default().min(longest);
        let Some(until) = Instant::now().checked_add(wait).filter(|_| !wait.is_zero()) else {
            return;
        };
        let mut pause = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if pause.as_ref().is_none_or(|(before, _)| *before < until) {
            *pause = Some((until, error.clone()));
        }
    }
}

pin_project! {
    /// The future of [`HonorRetryAfter`].
    #[must_use = "futures do nothing unless polled"]
    pub struct Honoring<F> {
        #[pin]
        sent: Option<F>,
        held: Option<BoxFuture<'static, Result<Reply, BoxError>>>,
        shared: Arc<Shared>,
    }
}

impl<F> Future for Honoring<F>
where
    F: Future<Output = Result<Reply, BoxError>>,
{
    type Output = Result<Reply, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let outcome = match (this.sent.as_pin_mut(), this.held) {
            (Some(sent), _) => ready!(sent.poll(cx)),
            (None, Some(held)) => ready!(held.as_mut().poll(cx)),
            (None, None) => return Poll::Pending,
        };
        if let Err(error) = &outcome {
            this.shared.pause.learn(error, this.shared.options.max_retry_after);
        }
        Poll::Ready(outcome)
    }
}

impl<F> fmt::Debug for Honoring<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.held.is_some() { "Honoring(held)" } else { "Honoring(sent)" })
    }
}
