//! A cache of the eras of servers.

use crate::Era;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// The maximum number of origins in an [`EraCache`]; beyond it, all are forgotten.
const MAX_ORIGINS: usize = 1_024;

/// The era of one server, as far as it is known. Clones share it, and so do the sessions that have it in their options.
///
/// A server that is known to have a handshake is not probed again, which may cost a wait or a process. If the handshake
/// then fails as it would with a stateless server, the era is forgotten, and the server is probed. Knowing that a
/// server is stateless saves no round trip; [`PriorDiscover`](crate::PriorDiscover) does.
// spec: VER-12
#[derive(Clone, Debug, Default)]
pub struct KnownEra(Arc<Mutex<Option<Era>>>);

impl KnownEra {
    /// Creates an era that is not known yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The era, if it is known.
    pub fn era(&self) -> Option<Era> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets the era: the next session probes the server.
    pub fn forget(&self) {
        self.set(None);
    }

    pub(crate) fn note(&self, era: Era) {
        self.set(Some(era));
    }

    fn set(&self, era: Option<Era>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = era;
    }
}

/// The eras of many servers by their origins, for programs with many clients. Clones share them.
///
/// ```
/// use mcp_session::{EraCache, Options};
///
/// let eras = EraCache::new();
/// let mut options = Options::default();
/// options.known_era = eras.of("https://example.com");
/// ```
// spec: VER-12
#[derive(Clone, Debug, Default)]
pub struct EraCache(Arc<Mutex<HashMap<Box<str>, KnownEra>>>);

impl EraCache {
    /// Creates an empty cache.
    pub fn new() -> Self {
        Self::default()
    }

    /// The era of an origin: the scheme, host and port of a URL, or any other name of a server.
    pub fn of(&self, origin: &str) -> KnownEra {
        let mut eras = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if eras.len() >= MAX_ORIGINS && !eras.contains_key(origin) {
            eras.clear();
        }
        eras.entry(origin.into()).or_default().clone()
    }
}
