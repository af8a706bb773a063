//! The client.

use crate::{
    ClientBuilder, Connection, Error, Server, Target,
    known_tools::KnownTools,
    live::{Kept, Live, Slot, Wrap},
};
use mcp_session::{Events, Options, Session};
use mcp_types::{Request, rpc::Notification};
use std::{fmt, sync::Arc};

/// A client of one server: how to reach it, how to answer it, and the session while there is one.
///
/// Clones share the session; [`fresh`](Self::fresh) copies the configuration alone. Making a client does no IO.
///
/// Calls need an open session: hold a [`Connection`] while calling.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    config: Config,
    slot: Arc<Slot>,
    known_tools: Arc<KnownTools>,
    /// The holder that keeps a session open between connections, if the client is to do that.
    kept: Option<Kept>,
}

/// What a client is made of: how to reach the server, and how to talk to it.
#[derive(Clone)]
pub(crate) struct Config {
    pub(crate) target: Target,
    pub(crate) options: Options,
    pub(crate) wrap: Vec<Wrap>,
    /// Who listens to every call.
    pub(crate) call_events: Events,
    pub(crate) keep_alive: bool,
}

impl Client {
    /// A client with default options.
    pub fn new(target: impl Into<Target>) -> Self {
        Self::builder(target).build()
    }

    /// Begins to configure a client.
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
    /// Dropping the future is as if it had not been called: others who wait are not disturbed, and what only this one
    /// wanted is closed.
    pub async fn connect(&self) -> Result<Connection, Error> {
        let Inner { config: Config { target, options, wrap, .. }, slot, kept, .. } = &*self.0;
        let hold = slot.hold(|| Live::start(target.dial(), options.clone(), wrap.clone()));
        hold.live().ready(target.name()).await?;
        if let Some(kept) = kept {
            kept.keep(&hold);
        }
        Ok(Connection::new(self.clone(), hold))
    }

    /// Ends the session for everyone who holds it, and waits until it is closed.
    pub async fn close(&self) {
        let live = self.0.slot.take();
        if let Some(kept) = &self.0.kept {
            kept.let_go();
        }
        if let Some(live) = live {
            live.close().await;
        }
    }

    /// A client with the same configuration and no session.
    #[must_use]
    pub fn fresh(&self) -> Self {
        Self::from_config(self.0.config.clone())
    }

    /// Whether the session is open and its connection alive.
    pub fn is_connected(&self) -> bool {
        self.0.slot.current().is_some_and(|live| live.is_open())
    }

    /// What the server said of itself when the session began.
    ///
    /// # Errors
    ///
    /// There is no open session.
    pub fn server(&self) -> Result<Arc<Server>, Error> {
        Ok(Arc::clone(self.session()?.server()))
    }

    /// The open session, for calls below this facade.
    ///
    /// # Errors
    ///
    /// There is no open session; if it was lost, the error says why.
    pub fn session(&self) -> Result<Session, Error> {
        self.live()?.session()
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
    /// There is no open session, or the server refused it.
    pub async fn notify(&self, notification: Notification) -> Result<(), Error> {
        self.session()?.notify(notification).await
    }

    pub(crate) fn options(&self) -> &Options {
        &self.0.config.options
    }

    /// The session that is open or opening, and those who hold it.
    pub(crate) fn live(&self) -> Result<Arc<Live>, Error> {
        self.0.slot.current().ok_or(Error::NotConnected)
    }

    /// Who listens to every call.
    pub(crate) fn call_events(&self) -> Events {
        self.0.config.call_events.clone()
    }

    /// What the server's lists have said about its tools.
    pub(crate) fn known_tools(&self) -> &Arc<KnownTools> {
        &self.0.known_tools
    }

    pub(crate) fn from_config(config: Config) -> Self {
        let kept = config.keep_alive.then(Kept::default);
        let (slot, known_tools) = (Arc::default(), Arc::default());
        Self(Arc::new(Inner { config, slot, known_tools, kept }))
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("target", &self.0.config.target)
            .field("connected", &self.is_connected())
            .finish_non_exhaustive()
    }
}
