//! Time limits for calls, extended by progress.

mod countdown;
mod ground;
mod shared_timer;

pub(crate) use countdown::Countdown;
pub(crate) use ground::Ground;

use crate::{Call, CallService, Reply, events::Ticking};
use mcp_transport::{BoxError, Patience};
use pin_project_lite::pin_project;
use std::{
    borrow::Cow,
    fmt,
    future::Future,
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
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
    /// How long the server may be silent about a call: each progress notification restarts the clock.
    pub idle: Option<Duration>,
    /// How long a call may take in total, whatever its progress.
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

    /// A total limit only, which progress does not extend.
    pub fn total(limit: Duration) -> Self {
        Self { idle: None, total: Some(limit) }
    }
}

/// Ends calls that take too long, and so cancels them on the wire.
///
/// A deadline is never early, and late by up to a millisecond, the resolution of tokio's timers. Calls that wait share
/// a timer at first, so that one which is answered soon needs no timer of its own.
// spec: CAN-01 CAN-02 CAN-03 CAN-04
#[derive(Clone, Debug)]
pub struct Deadline<S> {
    inner: S,
    ground: Arc<Ground>,
}

/// Makes [`Deadline`] services.
#[derive(Clone, Debug, Default)]
pub struct DeadlineLayer {
    deadlines: Deadlines,
    patience: Option<Patience>,
}

impl DeadlineLayer {
    /// Sets the limits for calls without [`Deadlines`] of their own.
    pub fn new(deadlines: Deadlines) -> Self {
        Self { deadlines, patience: None }
    }

    /// Stops the clocks while a connection waits for a person.
    #[must_use]
    pub fn with_patience(mut self, patience: Option<Patience>) -> Self {
        self.patience = patience;
        self
    }
}

impl<S> Layer<S> for DeadlineLayer {
    type Service = Deadline<S>;

    fn layer(&self, inner: S) -> Deadline<S> {
        let ground = Arc::new(Ground::new(self.deadlines, self.patience.clone()));
        Deadline { inner, ground }
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
        let watch = self.watch(&mut call);
        Expiring { reply: self.inner.call(call), watch }
    }
}

impl<S> Deadline<S> {
    /// Starts the countdown, if there is a limit.
    fn watch(&self, call: &mut Call) -> Option<Watch> {
        let countdown = Countdown::new(call.extensions.get(), &self.ground);
        let limits = countdown.limits(&self.ground);
        if *limits == Deadlines::NONE {
            return None;
        }
        let ticking = Ticking::new(Arc::clone(&self.ground));
        if limits.idle.is_some() {
            call.events = mem::take(&mut call.events).and_ticking(ticking.clone());
        }
        Some(Watch { countdown, method: call.method.clone(), ticking })
    }
}

/// The state needed to end one call in time.
struct Watch {
    countdown: Countdown,
    method: Cow<'static, str>,
    ticking: Ticking,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.countdown.leave(self.ticking.ground());
    }
}

pin_project! {
    /// The future of [`Deadline`].
    #[must_use = "futures do nothing unless polled"]
    pub struct Expiring<F> {
        #[pin]
        reply: F,
        watch: Option<Watch>,
    }
}

impl<F> Expiring<F> {
    /// Limits the time of something other than a call, which has no limits of its own.
    pub(crate) fn new(reply: F, method: Cow<'static, str>, ground: Arc<Ground>) -> Self {
        let countdown = Countdown::new(None, &ground);
        Self { reply, watch: Some(Watch { countdown, method, ticking: Ticking::new(ground) }) }
    }
}

impl<F, T> Future for Expiring<F>
where
    F: Future<Output = Result<T, BoxError>>,
{
    type Output = Result<T, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let polled = this.reply.poll(cx);
        let Some(Watch { countdown, method, ticking }) = this.watch else { return polled };
        // A reply that has arrived counts, however late.
        if polled.is_ready() {
            // Nobody is waiting any more.
            *this.watch = None;
            return polled;
        }
        let end = countdown.poll_end(ticking.heard(), None, ticking.ground(), cx);
        end.map(|end| Err(end.error(method).into()))
    }
}

impl<F> fmt::Debug for Expiring<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Expiring").field("has_limit", &self.watch.is_some()).finish_non_exhaustive()
    }
}
