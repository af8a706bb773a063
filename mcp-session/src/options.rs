//! The options of a session.

use crate::{
    Deadlines, Diagnostics, Events, Extension, HostTasks, InputHandler, KnownEra, NoInput,
    PingOptions, PriorDiscover, Reconnect, RetryOptions, follow_input::DEFAULT_ROUNDS,
};
use mcp_types::{ProtocolVersion, capabilities::Implementation, logging::LoggingLevel};
use std::{fmt, sync::Arc, time::Duration};

/// How a session is set up; every field has a default.
#[derive(Clone)]
#[non_exhaustive]
pub struct Options {
    /// The name and version that servers see. Default: those of this library.
    pub client_info: Implementation,
    /// The program's name for the server, so that handlers can show who asks. Default: none.
    pub server_name: Option<Arc<str>>,
    /// Which revisions to try. Default: [`Mode::Auto`].
    pub mode: Mode,
    /// What an earlier session learned about a stateless server, which saves the round trip. Default: nothing.
    pub prior: Option<PriorDiscover>,
    /// What is known about the era of the server, shared by clones of the options. Default: nothing.
    pub known_era: KnownEra,
    /// How long connecting may take in total, or `None` for no limit. Default: 30 s.
    pub connect_timeout: Option<Duration>,
    /// How long the server may take to answer `initialize` or `server/discover`, or `None` for no limit but that of
    /// connecting. Default: `None`.
    pub init_timeout: Option<Duration>,
    /// How long a server on a byte stream may be silent about `server/discover` before it counts as a legacy server.
    /// Default: 10 s.
    pub probe_timeout: Duration,
    /// Time limits of calls without limits of their own.
    pub deadlines: Deadlines,
    /// How often a stateless server may ask for input during one call. Default: 10.
    pub input_rounds: usize,
    /// How long one answer to a question of the server may take, or `None` for no limit. A person may need some
    /// minutes. Default: 10 min.
    pub input_timeout: Option<Duration>,
    /// How many questions the server may ask per minute, or `None` for no limit; more are refused. Default: 120.
    pub input_rate: Option<u32>,
    /// Whether fields that the answer to a form leaves out are set to their defaults. Default: yes.
    pub fill_in_defaults: bool,
    /// Whether and how servers of 2025-11-25 may send questions as tasks. Default: they may not.
    pub host_tasks: Option<HostTasks>,
    /// The minimum level of the log messages that a stateless server should send about calls. Default: none are sent.
    pub log_level: Option<LoggingLevel>,
    /// When a lost connection is replaced.
    pub reconnect: Reconnect,
    /// How a server with a handshake is pinged. Default: not at all.
    pub ping: Option<PingOptions>,
    /// When failed calls are retried. Default: never. Its deadlines are those of the session.
    pub retry: Option<RetryOptions>,
    /// Extensions of the protocol that the client supports. Default: none.
    pub extensions: Vec<Arc<dyn Extension>>,
    /// Spans for calls, and the trace context that servers get. Default: none.
    pub trace: Option<crate::PropagateTraceLayer>,
    /// How replies of a stateless server are cached, as it allows. Default: not at all.
    #[cfg(feature = "cache")]
    pub reuse: Option<crate::ReuseOptions>,
    /// Answers the server's questions. Default: none are answered.
    pub input: Arc<dyn InputHandler>,
    /// Where violations of the specification by the server are reported.
    pub diagnostics: Diagnostics,
    /// Listeners for notifications that belong to no call. Default: none.
    pub events: Events,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            client_info: Implementation::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION")),
            server_name: None,
            mode: Mode::Auto,
            prior: None,
            known_era: KnownEra::new(),
            connect_timeout: Some(Duration::from_secs(30)),
            init_timeout: None,
            probe_timeout: Duration::from_secs(10),
            deadlines: Deadlines::default(),
            input_rounds: DEFAULT_ROUNDS,
            input_timeout: Some(Duration::from_secs(600)),
            input_rate: Some(120),
            fill_in_defaults: true,
            host_tasks: None,
            log_level: None,
            reconnect: Reconnect::default(),
            ping: None,
            retry: None,
            trace: None,
            #[cfg(feature = "cache")]
            reuse: None,
            extensions: Vec::new(),
            input: Arc::new(NoInput),
            diagnostics: Diagnostics::default(),
            events: Events::default(),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("client_info", &self.client_info)
            .field("mode", &self.mode)
            .field("connect_timeout", &self.connect_timeout)
            .field("deadlines", &self.deadlines)
            .finish_non_exhaustive()
    }
}

/// Which revisions of the protocol a session tries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mode {
    /// The stateless revision first, and the newest legacy one if the server does not know it.
    #[default]
    Auto,
    /// This revision and no other.
    Pinned(ProtocolVersion),
    /// A handshake without a probe, beginning with the newest legacy revision.
    Legacy,
}
