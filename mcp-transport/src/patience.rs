//! Time spent waiting for a person, which stops the clocks of calls.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// The time that a connection has spent waiting for a person, for example for a login. Clones share it.
///
/// A [`Link`](crate::Link) carries it from the transport, which waits, to the session, whose time limits are paused.
#[derive(Clone, Debug, Default)]
pub struct Patience(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// How many waits are in progress.
    waiting: usize,
    /// When the current period of waiting began.
    since: Option<Instant>,
    /// The sum of earlier periods.
    waited: Duration,
}

impl Patience {
    /// Starts waiting, until the returned guard is dropped.
    pub fn wait(&self) -> Waiting {
        let mut state = self.state();
        state.waiting += 1;
        state.since.get_or_insert_with(Instant::now);
        Waiting(self.clone())
    }

    /// The total time spent waiting so far. Overlapping waits count once.
    pub fn waited(&self) -> Duration {
        let state = self.state();
        state.waited + state.since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A guard: the connection waits for a person as long as it lives.
#[derive(Debug)]
pub struct Waiting(Patience);

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.waiting -= 1;
        if state.waiting == 0 {
            let last = state.since.take().map_or(Duration::ZERO, |since| since.elapsed());
            state.waited += last;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Patience;
    use std::time::Duration;
    use tokio::time::advance;

    #[tokio::test(start_paused = true)]
    async fn waits_that_overlap_count_once() {
        let patience = Patience::default();
        let second = Duration::from_secs(1);
        let first = patience.wait();
        advance(second).await;
        let other = patience.clone().wait();
        advance(second).await;
        drop(first);
        advance(second).await;
        assert_eq!(patience.waited(), 3 * second);
        drop(other);
        advance(second).await;
        assert_eq!(patience.waited(), 3 * second);
    }
}
