//! Files that a config refers to, read when a client connects.

use super::TlsFiles;
use crate::{
    Error, Target,
    dial::{Dial, Dialed, Plan},
};
use futures_util::future::BoxFuture;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// Builds a target whose files are read when it is dialed, because files may change and building a target does no IO.
pub(super) fn target<T: Send + 'static>(
    name: String,
    read: impl Fn() -> Result<T, String> + Send + Sync + 'static,
    make: impl Fn(T) -> Target + Send + Sync + 'static,
) -> Target {
    Target::dialed_by(name, Reading { read: Arc::new(read), make: Arc::new(make) })
}

struct Reading<T> {
    read: Arc<dyn Fn() -> Result<T, String> + Send + Sync>,
    make: Arc<dyn Fn(T) -> Target + Send + Sync>,
}

impl<T: Send + 'static> Dial for Reading<T> {
    fn dial(&self, plan: Plan) -> BoxFuture<'static, Dialed> {
        let (read, make) = (Arc::clone(&self.read), Arc::clone(&self.make));
        Box::pin(async move {
            let invalid = |reason: String| Error::InvalidTarget { reason: reason.into() };
            // A file may be on a slow disk.
            let outcome = tokio::task::spawn_blocking(move || read()).await;
            let read = outcome.map_err(|error| invalid(error.to_string()))?.map_err(invalid)?;
            make(read).dial().dial(plan).await
        })
    }
}

/// Resolves a path of a config; a relative one is resolved against its folder.
pub(super) fn within(folder: Option<&Path>, path: &str) -> PathBuf {
    folder.map_or_else(|| PathBuf::from(path), |folder| folder.join(path))
}

/// Reads the variables of a file.
#[cfg(feature = "stdio")]
pub(super) fn variables(path: &Path) -> Result<Vec<(String, String)>, String> {
    super::env_file::read(path)
        .map_err(|error| format!("`envFile` {} cannot be used: {error}", path.display()))
}

/// Reads the files of the TLS settings.
#[cfg(feature = "http")]
pub(super) fn tls(
    files: &TlsFiles,
    folder: Option<&Path>,
) -> Result<mcp_transport::http::Tls, String> {
    use mcp_transport::http::Tls;

    let read = |name: &str, path: &String| {
        let path = within(folder, path);
        let told = path.display().to_string();
        let bytes = std::fs::read(path);
        bytes.map_err(|error| format!("`tls.{name}` {told} cannot be read: {error}"))
    };
    let mut tls = Tls::new();
    if let Some(path) = &files.ca {
        let trusted = tls.trust_pem(&read("ca", path)?);
        tls = trusted.map_err(|error| format!("`tls.ca` {path} cannot be used: {error}"))?;
    }
    if let Some(path) = &files.cert {
        let chain = read("cert", path)?;
        let key = match &files.key {
            Some(key) => read("key", key)?,
            None => chain.clone(),
        };
        let own = tls.identity_pem(&chain, &key);
        tls = own.map_err(|error| format!("`tls.cert` {path} cannot be used: {error}"))?;
    }
    Ok(tls)
}
