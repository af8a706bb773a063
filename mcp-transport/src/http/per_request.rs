//! Values that a function provides for each request.

use crate::{BoxError, Delivery, Error};
use futures_util::future::BoxFuture;
use http::{HeaderMap, Request};
use std::{future::Future, mem, sync::Arc};
use tower_service::Service;

/// A function that is called before each request.
pub(super) struct PerRequest<T>(Arc<Function<T>>);

type Function<T> = dyn Fn() -> BoxFuture<'static, Result<T, BoxError>> + Send + Sync;

impl<T> Clone for PerRequest<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Send + 'static> PerRequest<T> {
    pub(super) fn new<F, Fut>(function: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<T, BoxError>> + Send + 'static,
    {
        Self(Arc::new(move || Box::pin(function())))
    }

    /// Calls the function, changes the headers of the request with its value, and sends the request over `inner`, which
    /// is ready. If the function fails, the request is not sent, and the error says what is `missing`.
    pub(super) fn send<S, B>(
        &self,
        inner: &mut S,
        mut request: Request<B>,
        missing: &'static str,
        change: fn(&mut HeaderMap, T) -> Result<(), Error>,
    ) -> BoxFuture<'static, Result<S::Response, BoxError>>
    where
        S: Service<Request<B>, Error: Into<BoxError>, Future: Send> + Clone + Send + 'static,
        B: Send + 'static,
    {
        // The service that is ready is used; its clone becomes ready later.
        let next = inner.clone();
        let mut inner = mem::replace(inner, next);
        let value = (self.0)();
        Box::pin(async move {
            let value = value
                .await
                .map_err(|source| Error::other(missing, Delivery::NotSent).with_source(source))?;
            change(request.headers_mut(), value)?;
            inner.call(request).await.map_err(Into::into)
        })
    }
}
