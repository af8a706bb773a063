//! One request in flight, between the driver and the caller.

use super::{outbox::Span, shared::Handle};
use crate::{
    Delivery, Error, ServerMessage,
    error::Kind,
    queue::{Limit, Queue},
};
use futures_core::Stream;
use mcp_types::rpc::{Message, RequestId};
use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

/// What the driver has for the caller of one request.
#[derive(Debug)]
pub(super) struct Slot {
    id: RequestId,
    kind: CallKind,
    /// Where its request is in what is written.
    span: Span,
    state: Mutex<State>,
}

/// The methods whose requests are treated in a way of their own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum CallKind {
    /// Is never cancelled by a notification.
    Initialize,
    /// May be given up by the server.
    Listen,
    Other,
}

#[derive(Debug)]
struct State {
    /// None before the first: most calls have none.
    notifications: Option<Box<Queue<ServerMessage>>>,
    end: Option<Result<ServerMessage, Error>>,
    waker: Option<Waker>,
}

/// The queue of a call is full, and nothing in it may be dropped.
#[derive(Debug, PartialEq)]
pub(super) struct Overflow;

impl CallKind {
    pub(super) fn of(method: &str) -> Self {
        match method {
            "initialize" => Self::Initialize,
            "subscriptions/listen" => Self::Listen,
            _ => Self::Other,
        }
    }
}

impl Slot {
    pub(super) fn new(id: RequestId, kind: CallKind, span: Span) -> Self {
        let state = State { notifications: None, end: None, waker: None };
        Self { id, kind, span, state: Mutex::new(state) }
    }

    pub(super) fn id(&self) -> &RequestId {
        &self.id
    }

    pub(super) fn kind(&self) -> CallKind {
        self.kind
    }

    pub(super) fn span(&self) -> &Span {
        &self.span
    }

    /// Hands over a notification of so many bytes, and gives the caller to wake. Old progress makes room for it, because
    /// the newest tells all.
    pub(super) fn push(
        &self,
        message: ServerMessage,
        bytes: usize,
        limit: Limit,
    ) -> Result<Option<Waker>, Overflow> {
        let mut state = self.lock();
        let queue = state.notifications.get_or_insert_with(|| Box::new(Queue::new(limit)));
        while !queue.has_room(bytes) {
            queue.evict(is_progress).ok_or(Overflow)?;
        }
        queue.push(message, bytes);
        Ok(state.waker.take())
    }

    /// Hands over the end, and gives the caller to wake.
    #[must_use = "the caller has to be woken"]
    pub(super) fn finish(&self, end: Result<ServerMessage, Error>) -> Option<Waker> {
        let mut state = self.lock();
        state.end = Some(end);
        state.waker.take()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn poll(&self, cx: &mut Context<'_>) -> Poll<(Result<ServerMessage, Error>, bool)> {
        let mut state = self.lock();
        if let Some(notification) = state.notifications.as_mut().and_then(|queue| queue.pop()) {
            return Poll::Ready((Ok(notification), false));
        }
        if let Some(end) = state.end.take() {
            return Poll::Ready((end, true));
        }
        match &mut state.waker {
            Some(waker) => waker.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        Poll::Pending
    }
}

fn is_progress(message: &ServerMessage) -> bool {
    matches!(message, Message::Notification(it) if it.method == "notifications/progress")
}

pub(super) fn overflow(id: &RequestId) -> Error {
    let message = format!("more messages about request {id} came than were read");
    Error::new(Kind::Overflow, Delivery::Unknown, message)
}

/// The replies to one request on a byte stream. Dropping them before the end abandons the request.
#[derive(Debug)]
pub(crate) struct CallReplies {
    slot: Arc<Slot>,
    /// Keeps the connection open until the end was read.
    handle: Option<Arc<Handle>>,
}

impl CallReplies {
    pub(super) fn new(slot: Arc<Slot>, handle: Arc<Handle>) -> Self {
        Self { slot, handle: Some(handle) }
    }
}

impl Stream for CallReplies {
    type Item = Result<ServerMessage, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.handle.is_none() {
            return Poll::Ready(None);
        }
        self.slot.poll(cx).map(|(item, is_end)| {
            if is_end {
                self.handle = None;
            }
            Some(item)
        })
    }
}

impl Drop for CallReplies {
    fn drop(&mut self) {
        if let Some(handle) = &self.handle {
            handle.abandon(&self.slot);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mcp_types::RawJson;
    use mcp_types::rpc::{Notification, Response};

    const LIMIT: Limit = Limit { items: 2, bytes: 100 };

    fn slot() -> Slot {
        Slot::new(1.into(), CallKind::Other, 0..1)
    }

    fn note(method: &'static str) -> ServerMessage {
        Notification::new(method).into()
    }

    fn next(slot: &Slot) -> Poll<(Result<ServerMessage, Error>, bool)> {
        slot.poll(&mut Context::from_waker(Waker::noop()))
    }

    // spec: PROG-04
    #[test]
    fn old_progress_makes_room() {
        let slot = slot();
        slot.push(note("a"), 1, LIMIT).unwrap();
        slot.push(note("notifications/progress"), 1, LIMIT).unwrap();
        slot.push(note("b"), 1, LIMIT).unwrap();
        assert_eq!(slot.push(note("c"), 1, LIMIT).unwrap_err(), Overflow);
        let _nobody = slot.finish(Ok(Response::success(1, RawJson::EMPTY_OBJECT).into()));
        let mut methods = Vec::new();
        while let Poll::Ready((Ok(Message::Notification(it)), false)) = next(&slot) {
            methods.push(it.method);
        }
        assert_eq!(methods, ["a", "b"]);
    }

    #[test]
    fn a_call_that_waits_takes_little() {
        let entry = size_of::<(RequestId, Arc<Slot>)>();
        assert!(size_of::<Slot>() <= 200 && entry <= 24, "{} {entry}", size_of::<Slot>());
    }

    #[test]
    fn what_was_said_before_the_end_comes_before_it() {
        let slot = slot();
        assert!(next(&slot).is_pending());
        assert!(slot.push(note("a"), 1, LIMIT).unwrap().is_some());
        assert!(slot.finish(Err(overflow(&1.into()))).is_none(), "it is woken once");
        assert!(matches!(next(&slot), Poll::Ready((Ok(_), false))));
        assert!(matches!(next(&slot), Poll::Ready((Err(_), true))));
    }
}
