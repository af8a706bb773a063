//! A store of tokens and registrations in a file.

mod document;
mod file;

use super::{Key, Lock, Registration, Store, Tokens};
use crate::BoxError;
use document::Document;
use futures_util::future::BoxFuture;
use ring::digest::{SHA256, digest};
use std::{
    fmt,
    fs::{File, TryLockError},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::{
    task::spawn_blocking,
    time::{Instant, sleep},
};

/// How long a process waits for another one that writes or refreshes the same tokens.
const LOCK_WAIT: Duration = Duration::from_secs(30);

/// How often it retries.
const LOCK_PACE: Duration = Duration::from_millis(50);

/// A store in one JSON file, which several processes may share.
///
/// The file is private to its owner and is replaced atomically. Writers wait for each other, and so do processes that
/// refresh the same tokens, so that one of them uses the refresh token and the others see the result. Empty files whose
/// names end in `.lock` lie beside it.
///
/// A file that cannot be parsed is left alone, and is an error: the tokens of that run stay in memory. Tokens are not
/// encrypted: anyone who can read the user's files can use them.
///
/// ```no_run
/// use mcp_transport::http::oauth::{FileStore, OAuth};
///
/// let oauth = OAuth::new("My App").store(FileStore::new("/home/me/.config/my-app/tokens.json"));
/// # let _ = oauth;
/// ```
#[derive(Clone)]
pub struct FileStore {
    path: Arc<Path>,
}

impl FileStore {
    /// Creates a store in this file. The file and its folder are created when there is something to keep.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into().into() }
    }

    /// The path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The keys of all stored tokens.
    ///
    /// # Errors
    ///
    /// The file cannot be read or parsed.
    pub async fn keys(&self) -> Result<Vec<Key>, BoxError> {
        self.read(|document| document.keys()).await
    }

    async fn read<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Document) -> T + Send + 'static,
    ) -> Result<T, BoxError> {
        let path = Arc::clone(&self.path);
        spawn_blocking(move || Ok(look(&file::read(&path)?))).await?
    }

    async fn open_lock(&self, name: String) -> Result<File, BoxError> {
        let path = Arc::clone(&self.path);
        spawn_blocking(move || file::open_lock(&path, &name)).await?
    }

    /// Changes the document, and writes it if it is different now.
    async fn change(
        &self,
        change: impl FnOnce(&mut Document) -> bool + Send + 'static,
    ) -> Result<(), BoxError> {
        let lock = wait_for(self.open_lock(String::new()).await?).await?;
        let path = Arc::clone(&self.path);
        spawn_blocking(move || {
            let _lock = lock;
            let mut document = file::read(&path)?;
            if change(&mut document) {
                file::replace(&path, &document)?;
            }
            Ok(())
        })
        .await?
    }
}

impl Store for FileStore {
    fn tokens<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Option<Tokens>, BoxError>> {
        let key = key.clone();
        Box::pin(self.read(move |document| document.tokens(&key).cloned()))
    }

    fn save_tokens<'a>(
        &'a self,
        key: &'a Key,
        tokens: &'a Tokens,
    ) -> BoxFuture<'a, Result<(), BoxError>> {
        let (key, tokens) = (key.clone(), tokens.clone());
        Box::pin(self.change(move |document| document.set_tokens(key, tokens)))
    }

    fn forget_tokens<'a>(
        &'a self,
        key: &'a Key,
        tokens: &'a Tokens,
    ) -> BoxFuture<'a, Result<(), BoxError>> {
        let (key, tokens) = (key.clone(), tokens.clone());
        Box::pin(self.change(move |document| document.forget_tokens(&key, &tokens)))
    }

    fn registration<'a>(
        &'a self,
        issuer: &'a str,
    ) -> BoxFuture<'a, Result<Option<Registration>, BoxError>> {
        let issuer = issuer.to_owned();
        Box::pin(self.read(move |document| document.registrations.get(&issuer).cloned()))
    }

    fn save_registration<'a>(
        &'a self,
        issuer: &'a str,
        client: &'a Registration,
    ) -> BoxFuture<'a, Result<(), BoxError>> {
        let (issuer, client) = (issuer.to_owned(), client.clone());
        Box::pin(self.change(move |document| {
            document.registrations.insert(issuer, client.clone()).as_ref() != Some(&client)
        }))
    }

    fn forget_registration<'a>(
        &'a self,
        issuer: &'a str,
        client: &'a Registration,
    ) -> BoxFuture<'a, Result<(), BoxError>> {
        let (issuer, client) = (issuer.to_owned(), client.clone());
        Box::pin(self.change(move |document| {
            let is_it = document.registrations.get(&issuer) == Some(&client);
            is_it && document.registrations.remove(&issuer).is_some()
        }))
    }

    /// Waits for 30 s at most.
    fn lock<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Lock, BoxError>> {
        Box::pin(async move {
            let file = self.open_lock(lock_name(key)).await?;
            Ok(Box::new(wait_for(file).await?) as Lock)
        })
    }
}

async fn wait_for(file: File) -> Result<File, BoxError> {
    let until = Instant::now() + LOCK_WAIT;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if Instant::now() < until => sleep(LOCK_PACE).await,
            Err(TryLockError::WouldBlock) => {
                return Err(format!("another process holds the tokens for {LOCK_WAIT:?}").into());
            }
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
    }
}

/// Returns a name for the lock of a server's tokens that is valid as a file name.
fn lock_name(key: &Key) -> String {
    let client = key.client_id.as_deref().unwrap_or_default();
    let hash = digest(&SHA256, format!("{}\n{client}", key.server).as_bytes());
    hash.as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

impl fmt::Debug for FileStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileStore").field("path", &self.path).finish()
    }
}

#[cfg(test)]
mod tests;
