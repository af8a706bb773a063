//! Following layers nested into one service, with one copy of the call between them.

use super::{Again, Ended, Follow, Followed, Outcome, send};
use crate::{BoxCallService, Call, CallService, Deadlines, Reply};
use futures_util::future::BoxFuture;
use mcp_transport::BoxError;
use std::{
    future::ready,
    sync::Arc,
    task::{Context, Poll},
};
use tower_layer::Layer;
use tower_service::Service;

/// Two layers that follow up calls, one around the other, as a single layer: a call is copied once for both and passes
/// through one future.
///
/// Behaves exactly like the two in sequence.
#[derive(Clone, Debug)]
pub(crate) struct Nested<O, I> {
    outer: O,
    inner: I,
}

impl<O, I> Nested<O, I> {
    pub(crate) fn new(outer: O, inner: I) -> Self {
        Self { outer, inner }
    }
}

/// The service of a [`Nested`].
#[derive(Clone)]
pub(crate) struct FollowBoth<S, O, I> {
    inner: S,
    /// Repeats a call.
    again: Arc<Again<Nested<O, I>>>,
}

impl<S: CallService, O: Clone, I: Clone> Layer<S> for Nested<O, I> {
    type Service = FollowBoth<S, O, I>;

    fn layer(&self, inner: S) -> Self::Service {
        FollowBoth { again: Again::new(inner.clone(), self), inner }
    }
}

impl<S, O, I> Service<Call> for FollowBoth<S, O, I>
where
    S: CallService,
    Nested<O, I>: Follow,
{
    type Response = Reply;
    type Error = BoxError;
    type Future = Followed<S::Future, Nested<O, I>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, call: Call) -> Self::Future {
        send(&mut self.inner, call, &self.again)
    }
}

impl<O, I> Follow for Nested<O, I>
where
    O: Follow,
    I: Follow + Layer<BoxCallService, Service: CallService>,
{
    fn deadlines(&self) -> Deadlines {
        let outer = self.outer.deadlines();
        if outer == Deadlines::NONE { self.inner.deadlines() } else { outer }
    }

    fn prepare(&self, call: &mut Call) -> Result<(), BoxError> {
        self.outer.prepare(call)?;
        self.inner.prepare(call)
    }

    fn follows(&self, method: &str, outcome: &Outcome) -> bool {
        self.outer.follows(method, outcome) || self.inner.follows(method, outcome)
    }

    fn follow(again: Arc<Again<Self>>, ended: Ended) -> BoxFuture<'static, Outcome> {
        Box::pin(async move {
            let Again { service, layer: Self { outer, inner }, .. } = &*again;
            let Ended { call, mut outcome, budget } = ended;
            if inner.follows(&call.method, &outcome) {
                let call = call.clone();
                let again = Again::new(service.clone(), inner);
                outcome = I::follow(again, Ended { call, outcome, budget }).await;
            }
            if !outer.follows(&call.method, &outcome) {
                return outcome;
            }
            let again = Again::new(inner.layer(service.clone()), outer);
            O::follow(again, Ended { call, outcome, budget }).await
        })
    }
}

/// A layer that may be absent.
impl<L: Follow> Follow for Option<L> {
    fn deadlines(&self) -> Deadlines {
        self.as_ref().map_or(Deadlines::NONE, L::deadlines)
    }

    fn prepare(&self, call: &mut Call) -> Result<(), BoxError> {
        self.as_ref().map_or(Ok(()), |layer| layer.prepare(call))
    }

    fn follows(&self, method: &str, outcome: &Outcome) -> bool {
        self.as_ref().is_some_and(|layer| layer.follows(method, outcome))
    }

    fn follow(again: Arc<Again<Self>>, ended: Ended) -> BoxFuture<'static, Outcome> {
        match &again.layer {
            Some(layer) => L::follow(Again::new(again.service.clone(), layer), ended),
            None => Box::pin(ready(ended.outcome)),
        }
    }
}
