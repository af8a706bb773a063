//! Connecting: directly, through a proxy, or to a Unix socket.

use super::{
    proxy::{self, Rules},
    tls::Lazy,
};
use crate::BoxError;
use futures_util::future::BoxFuture;
use http::{Uri, uri::Scheme};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::{
    legacy::connect::{
        Connected, Connection, HttpConnector,
        dns::Name,
        proxy::{SocksV5, Tunnel},
    },
    proxy::matcher::Intercept,
};
use std::{
    fmt, io,
    net::SocketAddr,
    path::Path,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::timeout;
use tower_service::Service;

/// Resolves the addresses of a name.
pub(super) trait Resolver:
    Service<Name, Response: Iterator<Item = SocketAddr>, Error: Into<BoxError>, Future: Send>
    + Clone
    + Send
    + Sync
    + 'static
{
}

impl<R> Resolver for R where
    R: Service<Name, Response: Iterator<Item = SocketAddr>, Error: Into<BoxError>, Future: Send>
        + Clone
        + Send
        + Sync
        + 'static
{
}

/// Makes connections, with one time limit for name resolution, TCP, the proxy and TLS together.
pub(super) struct Dialer {
    dial: Dial,
    limit: Duration,
}

impl Dialer {
    pub(super) fn new(dial: Dial, limit: Duration) -> Self {
        Self { dial, limit }
    }

    pub(super) async fn connect(&self, uri: Uri) -> Result<Stream, BoxError> {
        let limit = self.limit;
        match timeout(limit, self.dial.clone().secured(uri)).await {
            Ok(connection) => connection,
            Err(_) => Err(format!("no connection within {limit:?}").into()),
        }
    }
}

/// Makes connections: with TLS if the URI says so, and through a proxy or a socket if there is one.
#[derive(Clone)]
pub(super) struct Dial {
    pub(super) tcp: Via,
    /// Connects to a proxy.
    pub(super) to_proxy: Via,
    pub(super) tls: Arc<Lazy>,
    pub(super) proxies: Rules,
    pub(super) socket: Option<Arc<Path>>,
}

impl Dial {
    async fn secured(self, uri: Uri) -> Result<Stream, BoxError> {
        if uri.scheme() != Some(&Scheme::HTTPS) {
            return self.connect(uri).await;
        }
        let tls = HttpsConnectorBuilder::new().with_tls_config(self.tls.config()?).https_only();
        let below = Via::new(move |uri| Box::pin(self.clone().connect(uri)));
        let mut secure = tls.enable_all_versions().wrap_connector(below);
        secure.call(uri).await.map(Stream::new)
    }

    /// Makes the connection below TLS.
    async fn connect(self, uri: Uri) -> Result<Stream, BoxError> {
        if let Some(path) = &self.socket {
            return unix(path).await;
        }
        let Some(proxy) = self.proxies.intercept(&uri) else {
            return self.tcp.connect(uri).await;
        };
        self.through(&proxy, uri).await.map_err(|source| {
            let host = proxy.uri().host().unwrap_or_default().to_owned();
            ProxyError { host, source }.into()
        })
    }

    async fn through(self, proxy: &Intercept, uri: Uri) -> Result<Stream, BoxError> {
        let scheme = proxy.uri().scheme_str().unwrap_or_default().to_owned();
        if !proxy::is_known(&scheme) {
            return Err(format!("proxies of scheme {scheme:?} are not supported").into());
        }
        if scheme.starts_with("socks5") {
            let mut socks =
                SocksV5::new(proxy.uri().clone(), self.to_proxy).local_dns(scheme == "socks5");
            if let Some((user, password)) = proxy.raw_auth() {
                socks = socks.with_auth(user.to_owned(), password.to_owned());
            }
            return Ok(socks.call(uri).await?);
        }
        let to_proxy = to_proxy(self.to_proxy, self.tls);
        if uri.scheme() == Some(&Scheme::HTTP) {
            let stream = to_proxy.connect(proxy.uri().clone()).await?;
            return Ok(Stream { is_proxied: true, ..stream });
        }
        let mut tunnel = Tunnel::new(proxy.uri().clone(), to_proxy);
        if let Some(authorization) = proxy.basic_auth() {
            tunnel = tunnel.with_auth(authorization.clone());
        }
        Ok(tunnel.call(uri).await?)
    }
}

#[cfg(unix)]
async fn unix(path: &Path) -> Result<Stream, BoxError> {
    use hyper_util::rt::TokioIo;

    let stream = tokio::net::UnixStream::connect(path).await?;
    Ok(Stream::new(TokioIo::new(stream)))
}

#[cfg(not(unix))]
async fn unix(_: &Path) -> Result<Stream, BoxError> {
    Err("this platform has no Unix sockets".into())
}

/// Builds the connector to a proxy, with TLS if its URI says so.
fn to_proxy(tcp: Via, tls: Arc<Lazy>) -> Via {
    Via::new(move |uri| {
        let (tcp, tls) = (tcp.clone(), Arc::clone(&tls));
        Box::pin(async move {
            if uri.scheme() != Some(&Scheme::HTTPS) {
                return tcp.connect(uri).await;
            }
            let tls = HttpsConnectorBuilder::new().with_tls_config(tls.config()?).https_only();
            let mut secure = tls.enable_http1().wrap_connector(tcp);
            secure.call(uri).await.map(Stream::new)
        })
    })
}

/// A type-erased connector, so that the connectors of other crates which wrap it are compiled only once.
#[derive(Clone)]
pub(super) struct Via(Arc<dyn Fn(Uri) -> Connecting + Send + Sync>);

type Connecting = BoxFuture<'static, Result<Stream, BoxError>>;

impl Via {
    fn new(connect: impl Fn(Uri) -> Connecting + Send + Sync + 'static) -> Self {
        Self(Arc::new(connect))
    }

    /// Connects over TCP.
    pub(super) fn tcp<R: Resolver>(tcp: HttpConnector<R>) -> Self {
        Self::new(move |uri| {
            let mut tcp = tcp.clone();
            Box::pin(async move { Ok(Stream::new(tcp.call(uri).await?)) })
        })
    }

    fn connect(&self, uri: Uri) -> Connecting {
        (self.0)(uri)
    }
}

impl Service<Uri> for Via {
    type Response = Stream;
    type Error = BoxError;
    type Future = Connecting;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Connecting {
        self.connect(uri)
    }
}

/// A connection of any kind.
pub(super) struct Stream {
    io: Box<dyn Io>,
    /// Whether an HTTP proxy reads the requests, so that they must name the server.
    is_proxied: bool,
}

trait Io: Read + Write + Connection + Send + Unpin {}

impl<T: Read + Write + Connection + Send + Unpin> Io for T {}

impl Stream {
    fn new(io: impl Io + 'static) -> Self {
        Self { io: Box::new(io), is_proxied: false }
    }
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        self.io.connected().proxy(self.is_proxied)
    }
}

impl Read for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.io).poll_read(cx, buffer)
    }
}

impl Write for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.io).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.io).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.io).poll_write_vectored(cx, slices)
    }
}

/// Why a connection through a proxy failed.
#[derive(Debug)]
struct ProxyError {
    host: String,
    source: BoxError,
}

impl fmt::Display for ProxyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "proxy {} gives no connection", self.host)
    }
}

impl std::error::Error for ProxyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.source)
    }
}
