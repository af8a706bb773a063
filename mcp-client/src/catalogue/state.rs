//! The shared state of a catalogue.

use super::Snapshot;
use crate::Error;
use std::sync::Arc;
use tokio::time::Instant;

/// What is known of a list, for all who look at it.
pub(super) struct State<T> {
    pub(super) snapshot: Arc<Snapshot<T>>,
    /// Why the last reading failed, if it did.
    pub(super) failure: Option<Arc<Error>>,
    /// How many of those who wanted it to be read again have their answer.
    pub(super) answered: u64,
    /// When a reading ended last.
    pub(super) attempted: Instant,
    /// Whether it has changed since it was read, as far as is known.
    pub(super) is_outdated: bool,
    /// Whether the server tells of changes.
    pub(super) is_told: bool,
}

impl<T> State<T> {
    /// Whether nothing speaks against it.
    pub(super) fn is_fresh(&self, now: Instant) -> bool {
        let is_good = match self.snapshot.fresh_until() {
            Some(end) => now < end,
            // A server that says nothing about time says when it changes, or it has to be asked.
            None => self.is_told,
        };
        is_good && !self.is_outdated
    }

    /// Whether the time is over for which the server said it to be good. A server that tells of changes, and says that it
    /// is good for no time at all, need not be asked each time that somebody looks.
    pub(super) fn is_worn(&self, now: Instant) -> bool {
        let Some(end) = self.snapshot.fresh_until() else { return false };
        now >= end && (end > self.snapshot.received() || !self.is_told)
    }
}
