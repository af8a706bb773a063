//! Retrying calls that are safe to repeat.

mod backoff;
mod budget;
mod honor_retry_after;
mod safety;

pub use honor_retry_after::HonorRetryAfter;

use crate::{Call, Deadlines, Error, Reply};
use budget::TokenBucket;
use honor_retry_after::Pause;
use mcp_transport::BoxError;
use safety::{Annotated, Safety};
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, Sleep, sleep};
use tower::retry::Policy;
use tower_layer::Layer;

/// Retries calls by the rules of [`SafeRetry`]: tower's own `Retry` with this policy, around [`HonorRetryAfter`].
///
/// For other rules write a [`tower::retry::Policy`] and use [`tower::retry::RetryLayer`].
pub type Retry<S> = tower::retry::Retry<SafeRetry, HonorRetryAfter<S>>;

/// How often and how soon calls are retried; every field has a default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryOptions {
    /// How often a call is sent in total. Default: 3.
    pub attempts: u32,
    /// The longest wait before the second attempt, doubled for each further one. Default: 100 ms.
    pub first_backoff: Duration,
    /// The longest wait before any attempt, except where the server asks for more. Default: 20 s.
    pub max_backoff: Duration,
    /// The longest `Retry-After` that is honored. A call that is asked to wait longer fails, and others wait no longer
    /// than this. Default: 60 s.
    pub max_retry_after: Duration,
    /// The token bucket of a layer: a retry costs 5 tokens, or 10 after a timeout, and a success earns 1, up to this
    /// many. Default: 500.
    pub budget: u32,
    /// Whether tools that are listed with `idempotentHint` or `readOnlyHint` may be retried when the fate of the first
    /// call is unknown. Only for trusted servers. Default: no.
    pub trust_annotations: bool,
    /// The time limits of calls without limits of their own; all attempts of a call share the total.
    pub deadlines: Deadlines,
}

impl Default for RetryOptions {
    fn default() -> Self {
        Self {
            attempts: 3,
            first_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(20),
            max_retry_after: Duration::from_secs(60),
            budget: 500,
            trust_annotations: false,
            deadlines: Deadlines::default(),
        }
    }
}

/// Makes [`Retry`] services, which share one budget and one `Retry-After`.
#[derive(Clone, Debug, Default)]
pub struct RetryLayer(SafeRetry);

impl RetryLayer {
    /// Creates a layer with its own budget.
    pub fn new(options: RetryOptions) -> Self {
        Self(SafeRetry::new(options))
    }
}

impl<S> Layer<S> for RetryLayer {
    type Service = Retry<S>;

    fn layer(&self, inner: S) -> Retry<S> {
        let inner = HonorRetryAfter::new(inner, Arc::clone(&self.0.shared));
        Retry::new(self.0.clone(), inner)
    }
}

/// The policy of [`Retry`]: nothing is done twice, nobody is hammered, no deadline is stretched.
///
/// On the wire: the same request with a new id, after a random wait of up to 100 ms, 200 ms and so on. It is sent again
///
/// - whatever it is, if the server has not seen it, or refused it with HTTP status 429;
/// - if it only reads (lists, `resources/read`, `prompts/get`, `completion/complete`, `server/discover`, `ping`,
///   `tasks/get`), when it is unknown what became of it, or after an HTTP status 502, 503 or 504;
/// - if it calls a tool that says it may be, and [`RetryOptions::trust_annotations`] is set.
///
/// A `Retry-After` is respected, by the other calls of a [`RetryLayer`] too. A call that carries answers for the server
/// (`inputResponses`, `requestState`) is sent again only if the server has not seen it. A deadline that passed, a
/// JSON-RPC error and `isError` are never a reason.
///
/// Belongs outside [`Deadline`](crate::Deadline), to which it gives what is left of the total.
// spec: TOOL-01
#[derive(Clone, Debug)]
pub struct SafeRetry {
    shared: Arc<Shared>,
    /// The number of retries so far; each call has its own policy.
    retries: u32,
    started: Option<Instant>,
}

#[derive(Debug)]
struct Shared {
    options: RetryOptions,
    budget: TokenBucket,
    annotated: Annotated,
    pause: Pause,
}

impl Default for SafeRetry {
    fn default() -> Self {
        Self::new(RetryOptions::default())
    }
}

impl SafeRetry {
    /// Creates a policy with its own budget, which its clones share.
    pub fn new(options: RetryOptions) -> Self {
        let budget = TokenBucket::new(options.budget);
        let (annotated, pause) = (Annotated::default(), Pause::default());
        let shared = Shared { options, budget, annotated, pause };
        Self { shared: Arc::new(shared), retries: 0, started: None }
    }

    /// Returns how long to wait before the next attempt, if there may be one.
    fn wait(&self, call: &Call, error: &BoxError) -> Option<Duration> {
        let Shared { options, budget, annotated, .. } = &*self.shared;
        if self.retries + 1 >= options.attempts {
            return None;
        }
        let error = Error::transport_of(error)?;
        let trusted = || options.trust_annotations && annotated.contains(call);
        if !Safety::of(call, trusted).allows(error) {
            return None;
        }
        let asked = error.retry_after().unwrap_or_default();
        let backoff =
            backoff::full_jitter(self.retries, options.first_backoff, options.max_backoff);
        let wait = asked.saturating_add(backoff);
        let in_time = self.left(call).is_none_or(|left| wait < left);
        let willing = asked <= options.max_retry_after;
        (willing && in_time && budget.withdraw(error.is_timeout())).then_some(wait)
    }

    /// Returns what is left of the total time of the call.
    fn left(&self, call: &Call) -> Option<Duration> {
        let spent = self.started.map_or(Duration::ZERO, |started| started.elapsed());
        self.deadlines(call).total.map(|total| total.saturating_sub(spent))
    }

    fn deadlines(&self, call: &Call) -> Deadlines {
        call.extensions.get().copied().unwrap_or(self.shared.options.deadlines)
    }
}

impl Policy<Call, Reply, BoxError> for SafeRetry {
    type Future = Sleep;

    fn retry(&mut self, call: &mut Call, result: &mut Result<Reply, BoxError>) -> Option<Sleep> {
        let error = match result {
            Ok(reply) => {
                self.shared.budget.deposit();
                if self.shared.options.trust_annotations && call.method == "tools/list" {
                    self.shared.annotated.learn(&reply.result);
                }
                return None;
            }
            Err(error) => error,
        };
        let wait = self.wait(call, error)?;
        tracing::debug!(method = %call.method, ?wait, "sending a call again");
        if let Some(left) = self.left(call) {
            let mut deadlines = self.deadlines(call);
            deadlines.total = Some(left.saturating_sub(wait));
            call.extensions.insert(deadlines);
            // The time spent so far has already been subtracted.
            self.started = Instant::now().checked_add(wait);
        }
        self.retries += 1;
        Some(sleep(wait))
    }

    fn clone_request(&mut self, call: &Call) -> Option<Call> {
        if self.retries == 0 {
            self.started = Some(Instant::now());
        }
        Some(call.clone())
    }
}
