//! A layer that adds an `Authorization` header.

use super::per_request::PerRequest;
use crate::{BoxError, Delivery, Error};
use futures_util::{TryFutureExt, future::BoxFuture};
use http::{HeaderValue, Request, header};
use std::{
    fmt,
    future::Future,
    task::{Context, Poll},
};
use tower_layer::Layer;
use tower_service::Service;

/// Adds a bearer token to every request: a fixed one, or one that a function returns each time.
///
/// It is a layer for an [`Endpoint`](super::Endpoint). `examples/auth_layer.rs` has one that also handles a refusal by
/// asking for a new token.
///
/// ```
/// use mcp_transport::http::{AddBearerLayer, Endpoint};
///
/// let fixed = Endpoint::parse("https://example.com/mcp")?.layer(AddBearerLayer::new("secret")?);
/// let asked = Endpoint::parse("https://example.com/mcp")?
///     .layer(AddBearerLayer::from_fn(|| async { Ok("from the key store".to_owned()) }));
/// # Ok::<(), mcp_transport::Error>(())
/// ```
#[derive(Clone)]
pub struct AddBearerLayer(Source);

#[derive(Clone)]
enum Source {
    Fixed(HeaderValue),
    PerRequest(PerRequest<String>),
}

impl AddBearerLayer {
    /// Adds this token.
    ///
    /// # Errors
    ///
    /// The token contains characters that a header may not have.
    pub fn new(token: &str) -> Result<Self, Error> {
        authorization(token).map(|value| Self(Source::Fixed(value)))
    }

    /// Calls `token` for each request. If it fails, the request is not sent, and the error becomes the cause of the
    /// call's error.
    pub fn from_fn<F, Fut>(token: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<String, BoxError>> + Send + 'static,
    {
        Self(Source::PerRequest(PerRequest::new(token)))
    }
}

impl<S> Layer<S> for AddBearerLayer {
    type Service = AddBearer<S>;

    fn layer(&self, inner: S) -> AddBearer<S> {
        AddBearer { inner, source: self.0.clone() }
    }
}

impl fmt::Debug for AddBearerLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AddBearerLayer")
    }
}

/// The service of [`AddBearerLayer`].
#[derive(Clone)]
pub struct AddBearer<S> {
    inner: S,
    source: Source,
}

impl<S: fmt::Debug> fmt::Debug for AddBearer<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AddBearer").field("inner", &self.inner).finish_non_exhaustive()
    }
}

impl<S, B> Service<Request<B>> for AddBearer<S>
where
    S: Service<Request<B>, Error: Into<BoxError>, Future: Send + 'static> + Clone + Send + 'static,
    B: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<S::Response, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        match &self.source {
            Source::Fixed(value) => {
                request.headers_mut().insert(header::AUTHORIZATION, value.clone());
                Box::pin(self.inner.call(request).map_err(Into::into))
            }
            Source::PerRequest(token) => {
                let missing = "there is no token for the request";
                token.send(&mut self.inner, request, missing, |headers, token| {
                    headers.insert(header::AUTHORIZATION, authorization(&token)?);
                    Ok(())
                })
            }
        }
    }
}

fn authorization(token: &str) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| {
        Error::other("token cannot be in a header: use visible ASCII", Delivery::NotSent)
    })?;
    value.set_sensitive(true);
    Ok(value)
}
