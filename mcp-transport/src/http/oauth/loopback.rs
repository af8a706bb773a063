//! Receiving the user's redirect on a loopback port.

mod page;

use super::{AuthorizationRequest, Error, ErrorKind, Pending, Receiver, Redirect};
use crate::BoxError;
use futures_util::{
    StreamExt,
    future::{BoxFuture, Either, select, select_all},
    stream::FuturesUnordered,
};
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::{
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{
    convert::Infallible,
    fmt,
    future::{Future, pending, poll_fn},
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    task::Poll,
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    time::timeout,
};

/// How many connections of browsers are served at once.
const CONNECTIONS: usize = 16;

/// How long a browser may take to send the head of its request.
const HEADER_WAIT: Duration = Duration::from_secs(5);

/// How many addresses a person may paste that are not the answer.
const PASTES: usize = 16;

/// The largest head of a request, in bytes.
const HEADER_SIZE: usize = 16 * 1024;

/// Receives the redirect on the loopback interface, as in RFC 8252: a local port is open while a login waits.
///
/// Any program on this machine, and any page in the browser, can send requests there. A request that is not a GET for
/// the path, names another host or lacks the `state` of the login gets an error page, and the wait goes on. The first
/// valid answer is taken, and the port is closed. The pages never echo any part of the request.
///
/// The function opens the page on which the user authorizes. If it fails, the login ends.
///
/// ```
/// use mcp_transport::http::oauth::Loopback;
///
/// let receiver = Loopback::new(|request| async move {
///     println!("Log in to {} here: {}", request.issuer, request.url);
///     Ok(())
/// });
/// # let _ = receiver;
/// ```
///
/// # Cancel safety
///
/// A login that is dropped closes the port.
#[derive(Clone)]
pub struct Loopback {
    host: Host,
    port: u16,
    path: String,
    limit: Duration,
    open: Arc<Open>,
    paste: Option<Arc<Paste>>,
}

type Paste = dyn Fn() -> BoxFuture<'static, Result<String, BoxError>> + Send + Sync;

type Open = dyn Fn(AuthorizationRequest) -> BoxFuture<'static, Result<(), BoxError>> + Send + Sync;

/// How the redirect names this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Host {
    V4,
    V6,
    /// Both addresses, because a browser may use either.
    Name,
}

impl Loopback {
    /// Listens at `http://127.0.0.1` on a free port; `open` shows the user where to go.
    pub fn new<F, Fut>(open: F) -> Self
    where
        F: Fn(AuthorizationRequest) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        Self {
            host: Host::V4,
            port: 0,
            path: "/callback".to_owned(),
            limit: Duration::from_secs(300),
            open: Arc::new(move |request| Box::pin(open(request))),
            paste: None,
        }
    }

    /// Sets the port, for clients whose redirect URI was registered with one. Default: 0, a free one.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Uses `localhost` in the redirect URI, for authorization servers that do not allow addresses.
    #[must_use]
    pub fn localhost(mut self) -> Self {
        self.host = Host::Name;
        self
    }

    /// Listens at `[::1]`.
    #[must_use]
    pub fn ipv6(mut self) -> Self {
        self.host = Host::V6;
        self
    }

    /// Sets the path. Default: `/callback`.
    #[must_use]
    pub fn path(mut self, path: &str) -> Self {
        self.path = format!("/{}", path.trim_start_matches('/'));
        self
    }

    /// Limits how long the user may take. Default: 300 s.
    #[must_use]
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Also accepts a pasted address, for users whose browser is on another machine and cannot reach the port: `read`
    /// reads the address at which the browser ended. The first answer counts.
    ///
    /// `read` is called again if the pasted text is no answer to this login. If `read` fails, the port stays open.
    ///
    /// ```
    /// use mcp_transport::http::oauth::Loopback;
    ///
    /// let receiver = Loopback::new(|request| async move {
    ///     println!("Log in here: {}\nor paste the address at which the browser ends.", request.url);
    ///     Ok(())
    /// });
    /// let receiver = receiver.or_pasted(|| async {
    ///     let mut pasted = String::new();
    ///     std::io::stdin().read_line(&mut pasted)?;
    ///     Ok(pasted)
    /// });
    /// # let _ = receiver;
    /// ```
    #[must_use]
    pub fn or_pasted<F, Fut>(mut self, read: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<String, BoxError>> + Send + 'static,
    {
        self.paste = Some(Arc::new(move || Box::pin(read())));
        self
    }

    async fn listen(&self) -> io::Result<Listening> {
        let bind = |ip: IpAddr, port| TcpListener::bind(SocketAddr::new(ip, port));
        let (v4, v6) = (IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST));
        let first = bind(if self.host == Host::V6 { v6 } else { v4 }, self.port).await?;
        let port = first.local_addr()?.port();
        let mut listeners = vec![first];
        if self.host == Host::Name {
            // On a machine without IPv6, no browser uses it.
            listeners.extend(bind(v6, port).await.ok());
        }
        let authority = match self.host {
            Host::V4 => format!("127.0.0.1:{port}"),
            Host::V6 => format!("[::1]:{port}"),
            Host::Name => format!("localhost:{port}"),
        };
        let redirect_uri = format!("http://{authority}{}", self.path);
        Ok(Listening { listeners, authority, redirect_uri, receiver: self.clone() })
    }
}

impl Receiver for Loopback {
    fn prepare(&self) -> BoxFuture<'_, Result<Box<dyn Pending>, Error>> {
        Box::pin(async {
            let listening = self.listen().await.map_err(|source| {
                let message = match self.port {
                    0 => "no port of this machine can be opened for the answer".to_owned(),
                    port => format!("port {port} of this machine cannot be opened for the answer"),
                };
                Error::new(ErrorKind::Receiver, message).with_source(source)
            })?;
            Ok(Box::new(listening) as Box<dyn Pending>)
        })
    }
}

impl fmt::Debug for Loopback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loopback")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("path", &self.path)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

/// An open port.
struct Listening {
    listeners: Vec<TcpListener>,
    authority: String,
    redirect_uri: String,
    receiver: Loopback,
}

impl Pending for Listening {
    fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    fn receive(
        self: Box<Self>,
        request: AuthorizationRequest,
    ) -> BoxFuture<'static, Result<Redirect, Error>> {
        Box::pin(async move {
            let limit = self.receiver.limit;
            let issuer = request.issuer.clone();
            timeout(limit, self.wait(request)).await.unwrap_or_else(|_| {
                let message = format!("user did not come back from {issuer} within {limit:?}");
                Err(Error::new(ErrorKind::Receiver, message))
            })
        })
    }
}

impl Listening {
    async fn wait(self, request: AuthorizationRequest) -> Result<Redirect, Error> {
        let issuer = request.issuer.clone();
        (self.receiver.open)(request.clone()).await.map_err(|source| {
            let message = format!("page to log in at {issuer} cannot be opened");
            Error::new(ErrorKind::Receiver, message).with_source(source)
        })?;
        let pasted = pasted(self.receiver.paste, request.clone());
        let gate = Arc::new(Gate {
            authority: self.authority,
            path: self.receiver.path,
            request,
            answer: Mutex::new(None),
        });
        let browsers = serve(self.listeners, gate);
        let (Either::Left((redirect, _)) | Either::Right((redirect, _))) =
            select(pin!(browsers), pin!(pasted)).await;
        Ok(redirect)
    }
}

/// Waits for an answer that a person pastes.
async fn pasted(paste: Option<Arc<Paste>>, request: AuthorizationRequest) -> Redirect {
    let Some(paste) = paste else { return pending().await };
    for _ in 0..PASTES {
        match paste().await.map(|text| Redirect::from_url(&text)) {
            Ok(redirect) if request.accepts(&redirect) && !redirect.repeats => return redirect,
            Ok(_) => tracing::debug!("what was pasted is no answer to this login"),
            Err(error) => {
                tracing::debug!(%error, "nothing can be pasted");
                break;
            }
        }
    }
    pending().await
}

/// Waits for an answer that a browser brings.
async fn serve(listeners: Vec<TcpListener>, gate: Arc<Gate>) -> Redirect {
    let mut browsers = FuturesUnordered::new();
    loop {
        let is_full = browsers.len() >= CONNECTIONS;
        let arrival = async { if is_full { pending().await } else { accept(&listeners).await } };
        // Once the connection has ended, the page has been shown.
        let end = poll_fn(|cx| match browsers.poll_next_unpin(cx) {
            Poll::Ready(Some(())) => Poll::Ready(()),
            _ => Poll::Pending,
        });
        let stream = match select(pin!(arrival), end).await {
            Either::Left((stream, _)) => stream,
            Either::Right(_) => match gate.taken() {
                Some(redirect) => return redirect,
                None => continue,
            },
        };
        browsers.push(Arc::clone(&gate).serve(stream));
    }
}

/// Accepts the next connection to any of the ports.
async fn accept(listeners: &[TcpListener]) -> TcpStream {
    loop {
        let accepting = listeners.iter().map(|listener| Box::pin(listener.accept()));
        match select_all(accepting).await.0 {
            Ok((stream, _)) => return stream,
            // Too many files are open, or the browser has already gone.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

/// Decides which request is the answer.
struct Gate {
    authority: String,
    path: String,
    request: AuthorizationRequest,
    answer: Mutex<Option<Redirect>>,
}

impl Gate {
    /// Answers one request of a browser.
    async fn serve(self: Arc<Self>, stream: TcpStream) {
        let service = service_fn(|request: Request<Incoming>| {
            let response = self.respond(&request);
            async { Ok::<_, Infallible>(response) }
        });
        // A browser that disconnects has not answered.
        let _ = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_WAIT)
            .max_buf_size(HEADER_SIZE)
            .keep_alive(false)
            .serve_connection(TokioIo::new(stream), service)
            .await;
    }

    fn respond(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        let hosts = request.headers().get_all(header::HOST);
        let is_for_us = hosts.iter().eq([self.authority.as_str()]);
        if !is_for_us || request.uri().authority().is_some() {
            return page::of(StatusCode::MISDIRECTED_REQUEST, page::OTHER);
        }
        if request.uri().path() != self.path {
            return page::of(StatusCode::NOT_FOUND, page::OTHER);
        }
        if request.method() != Method::GET {
            let mut response = page::of(StatusCode::METHOD_NOT_ALLOWED, page::OTHER);
            response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET"));
            return response;
        }
        let redirect = Redirect::from_query(request.uri().query().unwrap_or_default());
        if !self.request.accepts(&redirect) || redirect.repeats {
            return page::of(StatusCode::BAD_REQUEST, page::OTHER);
        }
        let mut answer = self.answer.lock().unwrap_or_else(PoisonError::into_inner);
        if answer.is_some() {
            return page::of(StatusCode::GONE, page::OTHER);
        }
        let text = if redirect.error.is_some() { page::REFUSED } else { page::RECEIVED };
        *answer = Some(redirect);
        page::of(StatusCode::OK, text)
    }

    fn taken(&self) -> Option<Redirect> {
        self.answer.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

#[cfg(test)]
mod tests;
