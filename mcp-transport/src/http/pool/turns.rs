//! The limit on concurrent HTTP/1.1 exchanges.

use super::{Inner, Shared};
use tokio::sync::AcquireError;

/// The number of concurrent exchanges from which they count as many.
const MANY: usize = 4;

/// Counts the exchanges. It is protected by the lock of the pool, which each exchange takes anyway; those that have to
/// wait do so elsewhere, and get their turns in the order in which they began to wait.
#[derive(Debug, Default)]
pub(super) struct Turns {
    taken: usize,
    /// How many wait and have not noticed their turn yet.
    waiting: usize,
    /// How many of the taken turns were given to waiting exchanges.
    given: usize,
}

impl Turns {
    /// Begins an exchange, if fewer than `most` are running.
    pub(super) fn take(&mut self, most: usize) -> bool {
        let is_free = self.taken < most;
        self.taken += usize::from(is_free);
        is_free
    }

    /// Ends an exchange; true if its turn passes to a waiting one.
    pub(super) fn give_back(&mut self) -> bool {
        let is_given = self.waiting > self.given;
        if is_given {
            self.given += 1;
        } else {
            self.taken = self.taken.saturating_sub(1);
        }
        is_given
    }

    /// Returns whether there are many exchanges.
    pub(super) fn are_many(&self) -> bool {
        self.taken >= MANY
    }

    /// Returns whether there are any exchanges.
    pub(super) fn are_some(&self) -> bool {
        self.taken > 0
    }

    /// Returns how many wait, and are about to take a connection.
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// Begins to wait.
    fn wait(&mut self) {
        self.waiting += 1;
    }

    /// Begins an exchange with a turn that was given to it.
    fn notice(&mut self) {
        self.give_up();
        self.given = self.given.saturating_sub(1);
    }

    /// Stops waiting.
    fn give_up(&mut self) {
        self.waiting = self.waiting.saturating_sub(1);
    }

    /// Returns whether a turn was given, but nobody is left to take it.
    fn is_one_left(&self) -> bool {
        self.given > self.waiting
    }

    /// Takes back a turn that nobody is left to take.
    fn free(&mut self) {
        self.given = self.given.saturating_sub(1);
        self.taken = self.taken.saturating_sub(1);
    }
}

impl Shared {
    /// Waits for a turn.
    ///
    /// # Cancel safety
    ///
    /// If dropped, it leaves the turn to others.
    pub(super) async fn turn(&self) -> Result<(), AcquireError> {
        {
            let mut inner = self.lock();
            if inner.turns.take(self.settings.connections) {
                return Ok(());
            }
            inner.turns.wait();
        }
        let mut waiting = Waiting { shared: self, has_turn: false };
        self.given.acquire().await?.forget();
        waiting.has_turn = true;
        Ok(())
    }

    /// Hands a given turn to a waiting exchange.
    pub(super) fn hand_over(&self) {
        self.given.add_permits(1);
        // An exchange that gave up in between found nothing to take back.
        self.take_back(&mut self.lock());
    }

    /// Frees a turn that nobody is left to take, if it was handed over already.
    fn take_back(&self, inner: &mut Inner) {
        if inner.turns.is_one_left()
            && let Ok(permit) = self.given.try_acquire()
        {
            permit.forget();
            inner.turns.free();
        }
    }
}

/// A waiting exchange, as long as the value lives.
struct Waiting<'a> {
    shared: &'a Shared,
    has_turn: bool,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut inner = self.shared.lock();
        if self.has_turn {
            inner.turns.notice();
        } else {
            inner.turns.give_up();
            self.shared.take_back(&mut inner);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Pool, *};
    use crate::http::{
        Proxy,
        client::{Options, pool},
        tls::Lazy,
    };
    use futures_util::FutureExt;
    use http::Uri;
    use hyper_util::client::legacy::connect::HttpConnector;
    use std::sync::Arc;

    #[test]
    fn a_turn_goes_to_who_waits_and_is_free_again_when_nobody_does() {
        let mut turns = Turns::default();
        assert!(turns.take(2) && turns.take(2) && !turns.take(2));
        turns.wait();
        turns.wait();
        assert!(turns.give_back(), "it is the turn of the first");
        assert!(!turns.take(2), "nobody comes before them");
        assert_eq!(turns.waiting(), 2, "none of them has noticed");
        turns.give_up();
        assert!(!turns.is_one_left(), "the other one goes on, with the turn that was given");
        turns.notice();
        assert_eq!(turns.waiting(), 0);
        assert!(!turns.give_back() && turns.are_some());
        assert!(turns.take(2) && !turns.take(2));
        turns.wait();
        assert!(turns.give_back());
        turns.give_up();
        assert!(turns.is_one_left() && !turns.take(2), "there was a turn for it");
        turns.free();
        assert!(turns.take(2) && !turns.take(2));
        assert!(!turns.give_back() && !turns.give_back() && !turns.are_some());
    }

    #[test]
    fn a_turn_that_is_given_to_one_who_gives_up_at_that_moment_is_one_turn() {
        const ROUNDS: usize = 20_000;
        let options = Options { connections: 1, ..Options::default() };
        let home = Uri::from_static("http://localhost");
        let (tls, proxies) = (Arc::new(Lazy::new(options.tls.clone())), Proxy::none().rules());
        let Pool(shared) = pool(&options, &home, tls, HttpConnector::new(), proxies, None);
        let users = || {
            for _ in 0..ROUNDS {
                if shared.turn().now_or_never().is_some() {
                    shared.release(None, true);
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(users);
            }
        });
        let Turns { taken, waiting, given } = shared.lock().turns;
        assert_eq!((taken, waiting, given), (0, 0, 0));
        assert_eq!(shared.given.available_permits(), 0);
    }
}
