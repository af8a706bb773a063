//! Streamable HTTP: one POST for each message, answered with JSON or with an event stream.
//!
//! [`Endpoint`] is the [`Connector`](crate::Connector); [`Http`] is the transport. Below it lies a second storey of tower
//! services, the HTTP requests themselves: [`Endpoint::layer`] puts a layer there, and [`Endpoint::with_service`] another
//! HTTP client.
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
//! `_meta` of its parameters says. A stateless revision gets headers that mirror the message, and nothing else: dropping
//! the replies closes their stream, and that cancels the request. An older revision gets the session that `initialize`
//! began: its id on every request, a stream for what the server says unasked, `notifications/cancelled` for calls that
//! are dropped, and a DELETE at the end. That work is the [`Driver`](crate::Driver)'s. The handshake is over when that
//! stream is open, or refused, or not answered for 2 s: many servers lose what they say before it is there.
//!
//! # Connections
//!
//! The default client keeps a pool for each endpoint, speaks HTTP/1.1 and HTTP/2 (by ALPN), and lets hyper run each
//! connection as a task of the current tokio runtime. Over HTTP/1.1 a call that is dropped costs its connection.

mod batch;
mod body;
mod client;
mod compose;
mod driver;
mod endpoint;
mod headers;
mod inbox;
mod limits;
mod listen;
mod refusal;
mod reply;
mod resume;
mod service;
mod session;
mod sse;
mod state;
mod storey;
mod stream;

pub use client::Client;
pub use endpoint::Endpoint;
pub use limits::Limits;
pub use service::{HttpService, RequestBody};
pub use storey::{Custom, Layered, Pooled, Storey};

use crate::{ClientMessage, Delivery, Error, Replies, error::Kind};
use compose::{Composed, compose};
use futures_util::{
    TryFutureExt,
    future::{BoxFuture, Either, select},
};
use state::{Handle, InFlight, State};
use std::{
    fmt, mem,
    pin::pin,
    sync::Arc,
    task::{Context, Poll},
};
use tokio::time::timeout;
use tower_service::Service;

/// How many bytes of a server's text an error shows.
const EXCERPT: usize = 256;

/// A transport over streamable HTTP. [`Endpoint`] makes it.
///
/// Clones share one connection; the driver ends it when the last of them, and of the calls in flight, is gone.
///
/// # Cancel safety
///
/// A call that is dropped before it was polled was never sent. Later, dropping it or its replies cancels the request: a
/// stateless server sees its stream close, a legacy one gets `notifications/cancelled` once, from the driver. Nothing is
/// cancelled after the response, and `initialize` never is.
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
        Box::pin(async move {
            let state = Arc::clone(&handle.0);
            let Some(cut) = state.until_cut() else {
                return Err(stream::closed(&state.target.url).with_delivery(Delivery::NotSent));
            };
            match select(pin!(exchange(service, handle, message)), pin!(cut)).await {
                Either::Left((replies, _)) => replies,
                Either::Right(_) => Err(stream::closed(&state.target.url)),
            }
        })
    }
}

/// Sends a message and reads the beginning of its answer.
async fn exchange<S: HttpService>(
    mut service: S,
    handle: Arc<Handle>,
    message: ClientMessage,
) -> Result<Replies, Error> {
    let mut call = InFlight::new(handle);
    let Composed { request, sent, cancel } = compose(call.state(), message)?;
    if cancel.is_some() {
        call.state().room().await;
    }
    call.arm(cancel);
    let limit = call.state().target.response_timeout;
    let response = service.call(request).map_err(Into::into);
    let response = match limit {
        None => response.await,
        Some(limit) => match timeout(limit, response).await {
            Ok(response) => response,
            Err(elapsed) => {
                let url = &call.state().target.url;
                let message = format!("{url} sent no response headers within {limit:?}");
                let error = Error::new(Kind::Timeout, Delivery::Unknown, message);
                return Err(error.with_source(elapsed));
            }
        },
    };
    match response {
        Ok(response) => reply::read(service, call, sent, response).await,
        Err(error) => {
            call.finish();
            Err(service::failed(&call.state().target.url, error))
        }
    }
}
