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
//! The stream of a call to such a server that ends before the response is asked for the rest, from the last event id that
//! came, after the wait that the server asks for; an event comes once. A server that refuses the POST of `initialize` as
//! one of revision 2024-11-05 does is asked for its one stream, and the messages go where that says ([`Endpoint::http_sse`]
//! spares the question).
//!
//! # Authorization
//!
//! With the feature `oauth`, `Endpoint::oauth` logs in when the server asks for it: module `oauth`. [`AddBearerLayer`] shows
//! a token that is there already; a layer of your own is a `tower` layer like any other, and `examples/auth_layer.rs` is
//! one. [`RequestHeaders`] are for one message, and [`Endpoint::header`] is for all of them.
//!
//! # Connections
//!
//! The default client keeps a pool for each endpoint and speaks HTTP/1.1 and HTTP/2 (by ALPN). A connection of HTTP/1.1 is
//! driven by the call that uses it, and dropped with a call that is; the driver looks after those that are idle, and the last
//! driver closes them. One of HTTP/2 is run by hyper as a task of the current tokio runtime. A request that the server has
//! certainly not seen is sent again; redirects are followed within the origin. [`Tls`], [`Proxy`] and [`Redirects`]
//! say more, and `Endpoint::compressed` (feature `compression`) asks for compressed answers.

mod add_headers;
mod answering;
mod ask;
mod auth;
mod batch;
mod body;
mod client;
mod clock;
mod compose;
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
mod proxy;
mod recipe;
mod redirect;
mod refusal;
mod reply;
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
pub use service::{HttpService, RequestBody};
pub use storey::{Custom, Layered, Pooled, Storey};
pub use tls::Tls;

use crate::{ClientMessage, Delivery, Error, Replies};
use clock::Clock;
use compose::{Composed, Sent, Step, compose};
use futures_util::{TryFutureExt, future::BoxFuture};
use http::Request;
use pin_project_lite::pin_project;
use recipe::Recipe;
use state::{Handle, InFlight, State};
use std::{
    any::Any,
    fmt,
    future::{Future, poll_fn},
    mem,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
};
use tokio::sync::futures::OwnedNotified;
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
        let (cut, state) = (handle.0.until_cut(), Arc::clone(&handle.0));
        Box::pin(UntilCut { exchange: exchange(service, handle, message), cut, state })
    }
}

pin_project! {
    /// An exchange that ends with its connection.
    struct UntilCut<F> {
        #[pin]
        exchange: F,
        #[pin]
        cut: OwnedNotified,
        state: Arc<State>,
    }
}

impl<F: Future<Output = Result<Replies, Error>>> Future for UntilCut<F> {
    type Output = Result<Replies, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Poll::Ready(replies) = this.exchange.poll(cx) {
            return Poll::Ready(replies);
        }
        this.cut.poll(cx).map(|()| Err(stream::closed(&this.state.target.url)))
    }
}

/// Sends a message and reads the beginning of its answer.
async fn exchange<S: HttpService>(
    mut service: S,
    handle: Arc<Handle>,
    message: ClientMessage,
) -> Result<Replies, Error> {
    let mut call = InFlight::new(Arc::clone(&handle));
    let state = Arc::clone(call.state());
    if state.is_cut() {
        return Err(stream::closed(&state.target.url).with_delivery(Delivery::NotSent));
    }
    let Composed { request, recipe, sent, cancel } = compose(&state, message)?;
    if cancel.is_some() {
        Box::pin(state.room()).await;
    }
    let is_first = sent.step == Step::Initialize;
    if sent.is_legacy {
        let mut channel = state.channel();
        if channel.is_none() && state.target.http_sse && is_first {
            channel = Some(Box::pin(http_sse::open(service.clone(), &state)).await?);
        }
        if let Some(channel) = channel {
            call.arm(cancel);
            return Box::pin(http_sse::exchange(service, channel, call, sent, request)).await;
        }
    }
    call.arm(cancel);
    if !is_first {
        give(&mut service, recipe);
        return post(service, call, sent, request).await;
    }
    // What is rare is in a box, so that a call is small.
    Box::pin(initialize(service, handle, call, sent, request)).await
}

/// Gives the default client, if nothing lies above it, what it needs to follow a redirect of the next request.
fn give<S: HttpService>(service: &mut S, recipe: Option<Recipe>) {
    let service: &mut dyn Any = service;
    if let Some(client) = service.downcast_mut::<Client>() {
        client.take(recipe);
    }
}

/// Sends the first message of a session, also to a server of the oldest binding.
async fn initialize<S: HttpService>(
    service: S,
    handle: Arc<Handle>,
    call: InFlight,
    sent: Sent,
    request: Request<RequestBody>,
) -> Result<Replies, Error> {
    let state = Arc::clone(call.state());
    let spare = service.clone();
    let refusal = match post(service, call, sent.clone(), request.clone()).await {
        Err(error) if http_sse::is_hint(&error) => error,
        answered => return answered,
    };
    match http_sse::open(spare.clone(), &state).await {
        Ok(channel) => {
            http_sse::exchange(spare, channel, InFlight::new(handle), sent, request).await
        }
        Err(error) => {
            tracing::debug!(%error, "not a server of HTTP with SSE either");
            Err(refusal)
        }
    }
}

/// Sends a message by POST and reads the beginning of what that is answered with.
async fn post<S: HttpService>(
    mut service: S,
    mut call: InFlight,
    sent: Sent,
    request: Request<RequestBody>,
) -> Result<Replies, Error> {
    let target = Arc::clone(&call.state().target);
    let total = target.total_timeout.filter(|_| sent.step != Step::Listen);
    let mut clock = Clock::start(total, target.idle_timeout);
    let mut headers_clock = Clock::start(target.response_timeout, None);
    let mut answering = pin!(service.call(request).map_err(Into::into));
    let response = poll_fn(|cx| {
        if let Poll::Ready(response) = answering.as_mut().poll(cx) {
            return Poll::Ready(Ok(response));
        }
        let late = headers_clock.poll(cx, &target.url);
        if late.is_pending() { clock.poll_total(cx, &target.url).map(Err) } else { late.map(Err) }
    });
    let response = response.await?;
    clock.touch();
    match response {
        Ok(response) => {
            let begun = reply::begin(service, &mut clock, call, sent, response)?;
            begun.read(&mut clock).await
        }
        Err(error) => {
            call.finish();
            Err(service::failed(&target.url, error))
        }
    }
}
