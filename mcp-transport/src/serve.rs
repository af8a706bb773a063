//! A small serving side, for proxies, tests and embedded servers: not a server framework.
//!
//! A server is any [`Service`](tower_service::Service) from a [`ClientMessage`](crate::ClientMessage) to
//! [`Replies`](crate::Replies): a function, a mock, and every [`Transport`](crate::Transport), so that a proxy is one
//! expression. [`lines`] lets it speak newline-delimited JSON over a byte stream, [`http`] over streamable HTTP.
//!
//! ```
//! use mcp_transport::{ClientMessage, Error, Replies, serve};
//! use mcp_types::{RawJson, rpc::{Message, Response}};
//!
//! # async fn example() -> Result<(), Error> {
//! let server = tower::service_fn(|message: ClientMessage| async move {
//!     let Message::Request(request) = message.body else { return Ok(Replies::empty()) };
//!     Ok::<_, Error>(Replies::once(Response::success(request.id, RawJson::EMPTY_OBJECT)))
//! });
//! let stdio = tokio::io::join(tokio::io::stdin(), tokio::io::stdout());
//! serve::lines(stdio, server, serve::LineLimits::default()).await
//! # }
//! ```
//!
//! # What a service sees
//!
//! - Each request once. When the client cancels it, its future and replies are dropped; there is no
//!   `notifications/cancelled` about it.
//! - The client's other notifications, and its responses to the requests that the service sent, as messages of their own.
//! - The ids of the clients. Over HTTP several clients may choose the same ones; [`Renumber`] makes them differ.
//!
//! Replies go to the client unchanged, except that the response gets the id of its request. If a service fails, or ends
//! its replies without a response, the client gets an internal error with the message of the failure, without its
//! causes.
//!
//! # Limits
//!
//! | limit | default | beyond it |
//! |---|---|---|
//! | [`LineLimits::message_bytes`] | 64 MiB | that request is refused |
//! | [`LineLimits::outbox_bytes`] | 1 MiB | replies wait until the client reads |
//! | [`LineLimits::requests`] | 1024 | that request is refused; a notification is dropped |
//! | [`LineLimits::grace`] | 30 s | the calls in flight are dropped |
//! | `HttpLimits::body` | 16 MiB | 413 |
//! | `HttpLimits::body_timeout` | 30 s | 408 |
//! | `HttpLimits::requests` | 1024 | 503 |
//! | `HttpLimits::sessions` | 256 | 503 |
//! | `HttpLimits::session_idle` | 10 min | the session ends: 404 |
//! | `HttpLimits::keep_alive` | 15 s | a comment is sent, a response becomes a stream |

mod backend;
pub(crate) mod encode;
mod exchange;
#[cfg(feature = "http")]
mod http;
mod in_flight;
mod lines;
mod refusal;
mod renumber;

pub use backend::Server;
#[cfg(feature = "http")]
pub use http::{Body, HttpEndpoint, HttpLimits, HttpOptions};
pub use lines::{LineLimits, ServeLines};
pub use renumber::Renumber;

use backend::Backend;
use tokio::io::{AsyncRead, AsyncWrite};

/// Serves newline-delimited JSON over `io`: the future reads messages, calls `service`, and writes its replies.
///
/// Messages are passed to clones of the service in order, as far as those are ready, and their replies are written as
/// they come. See [`ServeLines`].
///
/// ```
/// # async fn example() -> Result<(), mcp_transport::BoxError> {
/// use mcp_transport::{duplex, serve};
/// use tokio::net::TcpStream;
///
/// // A proxy: what comes in over standard input goes to a server behind a socket.
/// let link = duplex::connect(TcpStream::connect("localhost:7000").await?);
/// let stdio = tokio::io::join(tokio::io::stdin(), tokio::io::stdout());
/// let serving = serve::lines(stdio, link.transport, serve::LineLimits::default());
/// tokio::try_join!(serving.with_unsolicited(link.unsolicited), link.driver)?;
/// # Ok(())
/// # }
/// ```
pub fn lines<T>(io: T, service: impl Server, limits: LineLimits) -> ServeLines<T>
where
    T: AsyncRead + AsyncWrite + Send,
{
    ServeLines::new(io, Backend::new(service), limits)
}

/// Creates an MCP endpoint over streamable HTTP: a service of HTTP requests that calls `service`.
///
/// It works with any HTTP server that takes tower services. See [`HttpEndpoint`].
///
/// ```
/// # use mcp_transport::{ClientMessage, Error, Replies};
/// use mcp_transport::serve::{self, HttpOptions};
///
/// # let server = tower::service_fn(|_: ClientMessage| async { Ok::<_, Error>(Replies::empty()) });
/// let endpoint = serve::http(server, HttpOptions::default());
/// let service = hyper::service::service_fn(move |request: http::Request<hyper::body::Incoming>| {
///     tower_service::Service::call(&mut endpoint.clone(), request)
/// });
/// # drop(service);
/// ```
#[cfg(feature = "http")]
pub fn http(service: impl Server, options: HttpOptions) -> HttpEndpoint {
    HttpEndpoint::new(Backend::new(service), options)
}
