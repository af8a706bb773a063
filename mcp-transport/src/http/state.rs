//! The state that the handles, calls and driver of a connection share.

#[cfg(feature = "oauth")]
use super::oauth::AuthorizeLayer;
use super::{
    Limits,
    cut::{Cut, Seat},
    http_sse::Channel,
    mirrored::Familiar,
    session::Session,
    stream,
};
use crate::{Error, Patience, inbox::Inbox};
use futures_util::{future::BoxFuture, task::AtomicWaker};
use http::{HeaderMap, HeaderValue, Uri};
use mcp_types::{RawJson, RequestId};
use std::{
    collections::VecDeque,
    fmt, mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};
use tokio::sync::{Notify, oneshot};

/// How many cancellations may wait for the driver before new requests to a legacy server have to wait.
const MAX_CANCELS: usize = 1024;

/// How many rests of answers may wait for the driver, and how many it reads at the same time.
pub(super) const MAX_DRAINS: usize = 64;

/// Where requests go, and with which settings.
#[derive(Clone)]
pub(super) struct Target {
    #[cfg(feature = "oauth")]
    pub(super) server: crate::Url,
    pub(super) uri: Uri,
    /// The URI of requests: complete, or the path alone if only the default client sees them, which knows the rest.
    pub(super) requested: Uri,
    /// The URL to show to a person: without user, password, query and fragment.
    pub(super) url: Box<str>,
    /// The headers of every request.
    pub(super) headers: HeaderMap,
    /// The headers of most requests to a stateless server: those above and those of a tool call, without the tool's
    /// name.
    pub(super) template: HeaderMap,
    /// Whether no layer looks at the extensions of requests.
    pub(super) is_bare: bool,
    pub(super) limits: Limits,
    pub(super) response_timeout: Option<Duration>,
    pub(super) idle_timeout: Option<Duration>,
    pub(super) total_timeout: Option<Duration>,
    /// Whether messages with a handshake go over HTTP+SSE without an attempt at streamable HTTP.
    pub(super) http_sse: bool,
    /// The time that a layer below has waited for a person.
    pub(super) patience: Option<Patience>,
    /// The layer that logs in, if there is one.
    #[cfg(feature = "oauth")]
    pub(super) login: Option<AuthorizeLayer>,
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the URI: its query may hold secrets.
        f.debug_struct("Target")
            .field("url", &self.url)
            .field("headers", &self.headers)
            .field("limits", &self.limits)
            .field("response_timeout", &self.response_timeout)
            .field("idle_timeout", &self.idle_timeout)
            .field("total_timeout", &self.total_timeout)
            .finish_non_exhaustive()
    }
}

pub(super) struct State {
    pub(super) target: Arc<Target>,
    pub(super) inbox: Inbox,
    pub(super) familiar: Familiar,
    inner: Mutex<Inner>,
    driver: AtomicWaker,
    room: Notify,
    pub(super) cut: Cut,
}

#[derive(Default)]
struct Inner {
    session: Option<Arc<Session>>,
    /// The session to listen to, once the server knows that initialization is complete, and a sender whose drop tells
    /// that its stream is open.
    listen: Option<(Arc<Session>, oneshot::Sender<()>)>,
    /// The one stream of an HTTP+SSE server, which carries all its messages.
    channel: Option<Arc<Channel>>,
    /// Reads that stream; returns why it ended.
    reader: Option<BoxFuture<'static, Error>>,
    cancels: VecDeque<Cancel>,
    /// Rests of answers, to be read so that their connections can be reused.
    drains: Vec<BoxFuture<'static, ()>>,
    /// Whether the driver has to drop its reader.
    detached: bool,
    /// Whether the last handle and the last call are gone.
    released: bool,
    /// Whether the driver is gone.
    cut: bool,
}

impl State {
    pub(super) fn new(target: Arc<Target>) -> Arc<Self> {
        let inbox = Inbox::new(target.limits.of_unsolicited());
        Arc::new(Self {
            target,
            inbox,
            familiar: Familiar::default(),
            inner: Mutex::default(),
            driver: AtomicWaker::new(),
            room: Notify::new(),
            cut: Cut::default(),
        })
    }

    pub(super) fn session(&self) -> Option<Arc<Session>> {
        self.lock().session.clone()
    }

    /// Begins a session, in place of the previous one.
    pub(super) fn begin(&self, session: Session) {
        self.lock().session = Some(Arc::new(session));
    }

    /// Makes the driver listen to the unsolicited messages of this session. The receiver ends when the stream is open,
    /// or when the server has refused it.
    pub(super) fn listen(&self, session: Arc<Session>) -> oneshot::Receiver<()> {
        let (opened, open) = oneshot::channel();
        self.lock().listen = Some((session, opened));
        self.driver.wake();
        open
    }

    /// Takes the session that the driver has to listen to, and the sender to drop once that is answered.
    pub(super) fn take_listen(&self) -> Option<(Arc<Session>, oneshot::Sender<()>)> {
        self.lock().listen.take()
    }

    /// Returns the stream of an HTTP+SSE server, if this is one.
    pub(super) fn channel(&self) -> Option<Arc<Channel>> {
        self.lock().channel.clone()
    }

    /// Sends all messages of legacy revisions over `channel` from now on; the driver polls `reader`.
    pub(super) fn attach(&self, channel: Arc<Channel>, reader: BoxFuture<'static, Error>) {
        let mut inner = self.lock();
        inner.channel = Some(channel);
        inner.reader = Some(reader);
        self.driver.wake();
    }

    /// The server turned out to be none of HTTP+SSE.
    pub(super) fn detach(&self) {
        let mut inner = self.lock();
        inner.channel = None;
        inner.reader = None;
        inner.detached = true;
        self.driver.wake();
    }

    /// Takes the reader that the driver has to poll, and whether it has to drop its current one.
    pub(super) fn take_reader(&self) -> (Option<BoxFuture<'static, Error>>, bool) {
        let mut inner = self.lock();
        (inner.reader.take(), mem::take(&mut inner.detached))
    }

    /// Waits until the cancellations of abandoned calls leave room for another call.
    pub(super) async fn room(&self) {
        loop {
            let room = self.room.notified();
            if self.has_room() {
                return;
            }
            room.await;
        }
    }

    pub(super) fn has_room(&self) -> bool {
        let inner = self.lock();
        inner.cancels.len() < MAX_CANCELS || inner.cut
    }

    fn cancel(&self, cancel: Cancel) {
        let mut inner = self.lock();
        if !inner.cut {
            inner.cancels.push_back(cancel);
            self.driver.wake();
        }
    }

    /// Takes the next cancellation to send.
    pub(super) fn take_cancel(&self) -> Option<Cancel> {
        let cancel = self.lock().cancels.pop_front();
        if cancel.is_some() {
            self.room.notify_waiters();
        }
        cancel
    }

    /// Leaves the rest of an answer to the driver, unless that has too many already.
    pub(super) fn drain(&self, drain: BoxFuture<'static, ()>) {
        let mut inner = self.lock();
        if !inner.cut && inner.drains.len() < MAX_DRAINS {
            inner.drains.push(drain);
            self.driver.wake();
        }
    }

    /// Takes the rests of answers to read.
    pub(super) fn take_drains(&self) -> Vec<BoxFuture<'static, ()>> {
        mem::take(&mut self.lock().drains)
    }

    /// Registers the driver's task to be woken when there is work.
    pub(super) fn register_driver(&self, cx: &Context<'_>) {
        self.driver.register(cx.waker());
    }

    /// Lets the driver end the connection.
    pub(super) fn release(&self) {
        self.lock().released = true;
        self.driver.wake();
    }

    /// Returns whether nothing more will be sent.
    pub(super) fn is_released(&self) -> bool {
        self.lock().released
    }

    /// Cuts the connection: calls in flight fail, and later ones too.
    pub(super) fn cut(&self) {
        let mut inner = self.lock();
        inner.cut = true;
        inner.cancels = VecDeque::new();
        inner.drains = Vec::new();
        inner.reader = None;
        let channel = inner.channel.take();
        drop(inner);
        if let Some(channel) = channel {
            channel.lose(&stream::closed(&self.target.url));
        }
        self.cut.make();
        self.room.notify_waiters();
        self.inbox.close();
    }

    /// Resolves when the connection is cut, with the error for the call that waits in this seat.
    pub(super) fn poll_cut(&self, seat: &mut Option<Seat>, cx: &Context<'_>) -> Poll<Error> {
        self.cut.poll(seat, cx).map(|()| stream::closed(&self.target.url))
    }

    /// Returns whether the connection is cut.
    pub(super) fn is_cut(&self) -> bool {
        self.cut.is_done()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").field("target", &self.target).finish_non_exhaustive()
    }
}

/// Keeps the connection in use. The driver ends it when the last handle is gone.
#[derive(Debug)]
pub(super) struct Handle(pub(super) Arc<State>);

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.release();
    }
}

/// A cancellation, and the session of its request.
#[derive(Debug)]
pub(super) struct Cancel {
    pub(super) id: RequestId,
    pub(super) params: Option<RawJson>,
    pub(super) session: Option<Arc<Session>>,
    pub(super) version: Option<HeaderValue>,
}

impl Cancel {
    /// Returns whether the request asked for a task, which only `tasks/cancel` cancels.
    fn is_task(&self) -> bool {
        let task = self.params.as_ref().and_then(|params| params.find(&["task"]));
        task.is_some_and(|task| task != "null")
    }
}

/// A call in flight. If dropped before it is finished, it leaves its cancellation to the driver.
#[derive(Debug)]
pub(super) struct InFlight {
    pub(super) handle: Arc<Handle>,
    cancel: Option<Cancel>,
    /// The seat in which it waits for the end of the connection.
    seat: Option<Seat>,
}

impl InFlight {
    pub(super) fn new(handle: Arc<Handle>) -> Self {
        Self { handle, cancel: None, seat: None }
    }

    /// Makes dropping it cancel the request from now on.
    pub(super) fn arm(&mut self, cancel: Option<Cancel>) {
        self.cancel = cancel;
    }

    /// The response has arrived, or never will.
    pub(super) fn finish(&mut self) {
        self.cancel = None;
    }

    pub(super) fn state(&self) -> &Arc<State> {
        &self.handle.0
    }

    /// Resolves when the connection is cut, with the error of the call.
    pub(super) fn poll_cut(&mut self, cx: &Context<'_>) -> Poll<Error> {
        self.handle.0.poll_cut(&mut self.seat, cx)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.handle.0.cut.leave(&mut self.seat);
        if let Some(cancel) = self.cancel.take().filter(|cancel| !cancel.is_task()) {
            self.state().cancel(cancel);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::endpoint::target;
    use futures_util::FutureExt;

    fn state() -> Arc<State> {
        State::new(Arc::new(target("http://localhost".parse().unwrap()).unwrap()))
    }

    fn abandon(handle: &Arc<Handle>, id: i64) {
        let cancel = Cancel { id: id.into(), params: None, session: None, version: None };
        InFlight::new(Arc::clone(handle)).arm(Some(cancel));
    }

    // spec: CAN-05
    #[test]
    fn f56_cancellations_are_bounded_and_none_is_lost() {
        let handle = Arc::new(Handle(state()));
        let state = &handle.0;
        for id in 0..MAX_CANCELS {
            assert!(state.room().now_or_never().is_some(), "{id} calls are waiting");
            abandon(&handle, i64::try_from(id).unwrap());
        }
        let mut waiting = Box::pin(state.room());
        assert!(waiting.as_mut().now_or_never().is_none(), "the next call waits for room");
        assert_eq!(state.take_cancel().unwrap().id, 0.into());
        assert!(waiting.now_or_never().is_some(), "there is room again");
        abandon(&handle, -1);
        let mut waiting = Box::pin(state.room());
        assert!(waiting.as_mut().now_or_never().is_none());
        state.cut();
        assert!(waiting.now_or_never().is_some(), "nothing is waited for without a driver");
        assert!(state.take_cancel().is_none());
    }
}
