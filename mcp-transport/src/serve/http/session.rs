//! The session of one legacy client.

use super::super::{backend::Backend, in_flight::InFlight};
use crate::{Arrival, ServerMessage, Unsolicited};
use futures_core::Stream;
use futures_util::StreamExt;
use mcp_types::rpc::Message;
use std::{
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};
use tokio::time::Instant;

/// What is kept for a client between its requests.
pub(super) struct Session {
    backend: Mutex<Option<Backend>>,
    pub(super) in_flight: InFlight,
    listening: Mutex<Listening>,
    usage: Mutex<Usage>,
}

/// The unsolicited messages, and their receiver: only the newest stream, so that each message is on one stream.
struct Listening {
    unsolicited: Option<Unsolicited>,
    stream: u64,
    waker: Option<Waker>,
}

struct Usage {
    leases: usize,
    since: Instant,
}

impl Session {
    pub(super) fn new(backend: Backend, unsolicited: Unsolicited, requests: usize) -> Arc<Self> {
        let listening = Listening { unsolicited: Some(unsolicited), stream: 0, waker: None };
        Arc::new(Self {
            backend: Mutex::new(Some(backend)),
            in_flight: InFlight::new(requests),
            listening: Mutex::new(listening),
            usage: Mutex::new(Usage { leases: 0, since: Instant::now() }),
        })
    }

    /// Returns the service, unless the session is over.
    pub(super) fn backend(&self) -> Option<Backend> {
        lock(&self.backend).clone()
    }

    /// Drops the connection of the session.
    pub(super) fn detach(&self) {
        let backend = lock(&self.backend).take();
        drop(backend);
    }

    /// Ends the session: its calls and its stream end, and its connection is dropped.
    pub(super) fn close(&self) {
        self.detach();
        self.in_flight.cancel_all();
        let mut listening = lock(&self.listening);
        let (unsolicited, waker) = (listening.unsolicited.take(), listening.waker.take());
        drop(listening);
        drop(unsolicited);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Keeps the session from becoming idle.
    pub(super) fn lease(self: &Arc<Self>) -> Lease {
        lock(&self.usage).leases += 1;
        Lease(Arc::clone(self))
    }

    /// Returns since when the session is idle; none if it is in use.
    pub(super) fn idle_since(&self) -> Option<Instant> {
        let usage = lock(&self.usage);
        (usage.leases == 0).then_some(usage.since)
    }

    /// Opens a stream of unsolicited messages; the previous one ends.
    pub(super) fn listen(lease: Lease) -> Heard {
        let mut listening = lock(&lease.0.listening);
        listening.stream += 1;
        let (stream, waker) = (listening.stream, listening.waker.take());
        drop(listening);
        if let Some(waker) = waker {
            waker.wake();
        }
        Heard { lease, stream }
    }
}

/// A use of a session. The session is not idle while there is one.
#[derive(Debug)]
pub(super) struct Lease(pub(super) Arc<Session>);

impl Drop for Lease {
    fn drop(&mut self) {
        let mut usage = lock(&self.0.usage);
        usage.leases -= 1;
        usage.since = Instant::now();
    }
}

/// The unsolicited messages.
pub(super) struct Heard {
    lease: Lease,
    stream: u64,
}

impl Stream for Heard {
    type Item = ServerMessage;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<ServerMessage>> {
        let mut listening = lock(&self.lease.0.listening);
        if listening.stream != self.stream {
            return Poll::Ready(None);
        }
        loop {
            let Some(unsolicited) = &mut listening.unsolicited else {
                return Poll::Ready(None);
            };
            match unsolicited.poll_next_unpin(cx) {
                // Such a stream carries no responses.
                Poll::Ready(Some(Arrival::Message(Message::Response(_)))) => {}
                Poll::Ready(Some(Arrival::Message(message))) => {
                    return Poll::Ready(Some(message));
                }
                Poll::Ready(Some(Arrival::Diagnostic(diagnostic))) => {
                    tracing::debug!(%diagnostic, "noticed behind a served session");
                }
                Poll::Ready(None) => listening.unsolicited = None,
                Poll::Pending => {
                    listening.waker = Some(cx.waker().clone());
                    return Poll::Pending;
                }
            }
        }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("in_flight", &self.in_flight).finish_non_exhaustive()
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
