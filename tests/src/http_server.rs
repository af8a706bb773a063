//! A scripted HTTP server: it records what it is asked, and answers, stalls or breaks off as a test says.

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, Version,
};
use http_body_util::{BodyExt, StreamBody, combinators::UnsyncBoxBody};
use hyper::{
    body::{Frame, Incoming},
    service::service_fn,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use rustls::ServerConfig;
use serde_json::{Value, json};
use std::{
    convert::Infallible,
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{Notify, Semaphore},
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;

/// A request that the server received.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Recorded {
    /// The method.
    pub method: Method,
    /// Path and query.
    pub uri: Uri,
    /// The version of HTTP.
    pub version: Version,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// Which connection it came on, counted from zero.
    pub connection: usize,
}

impl Recorded {
    /// The body as JSON, or null.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The method of the message in the body, or nothing.
    pub fn rpc_method(&self) -> String {
        self.json()["method"].as_str().unwrap_or_default().to_owned()
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// A part of a body.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Step {
    /// Sends bytes as one chunk.
    Send(Bytes),
    /// Waits for a permit of the test.
    Wait(Arc<Semaphore>),
    /// Waits for a while.
    Pause(Duration),
    /// Breaks the connection off.
    Cut,
    /// Says nothing more, and keeps the connection open.
    Stall,
}

/// What the server does about a request.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<Step>,
    silent: bool,
}

impl Answer {
    /// A status without a body.
    pub fn status(status: u16) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or_default();
        Self { status, headers: HeaderMap::new(), body: Vec::new(), silent: false }
    }

    /// A body of a type.
    pub fn body(content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self::status(200).header("content-type", content_type).step(Step::Send(body.into()))
    }

    /// A JSON body.
    pub fn json(value: &Value) -> Self {
        Self::body("application/json", value.to_string())
    }

    /// A JSON response to `request` with a result.
    pub fn result(request: &Recorded, result: &Value) -> Self {
        Self::json(&response(request, result))
    }

    /// An event stream with one event for each message.
    pub fn events(messages: &[Value]) -> Self {
        let events: String = messages.iter().map(event).collect();
        Self::body("text/event-stream", events)
    }

    /// No answer, ever.
    pub fn silence() -> Self {
        Self { silent: true, ..Self::status(200) }
    }

    /// The same answer with a header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.append(HeaderName::from_static(name), value);
        }
        self
    }

    /// The same answer with another status.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = StatusCode::from_u16(status).unwrap_or_default();
        self
    }

    /// The same answer with one more step.
    #[must_use]
    pub fn step(mut self, step: Step) -> Self {
        self.body.push(step);
        self
    }
}

/// The response to `request` with a result.
pub fn response(request: &Recorded, result: &Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": request.json()["id"], "result": result })
}

/// A message as one event.
pub fn event(message: &Value) -> String {
    format!("event: message\ndata: {message}\n\n")
}

type Script = dyn Fn(&Recorded) -> Answer + Send + Sync;

/// The server. Dropping it closes its port and its connections.
#[derive(Debug)]
pub struct HttpServer {
    url: String,
    log: Arc<Log>,
    _tasks: JoinSet<()>,
}

#[derive(Debug, Default)]
struct Log {
    requests: Mutex<Vec<Recorded>>,
    given_up: Mutex<usize>,
    changed: Notify,
}

impl HttpServer {
    /// Starts a server that answers each request as `script` says.
    ///
    /// # Errors
    ///
    /// There is no port.
    pub async fn start(
        script: impl Fn(&Recorded) -> Answer + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/mcp", listener.local_addr()?);
        Ok(Self::serve(Listener::Tcp(listener), url, script))
    }

    /// Starts one that speaks TLS, as `localhost`.
    ///
    /// # Errors
    ///
    /// There is no port.
    pub async fn start_tls(
        config: Arc<ServerConfig>,
        script: impl Fn(&Recorded) -> Answer + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("https://localhost:{}/mcp", listener.local_addr()?.port());
        Ok(Self::serve(Listener::Tls(listener, config.into()), url, script))
    }

    /// Starts one behind a Unix socket.
    ///
    /// # Errors
    ///
    /// There cannot be a socket at that path.
    #[cfg(unix)]
    pub fn start_unix(
        path: &std::path::Path,
        script: impl Fn(&Recorded) -> Answer + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let listener = tokio::net::UnixListener::bind(path)?;
        Ok(Self::serve(Listener::Unix(listener), "http://localhost/mcp".to_owned(), script))
    }

    fn serve(
        listener: Listener,
        url: String,
        script: impl Fn(&Recorded) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let log = Arc::<Log>::default();
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, Arc::clone(&log), Arc::new(script)));
        Self { url, log, _tasks: tasks }
    }

    /// The URL of the MCP endpoint.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The requests so far.
    pub fn requests(&self) -> Vec<Recorded> {
        self.log.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The requests so far for which `is` holds.
    pub fn matching(&self, is: impl Fn(&Recorded) -> bool) -> Vec<Recorded> {
        self.requests().into_iter().filter(is).collect()
    }

    /// Waits until `count` requests came for which `is` holds, and gives them.
    pub async fn wait_for(&self, count: usize, is: impl Fn(&Recorded) -> bool) -> Vec<Recorded> {
        loop {
            let changed = self.log.changed.notified();
            let found = self.matching(&is);
            if found.len() >= count {
                return found;
            }
            changed.await;
        }
    }

    /// How many answers the client gave up before their end.
    pub fn given_up(&self) -> usize {
        *self.log.given_up.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the client gave up as many answers.
    pub async fn wait_for_given_up(&self, count: usize) {
        loop {
            let changed = self.log.changed.notified();
            if self.given_up() >= count {
                return;
            }
            changed.await;
        }
    }
}

enum Listener {
    Tcp(TcpListener),
    Tls(TcpListener, TlsAcceptor),
    #[cfg(unix)]
    Unix(tokio::net::UnixListener),
}

async fn accept(mut listener: Listener, log: Arc<Log>, script: Arc<Script>) {
    let mut connections = JoinSet::new();
    for count in 0.. {
        let (log, script) = (Arc::clone(&log), Arc::clone(&script));
        match &mut listener {
            Listener::Tcp(tcp) => {
                let Ok((stream, _)) = tcp.accept().await else { return };
                connections.spawn(serve(without_delay(stream), count, log, script));
            }
            Listener::Tls(tcp, tls) => {
                let Ok((stream, _)) = tcp.accept().await else { return };
                let handshake = tls.accept(without_delay(stream));
                connections.spawn(async move {
                    if let Ok(stream) = handshake.await {
                        serve(stream, count, log, script).await;
                    }
                });
            }
            #[cfg(unix)]
            Listener::Unix(unix) => {
                let Ok((stream, _)) = unix.accept().await else { return };
                connections.spawn(serve(stream, count, log, script));
            }
        }
        while connections.try_join_next().is_some() {}
    }
}

/// Otherwise the end of a body waits for the client's delayed acknowledgment.
fn without_delay(stream: TcpStream) -> TcpStream {
    let _ = stream.set_nodelay(true);
    stream
}

async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    connection: usize,
    log: Arc<Log>,
    script: Arc<Script>,
) {
    let service = service_fn(move |request: Request<Incoming>| {
        let (log, script) = (Arc::clone(&log), Arc::clone(&script));
        async move { Ok::<_, Infallible>(answer(request, connection, log, &*script).await) }
    });
    // Tests break connections on purpose.
    let _ = auto::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn answer(
    request: Request<Incoming>,
    connection: usize,
    log: Arc<Log>,
    script: &Script,
) -> Response<UnsyncBoxBody<Bytes, io::Error>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let recorded = Recorded {
        method: head.method,
        uri: head.uri,
        version: head.version,
        headers: head.headers,
        body,
        connection,
    };
    let answer = script(&recorded);
    log.requests.lock().unwrap_or_else(PoisonError::into_inner).push(recorded);
    log.changed.notify_waiters();
    let given_up = GivenUp(Some(log));
    if answer.silent {
        std::future::pending::<()>().await;
    }
    let mut response = Response::new(body_of(answer.body, given_up));
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    response
}

fn body_of(steps: Vec<Step>, given_up: GivenUp) -> UnsyncBoxBody<Bytes, io::Error> {
    // A single piece has a length; several are sent as chunks.
    if let [Step::Send(whole)] = steps.as_slice() {
        given_up.no();
        return http_body_util::Full::new(whole.clone())
            .map_err(|never| match never {})
            .boxed_unsync();
    }
    if steps.is_empty() {
        given_up.no();
        return http_body_util::Empty::new().map_err(|never| match never {}).boxed_unsync();
    }
    let frames = stream::unfold((steps.into_iter(), given_up), async |(mut steps, given_up)| {
        loop {
            match steps.next() {
                Some(Step::Send(bytes)) => break Some((Ok(Frame::data(bytes)), (steps, given_up))),
                Some(Step::Wait(gate)) => {
                    if let Ok(permit) = gate.acquire().await {
                        permit.forget();
                    }
                }
                Some(Step::Pause(wait)) => tokio::time::sleep(wait).await,
                Some(Step::Cut) => {
                    // A body that is not ready lets hyper write what it has.
                    tokio::task::yield_now().await;
                    given_up.no();
                    let nobody = GivenUp(None);
                    break Some((Err(io::Error::other("cut by the script")), (steps, nobody)));
                }
                Some(Step::Stall) => std::future::pending().await,
                None => {
                    given_up.no();
                    break None;
                }
            }
        }
    });
    StreamBody::new(frames.boxed()).boxed_unsync()
}

/// Notes in the log when an answer is dropped before its end.
#[derive(Debug)]
struct GivenUp(Option<Arc<Log>>);

impl GivenUp {
    fn no(mut self) {
        self.0 = None;
    }
}

impl Drop for GivenUp {
    fn drop(&mut self) {
        if let Some(log) = &self.0 {
            *log.given_up.lock().unwrap_or_else(PoisonError::into_inner) += 1;
            log.changed.notify_waiters();
        }
    }
}
