//! Switching to a revision that the server supports.

use crate::{
    Call, CallService, Error, Reply,
    followed::{self, Again, Ended, Follow, Followed, Outcome},
};
use futures_util::future::BoxFuture;
use mcp_transport::BoxError;
use mcp_types::{ErrorCode, ErrorObject, ProtocolVersion};
use std::{
    sync::Arc,
    task::{Context, Poll},
};
use tower::ServiceExt;
use tower_layer::Layer;
use tower_service::Service;

/// Repeats a call in a stateless revision that the server names, after the server has refused the revision of the call.
///
/// On the wire: after an error `-32022` whose `data.supported` has a stateless revision that this library speaks, the
/// same request with a new id. It is retried once, even in the very revision that was refused, within what is left of
/// the call's [`Deadlines`](crate::Deadlines).
///
/// See [the clause](https://modelcontextprotocol.io/specification/2026-07-28/basic/versioning).
// spec: VER-01 VER-02
#[derive(Clone, Debug)]
pub struct NegotiateVersion<S> {
    inner: S,
    /// Repeats a call.
    again: Arc<Again<NegotiateVersionLayer>>,
}

/// Makes [`NegotiateVersion`] services.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct NegotiateVersionLayer;

impl NegotiateVersionLayer {
    /// Creates the layer.
    pub fn new() -> Self {
        Self
    }
}

impl<S: CallService> Layer<S> for NegotiateVersionLayer {
    type Service = NegotiateVersion<S>;

    fn layer(&self, inner: S) -> NegotiateVersion<S> {
        NegotiateVersion { again: Again::new(inner.clone(), self), inner }
    }
}

impl<S: CallService> Service<Call> for NegotiateVersion<S> {
    type Response = Reply;
    type Error = BoxError;
    type Future = Followed<S::Future, NegotiateVersionLayer>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, call: Call) -> Self::Future {
        followed::send(&mut self.inner, call, &self.again)
    }
}

impl Follow for NegotiateVersionLayer {
    #[inline]
    fn follows(&self, _: &str, outcome: &Outcome) -> bool {
        outcome.as_ref().err().and_then(offered).is_some()
    }

    fn follow(again: Arc<Again<Self>>, ended: Ended) -> BoxFuture<'static, Outcome> {
        Box::pin(async move {
            let Ended { call, outcome, budget } = ended;
            let Some(version) = outcome.as_ref().err().and_then(offered) else { return outcome };
            let call = budget.limit(call.with_extension(version))?;
            let outcome = again.service.clone().oneshot(call).await;
            outcome.map_err(|error| budget.explain(error))
        })
    }
}

/// Returns the newest stateless revision that both sides speak, if the server refused a revision.
fn offered(error: &BoxError) -> Option<ProtocolVersion> {
    let Some(Error::Rpc { error, .. }) = error.downcast_ref::<Error>() else { return None };
    let supported = supported_versions(error)?;
    let known = supported.into_iter().filter(|version| version.is_known() && version.is_modern());
    known.max()
}

/// Returns the revisions that a server names when it refuses one; `None` for any other error.
pub(crate) fn supported_versions(error: &ErrorObject) -> Option<Vec<ProtocolVersion>> {
    if error.code != ErrorCode::UNSUPPORTED_PROTOCOL_VERSION {
        return None;
    }
    let named = error.data.as_ref().and_then(|data| data.get("supported")?.as_array());
    let versions = named.into_iter().flatten().map(|it| it.as_str().map(ProtocolVersion::from));
    // Without a readable list, it still refuses: everything.
    Some(versions.collect::<Option<_>>().unwrap_or_default())
}
