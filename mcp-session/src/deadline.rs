//! Time limits that progress extends.

use crate::{Call, CallService, Error, Phase, Reply, events::LastProgress};
use mcp_transport::{BoxError, Patience};
use pin_project_lite::pin_project;
use std::{
    borrow::Cow,
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::time::{Instant, Sleep, sleep_until};
use tower_layer::Layer;
use tower_service::Service;

/// The time limits of one call, as an extension of it, or of all calls of a [`DeadlineLayer`].
///
/// Defaults: 60 s until the first sign of life or between two, 10 min in all.
///
/// See [the clause](https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/cancellation#timeouts).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Deadlines {
    /// How long the server may be silent about a call: the clock starts again with each progress.
    pub idle: Option<Duration>,
    /// How long a call may take, whatever its progress.
    pub total: Option<Duration>,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self { idle: Some(Duration::from_secs(60)), total: Some(Duration::from_secs(600)) }
    }
}

impl Deadlines {
    /// No limits: a call waits until the connection ends.
    pub const NONE: Self = Self { idle: None, total: None };

    /// One limit for the whole call, progress or not.
    pub fn total(limit: Duration) -> Self {
        Self { idle: None, total: Some(limit) }
    }
}

/// Ends calls that take too long, and so cancels them on the wire.
// spec: CAN-01 CAN-02 CAN-03 CAN-04
#[derive(Clone, Debug)]
pub struct Deadline<S> {
    inner: S,
    deadlines: Deadlines,
    patience: Option<Patience>,
}

/// Makes [`Deadline`] services.
#[derive(Clone, Debug, Default)]
pub struct DeadlineLayer {
    deadlines: Deadlines,
    patience: Option<Patience>,
}

impl DeadlineLayer {
    /// These limits for calls that bring no [`Deadlines`] of their own.
    pub fn new(deadlines: Deadlines) -> Self {
        Self { deadlines, patience: None }
    }

    /// Counts no time that a connection waits for a person.
    #[must_use]
    pub fn with_patience(mut self, patience: Option<Patience>) -> Self {
        self.patience = patience;
        self
    }
}

impl<S> Layer<S> for DeadlineLayer {
    type Service = Deadline<S>;

    fn layer(&self, inner: S) -> Deadline<S> {
        Deadline { inner, deadlines: self.deadlines, patience: self.patience.clone() }
    }
}

impl<S: CallService> Service<Call> for Deadline<S> {
    type Response = Reply;
    type Error = BoxError;
    type Future = Expiring<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut call: Call) -> Self::Future {
        let limits = call.extensions.get().copied().unwrap_or(self.deadlines);
        let (start, mut heard) = (Instant::now(), None);
        if limits.idle.is_some() {
            let (events, last) = call.events.and_clock(start);
            (call.events, heard) = (events, Some(last));
        }
        let patience = self.patience.clone().map(|it| (it.waited(), it));
        let clock = Clock { start, heard, limits, patience };
        let method = call.method.clone();
        Expiring { reply: self.inner.call(call), clock, timer: None, method }
    }
}

pin_project! {
    /// A call that ends when its time is over.
    #[must_use = "futures do nothing unless polled"]
    pub struct Expiring<F> {
        #[pin]
        reply: F,
        clock: Clock,
        // Set when the call has to wait.
        #[pin]
        timer: Option<Sleep>,
        method: Cow<'static, str>,
    }
}

impl<F> Future for Expiring<F>
where
    F: Future<Output = Result<Reply, BoxError>>,
{
    type Output = Result<Reply, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        // An answer that is here counts, however late it is.
        if let Poll::Ready(mut outcome) = this.reply.poll(cx) {
            if let Ok(reply) = &mut outcome {
                reply.begun = Some(this.clock.start);
            }
            return Poll::Ready(outcome);
        }
        loop {
            if let Some(timer) = this.timer.as_mut().as_pin_mut() {
                ready!(timer.poll(cx));
            }
            match this.clock.next() {
                None => return Poll::Pending,
                Some((phase, after, at)) if at <= Instant::now() => {
                    let method = (**this.method).into();
                    return Poll::Ready(Err(Error::Timeout { method, phase, after }.into()));
                }
                Some((.., at)) => this.timer.set(Some(sleep_until(at))),
            }
        }
    }
}

impl<F> fmt::Debug for Expiring<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Expiring").field("limits", &self.clock.limits).finish_non_exhaustive()
    }
}

/// The times of one call.
struct Clock {
    start: Instant,
    heard: Option<LastProgress>,
    limits: Deadlines,
    /// Who waits for a person, and how long it had when the call began.
    patience: Option<(Duration, Patience)>,
}

impl Clock {
    /// The limit that ends first as things are: which, how long it is, and when it ends.
    fn next(&self) -> Option<(Phase, Duration, Instant)> {
        let Deadlines { idle, total } = self.limits;
        let waited = self.patience.as_ref().map(|(before, patience)| patience.waited() - *before);
        let start = self.start + waited.unwrap_or_default();
        let heard = start + self.heard.as_ref().map_or(Duration::ZERO, LastProgress::after);
        let idle = idle.map(|limit| (Phase::Idle, limit, heard + limit));
        let total = total.map(|limit| (Phase::Total, limit, start + limit));
        [idle, total].into_iter().flatten().min_by_key(|(.., at)| *at)
    }
}
