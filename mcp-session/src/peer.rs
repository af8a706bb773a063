//! What this side of a session is to the server: its ids, its handlers, its revision.

use crate::{InputHandler, Misbehavior, input};
use mcp_transport::{ClientMessage, Extensions, Transport};
use mcp_types::{
    ErrorObject, ProtocolVersion, RequestId,
    rpc::{Request, Response},
};
use std::{
    fmt,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicI64, Ordering},
    },
};

/// What this side of a session is to the server. Clones share it.
#[derive(Clone)]
pub struct Peer(Arc<State>);

struct State {
    next_id: AtomicI64,
    input: Arc<dyn InputHandler>,
    version: OnceLock<ProtocolVersion>,
}

impl Peer {
    /// A peer that answers the server's questions through `input`.
    pub fn new(input: Arc<dyn InputHandler>) -> Self {
        Self(Arc::new(State { next_id: AtomicI64::new(1), input, version: OnceLock::new() }))
    }

    /// The next request id: never used before in this session.
    // spec: MSG-05 MSG-06
    pub(crate) fn next_id(&self) -> RequestId {
        self.0.next_id.fetch_add(1, Ordering::Relaxed).into()
    }

    /// The handler of the server's questions.
    pub fn input(&self) -> &Arc<dyn InputHandler> {
        &self.0.input
    }

    /// The negotiated revision, once it is known.
    pub fn version(&self) -> Option<&ProtocolVersion> {
        self.0.version.get()
    }

    pub(crate) fn negotiated(&self, version: ProtocolVersion) {
        // A session negotiates once; a second value would be a bug of this crate, and the first one stays.
        let _ = self.0.version.set(version);
    }

    /// Answers one request of a legacy server.
    ///
    /// A stateless server must not send any: it is reported, and nothing is sent back.
    // spec: MSG-15 MSG-16
    pub(crate) async fn answer<T: Transport>(
        &self,
        request: Request,
        transport: T,
        extensions: Extensions,
    ) {
        if self.version().is_some_and(ProtocolVersion::is_modern) {
            return self.report(Misbehavior::RequestOnModernStream);
        }
        let outcome = input::answer(&*self.0.input, &request.method, request.params.as_ref()).await;
        let response = match outcome {
            Ok(result) => Response::success(request.id, result),
            Err(error) => Response::failure(request.id, error),
        };
        send(response, transport, extensions).await;
    }

    /// Refuses one request of a legacy server.
    pub(crate) async fn refuse<T: Transport>(
        &self,
        id: RequestId,
        error: ErrorObject,
        transport: T,
        extensions: Extensions,
    ) {
        if !self.version().is_some_and(ProtocolVersion::is_modern) {
            send(Response::failure(id, error), transport, extensions).await;
        }
    }

    /// Notes that the server broke a rule; the session goes on.
    pub(crate) fn report(&self, misbehavior: Misbehavior) {
        tracing::warn!(%misbehavior, "server broke the protocol");
    }
}

async fn send<T: Transport>(response: Response, mut transport: T, extensions: Extensions) {
    let mut message = ClientMessage::new(response);
    message.extensions = extensions;
    let sent = match std::future::poll_fn(|cx| transport.poll_ready(cx)).await {
        Ok(()) => transport.call(message).await,
        Err(error) => Err(error),
    };
    if let Err(error) = sent {
        tracing::debug!(%error, "could not answer a request of the server");
    }
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer").field("version", &self.version()).finish_non_exhaustive()
    }
}
