//! Making the HTTP service below the transport.

use super::{
    HttpService,
    client::{Client, Options},
};
use crate::Error;
use futures_util::{FutureExt, future::BoxFuture};
use http::Uri;
use std::{
    fmt,
    sync::{Arc, OnceLock},
};
use tower_layer::Layer;

/// Makes the service that carries the HTTP requests of an [`Endpoint`](super::Endpoint).
pub trait MakeHttpService: Send + Sync + 'static {
    /// The service that carries the requests.
    type Service: HttpService;

    /// Makes the service for requests to `uri`.
    ///
    /// # Errors
    ///
    /// The service cannot be made, for example because the platform has no root certificates.
    fn make_service(&self, uri: &Uri) -> Result<Self::Service, Error>;

    /// Returns the background work of the service between requests, if there is any. The driver of each transport polls
    /// one such future, and drops it at its end.
    fn upkeep(&self) -> Option<BoxFuture<'static, ()>> {
        None
    }
}

/// The default [`Client`], made at the first connect and shared by all later ones.
#[derive(Clone, Debug, Default)]
pub struct Pooled {
    options: Options,
    client: Arc<OnceLock<Client>>,
}

impl Pooled {
    pub(super) fn change(&mut self, change: impl FnOnce(&mut Options)) {
        change(&mut self.options);
        self.client = Arc::default();
    }
}

impl MakeHttpService for Pooled {
    type Service = Client;

    fn make_service(&self, uri: &Uri) -> Result<Client, Error> {
        if let Some(client) = self.client.get() {
            return Ok(client.clone());
        }
        let client = Client::new(&self.options, uri)?;
        Ok(self.client.get_or_init(|| client).clone())
    }

    fn upkeep(&self) -> Option<BoxFuture<'static, ()>> {
        self.client.get().map(|client| client.keep().boxed())
    }
}

/// A service supplied by the user.
#[derive(Clone)]
pub struct Custom<S>(pub(super) S);

impl<S: HttpService> MakeHttpService for Custom<S> {
    type Service = S;

    fn make_service(&self, _: &Uri) -> Result<S, Error> {
        Ok(self.0.clone())
    }
}

/// Wraps the service of `inner` in a layer.
#[derive(Clone)]
pub struct Layered<L, T> {
    pub(super) layer: L,
    pub(super) inner: T,
}

impl<L, T> MakeHttpService for Layered<L, T>
where
    L: Layer<T::Service, Service: HttpService> + Send + Sync + 'static,
    T: MakeHttpService,
{
    type Service = L::Service;

    fn make_service(&self, uri: &Uri) -> Result<L::Service, Error> {
        self.inner.make_service(uri).map(|inner| self.layer.layer(inner))
    }

    fn upkeep(&self) -> Option<BoxFuture<'static, ()>> {
        self.inner.upkeep()
    }
}

impl<S> fmt::Debug for Custom<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Custom")
    }
}

impl<L, T: fmt::Debug> fmt::Debug for Layered<L, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Layered").field("inner", &self.inner).finish_non_exhaustive()
    }
}
