//! Calls that only servers with a handshake support.

use crate::{
    Client, Era, Error,
    offer::Offer,
    operation::{self, Caller, Operation},
};
use futures_util::future::BoxFuture;
use mcp_session::{InvalidParams, Params};
use mcp_types::{
    LoggingLevel, Notification, PingRequest, ProgressNotification, RawJson, Request,
    RootsListChangedNotification, SetLevelRequest, rpc,
};
use std::future::IntoFuture;

/// A ping that has not been sent yet, made by [`Client::ping`].
#[derive(Debug)]
pub struct Ping(());

/// A change of the log level that has not been sent yet, made by [`Client::set_logging_level`].
#[derive(Debug)]
pub struct SetLoggingLevel(LoggingLevel);

impl Client {
    /// Pings the server. Servers with a handshake only.
    ///
    /// A stateless server has no ping: [`Error::NotInVersion`]. There, any call shows as much.
    ///
    /// See [the clause](https://modelcontextprotocol.io/specification/2025-11-25/basic/utilities/ping).
    // spec: PING-05
    pub fn ping(&self) -> Operation<Ping> {
        operation::begin(self, Ping(()))
    }

    /// Sets the minimum level at which the server logs from now on. Servers with a handshake only.
    ///
    /// A stateless server is asked with each call: [`Error::NotInVersion`]. There use
    /// [`Operation::log_level`], or [`ClientBuilder::log_level`](crate::ClientBuilder::log_level) for all calls.
    ///
    /// See [the clause](https://modelcontextprotocol.io/specification/2025-11-25/server/utilities/logging).
    // spec: LOG-03 PING-05
    pub fn set_logging_level(&self, level: impl Into<LoggingLevel>) -> Operation<SetLoggingLevel> {
        operation::begin(self, SetLoggingLevel(level.into()))
    }

    /// Notifies the server that the roots have changed. Servers with a handshake only.
    ///
    /// A stateless server asks for the roots whenever it needs them.
    ///
    /// # Errors
    ///
    /// [`Error::NotInVersion`] if the server is stateless; else the connection is gone, or the server refused it.
    // spec: ROOT-03 PING-05
    pub async fn notify_roots_changed(&self) -> Result<(), Error> {
        const METHOD: &str = RootsListChangedNotification::METHOD;

        let session = self.session()?;
        require_handshake(session.server(), METHOD)?;
        session.notify(rpc::Notification::new(METHOD)).await
    }
}

impl Client {
    /// Reports progress on a question of the server's that has a progress token. Servers with a handshake only.
    ///
    /// # Errors
    ///
    /// [`Error::NotInVersion`] if the server is stateless: it sends no requests. Else the connection is gone, or the server
    /// refused it.
    // spec: PROG-01 PING-05
    pub async fn notify_progress(&self, progress: ProgressNotification) -> Result<(), Error> {
        const METHOD: &str = ProgressNotification::METHOD;

        let session = self.session()?;
        require_handshake(session.server(), METHOD)?;
        let params = RawJson::encode(&progress).map_err(InvalidParams::from)?;
        session.notify(rpc::Notification::new(METHOD).with_params(params)).await
    }
}

impl IntoFuture for Operation<Ping> {
    type Output = Result<(), Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        self.start(async |caller: Caller, _| {
            require_handshake(caller.server(), PingRequest::METHOD)?;
            caller.call(PingRequest::METHOD, Params::default()).await.map(drop)
        })
    }
}

impl IntoFuture for Operation<SetLoggingLevel> {
    type Output = Result<(), Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        const METHOD: &str = SetLevelRequest::METHOD;

        self.needs(METHOD, Offer::Logging).start(async |caller: Caller, SetLoggingLevel(level)| {
            require_handshake(caller.server(), METHOD)?;
            let params = Params::encode(&SetLevelRequest::new(level))?;
            caller.call(METHOD, params).await.map(drop)
        })
    }
}

fn require_handshake(server: &crate::Server, method: &str) -> Result<(), Error> {
    match server.era {
        Era::Modern => {
            Err(Error::NotInVersion { method: method.into(), version: server.version.clone() })
        }
        _ => Ok(()),
    }
}
