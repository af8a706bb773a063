//! Unix sockets.

use super::{Options, over, within};
use crate::{
    Connector, Delivery, Error, Link,
    duplex::{Limits, Multiplex},
    error::Kind,
};
use futures_util::future::BoxFuture;
use std::{fmt, path::PathBuf, time::Duration};
use tokio::net::UnixStream;

/// Connects to a server over a Unix socket.
///
/// ```no_run
/// use mcp_transport::{Connector, socket::Unix};
///
/// # async fn example() -> Result<(), mcp_transport::Error> {
/// let link = Unix::new("/run/user/1000/weather.sock").owner(1000).connect().await?;
/// # drop(link);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "it does nothing until it is connected"]
pub struct Unix {
    path: PathBuf,
    owner: Option<u32>,
    options: Options,
}

impl Unix {
    /// Connects to the socket at this path.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), owner: None, options: Options::default() }
    }

    /// Connects only if the peer process runs as this user, in case somebody else created the socket.
    pub fn owner(mut self, user: u32) -> Self {
        self.owner = Some(user);
        self
    }

    /// How long connecting may take: 30 s by default.
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.options.connect_timeout = limit;
        self
    }

    /// How long the server may take to close its side at the end: 2 s by default.
    pub fn close_grace(mut self, grace: Duration) -> Self {
        self.options.close_grace = grace;
        self
    }

    /// Sets the limits of what is read and queued.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.options.limits = limits;
        self
    }

    fn check_owner(&self, stream: &UnixStream) -> Result<(), Error> {
        let Some(expected) = self.owner else { return Ok(()) };
        let refused = |reason: &str| {
            let text = format!("refused to talk to {}: {reason}", self.path.display());
            Error::new(Kind::Connect, Delivery::NotSent, text)
        };
        match stream.peer_cred() {
            Ok(peer) if peer.uid() == expected => Ok(()),
            Ok(peer) => Err(refused(&format!("user {} is there, not {expected}", peer.uid()))),
            Err(error) => Err(refused("the system does not say who is there").with_source(error)),
        }
    }
}

impl fmt::Display for Unix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.display().fmt(f)
    }
}

impl Connector for Unix {
    type Transport = Multiplex;

    /// Connects, in a tokio runtime with IO and time enabled.
    ///
    /// # Errors
    ///
    /// The socket is not there, nobody listens, or it is somebody else who does ([`Error::is_connect`]).
    async fn connect(&self) -> Result<Link<Multiplex>, Error> {
        self.open().await
    }
}

impl Unix {
    /// Boxed, because other futures are compiled again by each crate that awaits them.
    fn open(&self) -> BoxFuture<'_, Result<Link<Multiplex>, Error>> {
        Box::pin(async move {
            let place = self.path.display().to_string();
            let connecting = UnixStream::connect(&self.path);
            let stream = within(self.options.connect_timeout, &place, connecting).await?;
            self.check_owner(&stream)?;
            Ok(over(stream, self.options))
        })
    }
}
