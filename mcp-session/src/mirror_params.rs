//! Mirroring arguments of tools in headers.

mod annotations;
mod catalogue;

use crate::{Call, CallService, Error, Reply, tool_name::target_name};
use catalogue::Catalogue;
use futures_util::future::BoxFuture;
use mcp_transport::{BoxError, MirroredParams};
use mcp_types::ErrorCode;
use std::{
    mem,
    sync::Arc,
    task::{Context, Poll},
};
use tower_layer::Layer;
use tower_service::Service;

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
    catalogue: Arc<Catalogue>,
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

impl<S> Layer<S> for MirrorParamsLayer {
    type Service = MirrorParams<S>;

    fn layer(&self, inner: S) -> MirrorParams<S> {
        MirrorParams { inner, catalogue: Arc::clone(&self.0) }
    }
}

impl<S: CallService> Service<Call> for MirrorParams<S> {
    type Response = Reply;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Reply, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, call: Call) -> Self::Future {
        let clone = self.inner.clone();
        let inner = mem::replace(&mut self.inner, clone);
        let catalogue = Arc::clone(&self.catalogue);
        match &*call.method {
            "tools/call" => Box::pin(call_tool(inner, catalogue, call)),
            "tools/list" => Box::pin(list_tools(inner, catalogue, call)),
            _ => {
                let mut inner = inner;
                Box::pin(inner.call(call))
            }
        }
    }
}

async fn list_tools<S: CallService>(
    mut inner: S,
    catalogue: Arc<Catalogue>,
    call: Call,
) -> Result<Reply, BoxError> {
    let mut reply = inner.call(call).await?;
    if let Some(result) = catalogue.learn(&reply.result) {
        reply.result = result;
    }
    Ok(reply)
}

async fn call_tool<S: CallService>(
    mut inner: S,
    catalogue: Arc<Catalogue>,
    mut call: Call,
) -> Result<Reply, BoxError> {
    let again = call.clone();
    mirror(&catalogue, &mut call)?;
    let error = match inner.call(call).await {
        Err(error) if is_header_mismatch(&error) => error,
        outcome => return outcome,
    };
    tracing::debug!("the server misses headers; listing its tools again");
    if relearn(&mut inner, &catalogue, &again).await.is_err() {
        return Err(error);
    }
    let mut call = again;
    mirror(&catalogue, &mut call)?;
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
    let mut list = Call::new("tools/list");
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
