//! The session error: what a program should do about a call that failed.

use crate::{InvalidParams, Misbehavior, Misfit};
use mcp_transport::{BoxError, Delivery};
use mcp_types::{
    ContentBlock, ElicitRequestUrlParams, ErrorCode, ErrorObject, ProtocolVersion, RawJson,
    UrlElicitationRequiredData, tasks_extension::TaskStatus,
};
use std::{process::ExitStatus, sync::Arc, time::Duration};

/// A call or a connection failed.
///
/// The variants answer what the program should do; the methods tell the rest. `Display` is one sentence about this
/// level; the cause is in `source`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The server answered with an error.
    #[error("server refused {method}: {error}")]
    Rpc {
        /// The method that was called.
        method: Box<str>,
        /// What the server said.
        error: Box<ErrorObject>,
    },
    /// The message or its answer did not get through.
    #[error(transparent)]
    Transport(#[from] mcp_transport::Error),
    /// A deadline passed. The request was cancelled on the wire.
    #[error("{}", late(method, *phase, *after))]
    Timeout {
        /// The method that was called.
        method: Box<str>,
        /// Which deadline.
        phase: Phase,
        /// How long it was.
        after: Duration,
    },
    /// The program cancelled the call; see [`Cancellation`](crate::Cancellation). The request was cancelled on the
    /// wire.
    #[error("{method} was cancelled by this client{}", because(reason.as_deref()))]
    Cancelled {
        /// The method that was called.
        method: Box<str>,
        /// Why, if the program said so.
        reason: Option<Box<str>>,
    },
    /// The server broke a rule of the protocol, and the call could not be saved.
    #[error("server broke the protocol in answer to {method}: {misbehavior}")]
    Misbehaved {
        /// The method that was called.
        method: Box<str>,
        /// Which rule.
        misbehavior: Misbehavior,
        /// What was wrong with it, if it could not be decoded.
        source: Option<serde_json::Error>,
    },
    /// The server asked for input that it did not get.
    #[error("{method} needs input that was not given: {reason}")]
    InputRequired {
        /// The method that was called.
        method: Box<str>,
        /// Why there was none.
        reason: Box<str>,
    },
    /// The task that the server made of the call was cancelled by somebody else.
    #[error("the task of {method} was cancelled")]
    TaskCancelled {
        /// The method that was called.
        method: Box<str>,
    },
    /// The task has ended, and cannot reach the wanted status any more.
    #[error("the task of {method} has ended as {}: it does not become {}", status.as_str(), wanted.as_str())]
    TaskEnded {
        /// The method that was called.
        method: Box<str>,
        /// How it ended.
        status: TaskStatus,
        /// What was waited for, or asked for.
        wanted: TaskStatus,
    },
    /// Client and server have no revision of the protocol in common.
    #[error("no common protocol version: this client speaks {ours:?}, the server {theirs:?}")]
    NoCommonVersion {
        /// The revisions that the client was ready to speak.
        ours: Vec<ProtocolVersion>,
        /// The revisions that the server offered, as far as it said.
        theirs: Vec<ProtocolVersion>,
    },
    /// The stateless revision that was asked for, and no other, is not the one that the server answers in.
    #[error(
        "server does not answer as one of revision {version}: if it wants a handshake, do not pin the revision"
    )]
    NotStateless {
        /// The revision that was asked for.
        version: ProtocolVersion,
        /// What the server made of the question.
        source: Box<Self>,
    },
    /// What was known about the server from before is wrong: the session has ended, and the next one asks the server.
    #[error("what was known of the server from an earlier session is wrong: connect again")]
    WrongPrior {
        /// How the server answered the call, which it has not done.
        source: Box<Self>,
    },
    /// The revision of the session has no such method.
    #[error("{method} does not exist in protocol version {version}")]
    NotInVersion {
        /// The method that was called.
        method: Box<str>,
        /// The version of the session.
        version: ProtocolVersion,
    },
    /// The parameters cannot be sent.
    #[error(transparent)]
    InvalidParams(#[from] InvalidParams),
    /// The result does not fit its type.
    #[error("cannot read the result of {method}")]
    Decode {
        /// The method that was called.
        method: Box<str>,
        /// Where and why.
        source: serde_json::Error,
    },
    /// No session could be opened. All callers who waited for it get the same cause.
    #[error("cannot connect to {target}")]
    Connect {
        /// What the client is for.
        target: Box<str>,
        /// Why.
        source: Arc<Self>,
    },
    /// The target of a client is invalid.
    #[error("invalid target: {reason}")]
    InvalidTarget {
        /// What is wrong with it.
        reason: Box<str>,
    },
    /// The tool failed, and the caller asked for that to be an error.
    #[error("tool {tool:?} failed: {message}")]
    Tool {
        /// The tool that was called.
        tool: Box<str>,
        /// The text of what it said. Untrusted.
        message: Box<str>,
        /// All that it said. Untrusted.
        content: Vec<ContentBlock>,
    },
    /// The server did not offer what the call needs: a capability in its handshake, or, for a server of any revision,
    /// an extension.
    #[error("{method} cannot be called: the server did not offer the capability {capability:?}")]
    NotOffered {
        /// The method that was called.
        method: Box<str>,
        /// The member of the server's capabilities that is missing, or the id of the extension.
        capability: &'static str,
    },
    /// A list was not read to its end, because it seems to have none.
    #[error("{method} was given up: {reason}")]
    Endless {
        /// The method that was called.
        method: Box<str>,
        /// Why it seems so.
        reason: Endless,
    },
    /// The server refused a cursor that it had given itself.
    #[error("server refused a cursor of {method}: {error}")]
    InvalidCursor {
        /// The method that was called.
        method: Box<str>,
        /// What the server said.
        error: Box<ErrorObject>,
    },
    /// A policy of the program denied the call; see [`Guard`](crate::Guard).
    #[error("{method} was denied: {reason}")]
    Denied {
        /// The method that was called.
        method: Box<str>,
        /// Why.
        reason: Box<str>,
    },
    /// Too many calls of this tool wait already; see [`LimitTools`](crate::LimitTools).
    #[error("{method} was not sent: {limit} calls wait already")]
    Overloaded {
        /// The method that was called.
        method: Box<str>,
        /// How many may wait.
        limit: usize,
    },
    /// Calls of this kind have kept failing, and none is sent for now; see [`CircuitBreak`](crate::CircuitBreak).
    #[error("{method} was not sent: calls like it fail; try again in {retry_in:?}")]
    CircuitOpen {
        /// The method that was called.
        method: Box<str>,
        /// When the next may be sent.
        retry_in: Duration,
    },
    /// The tool has changed since it was accepted; see `PinTools`.
    #[error("tool {tool:?} is not the one that was accepted")]
    ToolChanged {
        /// The tool. Untrusted.
        tool: Box<str>,
    },
    /// No server of a group has what the call is for.
    #[error(
        "{method} has nowhere to go: no server of the group has {name:?}{}",
        did_you_mean(near)
    )]
    NoRoute {
        /// The method that was called.
        method: Box<str>,
        /// The tool, prompt or resource that it was called for.
        name: Box<str>,
        /// Names like it that the servers have. Untrusted.
        near: Vec<Box<str>>,
    },
    /// The arguments do not fit the schema that the tool declares, and were not sent; see `ValidateTools`.
    #[error("arguments of tool {tool:?} do not fit its schema: {misfit}")]
    InvalidArguments {
        /// The tool that was to be called.
        tool: Box<str>,
        /// Where and how; the pointer begins with the argument.
        misfit: Box<Misfit>,
    },
    /// The structured output does not fit the schema that the tool declares; see `ValidateTools`.
    #[error("output of tool {tool:?} does not fit its schema: {misfit}")]
    InvalidOutput {
        /// The tool that was called.
        tool: Box<str>,
        /// Where and how.
        misfit: Box<Misfit>,
    },
    /// The arguments or the output of a tool cannot be validated, because the schema is unusable; see `ValidateTools`.
    #[error("a schema of tool {tool:?} cannot be used: {reason}")]
    UnusableSchema {
        /// The tool that was called.
        tool: Box<str>,
        /// Why not.
        reason: Box<str>,
    },
    /// The client has no open session: connect first, and keep the connection while calling.
    #[error("client is not connected")]
    NotConnected,
    /// The client has a connection, and has not begun to speak the protocol over it: initialize first.
    #[error(
        "client is connected but not initialized: initialize it, or connect with auto-initialize"
    )]
    NotInitialized,
    /// A layer of the user failed.
    #[error("a layer failed")]
    Layer(#[source] BoxError),
}

fn late(method: &str, phase: Phase, after: Duration) -> String {
    match phase {
        // Not a protocol method: the work done until then has no single name.
        Phase::Connect if method == "connect" => format!("server was not ready within {after:?}"),
        _ => format!("{method} was not answered {phase} {after:?}"),
    }
}

fn did_you_mean(near: &[Box<str>]) -> String {
    let names: Vec<_> = near.iter().map(|name| format!("{name:?}")).collect();
    if names.is_empty() { String::new() } else { format!("; did you mean {}?", names.join(" or ")) }
}

/// Why a list seems to have no end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Endless {
    /// The server returned the same cursor twice.
    RepeatedCursor,
    /// There are more pages than this.
    Pages(usize),
    /// There are more items than this.
    Items(usize),
    /// Its pages have more bytes than this.
    Bytes(usize),
}

impl std::fmt::Display for Endless {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::RepeatedCursor => f.write_str("the server gave the same cursor twice"),
            Self::Pages(limit) => write!(f, "it has more than {limit} pages"),
            Self::Items(limit) => write!(f, "it has more than {limit} items"),
            Self::Bytes(limit) => write!(f, "it has more than {limit} bytes"),
        }
    }
}

/// Which deadline passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// The server was silent about the call for too long.
    Idle,
    /// The call took too long as a whole.
    Total,
    /// The connection was not ready in time.
    Connect,
}

impl std::fmt::Display for Phase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Idle => "or heard of for",
            Self::Total => "within",
            Self::Connect => "while connecting for",
        })
    }
}

impl Error {
    /// Converts an error of a stack of layers into this type: the one conversion, at the edge.
    ///
    /// An error of tower's own `Timeout` keeps its meaning; what no layer of this crate made is [`Error::Layer`].
    pub fn from_layers(error: BoxError) -> Self {
        let error = match error.downcast::<Self>() {
            Ok(known) => return *known,
            Err(error) => error,
        };
        match error.downcast::<mcp_transport::Error>() {
            Ok(transport) => Self::Transport(*transport),
            Err(error) => Self::Layer(error),
        }
    }

    /// The error of the server, if it answered with one.
    pub fn as_rpc(&self) -> Option<&ErrorObject> {
        match self {
            Self::Rpc { error, .. } | Self::InvalidCursor { error, .. } => Some(error),
            Self::Transport(error) => error.peer_error(),
            Self::Connect { source, .. } => source.as_rpc(),
            Self::NotStateless { source, .. } | Self::WrongPrior { source } => source.as_rpc(),
            _ => None,
        }
    }

    /// Whether the server says that it has no such resource: `-32602` in answer to `resources/read`, or `-32002`, as
    /// older servers have it.
    ///
    /// See [the clause](https://modelcontextprotocol.io/specification/2026-07-28/server/resources#error-handling).
    // spec: ERR-05 RES-01
    pub fn is_resource_not_found(&self) -> bool {
        let Self::Rpc { method, error } = self else { return false };
        match error.code {
            ErrorCode::RESOURCE_NOT_FOUND => true,
            code => code == ErrorCode::INVALID_PARAMS && **method == *"resources/read",
        }
    }

    /// The pages that the user has to visit before the call can be repeated, if that is why the server refused it.
    ///
    /// A server of 2025-11-25 says so with the code `-32042`. Ask the user, and then repeat the call.
    // spec: ELI-22
    pub fn url_elicitations(&self) -> Option<Vec<ElicitRequestUrlParams>> {
        let error = self.as_rpc().filter(|it| it.code == ErrorCode::URL_ELICITATION_REQUIRED)?;
        let data = RawJson::encode(error.data.as_deref()?).ok()?;
        let data: UrlElicitationRequiredData = data.decode().ok()?;
        Some(data.elicitations.into_iter().collect())
    }

    /// Whether a deadline passed.
    pub fn is_timeout(&self) -> bool {
        match self {
            Self::Timeout { .. } => true,
            Self::Transport(error) => error.is_timeout(),
            Self::Connect { source, .. } => source.is_timeout(),
            Self::NotStateless { source, .. } | Self::WrongPrior { source } => source.is_timeout(),
            _ => false,
        }
    }

    /// Whether the program cancelled the call.
    pub fn is_cancelled(&self) -> bool {
        matches!(self, Self::Cancelled { .. })
    }

    /// Whether the connection is gone.
    pub fn is_closed(&self) -> bool {
        self.as_transport().is_some_and(mcp_transport::Error::is_closed)
    }

    /// Whether the same call may be sent again without the risk of doing something twice.
    pub fn is_retryable(&self) -> bool {
        self.as_transport().is_some_and(|error| error.delivery() == Delivery::NotSent)
    }

    /// How long the server asks to wait before the next try.
    pub fn retry_after(&self) -> Option<Duration> {
        if let Self::CircuitOpen { retry_in, .. } = self {
            return Some(*retry_in);
        }
        self.as_transport()?.retry_after()
    }

    /// How the server's process ended.
    pub fn server_exit(&self) -> Option<ExitStatus> {
        self.as_transport()?.server_exit()
    }

    /// The last of what the server's process wrote to standard error. Untrusted.
    pub fn stderr_tail(&self) -> Option<&str> {
        self.as_transport()?.stderr_tail()
    }

    /// The error of the transport, if that failed: it has the HTTP status, the challenge and the delivery.
    pub fn as_transport(&self) -> Option<&mcp_transport::Error> {
        match self {
            Self::Transport(error) => Some(error),
            Self::Connect { source, .. } => source.as_transport(),
            Self::NotStateless { source, .. } | Self::WrongPrior { source } => {
                source.as_transport()
            }
            _ => None,
        }
    }

    /// Returns the transport's error, if the error of a stack of layers is one.
    pub(crate) fn transport_of(error: &BoxError) -> Option<&mcp_transport::Error> {
        match error.downcast_ref::<Self>() {
            Some(known) => known.as_transport(),
            None => error.downcast_ref(),
        }
    }

    pub(crate) fn rpc(method: &str, error: ErrorObject) -> Self {
        Self::Rpc { method: method.into(), error: Box::new(error) }
    }

    pub(crate) fn misbehaved(method: &str, misbehavior: Misbehavior) -> Self {
        Self::Misbehaved { method: method.into(), misbehavior, source: None }
    }
}

fn because(reason: Option<&str>) -> String {
    reason.map(|reason| format!(": {reason}")).unwrap_or_default()
}
