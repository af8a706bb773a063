//! Mirroring arguments of tools in headers.

mod annotations;
mod catalogue;

use crate::{
    Call, CallService, Error, Reply,
    followed::{Follow, Followed, Outcome},
    tool_name::target_name,
};
use catalogue::Catalogue;
use futures_util::future::BoxFuture;
use mcp_transport::{BoxError, MirroredParams};
use mcp_types::ErrorCode;
use std::{
    sync::Arc,
    task::{Context, Poll},
};
use tower_layer::Layer;
use tower_service::Service;

const CALL: &str = "tools/call";
const LIST: &str = "tools/list";

/// Tells the HTTP binding which arguments of a tool call go into headers too.
///
/// Reads the `x-mcp-header` annotations in the `tools/list` results that pass, and takes tools out of them whose
/// annotations break the rules, with a warning. Gives `tools/call` the values as [`MirroredParams`]. After an error
/// `-32020` lists the tools once more and sends the call again, once. Belongs into stacks over HTTP alone: other
/// bindings have no headers.
///
/// See [the clause](https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http).
// spec: HDR-05 HDR-12 HDR-13 HDR-14 HDR-20 HDR-21 HDR-22 HDR-23
#[derive(Clone, Debug)]
pub struct MirrorParams<S> {
    inner: S,
    /// What sends a call again, and what is known about tools.
    again: Arc<(S, MirrorParamsLayer)>,
}

/// Makes [`MirrorParams`] services, which share what they know about tools.
#[derive(Clone, Debug, Default)]
pub struct MirrorParamsLayer(Arc<Catalogue>);

impl MirrorParamsLayer {
    /// A layer that knows no tools yet.
    pub fn new() -> Self {
        Self::default()
    }
}

impl<S: Clone> Layer<S> for MirrorParamsLayer {
    type Service = MirrorParams<S>;

    fn layer(&self, inner: S) -> MirrorParams<S> {
        let again = Arc::new((inner.clone(), self.clone()));
        MirrorParams { inner, again }
    }
}

impl<S: CallService> Service<Call> for MirrorParams<S> {
    type Response = Reply;
    type Error = BoxError;
    // In a box, so that a stack without headers to mirror takes no room for it.
    type Future = BoxFuture<'static, Outcome>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut call: Call) -> Self::Future {
        if !matches!(&*call.method, CALL | LIST) {
            return Box::pin(self.inner.call(call));
        }
        let again = call.clone();
        if call.method == CALL
            && let Err(error) = mirror(&self.again.1.0, &mut call)
        {
            return Box::pin(std::future::ready(Err(error.into())));
        }
        Box::pin(Followed::new(self.inner.call(call), again, &self.again))
    }
}

impl<S: CallService> Follow<S> for MirrorParamsLayer {
    fn follows(call: &Call, outcome: &Outcome) -> bool {
        match outcome {
            Ok(_) => call.method == LIST,
            Err(error) => call.method == CALL && is_header_mismatch(error),
        }
    }

    fn follow(shared: Arc<(S, Self)>, call: Call, outcome: Outcome) -> BoxFuture<'static, Outcome> {
        match outcome {
            Ok(mut reply) => {
                if let Some(result) = shared.1.0.learn(&reply.result) {
                    reply.result = result;
                }
                Box::pin(std::future::ready(Ok(reply)))
            }
            Err(error) => Box::pin(call_again(shared, call, error)),
        }
    }
}

async fn call_again<S: CallService>(
    again: Arc<(S, MirrorParamsLayer)>,
    mut call: Call,
    error: BoxError,
) -> Outcome {
    let (mut inner, catalogue) = (again.0.clone(), &again.1.0);
    tracing::debug!("the server misses headers; listing its tools again");
    if relearn(&mut inner, catalogue, &call).await.is_err() {
        return Err(error);
    }
    mirror(catalogue, &mut call)?;
    std::future::poll_fn(|cx| inner.poll_ready(cx)).await?;
    inner.call(call).await
}

/// Lists all pages until the tool of the call has been seen, or there are no more.
async fn relearn<S: CallService>(
    inner: &mut S,
    catalogue: &Catalogue,
    call: &Call,
) -> Result<(), BoxError> {
    let Some(name) = target_name(&call.params) else { return Ok(()) };
    let mut list = Call::new(LIST);
    for _ in 0..catalogue::MAX_PAGES {
        std::future::poll_fn(|cx| inner.poll_ready(cx)).await?;
        let reply = inner.call(list.clone()).await?;
        catalogue.learn(&reply.result);
        let page = catalogue::page(&reply.result, &name);
        match page.next_cursor {
            Some(cursor) if !page.has_tool => {
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
