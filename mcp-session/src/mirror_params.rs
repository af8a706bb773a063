//! Mirroring tool arguments in headers.

mod annotations;
mod catalogue;

use crate::{
    BoxCallService, Call, CallService, Error, Reply,
    followed::{self, Again, Budget, Ended, Follow, Followed, Outcome},
    tool_name::target_name,
};
use catalogue::Catalogue;
use futures_util::future::BoxFuture;
use mcp_transport::{BoxError, MirroredParams};
use mcp_types::ErrorCode;
use std::{
    collections::HashSet,
    sync::Arc,
    task::{Context, Poll},
};
use tower::ServiceExt;
use tower_layer::Layer;
use tower_service::Service;

const CALL: &str = "tools/call";
const LIST: &str = "tools/list";

/// Tells the HTTP binding which arguments of a tool call to repeat in headers.
///
/// Reads the `x-mcp-header` annotations in passing `tools/list` results, and removes tools whose annotations break the
/// rules, with a warning. Gives `tools/call` the values as [`MirroredParams`]. After an error `-32020` it lists the
/// tools again and repeats the call once, within what is left of the call's [`Deadlines`](crate::Deadlines). It belongs
/// only in stacks over HTTP: other bindings have no headers.
///
/// See [the clause](https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http).
// spec: HDR-05 HDR-12 HDR-13 HDR-14 HDR-20 HDR-21 HDR-22 HDR-23
#[derive(Clone, Debug)]
pub struct MirrorParams<S> {
    inner: S,
    /// Repeats a call, and remembers the tools.
    again: Arc<Again<MirrorParamsLayer>>,
}

/// Makes [`MirrorParams`] services, which share what they know about tools.
#[derive(Clone, Debug, Default)]
pub struct MirrorParamsLayer(Arc<Catalogue>);

impl MirrorParamsLayer {
    /// Creates a layer that knows no tools yet.
    pub fn new() -> Self {
        Self::default()
    }
}

impl<S: CallService> Layer<S> for MirrorParamsLayer {
    type Service = MirrorParams<S>;

    fn layer(&self, inner: S) -> MirrorParams<S> {
        MirrorParams { again: Again::new(inner.clone(), self), inner }
    }
}

impl<S: CallService> Service<Call> for MirrorParams<S> {
    type Response = Reply;
    type Error = BoxError;
    type Future = Followed<S::Future, MirrorParamsLayer>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, call: Call) -> Self::Future {
        followed::send(&mut self.inner, call, &self.again)
    }
}

impl Follow for MirrorParamsLayer {
    fn prepare(&self, call: &mut Call) -> Result<(), BoxError> {
        if call.method == CALL {
            mirror(&self.0, call)?;
        }
        Ok(())
    }

    fn follows(&self, method: &str, outcome: &Outcome) -> bool {
        match outcome {
            Ok(_) => method == LIST,
            Err(error) => method == CALL && is_header_mismatch(error),
        }
    }

    fn follow(again: Arc<Again<Self>>, ended: Ended) -> BoxFuture<'static, Outcome> {
        let Ended { call, outcome, budget } = ended;
        match outcome {
            Ok(mut reply) => {
                if let Some(result) = again.layer.0.learn(&reply.result) {
                    reply.result = result;
                }
                Box::pin(std::future::ready(Ok(reply)))
            }
            Err(error) => Box::pin(call_again(again, call, error, budget)),
        }
    }
}

async fn call_again(
    again: Arc<Again<MirrorParamsLayer>>,
    mut call: Call,
    error: BoxError,
    budget: Budget,
) -> Outcome {
    let (service, catalogue) = (&again.service, &again.layer.0);
    tracing::debug!("the server misses headers; listing its tools again");
    if relearn(service, catalogue, &call, &budget).await.is_err() {
        // An expired deadline takes precedence.
        budget.left(&call.method)?;
        return Err(error);
    }
    mirror(catalogue, &mut call)?;
    let outcome = service.clone().oneshot(budget.limit(call)?).await;
    outcome.map_err(|error| budget.explain(error))
}

/// Lists pages until the tool of the call is found or there are no more.
async fn relearn(
    service: &BoxCallService,
    catalogue: &Catalogue,
    call: &Call,
    budget: &Budget,
) -> Result<(), BoxError> {
    let Some(name) = target_name(&call.params) else { return Ok(()) };
    let mut list = Call::new(LIST);
    let mut seen = HashSet::new();
    for _ in 0..catalogue::MAX_PAGES {
        let reply = service.clone().oneshot(budget.limit(list.clone())?).await?;
        catalogue.learn(&reply.result);
        let page = catalogue::page(&reply.result, &name);
        match page.next_cursor {
            Some(cursor) if !page.has_tool && seen.insert(cursor.to_string()) => {
                list.params = list.params.with_members(&[("cursor", Some(&cursor))])?;
            }
            _ => break,
        }
    }
    Ok(())
}

fn mirror(catalogue: &Catalogue, call: &mut Call) -> Result<(), Error> {
    let mirrored = catalogue.mirrored(&call.params)?;
    if !mirrored.is_empty() {
        call.extensions.insert(MirroredParams(mirrored));
    }
    Ok(())
}

fn is_header_mismatch(error: &BoxError) -> bool {
    let error = error.downcast_ref::<Error>().and_then(Error::as_rpc);
    error.is_some_and(|error| error.code == ErrorCode::HEADER_MISMATCH)
}
