//! The task that keeps a catalogue fresh.

use super::{Listed, Snapshot, state::State};
use crate::{
    Error, Notice, Subscription,
    lists::{Listing, read_all},
    operation::Caller,
    pages::Limits,
};
use futures_util::{FutureExt, StreamExt, future::BoxFuture, stream::Fuse};
use mcp_session::Session;
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until, timeout, timeout_at},
};

/// How long the first read waits for a subscription, so that no change between the two is missed. If the server agrees
/// later, the list is read once more: seeing a list never has to wait for a subscription.
const HEAD_START: Duration = Duration::from_millis(250);

/// The maximum total wait for a burst to end, as a multiple of the pause.
const LONGEST: u32 = 8;
/// The delay after the first failure; it doubles with each further one.
const FIRST_BACKOFF: Duration = Duration::from_secs(1);
/// The longest delay.
const MAX_BACKOFF: Duration = Duration::from_secs(60);

/// Keeps one list fresh until nobody uses it any more.
pub(super) struct Keeper<T> {
    caller: Caller,
    debounce: Duration,
    wanted: watch::Receiver<u64>,
    state: watch::Sender<State<T>>,
    watch: Watch,
    /// The number of consecutive failed reads.
    failures: u32,
    /// The number of consecutive subscriptions that ended quickly.
    endings: u32,
}

/// How the keeper learns about changes.
enum Watch {
    /// The server does not notify.
    Nobody,
    /// The server was asked to notify.
    Asked(BoxFuture<'static, Result<Option<Subscription>, Error>>),
    /// Through a subscription, since a time.
    Since(Instant, Fuse<Subscription>),
    /// The subscription has ended; another one will be requested at this time.
    Again(Instant),
}

/// An event from a watch.
enum Heard {
    /// Something may have changed.
    Change,
    /// The server has agreed to notify, or not.
    Answer(Result<Option<Subscription>, Error>),
    /// The subscription has ended.
    End,
    /// It is time for another subscription.
    Due,
}

/// Why the list has to be read.
enum Wake {
    /// The server has announced a change.
    Noticed,
    /// Someone requested it.
    Wanted,
    /// The last read failed, some time ago.
    Failed,
    /// Changes may have been missed: the subscription is new.
    Subscribed,
    /// There is no reason yet.
    Nothing,
}

impl<T: Listed> Keeper<T> {
    /// Subscribes, so that no change is missed, and reads the list for the first time.
    pub(super) async fn start(
        caller: Caller,
        debounce: Duration,
        wanted: watch::Receiver<u64>,
    ) -> Result<(Self, watch::Receiver<State<T>>), Error> {
        let (mut watch, mut endings) = (Watch::Asked(subscribe::<T>(caller.session().clone())), 0);
        if let Ok(Heard::Answer(answer)) = timeout(HEAD_START, watch.next::<T>()).await {
            watch = Watch::after(answer, &mut endings);
        }
        let snapshot = Arc::new(Snapshot::new(read::<T>(caller.clone()).await?));
        let (state, receiver) = watch::channel(State {
            snapshot,
            failure: None,
            answered: 0,
            attempted: Instant::now(),
            is_outdated: false,
            is_told: matches!(watch, Watch::Since(..)),
        });
        let caller = caller.refreshing();
        Ok((Self { caller, debounce, wanted, state, watch, failures: 0, endings }, receiver))
    }

    /// Keeps the list fresh.
    pub(super) async fn run(mut self) {
        let state = self.state.clone();
        tokio::select! {
            () = state.closed() => {}
            () = self.keep() => {}
        }
    }

    async fn keep(&mut self) {
        loop {
            let retry = self.state.borrow().is_outdated.then(|| self.retry_at()).flatten();
            // One thing at a time: changes announced during a read wait in the subscription.
            match self.wake(retry).await {
                Wake::Noticed => {
                    self.outdate();
                    self.settle().await;
                }
                Wake::Subscribed => self.outdate(),
                Wake::Wanted | Wake::Failed => {}
                Wake::Nothing => continue,
            }
            self.read().await;
        }
    }

    /// Waits for a reason to read the list.
    async fn wake(&mut self, retry: Option<Instant>) -> Wake {
        let Self { wanted, watch, .. } = self;
        tokio::select! {
            biased;
            Ok(()) = wanted.changed() => Wake::Wanted,
            heard = watch.next::<T>() => self.hear(heard),
            () = sleep_until(retry.unwrap_or_else(Instant::now)), if retry.is_some() => Wake::Failed,
        }
    }

    /// Waits until the server is quiet, the burst has lasted too long, or someone cannot wait.
    async fn settle(&mut self) {
        let Self { wanted, watch, debounce, .. } = self;
        let end = Instant::now() + *debounce * LONGEST;
        loop {
            let quiet = end.min(Instant::now() + *debounce);
            tokio::select! {
                biased;
                Ok(()) = wanted.changed() => return wanted.mark_changed(),
                () = sleep_until(end) => return,
                heard = timeout_at(quiet, watch.next::<T>()) => match heard {
                    Ok(Heard::Change) => {}
                    // The end of a subscription is reported again.
                    _ => return,
                },
            }
        }
    }

    /// Handles an event: a change, or the next step towards a subscription.
    // spec: SUB-07
    fn hear(&mut self, heard: Heard) -> Wake {
        self.watch = match heard {
            Heard::Change => return Wake::Noticed,
            Heard::Answer(answer) => Watch::after(answer, &mut self.endings),
            Heard::End => {
                // A subscription that lasted long was no failure.
                if matches!(&self.watch, Watch::Since(since, _) if since.elapsed() > MAX_BACKOFF) {
                    self.endings = 0;
                }
                Watch::again(&mut self.endings)
            }
            Heard::Due => Watch::Asked(subscribe::<T>(self.caller.session().clone())),
        };
        let is_told = matches!(self.watch, Watch::Since(..));
        self.state.send_modify(|state| state.is_told = is_told);
        if is_told { Wake::Subscribed } else { Wake::Nothing }
    }

    fn outdate(&self) {
        self.state.send_modify(|state| state.is_outdated = true);
    }

    async fn read(&mut self) {
        let answered = *self.wanted.borrow_and_update();
        let outcome = read::<T>(self.caller.clone()).await;
        self.failures = if outcome.is_ok() { 0 } else { self.failures.saturating_add(1) };
        self.state.send_modify(|state| {
            state.answered = answered;
            state.attempted = Instant::now();
            match outcome {
                Ok(listing) => {
                    state.snapshot = Arc::new(Snapshot::new(listing));
                    state.failure = None;
                    state.is_outdated = false;
                }
                Err(error) => {
                    tracing::warn!(%error, "a list could not be read again");
                    state.failure = Some(Arc::new(error));
                }
            }
        });
    }

    /// Returns when to retry reading a list that is known to have changed.
    fn retry_at(&self) -> Option<Instant> {
        let failures = self.failures.checked_sub(1)?;
        Some(self.state.borrow().attempted + backoff(failures))
    }
}

impl Watch {
    /// Returns the state that follows an answer.
    fn after(answer: Result<Option<Subscription>, Error>, endings: &mut u32) -> Self {
        match answer {
            Ok(Some(subscription)) => Self::Since(Instant::now(), subscription.fuse()),
            Ok(None) => Self::Nobody,
            Err(_) => Self::again(endings),
        }
    }

    /// Schedules another subscription; the delay grows with the number that have ended.
    fn again(endings: &mut u32) -> Self {
        let pause = backoff(*endings);
        *endings = endings.saturating_add(1);
        Self::Again(Instant::now() + pause)
    }

    /// Waits for the next event. After an answer, there is nothing more to wait for.
    async fn next<T: Listed>(&mut self) -> Heard {
        match self {
            Self::Nobody => std::future::pending().await,
            Self::Asked(asked) => Heard::Answer(asked.await),
            Self::Again(at) => {
                sleep_until(*at).await;
                Heard::Due
            }
            Self::Since(_, subscription) => loop {
                match subscription.next().await {
                    Some(Ok(Notice::Missed)) => return Heard::Change,
                    Some(Ok(notice)) if T::is_changed_by(&notice) => return Heard::Change,
                    Some(Ok(_)) => {}
                    Some(Err(error)) => {
                        tracing::debug!(%error, "the subscription of a list was lost");
                        return Heard::End;
                    }
                    None => return Heard::End,
                }
            },
        }
    }
}

/// Subscribes to changes of a list; `None` if the server does not notify about them.
// spec: SUB-02
fn subscribe<T: Listed>(
    session: Session,
) -> BoxFuture<'static, Result<Option<Subscription>, Error>> {
    let subscribing = async move {
        let capabilities = &session.server().capabilities;
        let Some(filter) = T::subscription(capabilities) else { return Ok(None) };
        match session.subscribe(filter.clone()).await {
            // A subscription that would receive nothing is not needed.
            Ok(subscription) => Ok(Some(subscription).filter(|it| *it.acknowledged() == filter)),
            Err(error) if error.as_rpc().is_some() => Ok(None),
            Err(error) => Err(error),
        }
    };
    subscribing.boxed()
}

async fn read<T: Listed>(caller: Caller) -> Result<Listing<T>, Error> {
    read_all::<T::Request>(caller, Limits::default()).await
}

/// Returns a delay that doubles with each failure, up to a limit. Half of it is random, so that clients that failed
/// together do not come back together.
// spec: CACHE-08
fn backoff(failures: u32) -> Duration {
    let most = FIRST_BACKOFF.saturating_mul(2u32.saturating_pow(failures)).min(MAX_BACKOFF);
    most.mul_f64(0.5 + fastrand::f64() / 2.0)
}

#[cfg(test)]
mod tests {
    use super::{Duration, MAX_BACKOFF, backoff};

    // spec: CACHE-08
    #[test]
    fn the_wait_doubles_up_to_a_limit_and_is_never_short() {
        for (failures, most) in [(0, 1), (1, 2), (2, 4), (u32::MAX, 60)] {
            let most = Duration::from_secs(most);
            for _ in 0..100 {
                let wait = backoff(failures);
                assert!(wait >= most / 2 && wait <= most.min(MAX_BACKOFF), "{wait:?}");
            }
        }
    }
}
