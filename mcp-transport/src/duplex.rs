//! Byte streams: newline-delimited JSON over a pair of pipes, a socket, or anything else that reads and writes.
//!
//! [`connect`] makes a [`Link`] of a stream; [`multiplex`] gives its three parts. A child process is a byte stream with
//! a life of its own: `stdio`.
//!
//! # What may come
//!
//! A peer may write what it likes. A message that cannot be read, or is over the limit, fails the call that it answers,
//! wherever in the bytes its id is; anything else that is not a message becomes a [`Diagnostic`](crate::Diagnostic).
//! Blank lines, line ends of any kind and byte order marks are tolerated. A late or second response is dropped.
//!
//! # Cancel safety
//!
//! A request whose [`Sending`] or [`Replies`] are dropped is taken back if nothing of it was written; else the server is
//! sent one `notifications/cancelled`, except about `initialize`. A line is never written in part
//! ([clause](https://modelcontextprotocol.io/specification/2026-07-28/basic/utilities/cancellation)).

mod call;
mod connection;
mod correlation;
mod exchange;
mod inbox;
mod outbox;
mod pending;
mod queue;
mod router;
pub(crate) mod salvage;
mod sending;
mod shared;

pub use connection::Connection;
pub use sending::Sending;

pub(crate) use call::CallReplies;

use crate::{Binding, ClientMessage, Driver, Error, Link, Replies, Unsolicited};
use queue::Limit;
use router::Router;
use shared::{Handle, Shared};
use std::{
    sync::Arc,
    task::{Context, Poll},
};
use tokio::io::{AsyncRead, AsyncWrite};
use tower_service::Service;

/// Connects over a stream, within the default [`Limits`].
///
/// ```
/// # async fn example() -> std::io::Result<()> {
/// let (ours, theirs) = tokio::io::duplex(64 * 1024);
/// let link = mcp_transport::duplex::connect(ours);
/// # drop((link, theirs));
/// # Ok(())
/// # }
/// ```
pub fn connect(io: impl AsyncRead + AsyncWrite + Send + 'static) -> Link<Multiplex> {
    let (multiplex, unsolicited, connection) = multiplex(io, Limits::default());
    Link::new(multiplex, Binding::ByteStream)
        .with_unsolicited(unsolicited)
        .with_driver(Driver::new(connection))
}

/// Makes many calls share one stream: a handle, what the peer says unasked, and the driver that does the work.
///
/// Two halves, like those of a child process, make a stream with [`tokio::io::join`].
pub fn multiplex<T>(io: T, limits: Limits) -> (Multiplex, Unsolicited, Connection<T>)
where
    T: AsyncRead + AsyncWrite + Send + 'static,
{
    let shared = Arc::new(Shared::new(limits));
    let (inbox, arrivals) = inbox::inbox(limits.of_unsolicited());
    let router = Router::new(Arc::clone(&shared), inbox);
    let connection = Connection::new(io, Arc::clone(&shared), router);
    (Multiplex(Arc::new(Handle::new(shared))), Unsolicited::new(arrivals), connection)
}

/// How much of what a peer sends is kept, and how much is queued for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The length of a message of the peer, 64 MiB. A longer one fails the call that it answers.
    pub message_bytes: usize,
    /// The bytes that wait to be written, 1 MiB. Beyond it calls wait; a single message may be larger.
    pub outbox_bytes: usize,
    /// The notifications about one request that wait to be read, 64. Beyond it old progress is dropped, and if there
    /// is none, the call fails. Together they may be as long as one message.
    pub replies: usize,
    /// The unsolicited messages that wait to be read, 256. Beyond it the oldest are dropped. Together they may be as
    /// long as one message.
    pub unsolicited: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_bytes: 64 * 1024 * 1024,
            outbox_bytes: 1024 * 1024,
            replies: 64,
            unsolicited: 256,
        }
    }
}

impl Limits {
    fn of_replies(&self) -> Limit {
        Limit { items: self.replies, bytes: self.message_bytes }
    }

    fn of_unsolicited(&self) -> Limit {
        Limit { items: self.unsolicited, bytes: self.message_bytes }
    }
}

/// Sends messages over a stream that many calls share. Clones share it too.
///
/// The connection is open for as long as there is a clone, or replies that were not read to their end.
#[derive(Clone, Debug)]
pub struct Multiplex(Arc<Handle>);

impl Service<ClientMessage> for Multiplex {
    type Response = Replies;
    type Error = Error;
    type Future = Sending;

    /// Always ready: it is the call that waits for room.
    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, message: ClientMessage) -> Sending {
        Sending::start(&self.0, message.body)
    }
}
