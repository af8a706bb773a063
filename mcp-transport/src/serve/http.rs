//! Serving streamable HTTP.

mod answer;
mod body;
mod driver;
mod guard;
mod legacy;
mod options;
mod post;
mod session;
mod sessions;
mod validate;

pub use body::Body;
pub use options::{HttpLimits, HttpOptions};

use super::{backend::Backend, exchange::Exchange};
use crate::{BoxError, Connector, Driver, ServerMessage};
use answer::Refusal;
use driver::Driving;
use futures_core::{Stream, future::BoxFuture};
use futures_util::{FutureExt, StreamExt};
use http::{Method, Request, Response, StatusCode, request::Parts};
use mcp_types::{ErrorCode, ProtocolVersion, RequestId, rpc::Message};
use post::Post;
use session::Lease;
use sessions::{Handle, Sessions};
use std::{
    convert::Infallible,
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower_service::Service;

/// An MCP endpoint: a service of HTTP requests over a service of messages, made by [`http`](super::http).
///
/// It answers on every path; put a router above it to choose one. It does not authenticate; put a layer above it for
/// that. The extensions of the HTTP request become those of the [`ClientMessage`](crate::ClientMessage).
///
/// # Stateless requests
///
/// Their headers must agree with the body. They reach the service as extensions: a [`ProtocolVersion`] and the
/// [`MirroredParams`](crate::MirroredParams), whose names are in lower case here. The service has to check which
/// arguments a tool wants mirrored. Ids are those of the clients, and two clients may choose the same one: see
/// [`Renumber`](super::Renumber).
///
/// # Sessions
///
/// With [`with_sessions`](Self::with_sessions), clients of revisions with a handshake are served too. Their streams
/// cannot be resumed, so the calls of a client that disconnects are cancelled.
///
/// # Cancel safety
///
/// Dropping a response, or its future, drops the call.
#[derive(Clone)]
pub struct HttpEndpoint {
    backend: Backend,
    options: Arc<HttpOptions>,
    /// Permits for requests.
    permits: Arc<Semaphore>,
    /// Permits for messages without an answer, which must get through when there are too many requests.
    deliveries: Arc<Semaphore>,
    sessions: Option<Arc<Handle>>,
}

impl HttpEndpoint {
    pub(super) fn new(backend: Backend, options: HttpOptions) -> Self {
        let permits = options.limits.requests.min(Semaphore::MAX_PERMITS);
        Self {
            backend,
            options: Arc::new(options),
            permits: Arc::new(Semaphore::new(permits)),
            deliveries: Arc::new(Semaphore::new(permits)),
            sessions: None,
        }
    }

    /// Also serves clients with a handshake: `connector` makes one connection for each of their sessions.
    ///
    /// The driver does the work of those connections. It ends when the last clone of the endpoint is gone and all
    /// sessions are over. Dropping it cuts them, and no new ones begin.
    pub fn with_sessions(mut self, connector: impl Connector) -> (Self, Driver) {
        Arc::make_mut(&mut self.options).versions.add_legacy();
        let sessions = Sessions::new(connector, self.options.limits.clone());
        self.sessions = Some(Arc::new(Handle(Arc::clone(&sessions))));
        (self, Driver::new(Driving::new(sessions)))
    }

    async fn respond<B>(self, request: Request<B>) -> Response<Body>
    where
        B: http_body::Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
    {
        let (head, body) = request.into_parts();
        let answer = match guard::check(&head, &self.options) {
            Err(refusal) => Err(refusal),
            Ok(()) => match (&head.method, &self.sessions) {
                (&Method::POST, _) => self.post(head, body).await,
                (&Method::GET, Some(handle)) => self.listen(&head.headers, &handle.0).await,
                (&Method::DELETE, Some(handle)) => legacy::end(&head.headers, &handle.0),
                (_, Some(_)) => Ok(answer::method_not_allowed("GET, POST, DELETE")),
                (_, None) => Ok(answer::method_not_allowed("POST")),
            },
        };
        answer.unwrap_or_else(Refusal::into_response)
    }

    async fn post<B>(&self, head: Parts, body: B) -> Result<Response<Body>, Refusal>
    where
        B: http_body::Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
    {
        let post = Post::read(head, body, self.limits()).await?;
        match &self.sessions {
            _ if post.posted().is_modern() => self.modern(post).await,
            Some(handle) => self.legacy(post, &handle.0).await,
            None => Err(self.no_sessions(&post)),
        }
    }

    async fn modern(&self, mut post: Post) -> Result<Response<Body>, Refusal> {
        let facts = post.posted().check(&self.options.versions.0)?;
        post.extensions.insert(facts.version);
        post.extensions.insert(facts.mirrored);
        if post.id().is_some() {
            let permit = permit(&self.permits, post.id())?;
            let messages = Exchange::start(&self.backend, post.into_message());
            let messages = Guarded::new(messages, permit, None);
            let messages = messages.filter(|message| std::future::ready(is_allowed(message)));
            return Ok(answer::answer(messages.boxed(), answer::modern_status, self.limits()).await);
        }
        // Such a notification has no meaning here, and other clients may use the same ids.
        if matches!(&post.message, Message::Notification(it) if it.method == "notifications/cancelled")
        {
            return Ok(answer::empty(StatusCode::ACCEPTED));
        }
        self.deliver(&self.backend, post).await
    }

    /// Delivers a message that is not answered.
    async fn deliver(&self, backend: &Backend, post: Post) -> Result<Response<Body>, Refusal> {
        let _permit = permit(&self.deliveries, None)?;
        match backend.call(post.into_message()).await {
            Ok(_replies) => Ok(answer::empty(StatusCode::ACCEPTED)),
            Err(error) => {
                let status = StatusCode::INTERNAL_SERVER_ERROR;
                Err(Refusal::new(status, None, ErrorCode::INTERNAL_ERROR, error.to_string()))
            }
        }
    }

    /// The refusal for a client with a handshake where there are no sessions. The client may show it to its user.
    fn no_sessions(&self, post: &Post) -> Refusal {
        let (posted, supported) = (post.posted(), &self.options.versions.0);
        if let Some(version) = posted.header_version() {
            return posted.unsupported(&version, supported);
        }
        let versions: Vec<_> = supported.iter().map(ProtocolVersion::as_str).collect();
        let text = format!(
            "header `mcp-protocol-version` is missing: this server speaks {}",
            versions.join(", ")
        );
        Refusal::new(StatusCode::BAD_REQUEST, post.id(), ErrorCode::HEADER_MISMATCH, text)
    }

    fn limits(&self) -> &HttpLimits {
        &self.options.limits
    }
}

impl<B> Service<Request<B>> for HttpEndpoint
where
    B: http_body::Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    /// Always ready: a service that is not delays its own calls.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        self.clone().respond(request).map(Ok).boxed()
    }
}

impl fmt::Debug for HttpEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpEndpoint").field("options", &self.options).finish_non_exhaustive()
    }
}

/// The replies to a request, and what is held until they end.
struct Guarded<S> {
    messages: S,
    held: Option<Held>,
}

/// The resources of a call in flight.
struct Held {
    _permit: OwnedSemaphorePermit,
    _lease: Option<Lease>,
}

impl<S> Guarded<S> {
    fn new(messages: S, permit: OwnedSemaphorePermit, lease: Option<Lease>) -> Self {
        Self { messages, held: Some(Held { _permit: permit, _lease: lease }) }
    }
}

impl<S: Stream<Item = ServerMessage> + Unpin> Stream for Guarded<S> {
    type Item = ServerMessage;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<ServerMessage>> {
        let polled = Pin::new(&mut self.messages).poll_next(cx);
        if matches!(polled, Poll::Ready(None)) {
            self.held = None;
        }
        polled
    }
}

/// Returns whether a stateless revision allows such a message in reply to a request: servers send no requests there.
fn is_allowed(message: &ServerMessage) -> bool {
    if let Message::Request(request) = message {
        tracing::warn!(method = &*request.method, "skipped a request: the client takes none");
        return false;
    }
    true
}

fn permit(
    permits: &Arc<Semaphore>,
    id: Option<RequestId>,
) -> Result<OwnedSemaphorePermit, Refusal> {
    Arc::clone(permits).try_acquire_owned().map_err(|_| {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        let text = "too many requests at once: wait for an answer";
        Refusal::new(status, id, ErrorCode::INTERNAL_ERROR, text)
    })
}
