//! A layer that adds headers which are only known when a request is sent.

use super::{
    headers::{RequestHeaders, add_own},
    per_request::PerRequest,
};
use crate::BoxError;
use futures_util::future::BoxFuture;
use http::{HeaderMap, Request};
use std::{
    fmt,
    future::Future,
    task::{Context, Poll},
};
use tower_layer::Layer;
use tower_service::Service;

/// Adds headers to every request that a function returns each time: tenants, signatures, keys that change.
///
/// They replace headers of the same name from the endpoint or the message. Headers that belong to the protocol or to
/// HTTP itself are ignored.
///
/// ```
/// use http::{HeaderMap, HeaderValue};
/// use mcp_transport::http::{AddHeadersLayer, Endpoint};
///
/// let endpoint = Endpoint::parse("https://example.com/mcp")?.layer(AddHeadersLayer::from_fn(|| async {
///     let mut headers = HeaderMap::new();
///     headers.insert("x-tenant", HeaderValue::from_static("blue"));
///     Ok(headers)
/// }));
/// # Ok::<(), mcp_transport::Error>(())
/// ```
#[derive(Clone)]
pub struct AddHeadersLayer(PerRequest<HeaderMap>);

impl AddHeadersLayer {
    /// Calls `headers` for each request. If it fails, the request is not sent, and the error becomes the cause of the
    /// call's error.
    pub fn from_fn<F, Fut>(headers: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<HeaderMap, BoxError>> + Send + 'static,
    {
        Self(PerRequest::new(headers))
    }
}

impl<S> Layer<S> for AddHeadersLayer {
    type Service = AddHeaders<S>;

    fn layer(&self, inner: S) -> AddHeaders<S> {
        AddHeaders { inner, headers: self.0.clone() }
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
    headers: PerRequest<HeaderMap>,
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

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let missing = "there are no headers for the request";
        self.headers.send(&mut self.inner, request, missing, |headers, own| {
            add_own(headers, Some(&RequestHeaders(own)));
            Ok(())
        })
    }
}
