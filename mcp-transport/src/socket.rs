//! Sockets: newline-delimited JSON over a Unix socket or TCP.
//!
//! The rules are those of [byte streams](crate::duplex). At the end the writing half is closed first, and what the
//! server still says is read until it closes its own, or a grace has passed.
//!
//! # Who may connect
//!
//! The protocol has no authorization of its own here. A Unix socket is protected by the modes of its file, and
//! [`Unix::owner`] checks who is at the other end. TCP is neither encrypted nor authenticated: use it within one
//! machine, or through a tunnel that is.

use crate::{
    Binding, Connector, Delivery, Driver, Error, Link, Unsolicited,
    duplex::{self, Engine, Limits, Multiplex, Patience, Wire},
    error::Kind,
};
use futures_util::future::{BoxFuture, select_ok};
use std::{fmt, future::poll_fn, io, net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, lookup_host},
    time::{sleep, timeout},
};

#[cfg(unix)]
mod unix;

#[cfg(unix)]
pub use unix::Unix;

/// The head start of each address of a host before the next one is tried.
const STAGGER: Duration = Duration::from_millis(250);
/// The most addresses of a host that are tried.
const ADDRESSES: usize = 16;
const KEEP_ALIVE: Duration = Duration::from_secs(60);
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(15);

/// Connects to a server over TCP, and notices when the other end is gone.
///
/// ```no_run
/// use mcp_transport::{Connector, socket::Tcp};
///
/// # async fn example() -> Result<(), mcp_transport::Error> {
/// let link = Tcp::new("localhost", 7000).connect().await?;
/// # drop(link);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "it does nothing until it is connected"]
pub struct Tcp {
    host: String,
    port: u16,
    options: Options,
}

/// The options that all kinds of sockets share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    pub(crate) connect_timeout: Duration,
    pub(crate) close_grace: Duration,
    pub(crate) limits: Limits,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(30),
            close_grace: Duration::from_secs(2),
            limits: Limits::default(),
        }
    }
}

impl Tcp {
    /// Connects to a host, which is a name or an address, and a port.
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Self { host: host.into(), port, options: Options::default() }
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
}

impl fmt::Display for Tcp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl Connector for Tcp {
    type Transport = Multiplex;

    /// Connects, in a tokio runtime with IO and time enabled.
    ///
    /// # Errors
    ///
    /// The host is not known, nobody listens there, or it takes too long ([`Error::is_connect`]).
    async fn connect(&self) -> Result<Link<Multiplex>, Error> {
        self.open().await
    }
}

impl Tcp {
    /// Boxed, because other futures are compiled again by each crate that awaits them.
    fn open(&self) -> BoxFuture<'_, Result<Link<Multiplex>, Error>> {
        Box::pin(async move {
            let place = format!("{}:{}", self.host, self.port);
            let connecting = connect_tcp(&self.host, self.port);
            let stream = within(self.options.connect_timeout, &place, connecting).await?;
            Ok(over(stream, self.options))
        })
    }
}

/// Limits the time to make a connection.
pub(crate) async fn within<T>(
    limit: Duration,
    place: &str,
    connecting: impl Future<Output = io::Result<T>>,
) -> Result<T, Error> {
    let refused = |reason: &str| {
        let text = format!("cannot connect to {place}: {reason}");
        Error::new(Kind::Connect, Delivery::NotSent, text)
    };
    match timeout(limit, connecting).await {
        Ok(Ok(connected)) => Ok(connected),
        Ok(Err(error)) => Err(refused(reason(&error)).with_source(error)),
        Err(_) => Err(refused(&format!("no answer within {limit:?}"))),
    }
}

fn reason(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such place",
        io::ErrorKind::ConnectionRefused => "nobody listens there",
        io::ErrorKind::PermissionDenied => "it is not permitted",
        _ => "the system refuses it",
    }
}

/// Connects to the first address of a host that answers. An unreachable one costs no more than the head start.
pub(crate) async fn connect_tcp(host: &str, port: u16) -> io::Result<TcpStream> {
    let attempts = lookup_host((host, port)).await?.take(ADDRESSES).enumerate();
    let attempts = attempts.map(|(place, address)| Box::pin(attempt(address, place as u32)));
    let attempts: Vec<_> = attempts.collect();
    if attempts.is_empty() {
        return Err(io::ErrorKind::NotFound.into());
    }
    let (stream, _) = select_ok(attempts).await?;
    // Messages are written whole; waiting for more would only delay them.
    stream.set_nodelay(true)?;
    let probes = socket2::TcpKeepalive::new().with_time(KEEP_ALIVE);
    let probes = probes.with_interval(KEEP_ALIVE_INTERVAL);
    socket2::SockRef::from(&stream).set_tcp_keepalive(&probes)?;
    Ok(stream)
}

async fn attempt(address: SocketAddr, place: u32) -> io::Result<TcpStream> {
    sleep(STAGGER * place).await;
    TcpStream::connect(address).await
}

fn over(stream: impl AsyncRead + AsyncWrite + Send + 'static, options: Options) -> Link<Multiplex> {
    let (multiplex, unsolicited, connection) = duplex::multiplex_unlocked(stream, options.limits);
    link(multiplex, unsolicited, connection.0, options.close_grace)
}

/// Creates a connection that is driven by [`drive`].
pub(crate) fn link<W: Wire + Send + 'static>(
    multiplex: Multiplex,
    unsolicited: Unsolicited,
    engine: Engine<W>,
    grace: Duration,
) -> Link<Multiplex> {
    let release = engine.release();
    Link::new(multiplex, Binding::ByteStream)
        .with_unsolicited(unsolicited)
        .with_driver(Driver::new(drive(engine, grace)).with_shut_down(release))
}

/// Runs a connection, and lets the peer finish at its end. Closing at once could discard what the peer has not read
/// yet.
pub(crate) async fn drive<W: Wire>(mut engine: Engine<W>, grace: Duration) -> Result<(), Error> {
    let mut patience = Patience::new(grace);
    let end = poll_fn(|cx| patience.poll_run(&mut engine, cx)).await;
    let shut_down = Error::closed("connection was shut down", Delivery::NotSent);
    engine.fail(end.as_ref().err().unwrap_or(&shut_down));
    let goodbye = async {
        poll_fn(|cx| engine.poll_close(cx)).await;
        poll_fn(|cx| engine.poll_discard(cx)).await;
    };
    // After an error there is no peer to wait for, and a peer that did not read has used its grace.
    if *end.as_ref().unwrap_or(&false) && timeout(grace, goodbye).await.is_err() {
        tracing::debug!("server did not close its side of the connection in time");
    }
    end.map(drop)
}
