//! The queue of unsolicited messages, between the driver and the listener.

use crate::{
    Arrival, Diagnostic, ServerMessage,
    excerpt::excerpt,
    queue::{Limit, Queue},
};
use futures_core::Stream;
use mcp_types::rpc::DecodeError;
use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

/// How much of bytes that are not a message is shown.
pub(crate) const EXCERPT: usize = 256;

/// The driver's side: it never waits, and drops the oldest messages when there are too many. Dropping it closes the
/// inbox.
#[derive(Debug)]
pub(crate) struct Inbox(Arc<Mutex<State>>);

/// The listener's side. Dropping it closes the inbox.
#[derive(Debug)]
pub(crate) struct Arrivals(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    queue: Queue<Arrival>,
    dropped: u64,
    /// Whether nothing more is accepted.
    closed: bool,
    waker: Option<Waker>,
}

impl Inbox {
    pub(crate) fn new(limit: Limit) -> Self {
        let queue = Queue::new(limit);
        Self(Arc::new(Mutex::new(State { queue, dropped: 0, closed: false, waker: None })))
    }

    /// Returns the only listener's side.
    pub(crate) fn arrivals(&self) -> Arrivals {
        Arrivals(Arc::clone(&self.0))
    }

    /// Adds a message that took this many bytes.
    pub(crate) fn message(&self, message: ServerMessage, bytes: usize) {
        self.push(Arrival::Message(message), bytes);
    }

    /// Reports bytes that are not a message.
    pub(crate) fn not_a_message(&self, bytes: &[u8], error: DecodeError) {
        let excerpt = excerpt(bytes, EXCERPT);
        let size = excerpt.len();
        self.push(Arrival::Diagnostic(Diagnostic::NotAMessage { excerpt, error }), size);
    }

    /// Reports a message over the limit.
    pub(crate) fn too_large(&self, limit: usize) {
        self.push(Arrival::Diagnostic(Diagnostic::TooLarge { limit }), 0);
    }

    /// Reports a batch.
    pub(crate) fn batch(&self) {
        self.push(Arrival::Diagnostic(Diagnostic::Batch), 0);
    }

    /// Lets the listener end once it has read everything; nothing more is accepted.
    pub(crate) fn close(&self) {
        let mut state = lock(&self.0);
        state.closed = true;
        wake(state);
    }

    fn push(&self, arrival: Arrival, bytes: usize) {
        let mut state = lock(&self.0);
        if state.closed {
            return;
        }
        while !state.queue.has_room(bytes) && state.queue.pop().is_some() {
            state.dropped += 1;
        }
        state.queue.push(arrival, bytes);
        wake(state);
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        self.close();
    }
}

impl Stream for Arrivals {
    type Item = Arrival;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Arrival>> {
        let mut state = lock(&self.0);
        if state.dropped > 0 {
            // Dropped messages came before those that are left.
            let count = std::mem::take(&mut state.dropped);
            return Poll::Ready(Some(Arrival::Diagnostic(Diagnostic::Dropped { count })));
        }
        match state.queue.pop() {
            Some(arrival) => Poll::Ready(Some(arrival)),
            None if state.closed => Poll::Ready(None),
            None => {
                state.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Drop for Arrivals {
    fn drop(&mut self) {
        let mut state = lock(&self.0);
        state.closed = true;
        while state.queue.pop().is_some() {}
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Wakes the listener after the lock is released, so that it does not contend for it.
fn wake(mut state: MutexGuard<'_, State>) {
    let waker = state.waker.take();
    drop(state);
    if let Some(waker) = waker {
        waker.wake();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::{FutureExt, StreamExt};
    use mcp_types::rpc::{Message, Notification};

    fn names(inbox: &Inbox) -> Vec<String> {
        inbox.close();
        let arrivals = inbox.arrivals().collect::<Vec<_>>().now_or_never().unwrap();
        let name = |arrival| match arrival {
            Arrival::Message(Message::Notification(it)) => it.method.into_owned(),
            Arrival::Diagnostic(Diagnostic::Dropped { count }) => format!("{count} dropped"),
            other => format!("{other:?}"),
        };
        arrivals.into_iter().map(name).collect()
    }

    fn filled(items: usize, bytes: usize) -> Inbox {
        let inbox = Inbox::new(Limit { items, bytes });
        for name in ["a", "b", "c"] {
            inbox.message(Notification::new(name).into(), 10);
        }
        inbox
    }

    #[test]
    fn the_oldest_make_room_and_are_counted() {
        assert_eq!(names(&filled(3, 30)), ["a", "b", "c"]);
        assert_eq!(names(&filled(2, 30)), ["1 dropped", "b", "c"]);
        assert_eq!(names(&filled(3, 19)), ["2 dropped", "c"]);
        // An item that is too large by itself is kept: it has a limit of its own where it is received.
        assert_eq!(names(&filled(3, 9)), ["2 dropped", "c"]);
    }

    #[test]
    fn a_listener_waits_and_reads_to_the_end() {
        let inbox = Inbox::new(Limit { items: 2, bytes: 100 });
        let mut arrivals = inbox.arrivals();
        assert!(arrivals.next().now_or_never().is_none());
        inbox.batch();
        drop(inbox);
        let next = arrivals.next().now_or_never().flatten();
        assert!(matches!(next, Some(Arrival::Diagnostic(Diagnostic::Batch))));
        assert!(arrivals.next().now_or_never().unwrap().is_none());
    }

    #[test]
    fn nothing_is_kept_when_nobody_listens() {
        let inbox = filled(3, 30);
        drop(inbox.arrivals());
        inbox.message(Notification::new("d").into(), 1);
        assert!(lock(&inbox.0).queue.pop().is_none());
    }
}
