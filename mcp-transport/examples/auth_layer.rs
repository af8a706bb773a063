//! An authorization layer of your own: it shows a token, and asks for a new one when the server refuses it.
//!
//! Layers of an [`Endpoint`] see HTTP requests, below the protocol, those of the background too. This one is run against
//! a function in place of a server: `cargo run -p mcp-transport --example auth_layer`.

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, future::BoxFuture};
use http::{HeaderValue, Request, Response, StatusCode, header::AUTHORIZATION};
use http_body_util::Full;
use mcp_transport::{
    BoxError, ClientMessage, Connector,
    http::{Endpoint, RequestBody},
};
use mcp_types::rpc::Request as RpcRequest;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use tower::{Service, ServiceExt, layer::layer_fn, service_fn};

/// Adds the current token; after a 401 it takes a new one and sends the request once more.
#[derive(Clone)]
struct Authorize<S> {
    inner: S,
    token: Arc<Mutex<HeaderValue>>,
}

impl<S, B> Service<Request<RequestBody>> for Authorize<S>
where
    S: Service<Request<RequestBody>, Response = Response<B>, Error: Into<BoxError>>,
    S: Clone + Send + 'static,
    S::Future: Send,
    B: Send,
{
    type Response = Response<B>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Response<B>, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, mut request: Request<RequestBody>) -> Self::Future {
        let token = Arc::clone(&self.token);
        let next = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, next);
        async move {
            let shown = token.lock().unwrap_or_else(PoisonError::into_inner).clone();
            request.headers_mut().insert(AUTHORIZATION, shown);
            let response = inner.call(request.clone()).await.map_err(Into::into)?;
            if response.status() != StatusCode::UNAUTHORIZED {
                return Ok(response);
            }
            let fresh = HeaderValue::from_static("Bearer fresh"); // From your identity provider.
            *token.lock().unwrap_or_else(PoisonError::into_inner) = fresh.clone();
            request.headers_mut().insert(AUTHORIZATION, fresh);
            inner.ready().await.map_err(Into::into)?.call(request).await.map_err(Into::into)
        }
        .boxed()
    }
}

/// A server that takes the fresh token alone.
async fn server(request: Request<RequestBody>) -> Result<Response<Full<Bytes>>, BoxError> {
    if request.headers()[AUTHORIZATION] != "Bearer fresh" {
        return Ok(Response::builder().status(401).body(Full::default())?);
    }
    let answer = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;
    Ok(Response::builder().header("content-type", "application/json").body(answer.into())?)
}

#[tokio::main]
pub(crate) async fn main() -> Result<(), BoxError> {
    let token = Arc::new(Mutex::new(HeaderValue::from_static("Bearer stale")));
    let authorize = layer_fn(move |inner| Authorize { inner, token: Arc::clone(&token) });
    let url = "https://tools.example.com/mcp".parse()?;
    let link = Endpoint::with_service(url, service_fn(server))?.layer(authorize).connect().await?;
    let mut http = link.transport;
    let message = ClientMessage::new(RpcRequest::new(1, "ping"));
    let reply = http.ready().await?.call(message).await?.next().await.ok_or("no reply")??;
    tracing::info!(?reply, "answered with the fresh token");
    assert!(format!("{reply:?}").contains("Ok"), "the second try is taken");
    Ok(())
}
