//! Stores for tokens and registrations.

use super::{Registration, Tokens, places};
use crate::{BoxError, Url};
use futures_util::future::{BoxFuture, ready};
use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{sync::Mutex as AsyncMutex, time::timeout};

/// How long to wait for others that refresh the same tokens.
const LOCK_WAIT: Duration = Duration::from_secs(30);

/// The key of stored tokens: the server, and the client if it was configured.
///
/// It is known before any request, so that a new client has its token at once. The authorization server and the
/// resource that the tokens are bound to are part of [`Tokens`], and are checked before use.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct Key {
    /// The URL of the MCP server, without user, password, query and fragment.
    pub server: String,
    /// The identifier of the client, if it was configured.
    pub client_id: Option<String>,
}

impl Key {
    /// The tokens of a server.
    pub fn new(server: impl Into<String>, client_id: Option<&str>) -> Self {
        Self { server: server.into(), client_id: client_id.map(str::to_owned) }
    }

    /// Creates the key of the server at a URL.
    pub fn of(server: &Url, client_id: Option<&str>) -> Self {
        Self::new(places::canonical(server), client_id)
    }
}

/// A lock held while tokens are refreshed; dropping it releases it.
pub type Lock = Box<dyn Send>;

/// Keeps tokens and registrations: in memory, in a file, or in the key store of the system.
///
/// An error never ends a login: it is logged, and the tokens stay in use in memory.
pub trait Store: Send + Sync + 'static {
    /// The tokens of a server.
    fn tokens<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Option<Tokens>, BoxError>>;

    /// Keeps tokens in place of those that were there.
    fn save_tokens<'a>(
        &'a self,
        key: &'a Key,
        tokens: &'a Tokens,
    ) -> BoxFuture<'a, Result<(), BoxError>>;

    /// Forgets tokens, unless others are there by now.
    fn forget_tokens<'a>(
        &'a self,
        key: &'a Key,
        tokens: &'a Tokens,
    ) -> BoxFuture<'a, Result<(), BoxError>>;

    /// The client that is registered at an authorization server.
    fn registration<'a>(
        &'a self,
        issuer: &'a str,
    ) -> BoxFuture<'a, Result<Option<Registration>, BoxError>>;

    /// Keeps a registration in place of the one that was there.
    fn save_registration<'a>(
        &'a self,
        issuer: &'a str,
        client: &'a Registration,
    ) -> BoxFuture<'a, Result<(), BoxError>>;

    /// Forgets a registration, unless another one is there by now.
    fn forget_registration<'a>(
        &'a self,
        issuer: &'a str,
        client: &'a Registration,
    ) -> BoxFuture<'a, Result<(), BoxError>>;

    /// Waits until nothing else refreshes these tokens: no other process, and no other endpoint of this one. Default:
    /// does not wait, so that a single-use refresh token may be used twice.
    fn lock<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Lock, BoxError>> {
        let _ = key;
        Box::pin(ready(Ok(Box::new(()) as Lock)))
    }
}

/// Keeps everything in memory. The default.
#[derive(Default)]
pub struct MemoryStore {
    tokens: Mutex<HashMap<Key, Tokens>>,
    registrations: Mutex<HashMap<String, Registration>>,
    locks: Mutex<HashMap<Key, Arc<AsyncMutex<()>>>>,
}

impl MemoryStore {
    /// Creates an empty store.
    pub fn new() -> Self {
        Self::default()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryStore")
    }
}

/// Operations on a map complete immediately.
fn within<T, R: Send + 'static>(
    map: &Mutex<T>,
    work: impl FnOnce(&mut T) -> R,
) -> BoxFuture<'_, Result<R, BoxError>> {
    let result = work(&mut map.lock().unwrap_or_else(PoisonError::into_inner));
    Box::pin(ready(Ok(result)))
}

impl Store for MemoryStore {
    fn tokens<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Option<Tokens>, BoxError>> {
        within(&self.tokens, |map| map.get(key).cloned())
    }

    fn save_tokens<'a>(
        &'a self,
        key: &'a Key,
        tokens: &'a Tokens,
    ) -> BoxFuture<'a, Result<(), BoxError>> {
        within(&self.tokens, |map| _ = map.insert(key.clone(), tokens.clone()))
    }

    fn forget_tokens<'a>(
        &'a self,
        key: &'a Key,
        tokens: &'a Tokens,
    ) -> BoxFuture<'a, Result<(), BoxError>> {
        within(&self.tokens, |map| {
            if map.get(key) == Some(tokens) {
                map.remove(key);
            }
        })
    }

    fn registration<'a>(
        &'a self,
        issuer: &'a str,
    ) -> BoxFuture<'a, Result<Option<Registration>, BoxError>> {
        within(&self.registrations, |map| map.get(issuer).cloned())
    }

    fn save_registration<'a>(
        &'a self,
        issuer: &'a str,
        client: &'a Registration,
    ) -> BoxFuture<'a, Result<(), BoxError>> {
        within(&self.registrations, |map| _ = map.insert(issuer.to_owned(), client.clone()))
    }

    fn forget_registration<'a>(
        &'a self,
        issuer: &'a str,
        client: &'a Registration,
    ) -> BoxFuture<'a, Result<(), BoxError>> {
        within(&self.registrations, |map| {
            if map.get(issuer) == Some(client) {
                map.remove(issuer);
            }
        })
    }

    /// Waits for 30 s at most.
    fn lock<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Lock, BoxError>> {
        let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
        let lock = Arc::clone(locks.entry(key.clone()).or_default());
        Box::pin(async move {
            let locked = timeout(LOCK_WAIT, lock.lock_owned()).await;
            let guard = locked.map_err(|_| format!("tokens are held for {LOCK_WAIT:?}"))?;
            Ok(Box::new(guard) as Lock)
        })
    }
}
