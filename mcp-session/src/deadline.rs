//! Time limits that progress extends.

use crate::{Call, CallService, Error, Event, Events, Phase, Reply};
use futures_util::future::BoxFuture;
use mcp_transport::BoxError;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::{Instant, sleep_until};
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
}

/// Makes [`Deadline`] services.
#[derive(Clone, Copy, Debug, Default)]
pub struct DeadlineLayer {
    deadlines: Deadlines,
}

impl DeadlineLayer {
    /// These limits for calls that bring no [`Deadlines`] of their own.
    pub fn new(deadlines: Deadlines) -> Self {
        Self { deadlines }
    }
}

impl<S> Layer<S> for DeadlineLayer {
    type Service = Deadline<S>;

    fn layer(&self, inner: S) -> Deadline<S> {
        Deadline { inner, deadlines: self.deadlines }
    }
}

impl<S: CallService> Service<Call> for Deadline<S> {
    type Response = Reply;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Reply, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut call: Call) -> Self::Future {
        let deadlines = call.extensions.get().copied().unwrap_or(self.deadlines);
        let clock = Clock::new(deadlines);
        if deadlines.idle.is_some() {
            call.events = clock.listen(call.events);
        }
        let method = call.method.clone();
        let reply = self.inner.call(call);
        Box::pin(async move {
            tokio::select! {
                biased;
                reply = reply => reply,
                (phase, after) = clock.expired() => {
                    Err(Error::Timeout { method: (*method).into(), phase, after }.into())
                }
            }
        })
    }
}

/// When a call was last heard of, in milliseconds since it began.
struct Clock {
    start: Instant,
    heard: Arc<AtomicU64>,
    deadlines: Deadlines,
}

impl Clock {
    fn new(deadlines: Deadlines) -> Self {
        Self { start: Instant::now(), heard: Arc::default(), deadlines }
    }

    fn listen(&self, events: Events) -> Events {
        let (start, heard) = (self.start, Arc::clone(&self.heard));
        events.and_listener(move |event| {
            if matches!(event, Event::Progress(_)) {
                let now = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
                heard.store(now, Ordering::Relaxed);
            }
        })
    }

    async fn expired(self) -> (Phase, Duration) {
        let Deadlines { idle, total } = self.deadlines;
        loop {
            let heard = self.start + Duration::from_millis(self.heard.load(Ordering::Relaxed));
            let idle = idle.map(|limit| (Phase::Idle, limit, heard + limit));
            let total = total.map(|limit| (Phase::Total, limit, self.start + limit));
            let next = [idle, total].into_iter().flatten().min_by_key(|(.., at)| *at);
            match next {
                None => return std::future::pending().await,
                Some((phase, limit, at)) if at <= Instant::now() => return (phase, limit),
                Some((.., at)) => sleep_until(at).await,
            }
        }
    }
}
