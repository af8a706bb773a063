//! An HTTP/1.1 connection, driven by whoever uses it.

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

/// How often a connection is polled for one wake-up: what it wants to do after that comes with the next one.
const MAX_ROUNDS: usize = 4;

/// A connection that carries one exchange after the other.
pub(super) struct Http1 {
    sender: SendRequest<RequestBody>,
    /// None when it is over.
    connection: Option<http1::Connection<Socket, RequestBody>>,
    /// What hyper gives for a request. There from the first request on, so that the next one takes no memory.
    answering: Option<ReusableBoxFuture<'static, Answered>>,
    /// There is a request that was not answered.
    is_asked: bool,
    relay: Arc<Relay>,
    /// The relay may still know a call.
    has_waited: bool,
    /// Where it leads.
    pub(super) uri: Uri,
    /// A proxy reads the requests, so they name the server.
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

    /// Gives a request to the connection, which sends it when it is polled.
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

    /// Forgets a request that was not answered, so that the connection sees that nobody waits.
    fn give_up(&mut self) {
        if mem::take(&mut self.is_asked) {
            self.answering = None;
        }
    }

    /// Polls what is waited for, and the connection that alone can bring it, until neither goes on.
    ///
    /// It counts once for the budget of the task.
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
            // Nothing but the connection brings this, and the connection is polled in each round.
            let round = freely(|cx| {
                self.poll_connection(cx);
                wanted(cx)
            });
            if round.is_ready() {
                self.leave();
                return round;
            }
            // What was read may leave something to do.
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
            // Dropped, so that whoever waits for something learns of the end.
            self.connection = None;
            if let Err(error) = end {
                tracing::debug!(%error, "a connection ended");
            }
        }
    }

    /// Whether it can carry another exchange, as far as it is known.
    pub(super) fn is_ready(&mut self) -> bool {
        // Something came while nobody asked for anything: that can only be its end.
        if self.relay.has_note() {
            self.settle();
        }
        self.connection.is_some() && self.sender.is_ready()
    }

    /// Whether something happened on it since it was used.
    pub(super) fn has_note(&self) -> bool {
        self.relay.has_note()
    }

    /// Lets it do what can be done without waiting.
    fn settle(&mut self) {
        self.start();
        let _ = freely(|cx| {
            self.poll_connection(cx);
            Poll::Ready(())
        });
        self.leave();
    }
}

/// Polls what wakes nobody, and is polled again when its socket says so: without a budget, whose end would need a wake-up.
fn freely<T>(poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> Poll<T> {
    let mut quiet = Context::from_waker(Waker::noop());
    pin!(coop::unconstrained(poll_fn(poll))).poll(&mut quiet)
}

/// A connection that is used by one exchange. It goes back to the pool if it is dropped after the exchange.
pub(super) struct Lease {
    /// There until it is dropped.
    http1: Option<Box<Http1>>,
    shared: Arc<Shared>,
    /// It counts as one of those that are used at the same time.
    is_counted: bool,
    is_reused: bool,
}

impl Lease {
    /// A place for a connection, before there is one.
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

    /// Gives a request to the connection, which sends it when it is polled.
    pub(super) fn begin(&mut self, request: Request<RequestBody>) {
        let Some(http1) = &mut self.http1 else { unreachable!("a lease has its connection") };
        http1.begin(request);
    }

    /// Polls the answer to the request, and the connection.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Answered> {
        let Some(http1) = &mut self.http1 else { unreachable!("a lease has its connection") };
        http1.poll_answer(cx)
    }

    /// The head of a response, with the connection that its body comes over.
    pub(super) fn end(self, mut response: Response<Incoming>) -> Response<LeasedBody> {
        if let Some(http1) = &self.http1 {
            super::introduce(&mut response, &http1.info);
        }
        response.map(|incoming| LeasedBody::new(incoming, self))
    }

    /// What became of a request that was not answered.
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

/// The body of a response, and the connection that it comes over.
pub(in crate::http) struct LeasedBody {
    // In this order: the connection is to see that nobody reads any more.
    incoming: Incoming,
    lease: Option<Lease>,
}

impl LeasedBody {
    fn new(incoming: Incoming, lease: Lease) -> Self {
        let lease = Some(lease).filter(|_| !incoming.is_end_stream());
        Self { incoming, lease }
    }

    /// One that others take care of.
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
        // Often it came along with what was before it.
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
