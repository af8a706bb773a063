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

/// How long a connection may take to shut down in good order before it is cut, and how long the calls that are under way
/// may take before that, if nobody waits.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(8);

/// Wraps the default stack in the layers of the user.
pub(crate) type Wrap = Arc<dyn Fn(BoxCallService) -> BoxCallService + Send + Sync>;

/// Where a client keeps its session, or a group its members: at most one, whoever holds it.
pub(crate) struct Slot<S = Footing>(Mutex<Option<Arc<Live<S>>>>);

impl<S> Default for Slot<S> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

/// A session from its first connecting to its end, and the task that drives it.
pub(crate) struct Live<S = Footing> {
    state: watch::Receiver<State<S>>,
    stop: CancellationToken,
    /// Cancelled when somebody waits for the end, so that nothing else is waited for.
    closing: CancellationToken,
    /// Cancelled when the connection is to be initialized.
    initialize: CancellationToken,
    holders: Mutex<usize>,
    side_tasks: Arc<SideTasks>,
}

enum State<S> {
    Connecting,
    /// There is a connection, and the protocol is not spoken yet.
    Connected,
    Open(Arc<Opened<S>>),
    Failed(Arc<Error>),
    Lost(mcp_transport::Error),
    Closed,
}

impl<S> Slot<S> {
    /// Joins the session that is there, or starts one; counted from now on.
    pub(crate) fn hold(self: &Arc<Self>, start: impl FnOnce() -> Arc<Live<S>>) -> Hold<S> {
        let mut slot = self.lock();
        let live = match &*slot {
            Some(live) if live.is_usable() => Arc::clone(live),
            // A dead session is replaced, even if somebody still holds it.
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

    /// The session, if there is one that is open now.
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
        // Nothing panics under the lock; were it so, the slot would still be whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Live {
    /// Starts to connect, in a task of its own that ends with the session.
    pub(crate) fn start(dial: &Arc<dyn Dial>, plan: Plan, ground: &Arc<Ground>) -> Arc<Self> {
        let (dial, pause, ground) = (Arc::clone(dial), plan.pause.clone(), Arc::clone(ground));
        // Dialed in the task, so that a panic of a connector is the task's.
        let dialing = async move {
            let (session, driver) = dial.dial(plan).await?;
            Ok((Footing { session, ground }, driver))
        };
        Self::begin(dialing, pause)
    }
}

impl<S: Send + Sync + 'static> Live<S> {
    /// Starts to connect, in a task of its own, which ends with what was opened.
    pub(crate) fn begin(
        connecting: impl Future<Output = Result<(S, Driver), Error>> + Send + 'static,
        pause: Option<Pause>,
    ) -> Arc<Self> {
        let (sender, state) = watch::channel(State::Connecting);
        let (stop, closing) = (CancellationToken::new(), CancellationToken::new());
        let side_tasks = Arc::<SideTasks>::default();
        let initialize = pause.clone().unwrap_or_default().over;
        let (stopped, hurry, work) = (stop.clone(), closing.clone(), Arc::clone(&side_tasks));
        // In a box that is gone when it is connected: the task stays for as long as the session.
        let connecting = Box::pin(connecting);
        // In a box as well: the machinery of a task is compiled again for each type.
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

    /// Has the connection initialized, if it waits for that, and waits until the session is open.
    pub(crate) async fn initialized(&self, target: &str) -> Result<(), Error> {
        self.initialize.cancel();
        self.reaches(target, |state| matches!(state, State::Open(_))).await
    }

    /// Waits until there is a connection, and the session is open if it is to be opened at once.
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

    /// Waits until the session is not open any more, and says why.
    pub(crate) async fn ended(&self) -> Error {
        let mut state = self.state.clone();
        let is_over = |state: &State<S>| !matches!(state, State::Open(_) | State::Connected);
        match state.wait_for(is_over).await.as_deref() {
            Ok(State::Lost(error)) => error.clone().into(),
            _ => Error::NotConnected,
        }
    }

    /// Ends the session for everyone, calls under way too, and waits until it is closed.
    pub(crate) async fn close(&self) {
        self.closing.cancel();
        self.stop();
        let mut state = self.state.clone();
        while state.changed().await.is_ok() {}
    }

    /// Waits until the session is closed, if nobody holds it any more.
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
    /// The session, if it is open now.
    pub(crate) fn session(&self) -> Result<Arc<Opened<S>>, Error> {
        match &*self.state.borrow() {
            State::Open(opened) => Ok(Arc::clone(opened)),
            State::Lost(error) => Err(error.clone().with_delivery(Delivery::NotSent).into()),
            State::Connected => Err(Error::NotInitialized),
            State::Connecting | State::Failed(_) | State::Closed => Err(Error::NotConnected),
        }
    }

    /// Has the session end. From now on nobody finds it.
    fn stop(&self) {
        self.is_over_now();
        self.stop.cancel();
    }

    /// Notes that nobody is to find the session any more, if it is open or was when its task was cut off.
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

/// One that is counted as a holder of a session. The last one ends it, in the background.
pub(crate) struct Hold<S = Footing> {
    slot: Arc<Slot<S>>,
    live: Arc<Live<S>>,
}

/// The holder that a client is itself, so that its session outlives the connections of its users.
#[derive(Default)]
pub(crate) struct Kept(Mutex<Option<Hold>>);

impl Kept {
    /// Holds the session of another holder too, instead of any earlier one.
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
    /// One more holder of the same session.
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

/// The life of a session: connect, drive, close.
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
            // Lets go of the session, so that the driver sees its last user gone.
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

/// Tells that a session that was open is not any more, and lets go of it.
fn over<S>(state: &watch::Sender<State<S>>, now: State<S>) {
    if let State::Open(opened) = state.send_replace(now) {
        opened.is_over_now();
    }
}

/// Dials, and tells when there is a connection that waits to be initialized.
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

/// Ends a connection: calls that are under way may come to their end first, unless somebody waits.
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
