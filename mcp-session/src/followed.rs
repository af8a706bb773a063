//! Layers that may send a call again when it has ended.

mod budget;
mod kept;
mod nested;

pub(crate) use budget::Budget;
pub(crate) use nested::Nested;

use crate::{BoxCallService, Call, CallService, Deadlines, Reply, moment, session::erase};
use futures_util::future::BoxFuture;
use kept::Kept;
use mcp_transport::BoxError;
use pin_project_lite::pin_project;
use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};
use tokio::time::Instant;

/// The outcome of a call.
pub(crate) type Outcome = Result<Reply, BoxError>;

/// A layer that may send further calls after a call.
pub(crate) trait Follow: Clone + Send + Sync + 'static {
    /// The limits of calls that bring none of their own: follow-up calls share the total with the first.
    fn deadlines(&self) -> Deadlines {
        Deadlines::NONE
    }

    /// Adds to a call what has to go along with it.
    ///
    /// # Errors
    ///
    /// The call must not be sent.
    fn prepare(&self, call: &mut Call) -> Result<(), BoxError> {
        let _ = call;
        Ok(())
    }

    /// Whether a call of this method with this outcome needs follow-up calls, judged by a quick look.
    fn follows(&self, method: &str, outcome: &Outcome) -> bool;

    /// Makes the follow-up calls and returns the final outcome.
    fn follow(again: Arc<Again<Self>>, ended: Ended) -> BoxFuture<'static, Outcome>;
}

/// What a layer needs to send follow-up calls.
#[derive(Debug)]
pub(crate) struct Again<L> {
    /// The service under the layer. Its type is erased, so that this rare path is compiled only once.
    pub(crate) service: BoxCallService,
    pub(crate) layer: L,
}

impl<L: Clone> Again<L> {
    pub(crate) fn new(service: impl CallService, layer: &L) -> Arc<Self> {
        Arc::new(Self { service: erase(service), layer: layer.clone() })
    }
}

/// A call that has ended and may be followed by others.
pub(crate) struct Ended {
    /// The call before it was prepared.
    pub(crate) call: Call,
    pub(crate) outcome: Outcome,
    /// The rest of its time.
    pub(crate) budget: Budget,
}

/// What is needed to follow up a call.
struct Next<L> {
    call: Kept,
    /// When the call first had to wait; a call that never waited has used no time.
    begun: Option<Instant>,
    again: Arc<Again<L>>,
}

pin_project! {
    /// The future of a layer that may send a call again. Only a repetition, which is rare, takes a box.
    #[must_use = "futures do nothing unless polled"]
    pub struct Followed<F, L> {
        #[pin]
        stage: Stage<F, L>,
    }
}

pin_project! {
    #[project = StageProjection]
    enum Stage<F, L> {
        First { #[pin] first: F, next: Option<Next<L>> },
        Rest { rest: BoxFuture<'static, Outcome> },
        Over,
    }
}

/// Makes a call and examines its outcome.
pub(crate) fn send<S: CallService, L: Follow>(
    service: &mut S,
    mut call: Call,
    again: &Arc<Again<L>>,
) -> Followed<S::Future, L> {
    let kept = Kept::of(&call);
    if let Err(error) = again.layer.prepare(&mut call) {
        let rest = Box::pin(std::future::ready(Err(error)));
        return Followed { stage: Stage::Rest { rest } };
    }
    let next = Some(Next { call: kept, begun: None, again: Arc::clone(again) });
    Followed { stage: Stage::First { first: service.call(call), next } }
}

impl<F: Future<Output = Outcome>, L: Follow> Future for Followed<F, L> {
    type Output = Outcome;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        let mut stage = self.project().stage;
        moment::forget();
        let (outcome, next) = match stage.as_mut().project() {
            StageProjection::First { first, next } => match first.poll(cx) {
                Poll::Ready(outcome) => (outcome, next),
                Poll::Pending => {
                    next.as_mut().map(Next::note_waiting);
                    return Poll::Pending;
                }
            },
            StageProjection::Rest { rest } => return rest.as_mut().poll(cx),
            StageProjection::Over => return Poll::Pending,
        };
        // By reference: calls are rarely followed up, so neither the call nor its outcome is moved.
        let next = next.take_if(|next| next.again.layer.follows(next.call.method(), &outcome));
        stage.set(Stage::Over);
        let Some(next) = next else { return Poll::Ready(outcome) };
        let mut rest = next.follow(outcome);
        let polled = rest.as_mut().poll(cx);
        stage.set(Stage::Rest { rest });
        polled
    }
}

impl<L: Follow> Next<L> {
    /// Records when the call first had to wait: its deadline has just read the clock for the same purpose.
    #[inline]
    fn note_waiting(&mut self) {
        self.begun.get_or_insert_with(moment::seen);
    }

    fn follow(self, outcome: Outcome) -> BoxFuture<'static, Outcome> {
        let Self { call, begun, again } = self;
        let call = call.into_call();
        let limits = call.extensions.get().copied().unwrap_or_else(|| again.layer.deadlines());
        let budget = Budget::new(limits, begun.unwrap_or_else(Instant::now));
        L::follow(again, Ended { call, outcome, budget })
    }
}

impl<F, L> fmt::Debug for Followed<F, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Followed")
            .field("is_followed", &matches!(self.stage, Stage::Rest { .. }))
            .finish_non_exhaustive()
    }
}
