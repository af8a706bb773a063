//! An HTTP/1.1 connection, driven by the call that uses it.

use super::{
    Pool, Shared,
    exchange::Answered,
    relay::{Keepers, Relay},
    socket::Socket,
    tries::Refused,
};
use crate::http::{RequestBody, dial::Stream};
use http::{Extensions, Request, Response, Uri};
use hyper::{
    body::{Body, Bytes, Frame, Incoming, SizeHint},
    client::conn::{
        TrySendError,
        http1::{self, SendRequest},
    },
};
use hyper_util::client::legacy::connect::Connection;
use std::{
    future::{Future, poll_fn},
    mem,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Waker, ready},
};
use tokio::{task::coop, time::Instant};
use tokio_util::sync::ReusableBoxFuture;

/// How often a connection is polled per wake-up: what it wants to do after that waits for the next one.
const MAX_ROUNDS: usize = 4;

/// A connection that carries one exchange after another.
pub(super) struct Http1 {
    sender: SendRequest<RequestBody>,
    /// None once it has ended.
    connection: Option<http1::Connection<Socket, RequestBody>>,
    /// The future of hyper for the current request. Kept from the first request on, so that later ones do not allocate.
    answering: Option<ReusableBoxFuture<'static, Answered>>,
    /// Whether there is a request without an answer.
    is_asked: bool,
    relay: Arc<Relay>,
    /// Whether the relay may still hold the waker of a call.
    has_waited: bool,
    /// The origin that it leads to.
    pub(super) uri: Uri,
    /// Whether an HTTP proxy reads the requests, so that they must name the server.
    pub(super) is_proxied: bool,
    info: Extensions,
    pub(super) idle_since: Instant,
}

impl Http1 {
    pub(super) async fn open(
        stream: Stream,
        uri: Uri,
        keepers: Arc<Keepers>,
    ) -> hyper::Result<Box<Self>> {
        let (is_proxied, info) = (stream.connected().is_proxied(), super::info(&stream));
        let relay = Relay::new(keepers);
        let socket = Socket::new(stream, Arc::clone(&relay));
        let (sender, connection) = http1::handshake(socket).await?;
        let (connection, has_waited, idle_since) = (Some(connection), false, Instant::now());
        Ok(Box::new(Self {
            sender,
            connection,
            answering: None,
            is_asked: false,
            relay,
            has_waited,
            uri,
            is_proxied,
            info,
            idle_since,
        }))
    }

    /// Hands a request to the connection, which sends it when polled.
    fn begin(&mut self, request: Request<RequestBody>) {
        let answering = self.sender.try_send_request(request);
        self.is_asked = true;
        match &mut self.answering {
            Some(reused) => reused.set(answering),
            none => *none = Some(ReusableBoxFuture::new(answering)),
        }
    }

    /// Polls the answer to the request.
    fn poll_answer(&mut self, cx: &mut Context<'_>) -> Poll<Answered> {
        let Some(mut answering) = self.answering.take() else { return Poll::Pending };
        let answered = self.drive(cx, |cx| answering.poll(cx));
        self.answering = Some(answering);
        self.is_asked = answered.is_pending();
        answered
    }

    /// Drops the future of an unanswered request, so that the connection sees that it is no longer awaited.
    fn give_up(&mut self) {
        if mem::take(&mut self.is_asked) {
            self.answering = None;
        }
    }

    /// Polls a future together with the connection that alone can complete it, until neither makes progress.
    ///
    /// It counts as one unit of the task's budget.
    fn drive<T>(
        &mut self,
        cx: &mut Context<'_>,
        wanted: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        let turn = ready!(coop::poll_proceed(cx));
        let driven = self.drive_freely(cx, wanted);
        if driven.is_ready() {
            turn.made_progress();
        }
        driven
    }

    fn drive_freely<T>(
        &mut self,
        cx: &mut Context<'_>,
        mut wanted: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        for _ in 0..MAX_ROUNDS {
            self.start();
            // Only the connection can complete this future, and it is polled in each round.
            let round = freely(|cx| {
                self.poll_connection(cx);
                wanted(cx)
            });
            if round.is_ready() {
                self.leave();
                return round;
            }
            // Handling what was read may leave more to do.
            if !self.relay.has_read() && self.wait(cx) {
                return Poll::Pending;
            }
        }
        self.wait(cx);
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn start(&mut self) {
        self.has_waited &= !self.relay.begin();
    }

    fn wait(&mut self, cx: &Context<'_>) -> bool {
        let waits = self.relay.wait(cx.waker());
        self.has_waited |= waits;
        waits
    }

    fn leave(&mut self) {
        self.relay.leave(mem::take(&mut self.has_waited));
    }

    fn poll_connection(&mut self, cx: &mut Context<'_>) {
        let Some(connection) = &mut self.connection else { return };
        if let Poll::Ready(end) = Pin::new(connection).poll(cx) {
            // Dropped, so that those who wait for it learn of its end.
            self.connection = None;
            if let Err(error) = end {
                tracing::debug!(%error, "a connection ended");
            }
        }
    }

    /// Returns whether it can carry another exchange, as far as is known.
    pub(super) fn is_ready(&mut self) -> bool {
        // Something arrived while nothing was asked for: that can only be its end.
        if self.relay.has_note() {
            self.settle();
        }
        self.connection.is_some() && self.sender.is_ready()
    }

    /// Returns whether something happened on it since it was used.
    pub(super) fn has_note(&self) -> bool {
        self.relay.has_note()
    }

    /// Does the work that needs no waiting.
    fn settle(&mut self) {
        self.start();
        let _ = freely(|cx| {
            self.poll_connection(cx);
            Poll::Ready(())
        });
        self.leave();
    }
}

/// Polls without a budget: the wakers in here only note wake-ups, and running out of budget would need a real one.
fn freely<T>(poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> Poll<T> {
    let mut quiet = Context::from_waker(Waker::noop());
    pin!(coop::unconstrained(poll_fn(poll))).poll(&mut quiet)
}

/// A connection that is used by one exchange. If dropped after the exchange, it goes back to the pool.
pub(super) struct Lease {
    /// Present until it is dropped.
    http1: Option<Box<Http1>>,
    shared: Arc<Shared>,
    /// Whether it counts towards the limit of concurrent exchanges.
    is_counted: bool,
    is_reused: bool,
}

impl Lease {
    /// Reserves a place for a connection that is not there yet.
    pub(super) fn new(shared: Arc<Shared>, is_counted: bool) -> Self {
        Self { http1: None, shared, is_counted, is_reused: false }
    }

    #[must_use]
    pub(super) fn with(mut self, http1: Box<Http1>, is_reused: bool) -> Self {
        self.http1 = Some(http1);
        self.is_reused = is_reused;
        self
    }

    pub(super) fn is_proxied(&self) -> bool {
        self.http1.as_ref().is_some_and(|http1| http1.is_proxied)
    }

    pub(super) fn pool(&self) -> Pool {
        Pool(Arc::clone(&self.shared))
    }

    /// Hands a request to the connection, which sends it when polled.
    pub(super) fn begin(&mut self, request: Request<RequestBody>) {
        let Some(http1) = &mut self.http1 else { unreachable!("a lease has its connection") };
        http1.begin(request);
    }

    /// Polls the answer to the request, and the connection.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Answered> {
        let Some(http1) = &mut self.http1 else { unreachable!("a lease has its connection") };
        http1.poll_answer(cx)
    }

    /// Combines the head of a response with the connection that carries its body.
    pub(super) fn end(self, mut response: Response<Incoming>) -> Response<LeasedBody> {
        if let Some(http1) = &self.http1 {
            super::introduce(&mut response, &http1.info);
        }
        response.map(|incoming| LeasedBody::new(incoming, self))
    }

    /// Returns what became of a request that got no answer.
    pub(super) fn refused(&self, mut error: TrySendError<Request<RequestBody>>) -> Refused {
        Refused {
            request: error.take_message().map(Box::new),
            error: error.into_error(),
            is_free: self.is_reused,
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut http1 = self.http1.take();
        if let Some(http1) = &mut http1 {
            http1.give_up();
            if !http1.sender.is_ready() {
                http1.settle();
            }
        }
        if http1.as_mut().is_some_and(|http1| !http1.is_ready()) {
            http1 = None;
        }
        self.shared.release(http1, self.is_counted);
    }
}

/// The body of a response, and the connection that carries it.
pub(in crate::http) struct LeasedBody {
    // Dropped in this order: the connection must see that its body is no longer read.
    incoming: Incoming,
    lease: Option<Lease>,
}

impl LeasedBody {
    fn new(incoming: Incoming, lease: Lease) -> Self {
        let lease = Some(lease).filter(|_| !incoming.is_end_stream());
        Self { incoming, lease }
    }

    /// Wraps the body of an HTTP/2 response, whose connection is driven elsewhere.
    pub(super) fn of_http2(incoming: Incoming) -> Self {
        Self { incoming, lease: None }
    }
}

impl Body for LeasedBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let this = self.get_mut();
        let mut incoming = Pin::new(&mut this.incoming);
        let http1 = this.lease.as_mut().and_then(|lease| lease.http1.as_mut());
        let Some(http1) = http1 else { return incoming.poll_frame(cx) };
        // Often the end arrived together with the last data.
        let mut quiet = Context::from_waker(Waker::noop());
        let frame = match incoming.as_mut().poll_frame(&mut quiet) {
            Poll::Ready(frame) => frame,
            Poll::Pending => ready!(http1.drive(cx, |cx| incoming.as_mut().poll_frame(cx))),
        };
        if !matches!(frame, Some(Ok(_))) || this.incoming.is_end_stream() {
            this.lease = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
