//! The retry budget.

use std::sync::atomic::{AtomicU32, Ordering};

const COST: u32 = 5;
const TIMEOUT_COST: u32 = 10;

/// A bucket of tokens that retries spend and successes earn, so that retries do not make an outage worse.
#[derive(Debug)]
pub(super) struct TokenBucket {
    tokens: AtomicU32,
    capacity: u32,
}

impl TokenBucket {
    /// Creates a full bucket.
    pub(super) fn new(capacity: u32) -> Self {
        Self { tokens: AtomicU32::new(capacity), capacity }
    }

    pub(super) fn deposit(&self) {
        // The order of concurrent deposits and withdrawals only matters by one token at the limit.
        let _ = self.tokens.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |tokens| {
            (tokens < self.capacity).then_some(tokens + 1)
        });
    }

    /// Pays for one retry; returns whether there were enough tokens.
    pub(super) fn withdraw(&self, after_timeout: bool) -> bool {
        let cost = if after_timeout { TIMEOUT_COST } else { COST };
        let pay = |tokens: u32| tokens.checked_sub(cost);
        self.tokens.fetch_update(Ordering::Relaxed, Ordering::Relaxed, pay).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::TokenBucket;

    #[test]
    fn retries_cost_and_successes_bring_up_to_the_capacity() {
        let bucket = TokenBucket::new(16);
        assert!(bucket.withdraw(false));
        assert!(bucket.withdraw(true));
        assert!(!bucket.withdraw(false), "one token is left");
        for _ in 0..100 {
            bucket.deposit();
        }
        assert_eq!((0..5).filter(|_| bucket.withdraw(false)).count(), 3, "of 16 tokens");
        assert!(!TokenBucket::new(0).withdraw(false));
    }
}
