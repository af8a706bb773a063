//! Calls that other calls may follow.

use crate::{Call, Reply};
use futures_util::future::BoxFuture;
use mcp_transport::BoxError;
use pin_project_lite::pin_project;
use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

/// How a call ended.
pub(crate) type Outcome = Result<Reply, BoxError>;

/// A layer whose calls other calls may follow. `S` is the service under it.
pub(crate) trait Follow<S>: Sized {
    /// Whether a call that ended so is followed by others, as far as can be told by a quick look.
    fn follows(call: &Call, outcome: &Outcome) -> bool;

    /// Does what has to be done then, and gives how it ended.
    fn follow(shared: Arc<(S, Self)>, call: Call, outcome: Outcome) -> BoxFuture<'static, Outcome>;
}

/// What it takes to follow a call.
struct Next<S, L> {
    call: Call,
    shared: Arc<(S, L)>,
}

pin_project! {
    /// A call that other calls may follow. They are rare, and only they take a box.
    #[must_use = "futures do nothing unless polled"]
    pub struct Followed<F, S, L> {
        #[pin]
        stage: Stage<F, S, L>,
    }
}

pin_project! {
    #[project = StageProjection]
    enum Stage<F, S, L> {
        First { #[pin] first: F, next: Option<Next<S, L>> },
        Rest { rest: BoxFuture<'static, Outcome> },
        Over,
    }
}

impl<F, S, L> Followed<F, S, L> {
    /// Makes the call, and looks at how it ended.
    pub(crate) fn new(first: F, call: Call, shared: &Arc<(S, L)>) -> Self {
        let next = Some(Next { call, shared: Arc::clone(shared) });
        Self { stage: Stage::First { first, next } }
    }
}

impl<F: Future<Output = Outcome>, S, L: Follow<S>> Future for Followed<F, S, L> {
    type Output = Outcome;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        let mut stage = self.project().stage;
        let (outcome, next) = match stage.as_mut().project() {
            StageProjection::First { first, next } => {
                let outcome = ready!(first.poll(cx));
                (outcome, next)
            }
            StageProjection::Rest { rest } => return rest.as_mut().poll(cx),
            StageProjection::Over => return Poll::Pending,
        };
        // By reference: hardly any call is followed, and neither it nor its outcome is moved for that.
        let next = next.take_if(|next| L::follows(&next.call, &outcome));
        stage.set(Stage::Over);
        let Some(Next { call, shared }) = next else { return Poll::Ready(outcome) };
        let mut rest = L::follow(shared, call, outcome);
        let polled = rest.as_mut().poll(cx);
        stage.set(Stage::Rest { rest });
        polled
    }
}

impl<F, S, L> fmt::Debug for Followed<F, S, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Followed")
            .field("is_followed", &matches!(self.stage, Stage::Rest { .. }))
            .finish_non_exhaustive()
    }
}
