//! The client builder.

mod listen;
#[cfg(feature = "validate")]
mod validate;

use crate::{
    Client, Deadlines, Diagnostics, Handlers, Mode, PingOptions, PriorDiscover, Reconnect, Target,
    answers::Answers, client::Config, listeners::Listeners,
};
use mcp_session::{BoxCallService, CallService, Extension, Options};
use mcp_types::{Implementation, LoggingLevel};
use std::{fmt, sync::Arc, time::Duration};
use tower_layer::Layer;

/// Configures a [`Client`].
#[must_use = "nothing happens before `build`"]
pub struct ClientBuilder {
    config: Config,
    handlers: Handlers,
    listeners: Listeners,
    #[cfg(feature = "validate")]
    validations: validate::Validations,
}

impl ClientBuilder {
    pub(crate) fn new(target: Target) -> Self {
        let mut options = Options::default();
        options.client_info =
            Implementation::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
        let config = Config {
            target,
            options,
            wrap: Vec::new(),
            answers: Arc::default(),
            listeners: Arc::default(),
            keep_alive: false,
            auto_initialize: true,
        };
        Self {
            config,
            handlers: Handlers::new(),
            listeners: Listeners::default(),
            #[cfg(feature = "validate")]
            validations: validate::Validations::default(),
        }
    }

    /// Sets the name and version that servers see. Default: those of this library.
    pub fn client_info(mut self, info: Implementation) -> Self {
        self.config.options.client_info = info;
        self
    }

    /// Sets which revisions are tried. Default: [`Mode::Auto`].
    pub fn mode(mut self, mode: Mode) -> Self {
        self.config.options.mode = mode;
        self
    }

    /// Reuses what an earlier session has learned about the server, so that connecting takes no round trip.
    ///
    /// ```no_run
    /// use mcp_client::{Client, PriorDiscover};
    /// use mcp_client::types::RawJson;
    ///
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let client = Client::connect_to("https://example.com/mcp").await?;
    /// let saved = client.server()?.discovered().map(ToString::to_string);
    /// // Later, in another process:
    /// let mut later = Client::builder("https://example.com/mcp");
    /// if let Some(saved) = saved {
    ///     later = later.prior_discover(PriorDiscover::new(RawJson::parse(saved)?));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// If it proves wrong, the first call fails with [`Error::WrongPrior`](crate::Error::WrongPrior), and the next
    /// [`connect`](Client::connect) asks the server. See [`PriorDiscover`].
    pub fn prior_discover(mut self, prior: impl Into<PriorDiscover>) -> Self {
        self.config.options.prior = Some(prior.into());
        self
    }

    /// Limits how long connecting may take; zero means no limit. Default: 30 s.
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.config.options.connect_timeout = (!limit.is_zero()).then_some(limit);
        self
    }

    /// Limits how long the server may take to answer the first request, `initialize` or `server/discover`, once it has
    /// been started or reached; zero means no limit but that of connecting. Default: no limit of its own.
    pub fn init_timeout(mut self, limit: Duration) -> Self {
        self.config.options.init_timeout = (!limit.is_zero()).then_some(limit);
        self
    }

    /// Sets whether connecting also begins the protocol. Default: yes; otherwise [`Client::initialize`] does.
    pub fn auto_initialize(mut self, whether: bool) -> Self {
        self.config.auto_initialize = whether;
        self
    }

    /// Limits how long the server may take in total for a call without a limit of its own; zero means no limit.
    /// Default: see [`Deadlines`].
    pub fn timeout(self, limit: Duration) -> Self {
        self.deadlines(if limit.is_zero() { Deadlines::NONE } else { Deadlines::total(limit) })
    }

    /// Sets the time limits of calls without limits of their own. Default: see [`Deadlines`].
    pub fn deadlines(mut self, deadlines: Deadlines) -> Self {
        self.config.options.deadlines = deadlines;
        self
    }

    /// Reports what the server does against the specification to `diagnostics`; strict ones also fail the call.
    pub fn diagnostics(mut self, diagnostics: Diagnostics) -> Self {
        self.config.options.diagnostics = diagnostics;
        self
    }

    /// Keeps the session open when the last [`Connection`](crate::Connection) is gone, until [`Client::close`] or until
    /// the client and all its clones are gone: a child process then serves connection after connection.
    pub fn keep_alive(mut self) -> Self {
        self.config.keep_alive = true;
        self
    }

    /// Sets when a lost connection is replaced under the session. Default: never; the next
    /// [`connect`](Client::connect) makes a new one.
    pub fn reconnect(mut self, policy: Reconnect) -> Self {
        self.config.options.reconnect = policy;
        self
    }

    /// Pings a server with a handshake regularly, to find out whether it is still there. Default: no pings.
    ///
    /// ```
    /// use mcp_client::{Client, PingOptions, Reconnect};
    /// use std::time::Duration;
    ///
    /// let client = Client::builder("https://example.com/mcp")
    ///     .ping(PingOptions::every(Duration::from_secs(60)))
    ///     .reconnect(Reconnect::at_once())
    ///     .build();
    /// ```
    pub fn ping(mut self, options: PingOptions) -> Self {
        self.config.options.ping = Some(options);
        self
    }

    /// Sets the minimum level of the log messages that a stateless server should send about calls. Default: none are
    /// sent.
    pub fn log_level(mut self, level: LoggingLevel) -> Self {
        self.config.options.log_level = Some(level);
        self
    }

    /// Supports an extension of the protocol, like [`Tasks`](crate::Tasks).
    pub fn extension(mut self, extension: impl Extension) -> Self {
        self.config.options.extensions.push(Arc::new(extension));
        self
    }

    /// Adds a layer around the session, inside of those that were added before.
    pub fn layer<L>(mut self, layer: L) -> Self
    where
        L: Layer<BoxCallService> + Send + Sync + 'static,
        L::Service: CallService,
    {
        self.config.wrap.push(Arc::new(move |service| BoxCallService::new(layer.layer(service))));
        self
    }

    /// Changes any option of future sessions: retries, caching, extensions, traces.
    ///
    /// ```
    /// use mcp_client::Client;
    /// use mcp_client::{Tasks, session::RetryOptions};
    /// use std::sync::Arc;
    ///
    /// let client = Client::builder("https://example.com/mcp")
    ///     .configure(|options| {
    ///         options.retry = Some(RetryOptions::default());
    ///         options.extensions.push(Arc::new(Tasks::new()));
    ///     })
    ///     .build();
    /// ```
    pub fn configure(mut self, change: impl FnOnce(&mut Options)) -> Self {
        change(&mut self.config.options);
        self
    }

    /// Builds the client, which is not connected yet.
    pub fn build(mut self) -> Client {
        // Outermost, where tools have the names that the program uses.
        #[cfg(feature = "validate")]
        self.config.wrap.insert(0, self.validations.wrap());
        let Config { target, options, .. } = &mut self.config;
        // So that a user can be told which server is asking.
        options.server_name.get_or_insert_with(|| target.name().into());
        options.events = self.listeners.log.listen(std::mem::take(&mut options.events));
        let rest = Arc::clone(&options.input);
        self.config.listeners = Arc::new(self.listeners);
        self.config.answer_with(Answers::new(self.handlers, rest));
        Client::from_config(self.config)
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("target", &self.config.target)
            .field("options", &self.config.options)
            .finish_non_exhaustive()
    }
}
