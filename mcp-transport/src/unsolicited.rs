//! The stream of messages that belong to no request.

use crate::ServerMessage;
use futures_core::Stream;
use mcp_types::rpc::DecodeError;
use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

/// The stream of messages that belong to no request of the client, and of diagnostics.
///
/// It ends with the connection. A binding buffers a bounded number: if nobody reads, the oldest are dropped, and the
/// connection goes on.
pub struct Unsolicited(Pin<Box<dyn Stream<Item = Arrival> + Send>>);

impl Unsolicited {
    /// Creates it from a stream.
    pub fn new(stream: impl Stream<Item = Arrival> + Send + 'static) -> Self {
        Self(Box::pin(stream))
    }

    /// Creates an empty stream.
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
    /// A message: a notification, a request of a legacy server, or a response that no call waits for.
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
    /// A message over the size limit that answers no pending request.
    TooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// A batch of messages, as servers of revision 2025-03-26 may send. Each message was handled on its own.
    Batch,
    /// Messages that were dropped because nobody read them in time.
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
