//! The connection pool: idle connections, handed from one call to the next.
//!
//! An endpoint talks to one origin, so the idle connections are one short list, and the one used last is reused first.
//! An HTTP/1.1 connection is owned and driven by the call that uses it ([`http1`]): it needs no task, and a dropped
//! call closes its connection. An HTTP/2 connection is shared, and hyper runs it as a task.

mod connect;
mod exchange;
mod http1;
mod keep;
mod origin;
mod relay;
mod socket;
mod tries;
mod turns;

pub(super) use connect::{ConnectError, Settings};
pub(super) use http1::LeasedBody;
pub(super) use keep::Keeper;
pub(super) use origin::{host, is_same_origin};

use super::{RequestBody, dial::Stream, service::is_unsent};
use crate::BoxError;
use exchange::Exchange;
use http::{Extensions, HeaderValue, Request, Response, Uri, header, uri::Scheme};
use http1::{Http1, Lease};
use hyper::client::conn::http2;
use hyper_util::client::legacy::connect::Connection;
use relay::Keepers;
use std::{
    future::poll_fn,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout},
};
use tower_service::Service;
use tries::{Refused, Tries};
use turns::Turns;

/// How many origins are remembered: the pool's own, and those that redirects lead to.
const MAX_ORIGINS: usize = 16;

/// How long exchanges wait for a connection that they may share, before they open their own.
const TURN: Duration = Duration::from_secs(1);

/// Marks a request whose answer has no end: its connection is not counted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Endless;

/// The pool. Clones share the connections.
#[derive(Clone)]
pub(super) struct Pool(Arc<Shared>);

pub(super) struct Shared {
    settings: Settings,
    /// The origin of most requests, and its `Host`.
    home: (Uri, Option<HeaderValue>),
    inner: Mutex<Inner>,
    /// Has one permit for each waiting exchange whose turn has come.
    given: Semaphore,
    keepers: Arc<Keepers>,
    /// Held while a connection is opened that many exchanges may share.
    connecting: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Inner {
    // Boxed: a connection is large, and moves with every call.
    #[expect(clippy::vec_box, reason = "they move with every call")]
    idle: Vec<Box<Http1>>,
    origins: Vec<(Uri, Protocol)>,
    turns: Turns,
    next_keeper: u64,
    keepers: usize,
    /// Whether a keeper has set a timer for the first idle connection to expire.
    is_timed: bool,
    /// Whether the last keeper is gone, so that nothing is kept.
    is_closed: bool,
}

/// The protocol of an origin.
enum Protocol {
    Http1,
    Http2 { shared: Http2, used: Instant },
}

/// A connection that many exchanges share.
#[derive(Clone)]
struct Http2 {
    sender: http2::SendRequest<RequestBody>,
    info: Extensions,
}

/// A connection for one request.
enum Ready {
    Http1(Lease),
    Http2(Http2),
}

impl Inner {
    /// Takes an idle connection to the origin of `uri`.
    fn find(&mut self, uri: &Uri) -> Option<Box<Http1>> {
        let at = self.idle.iter().rposition(|it| is_same_origin(&it.uri, uri))?;
        Some(self.idle.remove(at))
    }
}

impl Pool {
    /// Creates a pool for requests that mostly go to the origin of `home`.
    pub(super) fn new(settings: Settings, home: &Uri) -> Self {
        Self(Arc::new(Shared {
            home: (home.clone(), host(home)),
            inner: Mutex::default(),
            given: Semaphore::new(0),
            keepers: Arc::default(),
            connecting: tokio::sync::Mutex::default(),
            settings,
        }))
    }

    /// Returns the future that closes connections that were idle for too long or that the server closed. When the last
    /// one is dropped, all idle connections are closed.
    pub(super) fn keep(&self) -> Keeper {
        Keeper::new(&self.0)
    }

    /// Sends a request over an existing connection, or over a new one.
    async fn send(
        self,
        mut request: Request<RequestBody>,
        mut tries: Tries,
    ) -> Result<Response<LeasedBody>, BoxError> {
        loop {
            self.0.complete(request.uri_mut());
            let answer = match self.0.ready(request.uri(), tries.is_counted).await? {
                Ready::Http1(mut lease) => {
                    tries.lost = self.0.prepare(&mut request, lease.is_proxied());
                    lease.begin(request);
                    match poll_fn(|cx| lease.poll(cx)).await {
                        Ok(response) => return Ok(lease.end(response)),
                        Err(error) => Err(lease.refused(error)),
                    }
                }
                Ready::Http2(http2) => {
                    tries.lost = None;
                    self.0.over_http2(http2, request).await
                }
            };
            match answer {
                Ok(response) => return Ok(response),
                Err(refused) => request = tries.again(refused)?,
            }
        }
    }
}

impl Service<Request<RequestBody>> for Pool {
    type Response = Response<LeasedBody>;
    type Error = BoxError;
    type Future = Exchange;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<RequestBody>) -> Exchange {
        self.carry(request)
    }
}

impl Pool {
    /// Sends a request: over an existing connection at once, if there is one.
    pub(super) fn carry(&self, mut request: Request<RequestBody>) -> Exchange {
        let mut tries = Tries::of(&mut request);
        let to = self.0.origin(request.uri());
        let Some((mut lease, is_one_of_many)) = self.0.ready_now(to, tries.is_counted) else {
            return Exchange::boxed(self.clone().send(request, tries));
        };
        tries.lost = self.0.prepare(&mut request, lease.is_proxied());
        lease.begin(request);
        Exchange::new(lease, tries, is_one_of_many)
    }
}

impl Shared {
    /// Returns an existing connection to the origin of `uri` that is free, and whether there are many exchanges.
    fn ready_now(self: &Arc<Self>, uri: &Uri, is_counted: bool) -> Option<(Lease, bool)> {
        if self.may_be_http2(uri) && !self.is_http1(uri) {
            return None;
        }
        let (mut http1, is_one_of_many) = {
            let mut inner = self.lock();
            let http1 = inner.find(uri)?;
            if is_counted && !inner.turns.take(self.settings.connections) {
                inner.idle.push(http1);
                return None;
            }
            (http1, inner.turns.are_many())
        };
        let lease = Lease::new(Arc::clone(self), is_counted);
        if !http1.is_ready() {
            http1 = self.take(uri)?;
        }
        Some((lease.with(http1, true), is_one_of_many))
    }

    /// Returns a connection to the origin of `uri`: an existing one, or a new one.
    async fn ready(self: &Arc<Self>, uri: &Uri, is_counted: bool) -> Result<Ready, BoxError> {
        if self.may_be_http2(uri) {
            if let Some(shared) = self.http2(uri) {
                return Ok(Ready::Http2(shared));
            }
            if self.is_unknown(uri)
                && let Some(first) = self.first(uri, is_counted).await?
            {
                return Ok(first);
            }
        }
        let lease = self.lease(is_counted).await?;
        if let Some(http1) = self.take(uri) {
            return Ok(Ready::Http1(lease.with(http1, true)));
        }
        let stream = self.settings.dial(uri).await?;
        self.over(stream, uri, lease).await
    }

    /// Opens the first connection to an origin, one at a time: over HTTP/2 no others are needed. None if meanwhile it
    /// is known that each exchange needs its own.
    async fn first(
        self: &Arc<Self>,
        uri: &Uri,
        is_counted: bool,
    ) -> Result<Option<Ready>, BoxError> {
        // A slow attempt may never succeed, and the others should not queue behind it one after the other.
        let turn = timeout(TURN, self.connecting.lock()).await.ok();
        let lease = match turn {
            Some(_) => None,
            // There may not be more of these than exchanges.
            None => Some(self.lease(is_counted).await?),
        };
        if let Some(shared) = self.http2(uri) {
            return Ok(Some(Ready::Http2(shared)));
        }
        if !self.is_unknown(uri) {
            return Ok(None);
        }
        let stream = self.settings.dial(uri).await?;
        if self.settings.is_http2(&stream) {
            return self.open_http2(stream, uri).await.map(Some);
        }
        self.note(uri, Protocol::Http1);
        drop(turn);
        let lease = match lease {
            Some(lease) => lease,
            None => self.lease(is_counted).await?,
        };
        self.over(stream, uri, lease).await.map(Some)
    }

    /// Waits for a place among the exchanges over HTTP/1.1.
    async fn lease(self: &Arc<Self>, is_counted: bool) -> Result<Lease, BoxError> {
        if is_counted {
            self.turn().await?;
        }
        Ok(Lease::new(Arc::clone(self), is_counted))
    }

    /// Starts the protocol on a new connection.
    async fn over(
        self: &Arc<Self>,
        stream: Stream,
        uri: &Uri,
        lease: Lease,
    ) -> Result<Ready, BoxError> {
        if self.settings.is_http2(&stream) {
            // The server has changed its protocol.
            return self.open_http2(stream, uri).await;
        }
        let keepers = Arc::clone(&self.keepers);
        let http1 = Http1::open(stream, uri.clone(), keepers).await?;
        Ok(Ready::Http1(lease.with(http1, false)))
    }

    async fn open_http2(&self, stream: Stream, uri: &Uri) -> Result<Ready, BoxError> {
        let info = info(&stream);
        let shared = Http2 { sender: self.settings.open_http2(stream).await?, info };
        // If nothing is kept for later, this one is not either.
        if self.settings.idle > 0 {
            self.note(uri, Protocol::Http2 { shared: shared.clone(), used: Instant::now() });
        }
        Ok(Ready::Http2(shared))
    }

    /// Sends a request over a shared connection.
    async fn over_http2(
        &self,
        Http2 { mut sender, info }: Http2,
        mut request: Request<RequestBody>,
    ) -> Result<Response<LeasedBody>, Refused> {
        // The URI carries it.
        if request.headers().get(header::HOST) == self.home.1.as_ref() {
            request.headers_mut().remove(header::HOST);
        }
        // hyper does not return a request that the server refuses.
        let spare = request.clone();
        match sender.try_send_request(request).await {
            Ok(mut response) => {
                introduce(&mut response, &info);
                Ok(response.map(LeasedBody::of_http2))
            }
            Err(error) => {
                let error = error.into_error();
                let request = is_unsent(&error).then(|| Box::new(spare));
                Err(Refused { request, error, is_free: false })
            }
        }
    }

    fn may_be_http2(&self, uri: &Uri) -> bool {
        self.settings.http2_only || uri.scheme() == Some(&Scheme::HTTPS)
    }

    fn http2(&self, uri: &Uri) -> Option<Http2> {
        let mut inner = self.lock();
        let at = inner.origins.iter().position(|(of, _)| is_same_origin(of, uri))?;
        match &mut inner.origins[at].1 {
            Protocol::Http2 { shared, used } if !shared.sender.is_closed() => {
                *used = Instant::now();
                Some(shared.clone())
            }
            Protocol::Http2 { .. } => {
                inner.origins.swap_remove(at);
                None
            }
            Protocol::Http1 => None,
        }
    }

    fn is_http1(&self, uri: &Uri) -> bool {
        let is_http1 = |(of, spoken): &(Uri, Protocol)| {
            matches!(spoken, Protocol::Http1) && is_same_origin(of, uri)
        };
        self.lock().origins.iter().any(is_http1)
    }

    fn is_unknown(&self, uri: &Uri) -> bool {
        !self.lock().origins.iter().any(|(of, _)| is_same_origin(of, uri))
    }

    fn note(&self, uri: &Uri, protocol: Protocol) {
        let mut inner = self.lock();
        inner.origins.retain(|(of, _)| !is_same_origin(of, uri));
        if inner.origins.len() == MAX_ORIGINS {
            inner.origins.remove(0);
        }
        inner.origins.push((uri.clone(), protocol));
        self.time(inner);
    }

    /// Takes an idle connection that still works.
    fn take(&self, uri: &Uri) -> Option<Box<Http1>> {
        loop {
            let mut http1 = self.lock().find(uri)?;
            if http1.is_ready() {
                return Some(http1);
            }
        }
    }

    /// Ends an exchange. Its connection is kept for the next one, if it still works and there is room: each waiting
    /// exchange will take one, and counts as room.
    fn release(&self, mut http1: Option<Box<Http1>>, is_counted: bool) {
        if let Some(http1) = &mut http1 {
            http1.idle_since = Instant::now();
        }
        let mut inner = self.lock();
        let idle = self.settings.idle;
        let room = if idle == 0 { 0 } else { idle + inner.turns.waiting() };
        let has_room = !inner.is_closed && inner.idle.len() < room;
        let is_kept = has_room && http1.is_some();
        if has_room {
            inner.idle.extend(http1.take());
        }
        let is_given = is_counted && inner.turns.give_back();
        if is_kept {
            self.time(inner);
        } else {
            // Outside of the lock: closing a connection takes a while.
            drop(inner);
        }
        if is_given {
            self.hand_over();
        }
    }

    /// Ensures that a keeper looks at the idle connections.
    fn time(&self, mut inner: MutexGuard<'_, Inner>) {
        if !mem::replace(&mut inner.is_timed, true) {
            drop(inner);
            self.keepers.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns what is known about a connection, like the address of its peer.
fn info(stream: &Stream) -> Extensions {
    let mut info = Extensions::new();
    stream.connected().get_extras(&mut info);
    info
}

/// Adds the connection info to a refusal. It is not needed for other responses.
fn introduce<B>(response: &mut Response<B>, info: &Extensions) {
    if response.status().is_client_error() {
        response.extensions_mut().extend(info.clone());
    }
}
