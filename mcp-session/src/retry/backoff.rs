//! Exponential backoff with jitter.

use std::time::Duration;

/// Returns a random delay, up to a bound that doubles with each retry until a maximum, so that clients that failed
/// together do not come back together.
pub(super) fn full_jitter(retries: u32, first: Duration, max: Duration) -> Duration {
    bound(retries, first, max).mul_f64(fastrand::f64())
}

fn bound(retries: u32, first: Duration, max: Duration) -> Duration {
    first.saturating_mul(2u32.saturating_pow(retries)).min(max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_doubles_up_to_the_limit_and_the_wait_stays_below_it() {
        let (first, max) = (Duration::from_millis(100), Duration::from_secs(20));
        let bounds = [0, 1, 2, 8, u32::MAX].map(|retries| bound(retries, first, max).as_millis());
        assert_eq!(bounds, [100, 200, 400, 20_000, 20_000]);
        assert!((0..1000).all(|_| full_jitter(1, first, max) <= Duration::from_millis(200)));
        assert_eq!(full_jitter(7, Duration::ZERO, max), Duration::ZERO);
    }
}
