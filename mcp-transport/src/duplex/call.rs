//! The state of one call in flight, between the driver and its caller.

use super::{alarm::Waiters, calls::Key, exchange::Polled, outbox::Span, shared::Handle};
use crate::{
    Delivery, Error, ServerMessage,
    error::Kind,
    queue::{Limit, Queue},
};
use futures_core::Stream;
use mcp_types::{
    ErrorObject, RawJson,
    rpc::{Message, RequestId, Response},
};
use std::{
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

/// One request, and what the driver has received for its caller.
#[derive(Debug)]
pub(super) struct Slot {
    id: RequestId,
    kind: CallKind,
    /// The place of its request in the bytes written.
    span: Span,
    /// None before the first notification: most calls have none.
    notifications: Option<Box<Queue<ServerMessage>>>,
    stage: Stage,
}

/// The methods whose requests need special treatment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum CallKind {
    /// Never cancelled by a notification.
    Initialize,
    /// May be ended by the server.
    Listen,
    Other,
}

/// The progress of a call. The common stages are the smallest.
#[derive(Debug)]
enum Stage {
    /// The end has not arrived; it wakes the caller who has polled for it.
    Waiting(Option<Waker>),
    Answered(RawJson),
    Refused(Box<ErrorObject>),
    Failed(Error),
}

/// What a caller finds in its slot.
pub(super) enum Found {
    Notification(ServerMessage),
    End,
    /// Nothing; returns the waker that was replaced, if any.
    Nothing(Option<Waker>),
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
        Self { id, kind, span, notifications: None, stage: Stage::Waiting(None) }
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

    /// Queues a notification of this many bytes, and returns the caller to wake. Old progress is dropped to make room,
    /// because the newest tells everything.
    pub(super) fn push(
        &mut self,
        message: ServerMessage,
        bytes: usize,
        limit: Limit,
    ) -> Result<Option<Waker>, Overflow> {
        let queue = self.notifications.get_or_insert_with(|| Box::new(Queue::new(limit)));
        while !queue.has_room(bytes) {
            queue.evict(is_progress).ok_or(Overflow)?;
        }
        queue.push(message, bytes);
        Ok(self.caller())
    }

    /// Takes the waker of the caller, if it waits.
    pub(super) fn caller(&mut self) -> Option<Waker> {
        match &mut self.stage {
            Stage::Waiting(caller) => caller.take(),
            _ => None,
        }
    }

    /// Stores the outcome of the response, and returns the caller to wake.
    #[must_use = "the caller has to be woken"]
    pub(super) fn answer(&mut self, outcome: Result<RawJson, ErrorObject>) -> Option<Waker> {
        self.end(match outcome {
            Ok(result) => Stage::Answered(result),
            Err(error) => Stage::Refused(Box::new(error)),
        })
    }

    /// Stores why there will be no response, and returns the caller to wake.
    #[must_use = "the caller has to be woken"]
    pub(super) fn fail(&mut self, error: Error) -> Option<Waker> {
        self.end(Stage::Failed(error))
    }

    fn end(&mut self, stage: Stage) -> Option<Waker> {
        match mem::replace(&mut self.stage, stage) {
            Stage::Waiting(caller) => caller,
            _ => None,
        }
    }

    /// Returns what has arrived for the caller; registers the caller if there is nothing.
    pub(super) fn look(&mut self, caller: &Waker) -> Found {
        if let Some(notification) = self.notifications.as_mut().and_then(|queue| queue.pop()) {
            return Found::Notification(notification);
        }
        match &mut self.stage {
            Stage::Waiting(Some(before)) if before.will_wake(caller) => Found::Nothing(None),
            Stage::Waiting(before) => Found::Nothing(before.replace(caller.clone())),
            _ => Found::End,
        }
    }

    /// Returns the end, if it has arrived.
    pub(super) fn into_end(self) -> Option<Result<ServerMessage, Error>> {
        let outcome = match self.stage {
            Stage::Waiting(_) => return None,
            Stage::Answered(result) => Ok(result),
            Stage::Refused(error) => Err(*error),
            Stage::Failed(error) => return Some(Err(error)),
        };
        let mut response = Response::success(self.id, RawJson::EMPTY_OBJECT);
        response.outcome = outcome;
        Some(Ok(response.into()))
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
    /// The key of the call, which is valid until its end was read.
    key: Key,
    /// Keeps the connection open until then.
    handle: Option<Arc<Handle>>,
}

impl CallReplies {
    pub(super) fn new(key: Key, handle: Arc<Handle>) -> Self {
        Self { key, handle: Some(handle) }
    }

    /// Returns all calls that wait for replies over the same connection, until the end of this one was read.
    #[inline]
    pub(crate) fn waiters(&self) -> Option<Waiters<'_>> {
        self.handle.as_deref().map(Waiters::new)
    }
}

impl Stream for CallReplies {
    type Item = Result<ServerMessage, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(handle) = &self.handle else { return Poll::Ready(None) };
        let polled = handle.lock().poll(self.key, cx.waker());
        match polled {
            Polled::Notification(message) => Poll::Ready(Some(Ok(message))),
            Polled::End(end) => {
                self.handle = None;
                Poll::Ready(end)
            }
            Polled::Nothing(before) => {
                // Dropped now that no lock is held.
                drop(before);
                Poll::Pending
            }
        }
    }
}

impl Drop for CallReplies {
    fn drop(&mut self) {
        if let Some(handle) = &self.handle {
            handle.abandon(self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wakes::Wakes;
    use mcp_types::rpc::Notification;

    const LIMIT: Limit = Limit { items: 2, bytes: 100 };

    fn slot() -> Slot {
        Slot::new(1.into(), CallKind::Other, 0..1)
    }

    fn note(method: &'static str) -> ServerMessage {
        Notification::new(method).into()
    }

    // spec: PROG-04
    #[test]
    fn old_progress_makes_room() {
        let mut slot = slot();
        slot.push(note("a"), 1, LIMIT).unwrap();
        slot.push(note("notifications/progress"), 1, LIMIT).unwrap();
        slot.push(note("b"), 1, LIMIT).unwrap();
        assert_eq!(slot.push(note("c"), 1, LIMIT).unwrap_err(), Overflow);
        assert!(slot.answer(Ok(RawJson::EMPTY_OBJECT)).is_none(), "nobody has looked");
        let mut methods = Vec::new();
        while let Found::Notification(Message::Notification(it)) = slot.look(Waker::noop()) {
            methods.push(it.method);
        }
        assert_eq!(methods, ["a", "b"]);
    }

    #[test]
    fn a_call_that_waits_takes_little() {
        assert!(size_of::<Slot>() <= 88, "{}", size_of::<Slot>());
    }

    #[test]
    fn what_was_said_before_the_end_comes_before_it() {
        let mut slot = slot();
        assert!(matches!(slot.look(Waker::noop()), Found::Nothing(None)));
        assert!(slot.push(note("a"), 1, LIMIT).unwrap().is_some());
        assert!(slot.fail(overflow(&1.into())).is_none(), "it is woken once");
        assert!(matches!(slot.look(Waker::noop()), Found::Notification(_)));
        assert!(matches!(slot.look(Waker::noop()), Found::End));
        assert!(matches!(slot.into_end(), Some(Err(_))));
    }

    #[test]
    fn a_call_that_is_polled_by_another_task_wakes_that_one_alone() {
        let mut slot = slot();
        let ((first, first_waker), (second, second_waker)) = (Wakes::counted(), Wakes::counted());
        for _ in 0..2 {
            assert!(matches!(slot.look(&first_waker), Found::Nothing(None)));
        }
        assert!(matches!(slot.look(&second_waker), Found::Nothing(Some(_))));
        slot.answer(Ok(RawJson::EMPTY_OBJECT)).unwrap().wake();
        assert_eq!((first.count(), second.count()), (0, 1));
    }
}
