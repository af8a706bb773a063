//! The resources that a legacy session is subscribed to.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::OnceCell;

/// The resources that a session is subscribed to, with reference counts: a legacy server does not count.
#[derive(Debug, Default)]
pub(crate) struct Watched(Mutex<HashMap<String, Entry>>);

/// One resource.
#[derive(Debug, Default)]
struct Entry {
    /// The number of subscribers.
    count: usize,
    agreed: Agreed,
    /// The number of the connection that the subscription was made over.
    connection: u64,
}

/// Whether the server has agreed. Of several subscribers, one asks at a time; another asks only if that failed.
pub(super) type Agreed = Arc<OnceCell<()>>;

impl Watched {
    /// Adds a subscriber.
    pub(super) fn add(&self, uri: &str) {
        self.lock().entry(uri.to_owned()).or_default().count += 1;
    }

    /// Returns the server's agreement over the connection with this number, or a later one: agreements over a lost
    /// connection are void.
    pub(super) fn agreed(&self, uri: &str, connection: u64) -> Agreed {
        let mut watched = self.lock();
        let Some(entry) = watched.get_mut(uri) else { return Agreed::default() };
        if entry.connection < connection {
            entry.connection = connection;
            entry.agreed = Agreed::default();
        }
        Arc::clone(&entry.agreed)
    }

    /// Removes a subscriber; returns whether it was the last.
    pub(super) fn remove(&self, uri: &str) -> bool {
        let mut watched = self.lock();
        let Some(entry) = watched.get_mut(uri) else { return false };
        entry.count -= 1;
        let is_last = entry.count == 0;
        if is_last {
            watched.remove(uri);
        }
        is_last
    }

    /// Whether there is a subscriber.
    pub(super) fn contains(&self, uri: &str) -> bool {
        self.lock().contains_key(uri)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
