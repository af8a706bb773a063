//! Streamable HTTP: one POST per message, answered with JSON or an event stream.
//!
//! [`Endpoint`] is the [`Connector`](crate::Connector); [`Http`] is the transport. Below it, the HTTP requests themselves go
//! through a second stack of tower services: [`Endpoint::layer`] adds a layer to it, and [`Endpoint::with_service`]
//! replaces the HTTP client.
//!
//! ```
//! use mcp_transport::{Connector, http::Endpoint};
//!
//! # async fn connect() -> Result<(), mcp_transport::Error> {
//! let link = Endpoint::parse("https://example.com/mcp")?.connect().await?;
//! # let _ = link;
//! # Ok(())
//! # }
//! ```
//!
//! # Eras
//!
//! The revision of a message is its [`ProtocolVersion`](mcp_types::ProtocolVersion) extension or, without one, what the
//! `_meta` of its parameters says. In a stateless revision headers mirror the message, and dropping the replies closes
//! their stream, which cancels the request. In an older revision requests belong to the session that `initialize`
//! began: each carries its id, a GET stream brings unsolicited messages, dropped calls send `notifications/cancelled`,
//! and a DELETE ends the session. The [`Driver`](crate::Driver) does that work. The handshake waits until the GET
//! stream is open or refused, for at most 2 s, because many servers lose messages that they send before it is there.
//!
//! If the stream of a call to such a server ends before the response, it is resumed after the last event id, after the
//! wait that the server asks for; no event is delivered twice. If a server refuses the POST of `initialize` as one of
//! revision 2024-11-05 does, the transport falls back to HTTP+SSE ([`Endpoint::http_sse`] skips the attempt).
//!
//! # Authorization
//!
//! With the feature `oauth`, `Endpoint::oauth` logs in when the server asks for it; see the module `oauth`.
//! [`AddBearerLayer`] adds a token that you already have. `examples/auth_layer.rs` shows a layer of your own.
//! [`RequestHeaders`] sets headers of one message, and [`Endpoint::header`] of all of them.
//!
//! # Connections
//!
//! The default client has one connection pool per endpoint, and speaks HTTP/1.1 and HTTP/2 (by ALPN). An HTTP/1.1
//! connection is driven by the call that uses it, and closed if that call is dropped; the driver takes care of idle
//! ones, and the last driver closes them. An HTTP/2 connection is run by hyper as a task of the current tokio runtime.
//! A request that the server has certainly not seen is sent again; redirects are followed within the origin. See also
//! [`Tls`], [`Proxy`], [`Redirects`] and `Endpoint::compressed` (feature `compression`).

mod add_headers;
mod response_future;

mod auth;
mod batch;
mod body;
mod client;
mod clock;
mod compose;
mod cut;
mod dial;
mod driver;
mod endpoint;
#[cfg(feature = "oauth")]
mod guard;
mod headers;
mod http_sse;
mod limits;
mod listen;
mod make_service;
mod mirrored;
#[cfg(feature = "oauth")]
pub mod oauth;
mod per_request;
mod pool;
mod posting;
mod proxy;
mod recipe;
mod redirect;
mod refusal;
mod reply;
mod request_body;
mod resume;
mod service;
mod session;
mod settings;
mod sse;
mod state;
mod stream;
mod tls;

pub use add_headers::{AddHeaders, AddHeadersLayer};
pub use auth::{AddBearer, AddBearerLayer};
pub use client::{Body, Client};
pub use endpoint::Endpoint;
#[cfg(feature = "oauth")]
pub use guard::Guarded;
pub use headers::RequestHeaders;
pub use limits::Limits;
pub use make_service::{Custom, Layered, MakeHttpService, Pooled};
pub use proxy::Proxy;
pub use redirect::Redirects;
pub use request_body::RequestBody;
pub use response_future::ResponseFuture;
pub use service::HttpService;
pub use tls::Tls;

use crate::{ClientMessage, Delivery, Error, Replies};
use futures_util::future::BoxFuture;
use posting::Posting;
use state::{Handle, State};
use std::{
    fmt, mem,
    sync::Arc,
    task::{Context, Poll},
};
use tower_service::Service;

/// The largest part of a server's text that an error shows, in bytes.
const EXCERPT: usize = 256;

/// A transport over streamable HTTP. [`Endpoint`] makes it.
///
/// Clones share one connection. The driver closes it when the last clone and the last call in flight are gone.
///
/// # Cancel safety
///
/// A call that is dropped before it was polled was never sent. Later, dropping it or its replies cancels the request: a
/// stateless server sees its stream close, a legacy one gets `notifications/cancelled` once, from the driver. Nothing
/// is cancelled after the response, and `initialize` never is.
#[derive(Clone)]
pub struct Http<S = Client> {
    service: S,
    handle: Arc<Handle>,
}

impl<S> Http<S> {
    fn new(service: S, state: Arc<State>) -> Self {
        Self { service, handle: Arc::new(Handle(state)) }
    }
}

impl<S> fmt::Debug for Http<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http").field("url", &self.handle.0.target.url).finish_non_exhaustive()
    }
}

impl<S: HttpService> Service<ClientMessage> for Http<S> {
    type Response = Replies;
    type Error = Error;
    type Future = BoxFuture<'static, Result<Replies, Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let url = &self.handle.0.target.url;
        self.service
            .poll_ready(cx)
            .map_err(|error| service::failed(url, error).with_delivery(Delivery::NotSent))
    }

    fn call(&mut self, message: ClientMessage) -> Self::Future {
        // The service that is ready is used; its clone becomes ready later.
        let next = self.service.clone();
        let service = mem::replace(&mut self.service, next);
        let handle = Arc::clone(&self.handle);
        Box::pin(Posting::new(service, handle, message))
    }
}
