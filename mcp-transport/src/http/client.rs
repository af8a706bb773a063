//! The default HTTP client: a pool over TCP and TLS.

use super::RequestBody;
use crate::{BoxError, Delivery, Error, error::Kind};
use futures_util::future::BoxFuture;
use http::{Request, Response, Uri, uri::Scheme};
use hyper::body::Incoming;
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{self, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::timeout;
use tower_service::Service;

const IDLE_TIMEOUT: Duration = Duration::from_secs(90);
const MAX_IDLE: usize = 16;
const TCP_KEEP_ALIVE: Duration = Duration::from_secs(60);
const PING_INTERVAL: Duration = Duration::from_secs(30);
const PING_TIMEOUT: Duration = Duration::from_secs(10);

/// How to make a [`Client`].
#[derive(Clone, Debug)]
pub(super) struct Options {
    pub(super) connect_timeout: Duration,
    pub(super) http2_only: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { connect_timeout: Duration::from_secs(30), http2_only: false }
    }
}

/// The default HTTP client: hyper with a connection pool, over TCP, or over TLS by rustls with the platform's roots.
///
/// Clones share the pool.
#[derive(Clone)]
pub struct Client(legacy::Client<Timed<HttpsConnector<HttpConnector>>, RequestBody>);

impl Client {
    /// A client for requests to the origin of `uri`. Reads the platform's roots if that is an `https` one.
    pub(super) fn new(options: &Options, uri: &Uri) -> Result<Self, Error> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(TCP_KEEP_ALIVE));
        tcp.set_connect_timeout(Some(options.connect_timeout));
        let tls = HttpsConnectorBuilder::new()
            .with_tls_config(tls_config(uri)?)
            .https_or_http()
            .enable_all_versions()
            .wrap_connector(tcp);
        let connector = Timed { inner: tls, limit: options.connect_timeout };
        let client = legacy::Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(MAX_IDLE)
            .http2_only(options.http2_only)
            .http2_keep_alive_interval(PING_INTERVAL)
            .http2_keep_alive_timeout(PING_TIMEOUT)
            // Each cancelled call resets its stream. With the defaults a few thousand of them end the connection.
            .http2_max_concurrent_reset_streams(8192)
            .http2_max_local_error_reset_streams(65_536)
            .build(connector);
        Ok(Self(client))
    }
}

/// The provider is named here, so that none has to be installed for the process.
fn tls_config(uri: &Uri) -> Result<ClientConfig, Error> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions();
    let verified = if uri.scheme() == Some(&Scheme::HTTPS) {
        builder.and_then(ConfigBuilderExt::try_with_platform_verifier)
    } else {
        // Plain HTTP needs no roots, and redirects are not followed.
        builder.map(|builder| builder.with_root_certificates(RootCertStore::empty()))
    };
    let config = verified.map_err(|source| {
        let message = "cannot load the platform's root certificates";
        Error::new(Kind::Connect, Delivery::NotSent, message).with_source(source)
    })?;
    Ok(config.with_no_client_auth())
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Client")
    }
}

impl Service<Request<RequestBody>> for Client {
    type Response = Response<Incoming>;
    type Error = legacy::Error;
    type Future = legacy::ResponseFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<RequestBody>) -> Self::Future {
        self.0.request(request)
    }
}

/// A connector with one time limit for name resolution, TCP and TLS together.
#[derive(Clone)]
struct Timed<C> {
    inner: C,
    limit: Duration,
}

impl<C> Service<Uri> for Timed<C>
where
    C: Service<Uri, Error: Into<BoxError>, Future: Send + 'static>,
{
    type Response = C::Response;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<C::Response, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = self.inner.call(uri);
        let limit = self.limit;
        Box::pin(async move {
            match timeout(limit, connecting).await {
                Ok(connection) => connection.map_err(Into::into),
                Err(_) => Err(format!("no connection within {limit:?}").into()),
            }
        })
    }
}
