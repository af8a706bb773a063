//! A live session, its holders, and the tasks beside it.

mod opened;
mod side_tasks;

pub(crate) use opened::{Found, Opened};

use side_tasks::SideTasks;

use crate::{
    Error,
    caller::{Footing, Ground},
    dial::{Dial, Pause, Plan},
};
use futures_util::future::BoxFuture;
use mcp_session::BoxCallService;
use mcp_transport::{Delivery, Driver, PollOnWake};
use std::{
    future::Future,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// How long a connection may take to shut down gracefully before it is cut, and how long calls in flight may take
/// before that, if nobody is waiting.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(8);

/// Wraps the default stack in the user's layers.
pub(crate) type Wrap = Arc<dyn Fn(BoxCallService) -> BoxCallService + Send + Sync>;

/// The slot for a client's session, or a group's members: at most one, however many holders it has.
pub(crate) struct Slot<S = Footing>(Mutex<Option<Arc<Live<S>>>>);

impl<S> Default for Slot<S> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

/// A session from connecting to its end, and the task that drives it.
pub(crate) struct Live<S = Footing> {
    state: watch::Receiver<State<S>>,
    stop: CancellationToken,
    /// Cancelled when someone waits for the end, so that nothing else is waited for.
    closing: CancellationToken,
    /// Cancelled when the connection should be initialized.
    initialize: CancellationToken,
    holders: Mutex<usize>,
    side_tasks: Arc<SideTasks>,
}

enum State<S> {
    Connecting,
    /// Connected, but not initialized yet.
    Connected,
    Open(Arc<Opened<S>>),
    Failed(Arc<Error>),
    Lost(mcp_transport::Error),
    Closed,
}

impl<S> Slot<S> {
    /// Joins the current session, or starts one; the hold counts from now on.
    pub(crate) fn hold(self: &Arc<Self>, start: impl FnOnce() -> Arc<Live<S>>) -> Hold<S> {
        let mut slot = self.lock();
        let live = match &*slot {
            Some(live) if live.is_usable() => Arc::clone(live),
            // A dead session is replaced, even if it still has holders.
            dead => {
                if let Some(dead) = dead {
                    dead.is_over_now();
                }
                slot.insert(start()).clone()
            }
        };
        *live.holders() += 1;
        Hold { slot: Arc::clone(self), live }
    }

    pub(crate) fn current(&self) -> Option<Arc<Live<S>>> {
        self.lock().clone()
    }

    /// Returns the session, if one is open now.
    pub(crate) fn session(&self) -> Result<Arc<Opened<S>>, Error> {
        match &*self.lock() {
            Some(live) => live.session(),
            None => Err(Error::NotConnected),
        }
    }

    pub(crate) fn take(&self) -> Option<Arc<Live<S>>> {
        self.lock().take()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<Live<S>>>> {
        // Nothing panics while holding the lock; even if it did, the slot would be intact.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Live {
    /// Starts to connect, in a task of its own that ends with the session.
    pub(crate) fn start(dial: &Arc<dyn Dial>, plan: Plan, ground: &Arc<Ground>) -> Arc<Self> {
        let (dial, pause, ground) = (Arc::clone(dial), plan.pause.clone(), Arc::clone(ground));
        // Dialed in the task, so that a panicking connector affects only the task.
        let dialing = async move {
            let (session, driver) = dial.dial(plan).await?;
            Ok((Footing { session, ground }, driver))
        };
        Self::begin(dialing, pause)
    }
}

impl<S: Send + Sync + 'static> Live<S> {
    /// Starts to connect, in a task of its own that ends with whatever was opened.
    pub(crate) fn begin(
        connecting: impl Future<Output = Result<(S, Driver), Error>> + Send + 'static,
        pause: Option<Pause>,
    ) -> Arc<Self> {
        let (sender, state) = watch::channel(State::Connecting);
        let (stop, closing) = (CancellationToken::new(), CancellationToken::new());
        let side_tasks = Arc::<SideTasks>::default();
        let initialize = pause.clone().unwrap_or_default().over;
        let (stopped, hurry, work) = (stop.clone(), closing.clone(), Arc::clone(&side_tasks));
        // Boxed and freed once connected: the task stays for the whole session.
        let connecting = Box::pin(connecting);
        // Boxed as well: task machinery is compiled again for each future type.
        let task: BoxFuture<'static, ()> = Box::pin(async move {
            let connecting = telling_of_pause(connecting, pause, &sender);
            run(connecting, &sender, stopped, hurry, &work).await;
        });
        #[expect(clippy::disallowed_methods, reason = "connecting is the one place that spawns")]
        drop(tokio::spawn(task));
        Arc::new(Self { state, stop, closing, initialize, holders: Mutex::new(0), side_tasks })
    }

    /// Spawns a task that ends with the session, unless the session is over.
    pub(crate) fn spawn_side_task(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.side_tasks.spawn(work);
    }

    /// Initializes the connection, if it waits for that, and waits until the session is open.
    pub(crate) async fn initialized(&self, target: &str) -> Result<(), Error> {
        self.initialize.cancel();
        self.reaches(target, |state| matches!(state, State::Open(_))).await
    }

    /// Waits until connected, and until the session is open if it is to be opened at once.
    pub(crate) async fn ready(&self, target: &str) -> Result<(), Error> {
        self.reaches(target, |state| matches!(state, State::Open(_) | State::Connected)).await
    }

    async fn reaches(
        &self,
        target: &str,
        is_there: impl Fn(&State<S>) -> bool + Send,
    ) -> Result<(), Error> {
        let mut state = self.state.clone();
        loop {
            match &*state.borrow_and_update() {
                state if is_there(state) => return Ok(()),
                State::Connecting | State::Connected => {}
                State::Open(_) => return Ok(()),
                State::Failed(source) => {
                    return Err(Error::Connect {
                        target: target.into(),
                        source: Arc::clone(source),
                    });
                }
                State::Lost(error) => return Err(error.clone().into()),
                State::Closed => return Err(Error::NotConnected),
            }
            if state.changed().await.is_err() {
                return Err(Error::NotConnected);
            }
        }
    }

    /// Waits until the session is no longer open, and returns the reason.
    pub(crate) async fn ended(&self) -> Error {
        let mut state = self.state.clone();
        let is_over = |state: &State<S>| !matches!(state, State::Open(_) | State::Connected);
        match state.wait_for(is_over).await.as_deref() {
            Ok(State::Lost(error)) => error.clone().into(),
            _ => Error::NotConnected,
        }
    }

    /// Ends the session for everyone, including calls in flight, and waits until it is closed.
    pub(crate) async fn close(&self) {
        self.closing.cancel();
        self.stop();
        let mut state = self.state.clone();
        while state.changed().await.is_ok() {}
    }

    /// Waits until the session is closed, if it has no more holders.
    pub(crate) async fn closed_if_unused(&self) {
        if self.stop.is_cancelled() {
            self.close().await;
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        !matches!(&*self.state.borrow(), State::Connecting) && self.is_usable()
    }
}

impl<S> Live<S> {
    /// Returns the session, if it is open now.
    pub(crate) fn session(&self) -> Result<Arc<Opened<S>>, Error> {
        match &*self.state.borrow() {
            State::Open(opened) => Ok(Arc::clone(opened)),
            State::Lost(error) => Err(error.clone().with_delivery(Delivery::NotSent).into()),
            State::Connected => Err(Error::NotInitialized),
            State::Connecting | State::Failed(_) | State::Closed => Err(Error::NotConnected),
        }
    }

    /// Ends the session. From now on nobody finds it.
    fn stop(&self) {
        self.is_over_now();
        self.stop.cancel();
    }

    /// Marks the session as over, if it is open or was when its task was aborted.
    fn is_over_now(&self) {
        if let State::Open(opened) = &*self.state.borrow() {
            opened.is_over_now();
        }
    }

    fn is_usable(&self) -> bool {
        let state = &*self.state.borrow();
        let alive = matches!(state, State::Connecting | State::Connected | State::Open(_));
        alive && !self.stop.is_cancelled() && self.state.has_changed().is_ok()
    }

    fn holders(&self) -> MutexGuard<'_, usize> {
        self.holders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A counted holder of a session. The last one ends it, in the background.
pub(crate) struct Hold<S = Footing> {
    slot: Arc<Slot<S>>,
    live: Arc<Live<S>>,
}

/// The client's own hold, which lets its session outlive the connections of its users.
#[derive(Default)]
pub(crate) struct Kept(Mutex<Option<Hold>>);

impl Kept {
    /// Holds the session of another holder too, replacing any earlier one.
    pub(crate) fn keep(&self, hold: &Hold) {
        let before = self.lock().replace(hold.another());
        drop(before);
    }

    /// Holds nothing.
    pub(crate) fn let_go(&self) {
        let before = self.lock().take();
        drop(before);
    }

    fn lock(&self) -> MutexGuard<'_, Option<Hold>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S> Hold<S> {
    /// Adds a holder of the same session.
    pub(crate) fn another(&self) -> Self {
        *self.live.holders() += 1;
        Self { slot: Arc::clone(&self.slot), live: Arc::clone(&self.live) }
    }

    pub(crate) fn live(&self) -> &Arc<Live<S>> {
        &self.live
    }
}

impl<S> Drop for Hold<S> {
    fn drop(&mut self) {
        let mut slot = self.slot.lock();
        let mut holders = self.live.holders();
        *holders -= 1;
        if *holders == 0 {
            self.live.stop();
            if slot.as_ref().is_some_and(|live| Arc::ptr_eq(live, &self.live)) {
                *slot = None;
            }
        }
    }
}

/// Runs a session: connects, drives, closes.
async fn run<S>(
    connecting: impl Future<Output = Result<(S, Driver), Error>>,
    state: &watch::Sender<State<S>>,
    stop: CancellationToken,
    closing: CancellationToken,
    side_tasks: &SideTasks,
) {
    let Some(connected) = stop.run_until_cancelled(connecting).await else { return };
    let (session, mut driver) = match connected {
        Ok(connected) => connected,
        Err(error) => return drop(state.send_replace(State::Failed(Arc::new(error)))),
    };
    state.send_replace(State::Open(Arc::new(Opened::new(session))));
    let end = tokio::select! {
        biased;
        () = PollOnWake::new(stop.cancelled()) => None,
        end = &mut driver => Some(end),
    };
    side_tasks.end();
    match end {
        None => {
            // Releases the session, so that the driver sees its last user gone.
            over(state, State::Closed);
            shut_down(driver, &closing).await;
        }
        Some(end) => {
            let error = end.err().unwrap_or_else(|| {
                mcp_transport::Error::closed("the server closed the connection", Delivery::Unknown)
            });
            over(state, State::Lost(error));
        }
    }
}

/// Announces that an open session is over, and releases it.
fn over<S>(state: &watch::Sender<State<S>>, now: State<S>) {
    if let State::Open(opened) = state.send_replace(now) {
        opened.is_over_now();
    }
}

/// Dials, and announces when a connection waits to be initialized.
async fn telling_of_pause<F: Future, S>(
    dialing: F,
    pause: Option<Pause>,
    state: &watch::Sender<State<S>>,
) -> F::Output {
    let Some(pause) = pause else { return dialing.await };
    let mut dialing = pin!(dialing);
    tokio::select! {
        biased;
        dialed = &mut dialing => return dialed,
        () = pause.connected.cancelled() => {}
    }
    state.send_replace(State::Connected);
    dialing.await
}

/// Ends a connection: calls in flight may finish first, unless someone is waiting.
async fn shut_down(mut driver: Driver, closing: &CancellationToken) {
    let calls = closing.run_until_cancelled(&mut driver);
    let end = match tokio::time::timeout(CLOSE_TIMEOUT, calls).await {
        Ok(Some(end)) => Ok(end),
        Ok(None) | Err(_) => {
            driver.shut_down();
            tokio::time::timeout(CLOSE_TIMEOUT, driver).await
        }
    };
    match end {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "closing"),
        Err(_) => tracing::debug!("closing took too long; the connection is cut"),
    }
}
