//! One timer for many calls.

use slab::Slab;
use std::{
    future::Future,
    mem,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};
use tokio::{
    runtime::{Handle, Id},
    time::{Instant, Sleep, sleep_until},
};

/// Calls with a shorter limit have timers of their own: one that they shared would wake the others too often.
const SHORTEST: Duration = Duration::from_secs(1);

/// Timers that many calls share: one after the other.
///
/// A shared timer rings when three quarters of the limit of the call that began it are over, so it is early for all that
/// join it, and wakes each of them once at most. Whoever has waited for so long takes a timer of its own.
#[derive(Debug, Default)]
pub(super) struct Timers(Mutex<Option<Arc<SharedTimer>>>);

/// Wakes all who wait for it, once.
#[derive(Debug)]
struct SharedTimer {
    due: Instant,
    /// Whose clock it is: a runtime that is not driven wakes nobody.
    runtime: Id,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    has_rung: bool,
    waiting: Slab<Waker>,
    /// Polled once: it is done when it has woken the timer.
    sleep: Option<Pin<Box<Sleep>>>,
}

/// A place among those who wait for a shared timer, until it is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    timer: Arc<SharedTimer>,
    key: usize,
}

impl Timers {
    /// Waits with others until a time before `at`, if there is a timer for that: for a call that ends then, after `limit`.
    pub(super) fn join(&self, limit: Duration, at: Instant, waker: &Waker) -> Option<Seat> {
        if limit < SHORTEST {
            return None;
        }
        let runtime = Handle::current().id();
        let mut current = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(timer) = current.as_ref().filter(|timer| timer.due <= at) {
            if let Some(seat) = SharedTimer::join(timer, waker, runtime) {
                return Some(seat);
            }
            // That of another runtime stays for those who use it.
            if !timer.lock().has_rung {
                return None;
            }
        }
        let timer = SharedTimer::start(at - limit / 4, runtime);
        let seat = SharedTimer::join(&timer, waker, runtime);
        let before = current.replace(timer);
        drop(current);
        // Not under the lock, for it may be the last that holds its timer.
        drop(before);
        seat
    }
}

impl SharedTimer {
    fn start(due: Instant, runtime: Id) -> Arc<Self> {
        let timer = Arc::new(Self { due, runtime, state: Mutex::default() });
        let bell = Waker::from(Arc::new(Bell(Arc::downgrade(&timer))));
        let mut sleep = Box::pin(sleep_until(due));
        let polled = sleep.as_mut().poll(&mut Context::from_waker(&bell));
        let mut state = timer.lock();
        state.has_rung |= polled.is_ready();
        state.sleep = Some(sleep);
        drop(state);
        timer
    }

    /// Waits for it, unless it has rung or runs elsewhere.
    fn join(this: &Arc<Self>, waker: &Waker, runtime: Id) -> Option<Seat> {
        let mut state = this.lock();
        let may_join = !state.has_rung && this.runtime == runtime;
        may_join.then(|| Seat { timer: Arc::clone(this), key: state.waiting.insert(waker.clone()) })
    }

    fn ring(&self) {
        let mut state = self.lock();
        state.has_rung = true;
        let waiting = mem::take(&mut state.waiting);
        // Not under the lock, which those who are woken may want.
        drop(state);
        waiting.into_iter().for_each(|(_, waker)| waker.wake());
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Is woken for a shared timer, and does not keep it.
struct Bell(Weak<SharedTimer>);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        if let Some(timer) = self.0.upgrade() {
            timer.ring();
        }
    }
}

impl Seat {
    /// Ready when the timer has rung; until then it wakes the task that has polled last.
    pub(super) fn poll_rung(&self, cx: &Context<'_>) -> Poll<()> {
        let mut state = self.timer.lock();
        if state.has_rung {
            return Poll::Ready(());
        }
        let mut before = None;
        if let Some(waker) = state.waiting.get_mut(self.key)
            && !waker.will_wake(cx.waker())
        {
            before = Some(mem::replace(waker, cx.waker().clone()));
        }
        drop(state);
        // Not under the lock: it may be the last of its task.
        drop(before);
        Poll::Pending
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut state = self.timer.lock();
        // When it has rung, nobody waits for it any more.
        let waker = if state.has_rung { None } else { state.waiting.try_remove(self.key) };
        drop(state);
        // As above.
        drop(waker);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio_test::{assert_pending, assert_ready, task};

    const MINUTE: Duration = Duration::from_secs(60);

    fn join(timers: &Timers, limit: Duration, cx: &Context<'_>) -> Option<Seat> {
        timers.join(limit, Instant::now() + limit, cx.waker())
    }

    #[tokio::test(start_paused = true)]
    async fn calls_with_the_same_limit_wait_for_one_timer_which_is_early() {
        let timers = Timers::default();
        let (start, mut task) = (Instant::now(), task::spawn(()));
        let first = task.enter(|cx, _| join(&timers, MINUTE, cx)).unwrap();
        tokio::time::sleep(MINUTE / 2).await;
        let second = task.enter(|cx, _| join(&timers, MINUTE, cx)).unwrap();
        assert!(Arc::ptr_eq(&first.timer, &second.timer));
        task.enter(|cx, _| assert_pending!(second.poll_rung(cx)));
        while !task.is_woken() {
            tokio::time::sleep(MINUTE / 60).await;
        }
        assert_eq!(start.elapsed(), MINUTE * 3 / 4);
        task.enter(|cx, _| assert_ready!(second.poll_rung(cx)));
        let third = task.enter(|cx, _| join(&timers, MINUTE, cx)).unwrap();
        assert!(!Arc::ptr_eq(&second.timer, &third.timer));
    }

    #[tokio::test(start_paused = true)]
    async fn no_timer_is_late_for_a_call_that_joins_it() {
        let timers = Timers::default();
        let mut task = task::spawn(());
        for seconds in [600, 60, 1, 30, 600] {
            let limit = Duration::from_secs(seconds);
            let seat = task.enter(|cx, _| join(&timers, limit, cx)).unwrap();
            assert!(seat.timer.due <= Instant::now() + limit, "{seconds}");
        }
        let short = task.enter(|cx, _| join(&timers, Duration::from_millis(999), cx));
        assert!(short.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn who_leaves_is_not_woken_and_takes_no_room() {
        let timers = Timers::default();
        let mut task = task::spawn(());
        let seat = task.enter(|cx, _| join(&timers, MINUTE, cx)).unwrap();
        let timer = Arc::clone(&seat.timer);
        drop(seat);
        assert!(timer.lock().waiting.is_empty());
        tokio::time::sleep(MINUTE).await;
        assert!(timer.lock().has_rung && !task.is_woken());
    }

    #[test]
    fn a_timer_wakes_its_calls_when_its_runtime_ends_and_none_of_another_runtime_joins_it() {
        let runtime =
            || tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let (timers, mut task) = (Timers::default(), task::spawn(()));
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
}
