//! The limit on concurrent HTTP/1.1 exchanges.

use super::Shared;
use tokio::sync::AcquireError;

/// So many exchanges at the same time are many.
const MANY: usize = 4;

/// Counts them. It lies under the lock of the pool, which each exchange takes anyway; those who wait do so elsewhere, and
/// their turns come in the order in which they began to.
#[derive(Debug, Default)]
pub(super) struct Turns {
    taken: usize,
    /// Who waits and was given no turn.
    waiting: usize,
    /// Those of the taken that were given to somebody who waits and has not noticed.
    given: usize,
}

impl Turns {
    /// Begins an exchange, if there may be one more of so many.
    pub(super) fn take(&mut self, most: usize) -> bool {
        let is_free = self.taken < most;
        self.taken += usize::from(is_free);
        is_free
    }

    /// Ends an exchange; true if the turn is now that of one who waits.
    pub(super) fn give_back(&mut self) -> bool {
        let is_given = self.waiting > 0;
        if is_given {
            self.waiting -= 1;
            self.given += 1;
        } else {
            self.taken = self.taken.saturating_sub(1);
        }
        is_given
    }

    /// Whether there are many exchanges.
    pub(super) fn are_many(&self) -> bool {
        self.taken >= MANY
    }

    /// Whether there are exchanges.
    pub(super) fn are_some(&self) -> bool {
        self.taken > 0
    }

    /// How many wait, and are about to take a connection.
    pub(super) fn waiting(&self) -> usize {
        self.waiting + self.given
    }

    /// Begins to wait.
    fn wait(&mut self) {
        self.waiting += 1;
    }

    /// Begins an exchange with a turn that was given.
    fn notice(&mut self) {
        self.given = self.given.saturating_sub(1);
    }

    /// Does not wait any more; true if there is a turn too many among those that were given. It is free now.
    fn give_up(&mut self) -> bool {
        if self.waiting > 0 {
            self.waiting -= 1;
            return false;
        }
        self.notice();
        self.taken = self.taken.saturating_sub(1);
        true
    }
}

impl Shared {
    /// Waits for a turn.
    ///
    /// # Cancel safety
    ///
    /// Dropping it leaves the turn to others.
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
}

/// One that waits, for as long as the value is there.
struct Waiting<'a> {
    shared: &'a Shared,
    has_turn: bool,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut inner = self.shared.lock();
        if self.has_turn {
            inner.turns.notice();
        } else if inner.turns.give_up()
            && let Ok(permit) = self.shared.given.try_acquire()
        {
            permit.forget();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_goes_to_who_waits_and_is_free_again_when_nobody_does() {
        let mut turns = Turns::default();
        assert!(turns.take(2) && turns.take(2) && !turns.take(2));
        turns.wait();
        turns.wait();
        assert!(turns.give_back(), "it is the turn of the first");
        assert!(!turns.take(2), "nobody comes before them");
        assert_eq!(turns.waiting(), 2, "none of them has noticed");
        assert!(!turns.give_up(), "the other one goes on, with the turn that was given");
        turns.notice();
        assert_eq!(turns.waiting(), 0);
        assert!(!turns.give_back() && turns.are_some());
        assert!(turns.take(2) && !turns.take(2));
        turns.wait();
        assert!(turns.give_back());
        assert!(turns.give_up(), "there was a turn for it");
        assert!(turns.take(2) && !turns.take(2));
        assert!(!turns.give_back() && !turns.give_back() && !turns.are_some());
    }
}
