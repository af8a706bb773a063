//! Streamable HTTP: one POST for each message, answered with JSON or with an event stream.
//!
//! [`Endpoint`] is the [`Connector`](crate::Connector); [`Http`] is the transport. Below it lies a second storey of tower
//! services, the HTTP requests themselves: [`Endpoint::layer`] puts a layer there, and [`Endpoint::with_service`]
//! another HTTP client.
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
//! Each message is sent as its [`ProtocolVersion`](mcp_types::ProtocolVersion) extension says, or, without one, as the
//! `_meta` of its parameters says. A stateless revision gets headers that mirror the message, and nothing else:
//! dropping the replies closes their stream, and that cancels the request. An older revision gets the session that
//! `initialize` began: its id on every request, a stream for what the server says unasked, `notifications/cancelled`
//! for calls that are dropped, and a DELETE at the end. That work is the [`Driver`](crate::Driver)'s. The handshake is
//! over when that stream is open, or refused, or not answered for 2 s: many servers lose what they say before it is
//! there.
//!
//! The stream of a call to such a server that ends before the response is asked for the rest, from the last event id
//! that came, after the wait that the server asks for; an event comes once. A server that refuses the POST of
//! `initialize` as one of revision 2024-11-05 does is asked for its one stream, and the messages go where that says
//! ([`Endpoint::http_sse`] spares the question).
//!
//! # Authorization
//!
//! With the feature `oauth`, `Endpoint::oauth` logs in when the server asks for it: module `oauth`. [`AddBearerLayer`]
//! shows a token that is there already; a layer of your own is a `tower` layer like any other, and
//! `examples/auth_layer.rs` is one. [`RequestHeaders`] are for one message, and [`Endpoint::header`] is for all of
//! them.
//!
//! # Connections
//!
//! The default client keeps a pool for each endpoint and speaks HTTP/1.1 and HTTP/2 (by ALPN). A connection of HTTP/1.1
//! is driven by the call that uses it, and dropped with a call that is; the driver looks after those that are idle, and
//! the last driver closes them. One of HTTP/2 is run by hyper as a task of the current tokio runtime. A request that
//! the server has certainly not seen is sent again; redirects are followed within the origin. [`Tls`], [`Proxy`] and
//! [`Redirects`] say more, and `Endpoint::compressed` (feature `compression`) asks for compressed answers.

mod add_headers;
mod answering;
mod ask;
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
mod mirrored;
#[cfg(feature = "oauth")]
pub mod oauth;
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
mod storey;
mod stream;
mod tls;

pub use add_headers::{AddHeaders, AddHeadersLayer};
pub use answering::Answering;
pub use auth::{AddBearer, AddBearerLayer};
pub use client::{Body, Client};
pub use endpoint::Endpoint;
#[cfg(feature = "oauth")]
pub use guard::Guarded;
pub use headers::RequestHeaders;
pub use limits::Limits;
pub use proxy::Proxy;
pub use redirect::Redirects;
pub use request_body::RequestBody;
pub use service::HttpService;
pub use storey::{Custom, Layered, Pooled, Storey};
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

/// How many bytes of a server's text an error shows.
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
        // The service that is ready goes; its clone becomes ready later.
        let next = self.service.clone();
        let service = mem::replace(&mut self.service, next);
        let handle = Arc::clone(&self.handle);
        Box::pin(Posting::new(service, handle, message))
    }
}
