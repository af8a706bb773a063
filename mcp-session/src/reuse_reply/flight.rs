//! Coalescing identical calls in flight.

use super::CacheKey;
use crate::Reply;
use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::watch;

/// The calls in flight. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Flights(Arc<Mutex<Table>>);

#[derive(Default)]
struct Table {
    flights: HashMap<CacheKey, Flight>,
    next: u64,
}

struct Flight {
    number: u64,
    /// The cache's moment when the reply was requested.
    asked_at: u64,
    landed: watch::Receiver<Landed>,
}

/// The result of a call for its followers.
#[derive(Clone)]
pub(super) enum Landed {
    /// The call is still in flight.
    Flying,
    /// A reply that all callers may share.
    With(Reply),
    /// Nothing that others could use.
    Without,
}

/// What a caller must do.
pub(super) enum Place {
    /// Make the call, and tell the others.
    Lead(Lead),
    /// Wait for the caller that makes the call. The sender is gone if that caller has given up.
    Follow(watch::Receiver<Landed>),
}

/// The duty to make a call. If dropped early, a waiting caller takes over.
pub(super) struct Lead {
    flights: Flights,
    key: CacheKey,
    number: u64,
    landed: watch::Sender<Landed>,
}

impl Flights {
    /// Follows a call in flight that is still useful, or leads a new one.
    pub(super) fn join(
        &self,
        key: CacheKey,
        asked_at: u64,
        is_current: impl FnOnce(u64) -> bool,
    ) -> Place {
        let mut table = self.lock();
        if let Some(flight) = table.flights.get(&key)
            && flight.landed.has_changed().is_ok()
            && is_current(flight.asked_at)
        {
            return Place::Follow(flight.landed.clone());
        }
        let number = table.next;
        table.next += 1;
        let (landed, receiver) = watch::channel(Landed::Flying);
        table.flights.insert(key.clone(), Flight { number, asked_at, landed: receiver });
        Place::Lead(Lead { flights: self.clone(), key, number, landed })
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lead {
    /// Publishes the result of the call.
    pub(super) fn land(self, reply: Option<&Reply>) {
        self.landed.send_replace(match reply {
            Some(reply) => Landed::With(reply.clone()),
            None => Landed::Without,
        });
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        let mut table = self.flights.lock();
        if table.flights.get(&self.key).is_some_and(|flight| flight.number == self.number) {
            table.flights.remove(&self.key);
        }
    }
}

impl fmt::Debug for Flights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Flights")
    }
}
