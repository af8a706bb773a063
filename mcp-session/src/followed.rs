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
        first: Option<F>,
        next: Option<Next<S, L>>,
        rest: Option<BoxFuture<'static, Outcome>>,
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
        Self { first: Some(first), next: Some(Next { call, shared, follow }), rest: None }
    }

    /// A call that nothing follows.
    pub(crate) fn alone(first: F) -> Self {
        Self { first: Some(first), next: None, rest: None }
    }
}

impl<F: Future<Output = Outcome>, S, L> Future for Followed<F, S, L> {
    type Output = Outcome;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        let mut this = self.project();
        let Some(first) = this.first.as_mut().as_pin_mut() else {
            return this.rest.as_mut().map_or(Poll::Pending, |rest| rest.as_mut().poll(cx));
        };
        let outcome = ready!(first.poll(cx));
        this.first.set(None);
        let Some(Next { call, shared, follow }) = this.next.take() else {
            return Poll::Ready(outcome);
        };
        match follow(call, &shared, outcome) {
            Step::Done(outcome) => Poll::Ready(outcome),
            Step::More(rest) => this.rest.insert(rest).as_mut().poll(cx),
        }
    }
}

impl<F, S, L> fmt::Debug for Followed<F, S, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Followed")
            .field("is_followed", &self.rest.is_some())
            .finish_non_exhaustive()
    }
}
