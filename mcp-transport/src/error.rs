//! The transport error.

mod last_words;

use http::StatusCode;
use last_words::LastWords;
use mcp_types::ErrorObject;
use std::{borrow::Cow, error, fmt, process::ExitStatus, sync::Arc, time::Duration};

/// An error of any type.
pub type BoxError = Box<dyn error::Error + Send + Sync + 'static>;

/// A message, or its answer, did not get through.
///
/// The type is opaque and has predicates. It is cheap to clone, because a lost connection fails every call in flight
/// with the same cause.
#[derive(Clone)]
pub struct Error {
    delivery: Delivery,
    inner: Arc<Inner>,
}

/// How far a message got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "there is no fourth answer")]
pub enum Delivery {
    /// The server has not seen it: sending it again is safe.
    NotSent,
    /// The server may have seen it, and may have acted on it.
    Unknown,
    /// The server has answered, or refused it.
    Delivered,
}

/// What kind of failure it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Closed,
    Connect,
    Io,
    Malformed,
    Other,
    Overflow,
    #[cfg(feature = "http")]
    Status,
    Timeout,
    TooLarge,
}

#[derive(Clone)]
struct Inner {
    kind: Kind,
    message: Cow<'static, str>,
    source: Option<Arc<dyn error::Error + Send + Sync>>,
    status: Option<StatusCode>,
    peer_error: Option<ErrorObject>,
    challenge: Option<Box<str>>,
    retry_after: Option<Duration>,
    server_exit: Option<ExitStatus>,
    stderr_tail: Option<Box<str>>,
}

impl Error {
    pub(crate) fn new(
        kind: Kind,
        delivery: Delivery,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        let inner = Inner {
            kind,
            message: message.into(),
            source: None,
            status: None,
            peer_error: None,
            challenge: None,
            retry_after: None,
            server_exit: None,
            stderr_tail: None,
        };
        Self { delivery, inner: Arc::new(inner) }
    }

    /// Creates an error for a transport of your own: what happened, and how far the message got.
    pub fn other(message: impl Into<Cow<'static, str>>, delivery: Delivery) -> Self {
        Self::new(Kind::Other, delivery, message)
    }

    /// Creates an error about a closed connection.
    pub fn closed(message: impl Into<Cow<'static, str>>, delivery: Delivery) -> Self {
        Self::new(Kind::Closed, delivery, message)
    }

    /// Sets the cause.
    #[must_use]
    pub fn with_source(self, source: impl Into<BoxError>) -> Self {
        let source = Arc::from(source.into());
        self.edit(|inner| inner.source = Some(source))
    }

    /// Changes how far the message got.
    #[must_use]
    pub fn with_delivery(mut self, delivery: Delivery) -> Self {
        self.delivery = delivery;
        self
    }

    /// Sets the HTTP status of the answer.
    #[must_use]
    pub fn with_status(self, status: StatusCode) -> Self {
        self.edit(|inner| inner.status = Some(status))
    }

    /// Sets the JSON-RPC error in the body of the answer.
    #[must_use]
    pub fn with_peer_error(self, error: ErrorObject) -> Self {
        self.edit(|inner| inner.peer_error = Some(error))
    }

    /// Sets the `WWW-Authenticate` header of the answer.
    #[must_use]
    pub fn with_challenge(self, challenge: impl Into<Box<str>>) -> Self {
        self.edit(|inner| inner.challenge = Some(challenge.into()))
    }

    /// Sets how long the server asks to wait.
    #[must_use]
    pub fn with_retry_after(self, wait: Duration) -> Self {
        self.edit(|inner| inner.retry_after = Some(wait))
    }

    /// Sets the exit status of the server's process, and the end of its standard error, whose last lines become a cause.
    #[must_use]
    pub fn with_exit(self, exit: Option<ExitStatus>, stderr_tail: impl Into<Box<str>>) -> Self {
        let tail = Some(stderr_tail.into()).filter(|tail| !tail.is_empty());
        self.edit(|inner| {
            if let Some(tail) = &tail {
                inner.source = Some(Arc::new(LastWords::new(tail, inner.source.take())));
            }
            (inner.server_exit, inner.stderr_tail) = (exit, tail);
        })
    }

    /// Replaces the message of the error.
    pub(crate) fn with_message(self, message: String) -> Self {
        self.edit(|inner| inner.message = message.into())
    }

    fn edit(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        change(Arc::make_mut(&mut self.inner));
        self
    }

    /// How far the message got: whether sending it again is safe.
    pub fn delivery(&self) -> Delivery {
        self.delivery
    }

    /// Whether the connection is gone; a new one may work.
    pub fn is_closed(&self) -> bool {
        self.inner.kind == Kind::Closed
    }

    /// Whether the server could not be reached or started.
    pub fn is_connect(&self) -> bool {
        self.inner.kind == Kind::Connect
    }

    /// Whether reading or writing failed.
    pub fn is_io(&self) -> bool {
        self.inner.kind == Kind::Io
    }

    /// Whether a time limit of the transport passed.
    pub fn is_timeout(&self) -> bool {
        self.inner.kind == Kind::Timeout
    }

    /// Whether a message was larger than the limit.
    pub fn is_too_large(&self) -> bool {
        self.inner.kind == Kind::TooLarge
    }

    /// Whether the server's answer was not a message of the protocol.
    pub fn is_malformed(&self) -> bool {
        self.inner.kind == Kind::Malformed
    }

    /// Whether more messages about one request came than were read.
    pub fn is_overflow(&self) -> bool {
        self.inner.kind == Kind::Overflow
    }

    /// The HTTP status of the answer, if there was one.
    pub fn status(&self) -> Option<StatusCode> {
        self.inner.status
    }

    /// The JSON-RPC error in the body of the answer. Untrusted.
    pub fn peer_error(&self) -> Option<&ErrorObject> {
        self.inner.peer_error.as_ref()
    }

    /// The `WWW-Authenticate` header of the answer.
    pub fn challenge(&self) -> Option<&str> {
        self.inner.challenge.as_deref()
    }

    /// How long the server asks to wait before the next attempt.
    pub fn retry_after(&self) -> Option<Duration> {
        self.inner.retry_after
    }

    /// The exit status of the server's process, if this client started it and it is known to have ended.
    pub fn server_exit(&self) -> Option<ExitStatus> {
        self.inner.server_exit
    }

    /// The end of the standard error of the server's process. Untrusted.
    pub fn stderr_tail(&self) -> Option<&str> {
        self.inner.stderr_tail.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.inner.message)?;
        if let Some(status) = self.inner.status {
            write!(f, " (HTTP status {status})")?;
        }
        if let Some(exit) = self.inner.server_exit {
            write!(f, " ({exit})")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { kind, message, source, status, server_exit, stderr_tail, .. } = &*self.inner;
        let mut debug = f.debug_struct("Error");
        debug.field("kind", kind).field("message", message).field("delivery", &self.delivery);
        if let Some(status) = status {
            debug.field("status", status);
        }
        if let Some(exit) = server_exit {
            debug.field("server_exit", exit);
        }
        if let Some(tail) = stderr_tail {
            debug.field("stderr_tail", tail);
        }
        if let Some(source) = source {
            debug.field("source", source);
        }
        debug.finish()
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        self.inner.source.as_ref().map(|source| &**source as &(dyn error::Error + 'static))
    }
}
