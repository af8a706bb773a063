//! A connector that can be made to wait, to fail and to lose its connections.

use conformance::in_process::InProcess;
use futures_util::future::BoxFuture;
use mcp_transport::{
    Binding, ClientMessage, Connector, Delivery, Driver, Error, Link, Replies, Transport,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll},
    time::Duration,
};
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::{CancellationToken, DropGuard};

/// A connector to a server in this process.
#[derive(Clone)]
pub(crate) struct Gate(Arc<State>);

struct State {
    server: InProcess,
    gate: Semaphore,
    connects: AtomicUsize,
    waiting: AtomicUsize,
    alive: AtomicUsize,
    fails: AtomicBool,
    panics: AtomicBool,
    lingers: AtomicBool,
    lost: watch::Sender<usize>,
}

impl Gate {
    /// Connections succeed at once.
    pub(crate) fn open() -> Self {
        let gate = Self::shut();
        gate.let_pass();
        gate
    }

    /// Connections wait.
    pub(crate) fn shut() -> Self {
        Self::to(InProcess::modern(async |_| Ok(crate::said("done"))))
    }

    /// Connections to this server wait.
    pub(crate) fn to(server: InProcess) -> Self {
        Self(Arc::new(State {
            server,
            gate: Semaphore::new(0),
            connects: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            alive: AtomicUsize::new(0),
            fails: AtomicBool::new(false),
            panics: AtomicBool::new(false),
            lingers: AtomicBool::new(false),
            lost: watch::Sender::new(0),
        }))
    }

    /// Lets all current and future connections pass.
    pub(crate) fn let_pass(&self) {
        self.0.gate.add_permits(1_000);
    }

    /// Makes the next connection fail.
    pub(crate) fn fail_next(&self) {
        self.0.fails.store(true, SeqCst);
    }

    /// Makes the next connection panic.
    pub(crate) fn panic_next(&self) {
        self.0.panics.store(true, SeqCst);
    }

    /// Keeps connections from ending when they are left.
    pub(crate) fn linger(&self) {
        self.0.lingers.store(true, SeqCst);
    }

    /// Cuts the existing connections.
    pub(crate) fn lose(&self) {
        self.0.lost.send_replace(self.connects());
    }

    /// Returns the number of connections begun.
    pub(crate) fn connects(&self) -> usize {
        self.0.connects.load(SeqCst)
    }

    /// Returns the number of waiting connections.
    pub(crate) fn waiting(&self) -> usize {
        self.0.waiting.load(SeqCst)
    }

    /// Returns the number of connections with a driver.
    pub(crate) fn alive(&self) -> usize {
        self.0.alive.load(SeqCst)
    }
}

impl Connector for Gate {
    type Transport = Passage;

    async fn connect(&self) -> Result<Link<Passage>, Error> {
        let number = self.0.connects.fetch_add(1, SeqCst) + 1;
        assert!(!self.0.panics.swap(false, SeqCst), "the gate panics");
        let waiting = Counted::new(self, |state| &state.waiting);
        self.0.gate.acquire().await.expect("never closed").forget();
        drop(waiting);
        if self.0.fails.swap(false, SeqCst) {
            return Err(Error::other("the gate is locked", Delivery::NotSent));
        }
        let released = CancellationToken::new();
        let alive = Counted::new(self, |state| &state.alive);
        let (mut lost, unused) = (self.0.lost.subscribe(), released.clone());
        let lingers = self.0.lingers.load(SeqCst);
        let driver = Driver::new(async move {
            let _alive = alive;
            tokio::select! {
                () = unused.cancelled(), if !lingers => Ok(()),
                _ = lost.wait_for(|lost| *lost >= number) => {
                    Err(Error::closed("the connection was cut", Delivery::Unknown))
                }
            }
        });
        let server = self.0.server.clone();
        let passage = Passage { server, _held: Arc::new(released.drop_guard()) };
        Ok(Link::new(passage, Binding::InProcess).with_driver(driver))
    }
}

/// The transport of a connection; its driver ends with its last clone.
#[derive(Clone)]
pub(crate) struct Passage {
    server: InProcess,
    _held: Arc<DropGuard>,
}

impl tower::Service<ClientMessage> for Passage {
    type Response = Replies;
    type Error = Error;
    type Future = BoxFuture<'static, Result<Replies, Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, message: ClientMessage) -> Self::Future {
        let mut transport = self.server.transport();
        Box::pin(async move { send(&mut transport, message).await })
    }
}

async fn send(transport: &mut impl Transport, message: ClientMessage) -> Result<Replies, Error> {
    std::future::poll_fn(|cx| transport.poll_ready(cx)).await?;
    transport.call(message).await
}

/// Counts as one while it lives.
struct Counted(Gate, fn(&State) -> &AtomicUsize);

impl Counted {
    fn new(gate: &Gate, count: fn(&State) -> &AtomicUsize) -> Self {
        count(&gate.0).fetch_add(1, SeqCst);
        Self(gate.clone(), count)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.1(&self.0.0).fetch_sub(1, SeqCst);
    }
}

/// Waits until a condition holds.
pub(crate) async fn eventually(is_so: impl Fn() -> bool) {
    let wait = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), wait).await.expect("it never came about");
}
