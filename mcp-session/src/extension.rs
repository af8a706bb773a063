//! Protocol extensions.

use crate::{BoxCallService, Call, CallService, Peer, Reply};
use mcp_transport::BoxError;
use mcp_types::JsonObject;
use std::{fmt, sync::Arc};
use tower::util::BoxCloneSyncService;
use tower_layer::Layer;

/// An extension of the protocol that a client supports.
///
/// It is off unless it is added to the options of a session. Then every request to a stateless server declares it, and
/// its layer sees every call; what it does with results of its own kinds is its business. What a server sends for an
/// extension is untrusted like everything else. A legacy server is not told, and the layer is not used.
///
/// See [the clause](https://modelcontextprotocol.io/specification/2026-07-28/basic/versioning#extension-negotiation).
///
/// ```
/// use mcp_session::Extension;
///
/// struct Apps;
///
/// impl Extension for Apps {
///     fn id(&self) -> &str { "io.modelcontextprotocol/ui" }
///     fn settings(&self) -> mcp_types::JsonObject {
///         [("mimeTypes".to_owned(), serde_json::json!(["text/html;profile=mcp-app"]))].into_iter().collect()
///     }
/// }
/// ```
// spec: VER-13 VER-14 VER-15
pub trait Extension: Send + Sync + 'static {
    /// The id, with a prefix: `com.example/name`. An extension whose id breaks the grammar is not declared.
    fn id(&self) -> &str;

    /// What is declared with it. Default: an empty object.
    fn settings(&self) -> JsonObject {
        JsonObject::new()
    }

    /// Wraps the stack of a session; `peer` represents this side to the server. Default: unwrapped.
    fn layer(&self, service: BoxCallService, peer: &Peer) -> BoxCallService {
        let _ = peer;
        service
    }
}

/// Wraps the layers of extensions around a stack, the first one outermost.
#[derive(Clone)]
pub(crate) struct ExtendLayer {
    extensions: Vec<Arc<dyn Extension>>,
    peer: Peer,
}

impl ExtendLayer {
    /// Creates a layer, if there are extensions.
    pub(crate) fn new(extensions: &[Arc<dyn Extension>], peer: &Peer) -> Option<Self> {
        let layer = || Self { extensions: extensions.to_vec(), peer: peer.clone() };
        (!extensions.is_empty()).then(layer)
    }
}

impl<S: CallService> Layer<S> for ExtendLayer {
    type Service = BoxCloneSyncService<Call, Reply, BoxError>;

    fn layer(&self, inner: S) -> Self::Service {
        let service = BoxCloneSyncService::new(inner);
        let extensions = self.extensions.iter().rev();
        extensions.fold(service, |service, extension| extension.layer(service, &self.peer))
    }
}

impl fmt::Debug for ExtendLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.extensions.iter().map(|extension| extension.id())).finish()
    }
}
