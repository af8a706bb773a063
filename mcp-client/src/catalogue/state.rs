//! The shared state of a catalogue.

use super::Snapshot;
use crate::Error;
use std::sync::Arc;
use tokio::time::Instant;

/// What is known about a list, shared by all its users.
pub(super) struct State<T> {
    pub(super) snapshot: Arc<Snapshot<T>>,
    /// Why the last read failed, if it did.
    pub(super) failure: Option<Arc<Error>>,
    /// How many requests to read it again have been answered.
    pub(super) answered: u64,
    /// When the last read ended.
    pub(super) attempted: Instant,
    /// Whether it is known to have changed since it was read.
    pub(super) is_outdated: bool,
    /// Whether the server notifies about changes.
    pub(super) is_told: bool,
}

impl<T> State<T> {
    /// Whether nothing suggests that it has changed.
    pub(super) fn is_fresh(&self, now: Instant) -> bool {
        let is_good = match self.snapshot.fresh_until() {
            Some(end) => now < end,
            // Without a time to live, a server either announces changes or has to be asked.
            None => self.is_told,
        };
        is_good && !self.is_outdated
    }

    /// Whether the list has outlived its time to live. If the server announces changes and gives a time to live of
    /// zero, it need not be asked on every access.
    pub(super) fn is_worn(&self, now: Instant) -> bool {
        let Some(end) = self.snapshot.fresh_until() else { return false };
        now >= end && (end > self.snapshot.received() || !self.is_told)
    }
}
