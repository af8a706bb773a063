//! Pluggable transports for the Model Context Protocol: one client message in, a stream of server messages out.
//!
//! # The contract
//!
//! A [`Transport`] is a [`tower::Service`](https://docs.rs/tower) that takes a [`ClientMessage`] and gives [`Replies`].
//!
//! - The replies to a request are the server's messages about it, in order, and end with its response.
//! - The replies to a notification or a response are empty, and ready when the message has been handed over.
//! - Dropping the replies to a request, or the future of the call, cancels the request; the binding tells the server.
//! - An [`Error`] is about delivery only: whatever the server answers, including an error response, is a reply.
//! - Messages that belong to no request come through [`Unsolicited`], never through the replies to another request.
//!
//! [`Transport`] is an alias: any matching `Service` has it. A closure is enough:
//!
//! ```
//! use mcp_transport::{ClientMessage, Error, Replies, Transport};
//! use mcp_types::{RawJson, rpc::{Message, Response}};
//!
//! let server = tower::service_fn(|message: ClientMessage| async move {
//!     let Message::Request(request) = message.body else { return Ok(Replies::empty()) };
//!     Ok::<_, Error>(Replies::once(Response::success(request.id, RawJson::EMPTY_OBJECT)))
//! });
//! # fn is_transport(_: impl Transport) {}
//! # is_transport(server);
//! ```
//!
//! # Connections
//!
//! A [`Connector`] makes a [`Link`]: the transport, the stream of unsolicited messages, and a [`Driver`], the future
//! that does the work of the connection. This crate spawns no tasks for it. A driver ends when the last clone of its
//! transport is gone and the connection has been shut down gracefully; dropping it cuts the connection at once.
//!
//! # Bindings
//!
//! | | byte streams (`duplex`, `stdio`, `socket`), `websocket` | streamable HTTP (`http`) | in process |
//! |---|---|---|---|
//! | request to replies | by id | one POST each | a call |
//! | dropping replies | `notifications/cancelled` | the stream is closed; for a legacy server `notifications/cancelled` | the future is dropped |
//! | metadata | none | mirrored headers | none |
//! | unsolicited | messages that belong to no request | the GET stream of a legacy server | nothing |
//! | the end | the writing half is closed; a child gets signals | DELETE for a legacy session | nothing |
//!
//! # Limits
//!
//! Exceeding a limit fails the call that it concerns, or drops the oldest of what may be dropped, and reports that.
//!
//! | streamable HTTP | default | set by | beyond it |
//! |---|---|---|---|
//! | JSON answer, unpacked | 64 MiB | `http::Limits::body` | the call fails |
//! | event of a stream, unpacked | 64 MiB | `http::Limits::event` | the call fails, or a diagnostic |
//! | headers that mirror a request | 64 KiB | `http::Limits::mirrored_headers` | the call fails |
//! | messages of a batch | 4096 | `http::Limits::batch` | the batch is refused |
//! | consecutive attempts to resume a stream | 5 | `http::Limits::resumes` | the call fails |
//! | messages that wait for a call (HTTP with SSE) | 1024 | `http::Limits::replies` | the call fails |
//! | messages that wait unsolicited | 1024, 64 MiB | `http::Limits::{unsolicited, unsolicited_bytes}` | the oldest are dropped |
//! | making a connection | 30 s | `http::Endpoint::connect_timeout` | the call fails |
//! | until the response headers | none | `http::Endpoint::response_timeout` | the call fails |
//! | silence within an answer | none | `http::Endpoint::idle_timeout` | the call fails |
//! | a whole exchange | none | `http::Endpoint::total_timeout` | the call fails |
//! | redirects of a request | 5, same origin | `http::Endpoint::redirects` | the call fails |
//! | calls over HTTP/1.1 at the same time | 256 | `http::Endpoint::connections` | further calls wait, and their deadlines run |
//! | idle connections | 16, 90 s | `http::Endpoint::idle_connections` | they are closed |
//! | body of an error status | 1 MiB | `http::Limits::refusal` | the body is ignored |
//! | wait for that body | 2 s | fixed | the body is ignored |
//! | wait before a stream is resumed | 30 s | `http::Limits::resume_wait` | it is capped |
//! | event id | 4 KiB | `http::Limits::event_id` | it is neither sent back nor remembered |
//! | event ids that are remembered | 256 | `http::Limits::event_ids` | an older event counts as new |
//!
//! | logging in (feature `oauth`) | default | set by | beyond it |
//! |---|---|---|---|
//! | answer of an authorization server, or metadata | 1 MiB, 10 s | fixed | the login fails |
//! | redirects of metadata | 3, same origin | fixed | it counts as missing |
//! | challenges of an answer, parameters of one | 16, 32 | fixed | the others are ignored |
//! | scopes that are requested | 256 | fixed | the others are left out |
//! | logins for one request | 3 | fixed | the request fails |
//! | renewal of a token before its end | a tenth of its life, 60 s at most | fixed | it is used until it is refused |
//!
//! | byte streams, processes, sockets, WebSocket | default | set by | beyond it |
//! |---|---|---|---|
//! | received message | 64 MiB | `duplex::Limits::message_bytes` | the calls that it answers fail, or a diagnostic |
//! | endless line, message of a WebSocket | 4 and 2 times that | the same | the connection fails |
//! | noise before the first message | 1 MiB | `duplex::Limits::noise_bytes` | the connection fails |
//! | bytes that wait to be written | 32 MiB | `duplex::Limits::outbox_bytes` | calls wait |
//! | messages that wait for a call | 64, 64 MiB | `duplex::Limits::{replies, message_bytes}` | old progress is dropped, or the call fails |
//! | messages that wait unsolicited | 256, 64 MiB | `duplex::Limits::{unsolicited, message_bytes}` | the oldest are dropped |
//! | end of standard error that is kept | 64 KiB | `stdio::Command::stderr_tail` | the oldest is dropped |
//! | line of standard error | 1 KiB | fixed | it comes in parts |
//! | exit of a child after its input was closed | 2 s | `stdio::Command::exit_grace` | it is asked to terminate |
//! | exit of a child after it was asked | 2 s | `stdio::Command::terminate_grace` | its group is killed |
//! | making a connection | 30 s | `connect_timeout` of `socket::Tcp`, `socket::Unix`, `websocket::WebSocket` | it fails |
//! | end of a connection | 2 s | `close_grace` of the same | it is cut |
//! | silence of a WebSocket | 30 s | `websocket::WebSocket::ping_interval` | a ping, then the connection fails |
//!
//! The limits of the serving side and of recordings are in [`serve`] and [`record`].

#![cfg_attr(docsrs, feature(doc_cfg))]

mod connector;
pub mod duplex;
mod error;
mod excerpt;
mod extensions;
#[cfg(feature = "http")]
pub mod http;
mod inbox;
mod lines;
pub mod memory;
mod message;
mod patience;
mod poll_on_wake;
mod queue;
mod receive_buffer;
pub mod record;
mod replies;
pub mod serve;
#[cfg(feature = "socket")]
pub mod socket;
mod splice;
#[cfg(feature = "stdio")]
pub mod stdio;
mod transport;
mod unsolicited;
mod url;
#[cfg(test)]
mod wakes;
#[cfg(feature = "ws")]
pub mod websocket;

pub use connector::{Binding, Connector, Driver, InProcess, Link, Shared};
pub use duplex::{Alarm, Multiplex, Waiters, multiplex};
pub use error::{BoxError, Delivery, Error};
pub use extensions::Extensions;
pub use message::{ClientMessage, MirroredParams, ServerMessage};
pub use patience::{Patience, Waiting};
pub use poll_on_wake::PollOnWake;
pub use replies::{PendingReplies, Replies};
pub use transport::Transport;
pub use unsolicited::{Arrival, Diagnostic, Unsolicited};
pub use url::{InvalidUrl, Url};

#[doc = include_str!("clauses.md")]
pub mod clauses {}
