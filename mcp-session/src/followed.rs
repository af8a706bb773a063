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

/// What a layer makes of how a call ended.
pub(crate) enum Step {
    /// That was it.
    Done(Outcome),
    /// There is more to do.
    More(BoxFuture<'static, Outcome>),
}

/// What a layer does when a call has ended: `S` is the service under it, `L` the layer.
struct Next<S, L> {
    call: Call,
    shared: Arc<(S, L)>,
    follow: fn(Call, &Arc<(S, L)>, Outcome) -> Step,
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
    pub(crate) fn new(
        first: F,
        call: Call,
        shared: &Arc<(S, L)>,
        follow: fn(Call, &Arc<(S, L)>, Outcome) -> Step,
    ) -> Self {
        let shared = Arc::clone(shared);
        let next = Some(Next { call, shared, follow });
        Self { stage: Stage::First { first, next } }
    }

    /// A call that nothing follows.
    pub(crate) fn alone(first: F) -> Self {
        Self { stage: Stage::First { first, next: None } }
    }
}

impl<F: Future<Output = Outcome>, S, L> Future for Followed<F, S, L> {
    type Output = Outcome;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        let mut stage = self.project().stage;
        let (outcome, next) = match stage.as_mut().project() {
            StageProjection::First { first, next } => (ready!(first.poll(cx)), next.take()),
            StageProjection::Rest { rest } => return rest.as_mut().poll(cx),
            StageProjection::Over => return Poll::Pending,
        };
        stage.set(Stage::Over);
        let Some(Next { call, shared, follow }) = next else {
            return Poll::Ready(outcome);
        };
        match follow(call, &shared, outcome) {
            Step::Done(outcome) => Poll::Ready(outcome),
            Step::More(mut rest) => {
                let polled = rest.as_mut().poll(cx);
                stage.set(Stage::Rest { rest });
                polled
            }
        }
    }
}

impl<F, S, L> fmt::Debug for Followed<F, S, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Followed")
            .field("is_followed", &matches!(self.stage, Stage::Rest { .. }))
            .finish_non_exhaustive()
    }
}
