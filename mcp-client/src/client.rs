//! The client.

use crate::{
    ClientBuilder, Connection, Error, InputHandler, Server, Target,
    answers::Answers,
    caller::{Footing, Ground},
    dial::{Pause, Plan},
    in_flight::InFlight,
    listeners::Listeners,
    live::{Found, Kept, Live, Opened, Slot, Wrap},
};
use mcp_session::{Options, Session};
use mcp_types::{Request, rpc::Notification};
use std::{fmt, sync::Arc};

/// A client of one server: how to reach it, how to answer its questions, and the session while one is open.
///
/// Clones share the session; [`fresh`](Self::fresh) copies the configuration alone. Making a client does no IO.
///
/// Calls need an open session: hold a [`Connection`] while calling.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
    found: Found<Footing>,
}

struct Inner {
    config: Config,
    slot: Arc<Slot>,
    ground: Arc<Ground>,
    /// The client's own hold, which keeps a session open between connections, if configured.
    kept: Option<Kept>,
}

/// What a client is built from: how to reach the server, and how to talk to it.
#[derive(Clone)]
pub(crate) struct Config {
    pub(crate) target: Target,
    pub(crate) options: Options,
    pub(crate) wrap: Vec<Wrap>,
    /// The question handlers. The options refer to the same ones.
    pub(crate) answers: Arc<Answers>,
    pub(crate) listeners: Arc<Listeners>,
    pub(crate) keep_alive: bool,
    pub(crate) auto_initialize: bool,
}

impl Client {
    /// A client with default options.
    pub fn new(target: impl Into<Target>) -> Self {
        Self::builder(target).build()
    }

    /// Starts configuring a client.
    pub fn builder(target: impl Into<Target>) -> ClientBuilder {
        ClientBuilder::new(target.into())
    }

    /// Connects to a target with default options.
    ///
    /// # Errors
    ///
    /// See [`connect`](Self::connect).
    pub async fn connect_to(target: impl Into<Target>) -> Result<Connection, Error> {
        Self::new(target).connect().await
    }

    /// Opens the session, or joins the one that is open or opening.
    ///
    /// # Errors
    ///
    /// The target is invalid, the server cannot be reached or started, or it speaks no common revision.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future undoes the call: other waiters are not disturbed, and a connection that only this caller
    /// wanted is closed.
    pub async fn connect(&self) -> Result<Connection, Error> {
        let Inner { config, slot, ground, kept } = &*self.inner;
        let hold = slot.hold(|| Live::start(&config.target.dial(), config.plan(), ground));
        hold.live().ready(config.target.name()).await?;
        if let Some(kept) = kept {
            kept.keep(&hold);
        }
        // Looks up its own session, whichever one this client has found.
        let client = Self { inner: Arc::clone(&self.inner), found: Found::default() };
        Ok(Connection::new(client, hold))
    }

    /// Begins the protocol on a connection, unless connecting has done so, and returns what the server says about
    /// itself: its answer to `initialize` or `server/discover`.
    ///
    /// That happens once per connection; later calls return the same value. Needed only with
    /// [`ClientBuilder::auto_initialize`] turned off. Its time limit is [`ClientBuilder::init_timeout`].
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), mcp_client::Error> {
    /// use mcp_client::Client;
    ///
    /// let client = Client::builder("servers/weather.py").auto_initialize(false).build();
    /// let connection = client.connect().await?;
    /// // The process runs, and has not been told anything yet.
    /// let server = connection.initialize().await?;
    /// println!("speaks {}", server.version);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// There is no connection; or the server does not answer as it should, and the connection has been closed.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future does not stop the initialization.
    pub async fn initialize(&self) -> Result<Arc<Server>, Error> {
        let live = self.inner.slot.current().ok_or(Error::NotConnected)?;
        live.initialized(self.inner.config.target.name()).await?;
        Ok(Arc::clone(live.session()?.session.server()))
    }

    /// Closes the session for all its holders, and waits until it is closed. Calls in flight fail, and subscriptions
    /// end with an error.
    pub async fn close(&self) {
        let live = self.inner.slot.take();
        if let Some(kept) = &self.inner.kept {
            kept.let_go();
        }
        if let Some(live) = live {
            live.close().await;
        }
    }

    /// Returns a client with a copy of the current configuration and no session. Later changes of one do not affect the
    /// other.
    #[must_use]
    pub fn fresh(&self) -> Self {
        let mut config = self.inner.config.clone();
        config.answer_with(self.answers().copy());
        Self::from_config(config)
    }

    /// Whether there is a live connection. A server that has died is noticed without a call.
    ///
    /// There is none while [`Reconnect`](crate::Reconnect) replaces a lost one. Calls do not fail because of that: they
    /// wait for the new connection, or trigger it.
    pub fn is_connected(&self) -> bool {
        let is_whole = |opened: Arc<Opened<Footing>>| opened.session.is_connected();
        // Without a session, there may be a connection that is not initialized yet.
        self.inner
            .slot
            .current()
            .is_some_and(|it| it.is_open() && it.session().map_or(true, is_whole))
    }

    /// The open session, for calls below this facade.
    ///
    /// # Errors
    ///
    /// There is no open session; if it was lost, the error says why.
    pub fn session(&self) -> Result<Session, Error> {
        Ok(self.footing()?.session.clone())
    }

    /// Returns what calls need, if a session is open.
    pub(crate) fn footing(&self) -> Result<Arc<Opened<Footing>>, Error> {
        self.found.or_in(&self.inner.slot)
    }

    /// Calls any method and decodes its result.
    ///
    /// # Errors
    ///
    /// Any of [`Error`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels the request on the wire.
    pub async fn request<R: Request>(&self, request: R) -> Result<R::Result, Error> {
        self.session()?.request(request).await
    }

    /// Sends any notification.
    ///
    /// # Errors
    ///
    /// There is no open session, the server refused it, or it was not taken within the
    /// [deadlines](crate::ClientBuilder::deadlines).
    pub async fn notify(&self, notification: Notification) -> Result<(), Error> {
        self.session()?.notify(notification).await
    }

    pub(crate) fn options(&self) -> &Options {
        &self.inner.config.options
    }

    /// Returns the session that is open or being opened, with its holders.
    pub(crate) fn live(&self) -> Result<Arc<Live>, Error> {
        self.inner.slot.current().ok_or(Error::NotConnected)
    }

    pub(crate) fn answers(&self) -> &Answers {
        &self.inner.config.answers
    }

    pub(crate) fn in_flight(&self) -> &Arc<InFlight> {
        &self.inner.ground.in_flight
    }

    pub(crate) fn from_config(config: Config) -> Self {
        let kept = config.keep_alive.then(Kept::default);
        let ground = Ground {
            listeners: Arc::clone(&config.listeners),
            known_tools: Arc::default(),
            in_flight: Arc::default(),
            deadlines: config.options.deadlines,
            asks_for_logs: config.options.log_level.is_some(),
        };
        let (slot, ground) = (Arc::default(), Arc::new(ground));
        let inner = Arc::new(Inner { config, slot, ground, kept });
        Self { inner, found: Found::default() }
    }
}

impl Config {
    /// Returns the plan for opening a session.
    fn plan(&self) -> Plan {
        Plan {
            options: self.options.clone(),
            wrap: self.wrap.clone(),
            upstream: None,
            pause: (!self.auto_initialize).then(Pause::default),
        }
    }

    /// Replaces the question handlers.
    pub(crate) fn answer_with(&mut self, answers: Answers) {
        self.answers = Arc::new(answers);
        self.options.input = Arc::clone(&self.answers) as Arc<dyn InputHandler>;
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("target", &self.inner.config.target)
            .field("connected", &self.is_connected())
            .finish_non_exhaustive()
    }
}
