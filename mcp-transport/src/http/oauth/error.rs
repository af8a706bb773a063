//! Errors of a login.

use super::super::EXCERPT;
use crate::{BoxError, excerpt::excerpt};
use std::{borrow::Cow, error, fmt, sync::Arc};

/// A client could not log in, or its token is not sufficient.
///
/// It is the cause of the [`Error`](crate::Error) of the call; [`Error::find`] finds it in a chain of causes. It is
/// cheap to clone, because all calls that wait for one login fail with it. Its text contains no secrets.
#[derive(Clone)]
pub struct Error {
    inner: Arc<Inner>,
}

/// What kind of failure it is, and so who can do something about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The options of the client are invalid: fix the program.
    Configuration,
    /// The server does not say where to log in, or says something that must not be trusted: fix the server.
    Metadata,
    /// The authorization server registers no clients: register the client by hand, and configure its identifier.
    Registration,
    /// The user could not be asked, or did not answer in time.
    Receiver,
    /// The user or the authorization server refused.
    Denied,
    /// The answer came from another authorization server than the one that was asked.
    MixUp,
    /// The authorization server issued no token.
    Token,
    /// The server refuses a fresh token.
    Rejected,
    /// The server asks for scopes that did not help, or keeps asking for more.
    InsufficientScope,
    /// The store of tokens cannot be read or written.
    Store,
    /// A server could not be reached, or violated HTTP.
    Network,
}

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    message: Cow<'static, str>,
    code: Option<Box<str>>,
    tried: Vec<String>,
    source: Option<Arc<dyn error::Error + Send + Sync>>,
}

impl Error {
    /// Creates an error for a receiver, a store or a grant of your own: what happened, to what, and what to do.
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        let (message, tried) = (message.into(), Vec::new());
        Self { inner: Arc::new(Inner { kind, message, code: None, tried, source: None }) }
    }

    /// Sets the cause.
    #[must_use]
    pub fn with_source(self, source: impl Into<BoxError>) -> Self {
        let source = Arc::from(source.into());
        self.edit(|inner| inner.source = Some(source))
    }

    /// Sets the error code of the authorization server, for example `invalid_grant`.
    #[must_use]
    pub fn with_code(self, code: &str) -> Self {
        self.edit(|inner| inner.code = Some(excerpt(code.as_bytes(), EXCERPT).into()))
    }

    /// Adds what was requested before the error, and how it was answered.
    #[must_use]
    pub(super) fn with_tried(self, tried: Vec<String>) -> Self {
        self.edit(|inner| inner.tried = tried)
    }

    fn edit(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        change(Arc::make_mut(&mut self.inner));
        self
    }

    /// Finds the error of a login in the chain of causes of an error.
    pub fn find<'a>(error: &'a (dyn error::Error + 'static)) -> Option<&'a Self> {
        let mut cause = Some(error);
        while let Some(at) = cause {
            if let Some(found) = at.downcast_ref() {
                return Some(found);
            }
            cause = at.source();
        }
        None
    }

    /// The kind of failure.
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }

    /// The error code of the authorization server, for example `access_denied`. Untrusted.
    pub fn code(&self) -> Option<&str> {
        self.inner.code.as_deref()
    }

    /// The requests for metadata and their outcomes, one line each.
    pub fn tried(&self) -> &[String] {
        &self.inner.tried
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.inner.message)?;
        if let Some(code) = &self.inner.code {
            write!(f, " ({code})")?;
        }
        match &*self.inner.tried {
            [] => Ok(()),
            tried => write!(f, "; tried {}", tried.join(", ")),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { kind, message, code, tried, source } = &*self.inner;
        let mut debug = f.debug_struct("Error");
        debug.field("kind", kind).field("message", message);
        if let Some(code) = code {
            debug.field("code", code);
        }
        if !tried.is_empty() {
            debug.field("tried", tried);
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
