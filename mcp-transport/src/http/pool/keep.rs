//! Background care of idle connections.

use super::{Http1, Inner, Protocol, Shared};
use futures_util::FutureExt;
use std::{
    future::Future,
    mem,
    pin::Pin,
    sync::{Arc, Weak},
    task::{Context, Poll},
};
use tokio::time::{Instant, Sleep, sleep_until};

/// Closes connections that were idle for too long, and those that the server closed. Ends when the pool is gone.
pub(in crate::http) struct Keeper {
    shared: Weak<Shared>,
    number: u64,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Keeper {
    pub(super) fn new(shared: &Arc<Shared>) -> Self {
        let mut inner = shared.lock();
        inner.keepers += 1;
        inner.next_keeper += 1;
        inner.is_closed = false;
        let number = inner.next_keeper;
        Self { shared: Arc::downgrade(shared), number, timer: None }
    }
}

impl Future for Keeper {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(shared) = self.shared.upgrade() else { return Poll::Ready(()) };
        shared.keepers.register(self.number, cx.waker());
        loop {
            let Some(next) = shared.tidy(Instant::now()) else {
                self.timer = None;
                return Poll::Pending;
            };
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(next)));
            if timer.deadline() != next {
                timer.as_mut().reset(next);
            }
            if timer.poll_unpin(cx).is_pending() {
                return Poll::Pending;
            }
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        let Some(shared) = self.shared.upgrade() else { return };
        shared.keepers.remove(self.number);
        let mut inner = shared.lock();
        inner.keepers -= 1;
        inner.is_timed = false;
        if inner.keepers > 0 {
            drop(inner);
            return shared.keepers.wake();
        }
        let turns = mem::take(&mut inner.turns);
        let next_keeper = inner.next_keeper;
        let left = Inner { is_closed: true, next_keeper, turns, ..Inner::default() };
        let left = mem::replace(&mut *inner, left);
        drop(inner);
        // Outside of the lock: closing a connection takes a while.
        drop(left);
    }
}

impl Shared {
    /// Closes what has to be closed, and returns when to look again, if any connections are left.
    fn tidy(&self, now: Instant) -> Option<Instant> {
        let timeout = self.settings.idle_timeout;
        let is_old = |since: Instant| now.saturating_duration_since(since) >= timeout;
        let mut closed = Vec::new();
        let mut noted = self.sort_out(&mut closed, |http1| is_old(http1.idle_since));
        drop(closed);
        noted.retain_mut(|http1| http1.is_ready());
        let mut inner = self.lock();
        inner.idle.append(&mut noted);
        let used = |(_, protocol): &(_, Protocol)| match protocol {
            Protocol::Http1 => None,
            Protocol::Http2 { used, .. } => Some(*used),
        };
        inner.origins.retain(|origin| !used(origin).is_some_and(is_old));
        let idle = inner.idle.iter().map(|http1| http1.idle_since);
        let oldest = idle.chain(inner.origins.iter().filter_map(used)).min();
        // A connection in use returns soon, without a wake-up.
        let is_in_use = inner.turns.are_some() && self.settings.idle > 0;
        let oldest = oldest.or(is_in_use.then_some(now));
        inner.is_timed = oldest.is_some();
        // Connections that are kept forever are checked when something happens on them.
        oldest.and_then(|oldest| oldest.checked_add(timeout))
    }

    /// Removes the expired connections, and returns those on which something happened.
    #[expect(clippy::vec_box, reason = "they are boxes in the pool")]
    fn sort_out(
        &self,
        old: &mut Vec<Box<Http1>>,
        is_old: impl Fn(&Http1) -> bool,
    ) -> Vec<Box<Http1>> {
        let mut inner = self.lock();
        old.extend(inner.idle.extract_if(.., |http1| is_old(http1)));
        inner.idle.extract_if(.., |http1| http1.has_note()).collect()
    }
}
