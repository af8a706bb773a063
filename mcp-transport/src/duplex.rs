//! Byte streams: newline-delimited JSON over a pair of pipes, a socket, or anything else that reads and writes.
//!
//! [`connect`] makes a [`Link`] of a stream; [`multiplex`] returns its three parts. The module `stdio` builds on this for child
//! processes, and [`multiplex_messages`] is for channels with framing of their own.
//!
//! # Tolerance
//!
//! A peer may write anything. A message that is invalid or over the limit fails the call that it answers, wherever its
//! id is in the bytes; anything else that is not a message becomes a [`Diagnostic`](crate::Diagnostic). Blank lines,
//! any line endings and byte order marks are tolerated. A late or second response is dropped.
//!
//! A batch, which revision 2025-03-26 allows, is handled message by message. A peer that writes too much noise before
//! its first message is not a server, and the connection fails.
//!
//! # Writing
//!
//! The driver reads, and writes what is queued, so that concurrent calls leave in one write. When the wire is quiet, a
//! message is written by its caller instead, within the call and as far as the stream takes it at once, so that the
//! driver need not be woken. That happens only after a single answer, and in a tokio runtime.
//!
//! Calls that follow many answers are written by the last caller, or by the driver if that one makes no call. A driver
//! that runs earlier lets the others go first, once. If the peer is idle, they leave in two writes: it gets the first
//! half from the caller that completes it, and works on it while the rest arrives.
//!
//! In either case the stream is polled with the waker of the driver, which does the rest, and it is dropped with the
//! driver. Callers are woken together, after everything that was read has been routed.
//!
//! # Reading
//!
//! The driver reads. A pipe or socket of tokio is also read where its readiness is noticed, up to 16 KiB: then an
//! answer wakes its caller, and the driver need not run. This works because tokio wakes holding no lock. What arrives
//! while a caller writes is read by that caller.
//!
//! # Cancel safety
//!
//! A request whose [`Sending`] or [`Replies`] are dropped is removed from the queue while it is not being written yet;
//! later the server gets one `notifications/cancelled`, except about `initialize`
//! ([clause](https://modelcontextprotocol.io/specification/2026-07-28/basic/utilities/cancellation)). A line is never
//! written in part: a driver whose handles are gone waits until the peer has taken the rest; limit that wait where the
//! driver is polled.

mod alarm;
mod batch;
mod bell;
mod call;
mod calls;
mod connection;
mod correlation;
mod engine;
mod exchange;
mod intake;
mod outbox;
mod outflow;
mod pending;
mod port;
mod router;
pub(crate) mod salvage;
mod sending;
mod shared;
mod waiters;
mod wakers;
mod wire;

pub use alarm::{Alarm, Waiters};
pub use connection::{Connection, MessageConnection};
pub use sending::Sending;

pub(crate) use call::CallReplies;
pub(crate) use engine::Engine;
#[cfg(any(feature = "socket", feature = "stdio"))]
pub(crate) use engine::Patience;
pub(crate) use wire::{Bytestream, Wire};

use crate::{
    Binding, BoxError, ClientMessage, Driver, Error, Link, Replies, Unsolicited, inbox::Inbox,
    queue::Limit,
};
use bell::Bell;
use bytes::Bytes;
use futures_core::Stream;
use futures_util::Sink;
use intake::Intake;
use port::WriteThrough;
use router::Router;
use shared::{Handle, Shared};
use std::{
    sync::{Arc, Mutex},
    task::{Context, Poll},
};
use tokio::io::{AsyncRead, AsyncWrite};
use tower_service::Service;
use wire::{Inbound, Messages};

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
    let release = connection.0.release();
    Link::new(multiplex, Binding::ByteStream)
        .with_unsolicited(unsolicited)
        .with_driver(Driver::new(connection).with_shut_down(release))
}

/// Multiplexes calls over one byte stream: returns a handle, the unsolicited messages, and the driver that does the
/// work.
///
/// Join two halves, like those of a child process, with [`tokio::io::join`].
pub fn multiplex<T>(io: T, limits: Limits) -> (Multiplex, Unsolicited, Connection<T>)
where
    T: AsyncRead + AsyncWrite + Send + 'static,
{
    let (multiplex, unsolicited, engine) = share(Bytestream::new(io, false), limits);
    (multiplex, unsolicited, Connection(engine))
}

/// Does the same as [`multiplex`] for a tokio pipe or socket, which wakes tasks without holding a lock: it is read
/// where its readiness is noticed.
///
/// Except on Unix, threads read pipes, so that is left to the driver.
#[cfg(any(feature = "socket", feature = "stdio"))]
pub(crate) fn multiplex_unlocked<T>(
    io: T,
    limits: Limits,
) -> (Multiplex, Unsolicited, Connection<T>)
where
    T: AsyncRead + AsyncWrite + Send + 'static,
{
    let (multiplex, unsolicited, engine) = share(Bytestream::new(io, cfg!(unix)), limits);
    (multiplex, unsolicited, Connection(engine))
}

/// Connects over a channel of whole messages, within the default [`Limits`].
pub fn connect_messages<S, E>(channel: S) -> Link<Multiplex>
where
    S: Sink<Bytes, Error = E> + Stream<Item = Result<Bytes, E>> + Send + 'static,
    E: Into<BoxError> + 'static,
{
    let (multiplex, unsolicited, connection) = multiplex_messages(channel, Limits::default());
    let release = connection.0.release();
    Link::new(multiplex, Binding::ByteStream)
        .with_unsolicited(unsolicited)
        .with_driver(Driver::new(connection).with_shut_down(release))
}

/// Multiplexes calls over one channel of messages: a WebSocket, a queue, or a stream with framing of its own.
///
/// Every item is one JSON message; those that are sent contain no line breaks. A [`crate::Error`] of the channel
/// becomes the error of the connection; any other error becomes its source.
///
/// ```
/// use bytes::{Bytes, BytesMut};
/// use futures_util::StreamExt;
/// use mcp_transport::duplex::{Limits, multiplex_messages};
/// use tokio_util::codec::{Framed, LengthDelimitedCodec};
///
/// # fn example(stream: tokio::io::DuplexStream) {
/// let framed = Framed::new(stream, LengthDelimitedCodec::new());
/// let channel = framed.map(|message| message.map(BytesMut::freeze));
/// let (client, unsolicited, connection) = multiplex_messages(channel, Limits::default());
/// # drop((client, unsolicited, connection));
/// # }
/// ```
pub fn multiplex_messages<S, E>(
    channel: S,
    limits: Limits,
) -> (Multiplex, Unsolicited, MessageConnection<S>)
where
    S: Sink<Bytes, Error = E> + Stream<Item = Result<Bytes, E>> + Send + 'static,
    E: Into<BoxError>,
{
    let (multiplex, unsolicited, engine) = share(Messages::new(channel), limits);
    (multiplex, unsolicited, MessageConnection(engine))
}

fn share<W: Wire + Send + 'static>(wire: W, limits: Limits) -> (Multiplex, Unsolicited, Engine<W>) {
    let wakes_unlocked = wire.wakes_unlocked();
    let shared = Arc::new(Shared::new(wire, limits));
    let inbox = Inbox::new(limits.of_unsolicited());
    let arrivals = inbox.arrivals();
    let handle: Arc<Shared<dyn WriteThrough>> = shared.clone();
    let router = Router::new(Arc::clone(&handle), inbox);
    let intake = Intake::new(W::Inbound::new(limits.message_bytes), router);
    let intake = Arc::new(Mutex::new(intake));
    if wakes_unlocked {
        shared.port().hang(Bell::waker(&shared, &intake));
    }
    let engine = Engine::new(shared, intake);
    (Multiplex(Arc::new(Handle::new(handle))), Unsolicited::new(arrivals), engine)
}

/// Limits for what is received and queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The length of a received message. A longer one fails the call that it answers. Default: 64 MiB.
    pub message_bytes: usize,
    /// How many bytes the peer may write before its first message. Beyond it the connection fails. Default: 1 MiB.
    pub noise_bytes: usize,
    /// How many bytes may wait to be written. Beyond it calls wait; a single message may be larger. Default: 32 MiB.
    pub outbox_bytes: usize,
    /// How many notifications about one request may wait to be read. Beyond it old progress is dropped, and if there is
    /// none, the call fails. Together they may be as long as one message. Default: 64.
    pub replies: usize,
    /// How many unsolicited messages may wait to be read. Beyond it the oldest are dropped. Together they may be as
    /// long as one message. Default: 256.
    pub unsolicited: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_bytes: 64 * 1024 * 1024,
            noise_bytes: 1024 * 1024,
            outbox_bytes: 32 * 1024 * 1024,
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

/// A handle that sends messages over a multiplexed connection. Clones share the connection.
///
/// The connection stays open as long as there is a clone, or replies that were not read to their end.
#[derive(Clone, Debug)]
pub struct Multiplex(Arc<Handle>);

impl Service<ClientMessage> for Multiplex {
    type Response = Replies;
    type Error = Error;
    type Future = Sending;

    /// Always ready: the future of the call waits for room.
    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, message: ClientMessage) -> Sending {
        Sending::start(&self.0, message.body)
    }
}
