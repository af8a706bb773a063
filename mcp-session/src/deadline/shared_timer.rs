//! One timer for many calls.

use crate::moment::{Epoch, Moment, nanos};
use mcp_transport::{Alarm, Waiters};
use slab::Slab;
use std::{
    future::Future,
    mem,
    num::NonZero,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};
use tokio::{
    runtime::{Handle, Id},
    time::{Sleep, sleep_until},
};

/// Calls with a shorter limit have timers of their own: a shared one would wake the others too often.
const SHORTEST: Duration = Duration::from_secs(1);

/// Timers that many calls share, behind one lock.
///
/// A shared timer rings after three quarters of the limit of the call that started it, so it is early for every call
/// that joins, and wakes each at most once. A call that has waited that long switches to a timer of its own.
#[derive(Debug)]
pub(super) struct Timers {
    /// The epoch of all moments.
    pub(super) epoch: Epoch,
    /// Distinguishes the alarms of this set of timers from those of others in the process.
    id: u32,
    /// The runtime whose clock drives the alarms.
    home: OnceLock<Id>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// Timers that have not rung. Only the last one can be joined; the others were started earlier and ring later.
    running: Vec<SharedTimer>,
    /// Sleeps of timers that have rung, kept until the next one starts.
    over: Vec<Pin<Box<Sleep>>>,
    /// The number of timers started so far.
    count: u32,
}

/// Wakes every call that waits for it, once.
#[derive(Debug)]
struct SharedTimer {
    number: Number,
    due: Moment,
    /// The runtime that drives it: one that is not running wakes nobody.
    runtime: Id,
    waiting: Slab<Waker>,
    /// Alarms for waiters without a seat; they ring when this is dropped.
    alarms: Vec<Alarm>,
    /// Polled once; completes when it has woken the timer.
    sleep: Pin<Box<Sleep>>,
}

/// Unique per timer. Never zero, so that an optional seat takes no extra space.
type Number = NonZero<u32>;

/// A place among the waiters of a shared timer. Its owner must give it up with `leave`.
#[derive(Debug)]
pub(super) struct Seat {
    timer: Number,
    key: u32,
}

impl Timers {
    pub(super) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let id = COUNT.fetch_add(1, Ordering::Relaxed);
        Self { epoch: Epoch::now(), id, home: OnceLock::new(), state: Arc::default() }
    }

    /// Makes the timer of a seat wake all of `waiters`, unless they have an alarm. Later waiters with the same or a
    /// longer limit then need no seat.
    pub(super) fn set_alarm(&self, seat: &Seat, waiters: Waiters<'_>) {
        let mut state = self.lock();
        let Some(timer) = state.find(seat.timer) else { return };
        if *self.home.get_or_init(|| timer.runtime) == timer.runtime {
            timer.alarms.extend(waiters.set_alarm(self.alarm(timer.number)));
        }
    }

    /// Whether the alarm belongs to these timers and to the runtime of the caller.
    #[inline]
    pub(super) fn has_set(&self, alarm: NonZero<u64>) -> bool {
        let is_own = alarm.get() >> 32 == u64::from(self.id);
        is_own && self.home.get() == Some(&Handle::current().id())
    }

    /// Returns the number of a timer's alarm.
    fn alarm(&self, timer: Number) -> NonZero<u64> {
        NonZero::from(timer) | u64::from(self.id) << 32
    }

    /// Joins a timer that rings before `at`, if there is one, for a call that ends then, after `limit`.
    pub(super) fn join(&self, limit: Duration, at: Moment, waker: &Waker) -> Option<Seat> {
        if limit < SHORTEST {
            return None;
        }
        let runtime = Handle::current().id();
        let mut state = self.lock();
        if let Some(timer) = state.running.last_mut().filter(|timer| timer.due <= at) {
            // A timer of another runtime stays for its own calls.
            return (timer.runtime == runtime).then(|| timer.join(waker)).flatten();
        }
        let due = Moment::new(at.get() - nanos(limit / 4))?;
        let mut timer = self.start(&mut state, due, runtime)?;
        let seat = timer.join(waker)?;
        // It rings later than the new one, which later calls will join.
        let unused = state.running.pop_if(|before| before.is_unused());
        state.running.push(timer);
        let over = mem::take(&mut state.over);
        drop(state);
        // Not under the lock: dropping a sleep takes a lock of its runtime.
        drop((unused, over));
        Some(seat)
    }

    /// Starts a timer that rings at `due`; `None` if that has passed.
    fn start(&self, state: &mut State, due: Moment, runtime: Id) -> Option<SharedTimer> {
        state.count = state.count.checked_add(1)?;
        let number = Number::new(state.count)?;
        let bell = Waker::from(Arc::new(Bell { timers: Arc::downgrade(&self.state), number }));
        let mut sleep = Box::pin(sleep_until(self.epoch.instant(due)));
        let polled = sleep.as_mut().poll(&mut Context::from_waker(&bell));
        let (waiting, alarms) = (Slab::new(), Vec::new());
        let timer = SharedTimer { number, due, runtime, waiting, alarms, sleep };
        polled.is_pending().then_some(timer)
    }

    /// Ready when the timer has rung; until then it wakes the task that polled last.
    pub(super) fn poll_rung(&self, seat: &Seat, cx: &Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        let Some(timer) = state.find(seat.timer) else { return Poll::Ready(()) };
        let mut before = None;
        if let Some(waker) = timer.waiting.get_mut(seat.key as usize)
            && !waker.will_wake(cx.waker())
        {
            before = Some(mem::replace(waker, cx.waker().clone()));
        }
        drop(state);
        // Not under the lock: this may be the task's last waker.
        drop(before);
        Poll::Pending
    }

    /// Gives up a seat.
    pub(super) fn leave(&self, seat: &Seat) {
        let mut state = self.lock();
        // Once it has rung, nobody waits for it.
        let Some(timer) = state.find(seat.timer) else { return };
        let waker = timer.waiting.try_remove(seat.key as usize);
        let unused = timer.is_unused().then(|| state.take_unless_last(seat.timer));
        drop(state);
        // As above.
        drop((waker, unused));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn find(&mut self, number: Number) -> Option<&mut SharedTimer> {
        self.running.iter_mut().rev().find(|timer| timer.number == number)
    }

    fn take(&mut self, number: Number) -> Option<SharedTimer> {
        let place = self.running.iter().position(|timer| timer.number == number)?;
        Some(self.running.remove(place))
    }

    fn take_unless_last(&mut self, number: Number) -> Option<SharedTimer> {
        let is_last = self.running.last().is_some_and(|last| last.number == number);
        if is_last { None } else { self.take(number) }
    }
}

impl SharedTimer {
    /// Whether it has no known waiters.
    fn is_unused(&self) -> bool {
        self.waiting.is_empty() && self.alarms.is_empty()
    }

    fn join(&mut self, waker: &Waker) -> Option<Seat> {
        let place = self.waiting.vacant_entry();
        let key = u32::try_from(place.key()).ok()?;
        place.insert(waker.clone());
        Some(Seat { timer: self.number, key })
    }
}

/// The waker of a shared timer, which it does not keep alive.
struct Bell {
    timers: Weak<Mutex<State>>,
    number: Number,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        let Some(timers) = self.timers.upgrade() else { return };
        let mut state = timers.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(timer) = state.take(self.number) else { return };
        let SharedTimer { waiting, alarms, sleep, .. } = timer;
        state.over.push(sleep);
        // Not under the lock, which the woken tasks may need.
        drop(state);
        waiting.into_iter().for_each(|(_, waker)| waker.wake());
        drop(alarms);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mcp_types::rpc::Request;
    use tokio::time::Instant;
    use tokio_test::{assert_pending, assert_ready, task};
    use tower_service::Service;

    const MINUTE: Duration = Duration::from_secs(60);

    fn join(timers: &Timers, limit: Duration, cx: &Context<'_>) -> Option<Seat> {
        timers.join(limit, timers.epoch.moment(Instant::now() + limit), cx.waker())
    }

    #[tokio::test(start_paused = true)]
    async fn calls_with_the_same_limit_wait_for_one_timer_which_is_early() {
        let timers = Timers::new();
        let (start, mut task) = (Instant::now(), task::spawn(()));
        let first = task.enter(|cx, _| join(&timers, MINUTE, cx)).unwrap();
        tokio::time::sleep(MINUTE / 2).await;
        let second = task.enter(|cx, _| join(&timers, MINUTE, cx)).unwrap();
        assert_eq!(first.timer, second.timer);
        task.enter(|cx, _| assert_pending!(timers.poll_rung(&second, cx)));
        while !task.is_woken() {
            tokio::time::sleep(MINUTE / 60).await;
        }
        assert_eq!(start.elapsed(), MINUTE * 3 / 4);
        task.enter(|cx, _| assert_ready!(timers.poll_rung(&second, cx)));
        let third = task.enter(|cx, _| join(&timers, MINUTE, cx)).unwrap();
        assert_ne!(second.timer, third.timer);
    }

    #[tokio::test(start_paused = true)]
    async fn no_timer_is_late_for_a_call_that_joins_it() {
        let timers = Timers::new();
        let mut task = task::spawn(());
        for seconds in [600, 60, 1, 30, 600] {
            let limit = Duration::from_secs(seconds);
            let seat = task.enter(|cx, _| join(&timers, limit, cx)).unwrap();
            let due = timers.epoch.instant(timers.lock().find(seat.timer).unwrap().due);
            assert!(due <= Instant::now() + limit, "{seconds}");
        }
        let short = task.enter(|cx, _| join(&timers, Duration::from_millis(999), cx));
        assert!(short.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn who_leaves_is_not_woken_and_takes_no_room() {
        let timers = Timers::new();
        let mut task = task::spawn(());
        let seat = task.enter(|cx, _| join(&timers, MINUTE, cx)).unwrap();
        timers.leave(&seat);
        assert!(timers.lock().find(seat.timer).unwrap().waiting.is_empty());
        tokio::time::sleep(MINUTE).await;
        assert!(timers.lock().running.is_empty() && !task.is_woken());
    }

    #[tokio::test(start_paused = true)]
    async fn a_timer_is_there_for_as_long_as_somebody_waits_for_it_or_may_join_it() {
        let timers = Timers::new();
        let mut task = task::spawn(());
        let mut join = |limit| task.enter(|cx, _| join(&timers, limit, cx)).unwrap();
        let slow = join(10 * MINUTE);
        let quick = join(MINUTE);
        assert_eq!(timers.lock().running.len(), 2);
        let joined = join(10 * MINUTE);
        assert_eq!(joined.timer, quick.timer);
        timers.leave(&slow);
        timers.leave(&quick);
        timers.leave(&joined);
        assert_eq!(timers.lock().running.len(), 1);
        // Nobody waits for the existing one, so the new one replaces it.
        let quicker = join(MINUTE / 2);
        assert_eq!(timers.lock().running.len(), 1);
        tokio::time::sleep(MINUTE / 2).await;
        assert!(timers.lock().running.is_empty());
        timers.leave(&quicker);
        join(MINUTE);
        assert!(timers.lock().over.is_empty());
    }

    #[test]
    fn a_timer_wakes_its_calls_when_its_runtime_ends_and_none_of_another_runtime_joins_it() {
        let runtime =
            || tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let (timers, mut task) = (Timers::new(), task::spawn(()));
        let (first, second) = (runtime(), runtime());
        let mut join_on = |runtime: &tokio::runtime::Runtime| {
            let was_woken = task.is_woken();
            let _guard = runtime.enter();
            (task.enter(|cx, _| join(&timers, MINUTE, cx)), was_woken)
        };
        let (seat, _) = join_on(&first);
        assert!(seat.is_some() && join_on(&second).0.is_none());
        drop(first);
        let (other, was_woken) = join_on(&second);
        assert!(other.is_some() && was_woken);
    }

    #[tokio::test(start_paused = true)]
    async fn a_timer_with_an_alarm_wakes_those_who_have_no_seat_and_one_that_goes_takes_it_along() {
        let (ours, _theirs) = tokio::io::duplex(1024);
        let mut link = mcp_transport::duplex::connect(ours);
        let sent = link.transport.call(Request::new(1, "a").into()).await.unwrap();
        let mut replies = task::spawn(sent.into_response().unwrap_err());
        assert_pending!(replies.poll_next());
        let (timers, mut seated) = (Timers::new(), task::spawn(()));
        let seat = seated.enter(|cx, _| join(&timers, MINUTE, cx)).unwrap();
        timers.set_alarm(&seat, replies.waiters().unwrap());
        // It remains for others who may rely on it.
        timers.leave(&seat);
        let shorter = seated.enter(|cx, _| join(&timers, MINUTE / 4, cx)).unwrap();
        timers.leave(&shorter);
        let number = replies.waiters().unwrap().alarm().unwrap();
        assert!(timers.has_set(number) && !Timers::new().has_set(number));
        tokio::time::sleep(MINUTE * 3 / 4 - Duration::from_millis(1)).await;
        assert!(!replies.is_woken());
        tokio::time::sleep(Duration::from_millis(2)).await;
        assert!(replies.is_woken() && replies.waiters().unwrap().alarm().is_none());
        let seat = seated.enter(|cx, _| join(&timers, MINUTE, cx)).unwrap();
        timers.set_alarm(&seat, replies.waiters().unwrap());
        assert!(replies.waiters().unwrap().alarm().is_some());
        drop(timers);
        assert!(replies.waiters().unwrap().alarm().is_none());
    }
}
