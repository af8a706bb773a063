//! One entry of a transcript.

use crate::{Binding, Delivery, Error, error::Kind};
use http::StatusCode;
use mcp_types::{ErrorObject, rpc::Message};
use std::{fmt, time::Duration};

/// An entry of a transcript. `Display` writes it as one line.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Entry {
    /// The time since the recorder was made.
    pub at: Duration,
    /// The number of the connection, counted from 1.
    pub connection: u64,
    /// What happened.
    pub event: Event,
}

/// The event of an [`Entry`]. A `call` is a message of the client, counted from 1 over all connections.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// A connection was made.
    Connected {
        /// What kind of connection.
        binding: Binding,
    },
    /// A connection could not be made.
    NotConnected {
        /// Why.
        failure: Failure,
    },
    /// The client sent a message.
    Sent {
        /// The number of the message.
        call: u64,
        /// The message.
        message: Message,
    },
    /// The server sent a message.
    Received {
        /// About which message; none if nobody asked.
        call: Option<u64>,
        /// The message.
        message: Message,
    },
    /// A message, or its answer, did not get through.
    Failed {
        /// The number of the message.
        call: u64,
        /// Why.
        failure: Failure,
    },
    /// The replies to a message ended without a response.
    Ended {
        /// The number of the message.
        call: u64,
    },
    /// The client dropped a call.
    Abandoned {
        /// The number of the message.
        call: u64,
    },
    /// Entries are missing here, because the buffer was full.
    Lost {
        /// How many.
        count: u64,
    },
}

/// The recorded parts of an [`Error`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Failure {
    /// What happened, for a person.
    pub message: String,
    /// How far the message got.
    pub delivery: Delivery,
    /// The HTTP status of the answer, if there was one.
    pub status: Option<StatusCode>,
    /// The JSON-RPC error of the peer, if there was one.
    pub error: Option<ErrorObject>,
    pub(super) kind: Kind,
}

impl Entry {
    pub(super) fn new(at: Duration, connection: u64, event: Event) -> Self {
        Self { at, connection, event }
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&super::format::line(self))
    }
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        Self {
            message: error.to_string(),
            delivery: error.delivery(),
            status: error.status(),
            error: error.peer_error().cloned(),
            kind: kind_of(error),
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        let mut error = Self::new(failure.kind, failure.delivery, failure.message);
        if let Some(status) = failure.status {
            error = error.with_status(status);
        }
        if let Some(said) = failure.error {
            error = error.with_peer_error(said);
        }
        error
    }
}

fn kind_of(error: &Error) -> Kind {
    let kinds = [
        (error.is_closed(), Kind::Closed),
        (error.is_connect(), Kind::Connect),
        (error.is_io(), Kind::Io),
        (error.is_malformed(), Kind::Malformed),
        (error.is_overflow(), Kind::Overflow),
        (error.is_timeout(), Kind::Timeout),
        (error.is_too_large(), Kind::TooLarge),
        #[cfg(feature = "http")]
        (error.status().is_some(), Kind::Status),
    ];
    kinds.into_iter().find_map(|(is, kind)| is.then_some(kind)).unwrap_or(Kind::Other)
}
