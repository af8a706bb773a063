//! Which resources a legacy session is subscribed to.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// The resources that a session is subscribed to, and how often: a legacy server counts only once.
#[derive(Debug, Default)]
pub(crate) struct Watched(Mutex<HashMap<String, usize>>);

impl Watched {
    /// Counts one more subscriber; says whether it is the first.
    pub(super) fn add(&self, uri: &str) -> bool {
        let mut watched = self.lock();
        let count = watched.entry(uri.to_owned()).or_default();
        *count += 1;
        *count == 1
    }

    /// Counts one subscriber less; says whether it was the last.
    pub(super) fn remove(&self, uri: &str) -> bool {
        let mut watched = self.lock();
        let Some(count) = watched.get_mut(uri) else { return false };
        *count -= 1;
        let is_last = *count == 0;
        if is_last {
            watched.remove(uri);
        }
        is_last
    }

    /// Whether somebody is subscribed.
    pub(super) fn contains(&self, uri: &str) -> bool {
        self.lock().contains_key(uri)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
