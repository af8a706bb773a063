//! A rate limit for the questions of a server.

use std::time::Duration;
use tokio::time::Instant;

/// The window in which questions are counted.
const WINDOW: Duration = Duration::from_secs(60);

/// A token bucket for questions: the allowance of one minute may be used at once, and refills over a minute.
#[derive(Debug)]
pub(super) struct Pace {
    limit: f64,
    left: f64,
    at: Instant,
}

impl Pace {
    pub(super) fn new(per_minute: u32) -> Self {
        let limit = f64::from(per_minute);
        Self { limit, left: limit, at: Instant::now() }
    }

    /// Whether one more question may be asked now.
    pub(super) fn admit(&mut self) -> bool {
        let now = Instant::now();
        let earned = now.saturating_duration_since(self.at).div_duration_f64(WINDOW) * self.limit;
        self.left = (self.left + earned).min(self.limit);
        self.at = now;
        let is_admitted = self.left >= 1.0;
        if is_admitted {
            self.left -= 1.0;
        }
        is_admitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // spec: ELI-09 SAMP-11
    #[tokio::test(start_paused = true)]
    async fn questions_are_earned_again_over_a_minute() {
        let mut pace = Pace::new(4);
        let mut admitted = |count: usize| (0..count).filter(|_| pace.admit()).count();
        assert_eq!(admitted(10), 4);
        tokio::time::advance(Duration::from_secs(31)).await;
        assert_eq!(admitted(10), 2);
        tokio::time::advance(Duration::from_secs(3600)).await;
        assert_eq!(admitted(10), 4, "no more than the limit is saved up");
        assert!(!Pace::new(0).admit());
    }
}
