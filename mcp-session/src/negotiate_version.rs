//! Going on in a revision that the server speaks.

use crate::{
    Call, CallService, Error, Reply,
    followed::{Follow, Followed, Outcome},
};
use futures_util::future::BoxFuture;
use mcp_transport::BoxError;
use mcp_types::{ErrorCode, ErrorObject, ProtocolVersion};
use serde::Deserialize;
use std::{
    sync::Arc,
    task::{Context, Poll},
};
use tower_layer::Layer;
use tower_service::Service;

/// Sends a call once more, in a stateless revision that the server names, when the server refused the revision of it.
///
/// On the wire: after an error `-32022` whose `data.supported` has a stateless revision that this library speaks, the
/// same request with a new id. The retry happens once, even for the very revision that was refused.
///
/// See [the clause](https://modelcontextprotocol.io/specification/2026-07-28/basic/versioning).
// spec: VER-01 VER-02
#[derive(Clone, Debug)]
pub struct NegotiateVersion<S> {
    inner: S,
    /// What sends a call again.
    again: Arc<(S, NegotiateVersionLayer)>,
}

/// Makes [`NegotiateVersion`] services.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct NegotiateVersionLayer;

impl NegotiateVersionLayer {
    /// The layer.
    pub fn new() -> Self {
        Self
    }
}

impl<S: Clone> Layer<S> for NegotiateVersionLayer {
    type Service = NegotiateVersion<S>;

    fn layer(&self, inner: S) -> NegotiateVersion<S> {
        let again = Arc::new((inner.clone(), *self));
        NegotiateVersion { inner, again }
    }
}

impl<S: CallService> Service<Call> for NegotiateVersion<S> {
    type Response = Reply;
    type Error = BoxError;
    type Future = Followed<S::Future, S, NegotiateVersionLayer>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, call: Call) -> Self::Future {
        let again = call.clone();
        Followed::new(self.inner.call(call), again, &self.again)
    }
}

impl<S: CallService> Follow<S> for NegotiateVersionLayer {
    fn follows(_: &Call, outcome: &Outcome) -> bool {
        outcome.as_ref().err().and_then(offered).is_some()
    }

    fn follow(shared: Arc<(S, Self)>, call: Call, outcome: Outcome) -> BoxFuture<'static, Outcome> {
        Box::pin(async move {
            let Some(version) = outcome.as_ref().err().and_then(offered) else { return outcome };
            let mut inner = shared.0.clone();
            std::future::poll_fn(|cx| inner.poll_ready(cx)).await?;
            inner.call(call.with_extension(version)).await
        })
    }
}

/// The newest stateless revision that both sides speak, if the server refused a revision.
fn offered(error: &BoxError) -> Option<ProtocolVersion> {
    let Some(Error::Rpc { error, .. }) = error.downcast_ref::<Error>() else { return None };
    let supported = supported_versions(error)?;
    let known = supported.into_iter().filter(|version| version.is_known() && version.is_modern());
    known.max()
}

/// The revisions that a server names when it refuses one; `None` for any other error.
pub(crate) fn supported_versions(error: &ErrorObject) -> Option<Vec<ProtocolVersion>> {
    #[derive(Deserialize)]
    struct Data {
        supported: Vec<ProtocolVersion>,
    }

    if error.code != ErrorCode::UNSUPPORTED_PROTOCOL_VERSION {
        return None;
    }
    let data = error.data.as_ref().map(Data::deserialize);
    // Without a readable list it is still a refusal: of everything.
    Some(data.and_then(Result::ok).map(|data| data.supported).unwrap_or_default())
}
