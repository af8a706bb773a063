//! The default HTTP client: a pool over TCP and TLS.

#[cfg(feature = "oauth")]
use super::guard::{Guard, Guarded};
use super::{
    RequestBody, ResponseFuture,
    dial::{Dial, Dialer, Resolver, Via},
    pool::{Endless, Keeper, LeasedBody, Pool, Settings, is_same_origin},
    proxy::{Proxy, Rules},
    redirect::{self, Follows, Redirects, Spare},
    response_future::Following,
    tls::{Lazy, Tls},
};
use crate::{BoxError, Error};
use bytes::Bytes;
use http::{Extensions, HeaderValue, Method, Request, Response, Uri, header, uri::Scheme};
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper_util::client::legacy::connect::HttpConnector;
use pin_project_lite::pin_project;
use std::{
    fmt,
    path::Path,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tower_service::Service;

/// The options of a [`Client`].
#[derive(Clone, Debug)]
pub(super) struct Options {
    #[cfg(feature = "compression")]
    pub(super) compressed: bool,
    pub(super) connect_timeout: Duration,
    pub(super) connections: usize,
    pub(super) http2_only: bool,
    pub(super) idle_connections: (usize, Duration),
    pub(super) ping: (Duration, Duration),
    pub(super) proxy: Proxy,
    pub(super) redirects: Redirects,
    pub(super) socket: Option<Arc<Path>>,
    pub(super) tcp_keep_alive: Option<Duration>,
    pub(super) tls: Tls,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            #[cfg(feature = "compression")]
            compressed: false,
            connect_timeout: Duration::from_secs(30),
            connections: 256,
            http2_only: false,
            idle_connections: (16, Duration::from_secs(90)),
            ping: (Duration::from_secs(30), Duration::from_secs(10)),
            proxy: Proxy::default(),
            redirects: Redirects::default(),
            socket: None,
            tcp_keep_alive: Some(Duration::from_secs(60)),
            tls: Tls::default(),
        }
    }
}

#[cfg(feature = "compression")]
pub(super) type Decoding = tower_http::decompression::Decompression<Pool>;
#[cfg(feature = "compression")]
pub(super) type Decoded = tower_http::decompression::DecompressionBody<LeasedBody>;
#[cfg(not(feature = "compression"))]
pub(super) type Decoding = Pool;
#[cfg(not(feature = "compression"))]
pub(super) type Decoded = LeasedBody;

/// The default HTTP client: hyper with a connection pool, over TCP, or TLS by rustls.
///
/// It retries a request at most twice, and only if the server has certainly not seen it: after a pooled connection was
/// closed, or HTTP/2 refused the stream. Clones share the pool.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
    next: Next,
}

/// State that belongs to the next request only, and is not cloned.
#[derive(Default)]
struct Next(Option<Follows>);

impl Clone for Next {
    fn clone(&self) -> Self {
        Self::default()
    }
}

struct Shared {
    pool: Pool,
    /// The pool, wrapped to decode compressed answers.
    decoding: Decoding,
    proxies: Rules,
    /// The origin of most requests, and the credentials for the proxy on the way there.
    origin: Option<(Uri, Option<HeaderValue>)>,
    redirects: Redirects,
    #[cfg(feature = "oauth")]
    guard: Guard,
}

impl Client {
    /// Creates a client for requests to the origin of `uri`. Reads the platform's roots if they are needed for that.
    pub(super) fn new(options: &Options, uri: &Uri) -> Result<Self, Error> {
        // All connections to a socket lead there, without a proxy.
        let (proxies, redirects) = match &options.socket {
            None => (options.proxy.rules(), options.redirects),
            Some(_) if options.redirects == Redirects::Never => {
                (Proxy::none().rules(), Redirects::Never)
            }
            Some(_) => (Proxy::none().rules(), Redirects::SameOrigin),
        };
        let tls = Arc::new(Lazy::new(options.tls.clone()));
        if uri.scheme() == Some(&Scheme::HTTPS) {
            // Errors in the TLS configuration are better reported now.
            tls.config()?;
        }
        let socket = options.socket.clone();
        let tcp = HttpConnector::new();
        let pool = pool(options, uri, tls, tcp, proxies.clone(), socket);
        let decoding = decoding(&pool, options);
        let plain = Some(uri).filter(|uri| uri.scheme() == Some(&Scheme::HTTP));
        let origin = plain.map(|to| (to.clone(), authorization(&proxies, to)));
        #[cfg(feature = "oauth")]
        let guard = Guard::new(options, proxies.clone());
        let shared = Shared {
            pool,
            decoding,
            proxies,
            origin,
            redirects,
            #[cfg(feature = "oauth")]
            guard,
        };
        Ok(Self { shared: Arc::new(shared), next: Next::default() })
    }

    /// Returns the future that looks after the idle connections; it is polled by the driver of each transport that uses
    /// them.
    pub(super) fn keep(&self) -> Keeper {
        self.shared.pool.keep()
    }

    /// Returns whether requests to this URI may omit its origin.
    pub(super) fn is_home(&self, uri: &Uri) -> bool {
        self.shared.pool.is_home(uri)
    }

    /// Sets who follows the redirects of the next request.
    pub(super) fn follows(&mut self, follows: Follows) {
        self.next = Next(Some(follows));
    }

    /// Returns the target of a redirect, if it is followed.
    pub(super) fn redirect<B>(
        &self,
        method: &Method,
        from: &Uri,
        response: &Response<B>,
    ) -> Option<Uri> {
        #[cfg(feature = "oauth")]
        self.shared.guard.saw(from, response);
        redirect::target(self.shared.redirects, method, from, response)
    }

    /// Sends a request that was redirected.
    pub(super) fn send(
        &self,
        mut request: Request<RequestBody>,
    ) -> <Decoding as Service<Request<RequestBody>>>::Future {
        self.shared.authorize(&mut request);
        self.shared.carry(request)
    }

    /// Sends a request to an address that a server named; whether to follow a redirect is up to the caller.
    #[cfg(feature = "oauth")]
    async fn send_guarded(
        self,
        guarded: Guarded,
        mut request: Request<RequestBody>,
    ) -> Result<Response<Body>, BoxError> {
        self.shared.authorize(&mut request);
        let is_own = request.uri().authority() == guarded.server.authority()
            && request.uri().scheme() == guarded.server.scheme();
        let response = match is_own {
            true => self.shared.carry(request).await?,
            false => self.shared.guard.send(guarded, request).await?,
        };
        Ok(response.map(Body::new))
    }
}

impl Shared {
    /// Sends a request.
    fn carry(
        &self,
        request: Request<RequestBody>,
    ) -> <Decoding as Service<Request<RequestBody>>>::Future {
        #[cfg(feature = "compression")]
        return self.decoding.clone().call(request);
        #[cfg(not(feature = "compression"))]
        self.decoding.carry(request)
    }

    /// Adds the credentials for a proxy that reads plain requests.
    fn authorize(&self, request: &mut Request<RequestBody>) {
        let is_home = request.uri().authority().is_none();
        if !is_home && request.uri().scheme() != Some(&Scheme::HTTP) {
            return;
        }
        let authorization = match &self.origin {
            Some((origin, known)) if is_home || is_same_origin(origin, request.uri()) => {
                known.clone()
            }
            _ if is_home => None,
            _ => authorization(&self.proxies, request.uri()),
        };
        if let Some(authorization) = authorization {
            request.headers_mut().insert(header::PROXY_AUTHORIZATION, authorization);
        }
    }
}

/// Returns the credentials for the proxy of plain requests to `uri`.
fn authorization(proxies: &Rules, uri: &Uri) -> Option<HeaderValue> {
    let mut authorization = proxies.intercept(uri)?.basic_auth()?.clone();
    authorization.set_sensitive(true);
    Some(authorization)
}

/// Creates a pool of connections, most of them to `home`, through the proxies, to the addresses that `tcp` resolves.
pub(super) fn pool<R: Resolver>(
    options: &Options,
    home: &Uri,
    tls: Arc<Lazy>,
    tcp: HttpConnector<R>,
    proxies: Rules,
    socket: Option<Arc<Path>>,
) -> Pool {
    let tcp = Via::tcp(settled(options, tcp));
    let to_proxy = Via::tcp(settled(options, HttpConnector::new()));
    let dial = Dial { tcp, to_proxy, tls, proxies, socket };
    let (idle, idle_timeout) = options.idle_connections;
    // What is closed as soon as it is idle is not kept.
    let idle = if idle_timeout.is_zero() { 0 } else { idle };
    let settings = Settings {
        dialer: Dialer::new(dial, options.connect_timeout),
        http2_only: options.http2_only,
        ping: options.ping,
        connections: options.connections,
        idle,
        idle_timeout,
    };
    Pool::new(settings, home)
}

/// Applies the TCP options to the connector.
fn settled<R>(options: &Options, mut tcp: HttpConnector<R>) -> HttpConnector<R> {
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_keepalive(options.tcp_keep_alive);
    tcp.set_connect_timeout(Some(options.connect_timeout));
    tcp
}

#[cfg(feature = "compression")]
pub(super) fn decoding(pool: &Pool, options: &Options) -> Decoding {
    let decoding = Decoding::new(pool.clone());
    if options.compressed { decoding } else { decoding.no_br().no_deflate().no_gzip().no_zstd() }
}

#[cfg(not(feature = "compression"))]
pub(super) fn decoding(pool: &Pool, _: &Options) -> Decoding {
    pool.clone()
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Client")
    }
}

impl Service<Request<RequestBody>> for Client {
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<RequestBody>) -> ResponseFuture {
        let follows = self.next.0.take().unwrap_or(Follows::Client(0));
        #[cfg(feature = "oauth")]
        if let Some(guarded) = request.extensions_mut().remove() {
            return ResponseFuture::boxed(self.clone().send_guarded(guarded, request));
        }
        // Extensions are for the layers above; each try would copy them.
        if !request.extensions().is_empty() {
            let endless = request.extensions_mut().remove::<Endless>();
            *request.extensions_mut() = Extensions::new();
            endless.map(|endless| request.extensions_mut().insert(endless));
        }
        let following = match follows {
            Follows::Sender => None,
            Follows::Client(followed) => {
                self.shared.pool.complete(request.uri_mut());
                let spare = Spare::of(&request);
                Some(Box::new(Following { client: self.clone(), spare, followed }))
            }
        };
        self.shared.authorize(&mut request);
        ResponseFuture::new(self.shared.carry(request), following)
    }
}

pin_project! {
    /// The body of a response of [`Client`].
    pub struct Body {
        #[pin]
        inner: Decoded,
    }
}

impl Body {
    pub(super) fn new(inner: Decoded) -> Self {
        Self { inner }
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.project().inner.poll_frame(cx).map_err(Into::into)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Body")
    }
}
