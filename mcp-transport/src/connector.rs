//! Connectors: how connections are made.

mod shared;

pub use shared::{InProcess, Shared};

use crate::{Error, Patience, Transport, Unsolicited};
use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

/// Makes connections to one server.
///
/// A restart, a reconnect and a second client are each one more `connect`. A session connects again when a child
/// process died of the first message, or when a connection was lost.
pub trait Connector: Send + Sync + 'static {
    /// What carries the messages.
    type Transport: Transport;

    /// Makes one connection.
    ///
    /// # Errors
    ///
    /// The server cannot be reached or started. Bindings without a connection of their own succeed without IO.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind.
    fn connect(&self) -> impl Future<Output = Result<Link<Self::Transport>, Error>> + Send;
}

impl<C: Connector> Connector for Arc<C> {
    type Transport = C::Transport;

    fn connect(&self) -> impl Future<Output = Result<Link<C::Transport>, Error>> + Send {
        C::connect(self)
    }
}

/// One connection to a server.
#[derive(Debug)]
#[non_exhaustive]
pub struct Link<T> {
    /// Carries the messages.
    pub transport: T,
    /// The messages of the server that belong to no request.
    pub unsolicited: Unsolicited,
    /// Does the work of the connection; poll it as long as the transport is used.
    pub driver: Driver,
    /// What kind of connection it is.
    pub binding: Binding,
    /// The time it has spent waiting for a person, if it ever does.
    pub patience: Option<Patience>,
}

impl<T> Link<T> {
    /// Creates a connection without a driver and without unsolicited messages.
    pub fn new(transport: T, binding: Binding) -> Self {
        let (unsolicited, driver) = (Unsolicited::empty(), Driver::idle());
        Self { transport, unsolicited, driver, binding, patience: None }
    }

    /// Wraps the transport in another one.
    #[must_use]
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Link<U> {
        let Self { transport, unsolicited, driver, binding, patience } = self;
        Link { transport: change(transport), unsolicited, driver, binding, patience }
    }

    /// Sets the time that the connection spends waiting for a person.
    #[must_use]
    pub fn with_patience(mut self, patience: Option<Patience>) -> Self {
        self.patience = patience;
        self
    }

    /// Sets the stream of unsolicited messages.
    #[must_use]
    pub fn with_unsolicited(mut self, unsolicited: Unsolicited) -> Self {
        self.unsolicited = unsolicited;
        self
    }

    /// Sets the driver.
    #[must_use]
    pub fn with_driver(mut self, driver: Driver) -> Self {
        self.driver = driver;
        self
    }
}

/// The kind of a connection, for the rules of the protocol that depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Binding {
    /// A pair of byte streams: the rules of stdio apply.
    ByteStream,
    /// Streamable HTTP, or the older HTTP with server-sent events.
    Http,
    /// A service in this process.
    InProcess,
}

/// The future that does the work of a connection.
///
/// It ends when the last clone of the transport is gone and the connection has been shut down, or when the connection
/// is lost; the error says why. [`shut_down`](Self::shut_down) does not wait for the last clone. Dropping the driver
/// cuts the connection at once: pending requests fail, and a child process is killed.
#[must_use = "a connection makes no progress unless its driver is polled"]
pub struct Driver {
    work: Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>,
    shut_down: Option<Box<dyn FnOnce() + Send>>,
}

impl Driver {
    /// Wraps the future of a binding.
    pub fn new(future: impl Future<Output = Result<(), Error>> + Send + 'static) -> Self {
        Self { work: Box::pin(future), shut_down: None }
    }

    /// Sets the function that makes the future end as if the last clone of the transport were gone.
    pub fn with_shut_down(self, shut_down: impl FnOnce() + Send + 'static) -> Self {
        Self { shut_down: Some(Box::new(shut_down)), ..self }
    }

    /// Wraps the future of the driver in another one, and keeps the way in which it is shut down.
    pub fn map<F>(mut self, wrap: impl FnOnce(Self) -> F) -> Self
    where
        F: Future<Output = Result<(), Error>> + Send + 'static,
    {
        let shut_down = self.shut_down.take();
        Self { shut_down, ..Self::new(wrap(self)) }
    }

    /// Starts a graceful shutdown, even if there are clones of the transport. Poll the driver to its end: by then calls
    /// in flight have failed, and later ones fail too.
    ///
    /// All bindings of this crate support it; a driver [without](Self::with_shut_down) support waits for the last
    /// clone.
    pub fn shut_down(&mut self) {
        if let Some(shut_down) = self.shut_down.take() {
            shut_down();
        }
    }

    /// Creates a driver with nothing to do: it ends at once.
    pub fn idle() -> Self {
        Self::new(std::future::ready(Ok(())))
    }
}

impl Future for Driver {
    type Output = Result<(), Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.work.as_mut().poll(cx)
    }
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Driver")
    }
}
