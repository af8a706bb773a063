//! Configuring a client.

use crate::{
    Client, Deadlines, Diagnostics, Event, InputHandler, Mode, PriorDiscover, Reconnect, Target,
    client::Config, log,
};
use mcp_session::{BoxCallService, CallService, Events, Extension, Options};
use mcp_types::{Implementation, LoggingLevel};
use std::{fmt, sync::Arc, time::Duration};
use tower_layer::Layer;

/// Configures a [`Client`].
#[must_use = "nothing happens before `build`"]
pub struct ClientBuilder(Config);

impl ClientBuilder {
    pub(crate) fn new(target: Target) -> Self {
        let mut options = Options::default();
        options.client_info =
            Implementation::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
        let (wrap, call_events) = (Vec::new(), Events::default());
        Self(Config { target, options, wrap, call_events, keep_alive: false })
    }

    /// Name and version of the program, as servers see them. Default: those of this library.
    pub fn client_info(mut self, info: Implementation) -> Self {
        self.0.options.client_info = info;
        self
    }

    /// Which revisions to try. Default: [`Mode::Auto`].
    pub fn mode(mut self, mode: Mode) -> Self {
        self.0.options.mode = mode;
        self
    }

    /// What is known of the server from an earlier session, so that connecting takes no round trip.
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
        self.0.options.prior = Some(prior.into());
        self
    }

    /// How long connecting may take; zero means no limit. Default: 30 s.
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.0.options.connect_timeout = (!limit.is_zero()).then_some(limit);
        self
    }

    /// Time limits of calls that bring none of their own. Default: see [`Deadlines`].
    pub fn deadlines(mut self, deadlines: Deadlines) -> Self {
        self.0.options.deadlines = deadlines;
        self
    }

    /// Is told what the server does against the specification; a strict one fails calls for it.
    pub fn diagnostics(mut self, diagnostics: Diagnostics) -> Self {
        self.0.options.diagnostics = diagnostics;
        self
    }

    /// Keeps the session open when the last [`Connection`](crate::Connection) is gone, until [`Client::close`] or until
    /// the client and all its clones are gone: a child process then serves connection after connection.
    pub fn keep_alive(mut self) -> Self {
        self.0.keep_alive = true;
        self
    }

    /// When a lost connection is made again under the session. Default: never; the next
    /// [`connect`](Client::connect) makes a new one.
    pub fn reconnect(mut self, policy: Reconnect) -> Self {
        self.0.options.reconnect = policy;
        self
    }

    /// The least severe log messages that a stateless server should send about calls. Default: none.
    pub fn log_level(mut self, level: LoggingLevel) -> Self {
        self.0.options.log_level = Some(level);
        self
    }

    /// Supports an extension of the protocol, like [`Tasks`](crate::Tasks).
    pub fn extension(mut self, extension: impl Extension) -> Self {
        self.0.options.extensions.push(Arc::new(extension));
        self
    }

    /// Answers the server's questions. Default: nobody, and servers are told so.
    pub fn input(mut self, handler: impl InputHandler) -> Self {
        self.0.options.input = Arc::new(handler);
        self
    }

    /// Listens to notifications that belong to no call, beside those who listen already.
    pub fn on_event(mut self, listener: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.0.options.events = self.0.options.events.and_listener(listener);
        self
    }

    /// Listens to what the server says about each call while it works on it, progress for example, beside those who
    /// listen to one call. [`Operation::events`](crate::Operation::events) takes its place for a call.
    pub fn on_call_event(mut self, listener: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.0.call_events = self.0.call_events.and_listener(listener);
        self
    }

    /// One more layer around the session, inside of those that were added before.
    pub fn layer<L>(mut self, layer: L) -> Self
    where
        L: Layer<BoxCallService> + Send + Sync + 'static,
        L::Service: CallService,
    {
        self.0.wrap.push(Arc::new(move |service| BoxCallService::new(layer.layer(service))));
        self
    }

    /// Changes any option of the sessions to come: retries, caching, extensions, traces.
    ///
    /// ```
    /// use mcp_client::Client;
    /// use mcp_session::{RetryOptions, Tasks};
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
        change(&mut self.0.options);
        self
    }

    /// The client, not connected.
    pub fn build(mut self) -> Client {
        // So that a user can be told which server asks.
        let name = || self.0.target.name().into();
        self.0.options.server_name.get_or_insert_with(name);
        // What a server logs goes to `tracing`, beside whoever else listens.
        self.0.options.events = log::listen(self.0.options.events);
        Client::from_config(self.0)
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("target", &self.0.target)
            .field("options", &self.0.options)
            .finish_non_exhaustive()
    }
}
