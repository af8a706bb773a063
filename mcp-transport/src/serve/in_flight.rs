//! The calls of one client that are in flight, and their cancellation.

use super::{backend::Backend, exchange::Exchange};
use crate::{ClientMessage, ServerMessage, splice};
use futures_core::Stream;
use mcp_types::{
    RequestId,
    rpc::{Message, Notification},
};
use std::{
    collections::{HashMap, hash_map::Entry},
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

/// The calls of one client. Clones share the table.
#[derive(Clone)]
pub(super) struct InFlight(Arc<Table>);

struct Table {
    limit: usize,
    calls: Mutex<Calls>,
}

#[derive(Default)]
struct Calls {
    requests: HashMap<RequestId, Arc<Slot>>,
    /// How many notifications and responses the service has not accepted yet.
    others: usize,
}

/// Why a message is not passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// A request with this id is in flight.
    IdInUse,
    /// The limit on messages in flight is reached.
    Full,
}

impl InFlight {
    pub(super) fn new(limit: usize) -> Self {
        Self(Arc::new(Table { limit, calls: Mutex::default() }))
    }

    /// Passes a message to the service.
    pub(super) fn begin(&self, backend: &Backend, message: ClientMessage) -> Result<Call, Refused> {
        let (id, kind) = match &message.body {
            Message::Request(request) => (Some(request.id.clone()), CallKind::of(&request.method)),
            Message::Notification(_) | Message::Response(_) => (None, CallKind::Other),
        };
        let slot = Arc::new(Slot { kind, state: Mutex::default() });
        self.0.admit(id.clone(), &slot)?;
        slot.lock().exchange = Some(Exchange::start(backend, message));
        Ok(Call { id, slot, table: Some(Arc::clone(&self.0)) })
    }

    /// Cancels the request that a notification names; returns whether the notification is a cancellation.
    pub(super) fn take_cancellation(&self, notification: &Notification) -> bool {
        if notification.method != "notifications/cancelled" {
            return false;
        }
        let id =
            notification.params.as_ref().and_then(|params| splice::find(params, &["requestId"]));
        let id = id.and_then(|id| RequestId::from_json(id).ok());
        if let Some(slot) = id.and_then(|id| self.take(id)) {
            slot.cancel();
        }
        true
    }

    /// Takes out a call that may be cancelled.
    fn take(&self, id: RequestId) -> Option<Arc<Slot>> {
        let mut calls = self.0.lock();
        let Entry::Occupied(entry) = calls.requests.entry(id) else { return None };
        // Clause LIFE-09: `initialize` cannot be cancelled.
        (entry.get().kind != CallKind::Initialize).then(|| entry.remove())
    }

    /// Cancels the subscriptions, which never end by themselves.
    pub(super) fn cancel_subscriptions(&self) {
        self.cancel_those(|kind| kind == CallKind::Listen);
    }

    /// Cancels everything.
    #[cfg(feature = "http")]
    pub(super) fn cancel_all(&self) {
        self.cancel_those(|_| true);
    }

    fn cancel_those(&self, matches: impl Fn(CallKind) -> bool) {
        let slots: Vec<_> = self.0.lock().requests.values().cloned().collect();
        slots.iter().filter(|slot| matches(slot.kind)).for_each(|slot| slot.cancel());
    }
}

impl Table {
    fn admit(&self, id: Option<RequestId>, slot: &Arc<Slot>) -> Result<(), Refused> {
        let Calls { requests, others } = &mut *self.lock();
        let is_full = requests.len() >= self.limit;
        match id.map(|id| requests.entry(id)) {
            Some(Entry::Occupied(_)) => return Err(Refused::IdInUse),
            Some(Entry::Vacant(_)) if is_full => return Err(Refused::Full),
            Some(Entry::Vacant(entry)) => drop(entry.insert(Arc::clone(slot))),
            // Counted separately: the messages that calls wait for must get through when there are too many calls.
            None if *others >= self.limit => return Err(Refused::Full),
            None => *others += 1,
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CallKind {
    Initialize,
    Listen,
    Other,
}

impl CallKind {
    fn of(method: &str) -> Self {
        match method {
            "initialize" => Self::Initialize,
            "subscriptions/listen" => Self::Listen,
            _ => Self::Other,
        }
    }
}

struct Slot {
    kind: CallKind,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Taken out while it is polled, because a service may even cancel calls then.
    exchange: Option<Exchange>,
    cancelled: bool,
    waker: Option<Waker>,
}

impl Slot {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cancel(&self) {
        let mut state = self.lock();
        state.cancelled = true;
        let (exchange, waker) = (state.exchange.take(), state.waker.take());
        drop(state);
        drop(exchange);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// The service's replies to one message. Ends when the client has cancelled it; dropping it cancels it too.
pub(super) struct Call {
    id: Option<RequestId>,
    slot: Arc<Slot>,
    /// The table in which it is counted, until its response.
    table: Option<Arc<Table>>,
}

impl Call {
    /// Releases the id.
    fn release(&mut self) {
        let Some(table) = self.table.take() else { return };
        let mut calls = table.lock();
        match &self.id {
            // After a cancellation another call may have the same id.
            Some(id)
                if calls.requests.get(id).is_some_and(|slot| Arc::ptr_eq(slot, &self.slot)) =>
            {
                calls.requests.remove(id);
            }
            Some(_) => {}
            None => calls.others -= 1,
        }
    }
}

impl Stream for Call {
    type Item = ServerMessage;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<ServerMessage>> {
        let mut state = self.slot.lock();
        let Some(mut exchange) = state.exchange.take() else {
            return Poll::Ready(None);
        };
        state.waker = Some(cx.waker().clone());
        drop(state);
        let polled = Pin::new(&mut exchange).poll_next(cx);
        let mut state = self.slot.lock();
        if state.cancelled {
            return Poll::Ready(None);
        }
        match &polled {
            Poll::Ready(None | Some(Message::Response(_))) => {
                drop(state);
                self.release();
            }
            Poll::Ready(Some(_)) | Poll::Pending => state.exchange = Some(exchange),
        }
        polled
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.slot.cancel();
        self.release();
    }
}

impl fmt::Debug for InFlight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InFlight").field("limit", &self.0.limit).finish_non_exhaustive()
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("id", &self.id).finish_non_exhaustive()
    }
}
