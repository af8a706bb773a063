//! Compact timestamps, and one clock reading shared by all who need it in one poll.

use std::{cell::Cell, num::NonZero, time::Duration};
use tokio::time::Instant;

/// A time in nanoseconds since an [`Epoch`], plus one. Fits in one word, because each call in flight holds several.
pub(crate) type Moment = NonZero<u64>;

/// The origin of moments.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Epoch(Instant);

impl Epoch {
    pub(crate) fn now() -> Self {
        Self(Instant::now())
    }

    /// Converts a time to a moment.
    #[inline]
    pub(crate) fn moment(self, at: Instant) -> Moment {
        Moment::MIN.saturating_add(nanos(at.saturating_duration_since(self.0)))
    }

    /// Converts a moment to a time.
    pub(crate) fn instant(self, moment: Moment) -> Instant {
        self.0 + Duration::from_nanos(moment.get() - 1)
    }
}

/// Converts a duration to the unit of moments. It takes centuries to overflow.
pub(crate) fn nanos(duration: Duration) -> u64 {
    const SECOND: u64 = 1_000_000_000;
    let seconds = duration.as_secs().saturating_mul(SECOND);
    seconds.saturating_add(u64::from(duration.subsec_nanos()))
}

thread_local! {
    /// When the clock was last read, within the current poll.
    static LOOKED: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Reads the clock; [`seen`] returns the result until the next poll.
#[inline]
pub(crate) fn look() -> Instant {
    let now = Instant::now();
    LOOKED.set(Some(now));
    now
}

/// Returns the time read since [`forget`], or else reads the clock.
#[inline]
pub(crate) fn seen() -> Instant {
    LOOKED.get().unwrap_or_else(look)
}

/// Forgets the time that was read: a new poll begins.
#[inline]
pub(crate) fn forget() {
    LOOKED.set(None);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_moment_is_the_time_that_it_was_made_of() {
        let epoch = Epoch::now();
        for nanos in [0, 1, 60_000_000_000] {
            let at = epoch.0 + Duration::from_nanos(nanos);
            assert_eq!(epoch.instant(epoch.moment(at)), at);
        }
    }

    #[test]
    fn what_is_too_long_is_as_long_as_can_be() {
        assert_eq!(nanos(Duration::new(3, 4)), 3_000_000_004);
        assert_eq!(nanos(Duration::MAX), u64::MAX);
    }

    #[tokio::test(start_paused = true)]
    async fn the_clock_is_looked_at_once_in_a_poll() {
        forget();
        let first = look();
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(seen(), first);
        forget();
        assert_eq!(seen(), first + Duration::from_secs(1));
    }
}
