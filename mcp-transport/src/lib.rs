//! Pluggable transports for the Model Context Protocol: one client message in, a stream of server messages out.
//!
//! # The contract
//!
//! A [`Transport`] is a [`tower::Service`](https://docs.rs/tower) that takes a [`ClientMessage`] and gives [`Replies`].
//!
//! - The replies to a request are what the server says about it, in order, and end with its response.
//! - The replies to a notification or to a response are empty, and ready when the message has been handed over.
//! - Dropping the replies to a request, or the future of the call, abandons the request; the binding tells the server.
//! - An [`Error`] is about the journey alone: what the server answered, an error response included, is a reply.
//! - Messages about no request of the client come through [`Unsolicited`], never through the replies of another request.
//!
//! [`Transport`] is an alias: implement `Service` and have it. A closure is enough:
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
//! A [`Connector`] makes a [`Link`]: the transport, what the server says unasked, and a [`Driver`], the future that does
//! the work of the connection. This crate spawns nothing. A driver ends when the last clone of its transport is gone and
//! the connection has been shut down in good order; dropping it cuts the connection at once.
//!
//! # Bindings
//!
//! | | byte streams (`duplex`, `stdio`) | streamable HTTP (`http`) | in process |
//! |---|---|---|---|
//! | request to replies | by id | one POST each | a call |
//! | dropping replies | `notifications/cancelled` | the stream is closed; for a legacy server `notifications/cancelled` | the future is dropped |
//! | metadata | none | mirrored headers | none |
//! | unsolicited | what belongs to no request | the GET stream of a legacy server | nothing |
//! | the end | stdin closed, then signals | DELETE for a legacy session | nothing |

mod connector;
pub mod duplex;
mod error;
mod excerpt;
#[cfg(feature = "http")]
pub mod http;
mod lines;
pub mod memory;
mod message;
mod replies;
pub mod serve;
#[cfg(feature = "socket")]
pub mod socket;
#[cfg(feature = "stdio")]
pub mod stdio;
mod transport;
mod unsolicited;
#[cfg(feature = "ws")]
pub mod websocket;

pub use connector::{Binding, Connector, Driver, Link, Shared};
pub use duplex::{Multiplex, multiplex};
pub use error::{BoxError, Delivery, Error};
pub use message::{ClientMessage, Extensions, MirroredParams, ServerMessage};
pub use replies::Replies;
pub use transport::Transport;
pub use unsolicited::{Arrival, Diagnostic, Unsolicited};
