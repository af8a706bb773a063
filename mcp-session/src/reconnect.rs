//! The reconnect policy.

use std::time::Duration;

/// When a lost connection is replaced, and how often.
///
/// A legacy HTTP server that has forgotten its session always gets a new one, once for all calls that notice it,
/// because the protocol demands that
/// ([clause](https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#session-management)).
///
/// Calls in flight fail with the cause in any case; whether to send them again is for a retry policy to decide. The
/// server must speak the negotiated revision again, or the session ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reconnect {
    /// What triggers a reconnect. Default: [`When::Never`].
    pub when: When,
    /// How many connections may be lost or fail within [`window`](Self::window) before the session ends. Default: 5.
    pub attempts: u32,
    /// The time over which [`attempts`](Self::attempts) are counted. Default: 60 s.
    pub window: Duration,
    /// The wait before the second attempt, doubled for each further one. The first is made at once. Default: 0.5 s.
    pub first_backoff: Duration,
    /// The longest wait. Default: 30 s.
    pub max_backoff: Duration,
}

/// What triggers a reconnect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum When {
    /// Nothing: the session ends with its connection.
    #[default]
    Never,
    /// The next call.
    OnCall,
    /// The loss.
    AtOnce,
}

impl Default for Reconnect {
    fn default() -> Self {
        Self {
            when: When::Never,
            attempts: 5,
            window: Duration::from_secs(60),
            first_backoff: Duration::from_millis(500),
            max_backoff: Duration::from_secs(30),
        }
    }
}

impl Reconnect {
    /// Reconnects at the next call.
    pub fn on_call() -> Self {
        Self { when: When::OnCall, ..Self::default() }
    }

    /// Reconnects as soon as the connection is lost.
    pub fn at_once() -> Self {
        Self { when: When::AtOnce, ..Self::default() }
    }

    /// Returns the delay before an attempt, counted from 0.
    pub(crate) fn backoff(&self, attempt: u32) -> Duration {
        match attempt.checked_sub(1) {
            None => Duration::ZERO,
            Some(doublings) => {
                let factor = 2u32.saturating_pow(doublings);
                self.first_backoff.saturating_mul(factor).min(self.max_backoff)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Reconnect;

    #[test]
    fn the_wait_doubles_up_to_a_limit() {
        let policy = Reconnect::at_once();
        let waits = [0, 1, 2, 3, 20, u32::MAX].map(|attempt| policy.backoff(attempt).as_millis());
        assert_eq!(waits, [0, 500, 1_000, 2_000, 30_000, 30_000]);
    }
}
