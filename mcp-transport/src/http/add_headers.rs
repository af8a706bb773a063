//! Headers that are not known before a request: a layer of the HTTP storey, like any of your own.

use super::headers::{RequestHeaders, add_own};
use crate::{BoxError, Delivery, Error};
use futures_util::future::BoxFuture;
use http::{HeaderMap, Request};
use std::{
    fmt,
    future::Future,
    mem,
    sync::Arc,
    task::{Context, Poll},
};
use tower_layer::Layer;
use tower_service::Service;

/// Adds to every request the headers that a function gives each time: tenants, signatures, keys that change.
///
/// They take the place of headers of the same name that the endpoint or the message have. Those that belong to the protocol
/// or to HTTP itself are left out.
///
/// ```
/// use http::{HeaderMap, HeaderValue};
/// use mcp_transport::http::{AddHeadersLayer, Endpoint};
///
/// let endpoint = Endpoint::parse("https://example.com/mcp")?.layer(AddHeadersLayer::ask(|| async {
///     let mut headers = HeaderMap::new();
///     headers.insert("x-tenant", HeaderValue::from_static("blue"));
///     Ok(headers)
/// }));
/// # Ok::<(), mcp_transport::Error>(())
/// ```
#[derive(Clone)]
pub struct AddHeadersLayer(Arc<Ask>);

type Ask = dyn Fn() -> BoxFuture<'static, Result<HeaderMap, BoxError>> + Send + Sync;

impl AddHeadersLayer {
    /// Asks for the headers of each request. When there are none to be had, the request is not sent, and the error is the
    /// cause of the call's.
    pub fn ask<F, Fut>(headers: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<HeaderMap, BoxError>> + Send + 'static,
    {
        Self(Arc::new(move || Box::pin(headers())))
    }
}

impl<S> Layer<S> for AddHeadersLayer {
    type Service = AddHeaders<S>;

    fn layer(&self, inner: S) -> AddHeaders<S> {
        AddHeaders { inner, ask: Arc::clone(&self.0) }
    }
}

impl fmt::Debug for AddHeadersLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AddHeadersLayer")
    }
}

/// The service of [`AddHeadersLayer`].
#[derive(Clone)]
pub struct AddHeaders<S> {
    inner: S,
    ask: Arc<Ask>,
}

impl<S: fmt::Debug> fmt::Debug for AddHeaders<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AddHeaders").field("inner", &self.inner).finish_non_exhaustive()
    }
}

impl<S, B> Service<Request<B>> for AddHeaders<S>
where
    S: Service<Request<B>, Error: Into<BoxError>, Future: Send> + Clone + Send + 'static,
    B: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<S::Response, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        // The service that is ready goes; its clone becomes ready later.
        let next = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, next);
        let asked = (self.ask)();
        Box::pin(async move {
            let mut headers = asked.await.map_err(|source| {
                Error::other("there are no headers for the request", Delivery::NotSent)
                    .with_source(source)
            })?;
            headers.values_mut().for_each(|value| value.set_sensitive(true));
            add_own(request.headers_mut(), Some(&RequestHeaders(headers)));
            inner.call(request).await.map_err(Into::into)
        })
    }
}
