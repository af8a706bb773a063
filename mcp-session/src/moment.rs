//! Compact timestamps, and one clock reading shared by all who need it in one poll.

use std::{cell::Cell, num::NonZero, time::Duration};
use tokio::time::Instant;

/// A time, in nanoseconds since an [`Epoch`], and one more: a word, for each call in flight has some.
pub(crate) type Moment = NonZero<u64>;

/// What moments are counted from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Epoch(Instant);

impl Epoch {
    pub(crate) fn now() -> Self {
        Self(Instant::now())
    }

    /// The moment of a time.
    #[inline]
    pub(crate) fn moment(self, at: Instant) -> Moment {
        Moment::MIN.saturating_add(nanos(at.saturating_duration_since(self.0)))
    }

    /// The time of a moment.
    pub(crate) fn instant(self, moment: Moment) -> Instant {
        self.0 + Duration::from_nanos(moment.get() - 1)
    }
}

/// How long something takes in the unit of moments. It is centuries before that has no room for it.
pub(crate) fn nanos(duration: Duration) -> u64 {
    const SECOND: u64 = 1_000_000_000;
    let seconds = duration.as_secs().saturating_mul(SECOND);
    seconds.saturating_add(u64::from(duration.subsec_nanos()))
}

thread_local! {
    /// When somebody looked at the clock last, in the poll that is under way.
    static LOOKED: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// The time, which [`seen`] tells until the next poll.
#[inline]
pub(crate) fn look() -> Instant {
    let now = Instant::now();
    LOOKED.set(Some(now));
    now
}

/// The time, as somebody saw it since [`forget`]; otherwise as it is.
#[inline]
pub(crate) fn seen() -> Instant {
    LOOKED.get().unwrap_or_else(look)
}

/// Forgets what was seen: a poll begins.
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
