//! The stream of messages that belong to no request.

use crate::ServerMessage;
use futures_core::Stream;
use mcp_types::rpc::DecodeError;
use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

/// The messages of a server that answer no request of the client, and what was noticed on the way.
///
/// Ends with the connection. A binding keeps a bounded number of them: when nobody reads, the oldest are dropped, and
/// the connection goes on.
pub struct Unsolicited(Pin<Box<dyn Stream<Item = Arrival> + Send>>);

impl Unsolicited {
    /// A stream of arrivals.
    pub fn new(stream: impl Stream<Item = Arrival> + Send + 'static) -> Self {
        Self(Box::pin(stream))
    }

    /// Nothing, at once.
    pub fn empty() -> Self {
        Self::new(futures_util::stream::empty())
    }
}

impl Stream for Unsolicited {
    type Item = Arrival;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Arrival>> {
        self.0.as_mut().poll_next(cx)
    }
}

impl fmt::Debug for Unsolicited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Unsolicited")
    }
}

/// One item of [`Unsolicited`].
#[derive(Debug)]
#[non_exhaustive]
pub enum Arrival {
    /// A message: a notification, a legacy server's request, or a response that nobody waits for.
    Message(ServerMessage),
    /// Something that a server should not have sent; the connection goes on.
    Diagnostic(Diagnostic),
}

/// Something that a server sent against the rules, and that was skipped.
#[derive(Debug)]
#[non_exhaustive]
pub enum Diagnostic {
    /// Bytes that are not a message, for example a log line on standard output.
    NotAMessage {
        /// How the bytes begin, at most 256 of them, for a person to read. Untrusted.
        excerpt: String,
        /// What is wrong with them.
        error: DecodeError,
    },
    /// A message longer than the limit, which fits no pending request.
    TooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// Several messages in one, as servers of revision 2025-03-26 may send them. Each of them was taken by itself.
    Batch,
    /// Messages that nobody read in time, and that were dropped.
    Dropped {
        /// How many.
        count: u64,
    },
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAMessage { excerpt, error } => write!(f, "skipped {excerpt:?}: {error}"),
            Self::TooLarge { limit } => write!(f, "skipped a message of more than {limit} bytes"),
            Self::Batch => f.write_str("took the messages of a batch"),
            Self::Dropped { count } => write!(f, "dropped {count} messages that nobody read"),
        }
    }
}
