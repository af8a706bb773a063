//! What the peer says unasked, between the driver and whoever listens.

use super::queue::{Limit, Queue};
use crate::{Arrival, Diagnostic};
use futures_core::Stream;
use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

/// The driver's side: drops the oldest arrival when there are too many.
#[derive(Debug)]
pub(super) struct Inbox(Arc<Mutex<State>>);

/// The listener's side.
#[derive(Debug)]
pub(super) struct Arrivals(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    queue: Queue<Arrival>,
    dropped: u64,
    open: bool,
    listening: bool,
    waker: Option<Waker>,
}

pub(super) fn inbox(limit: Limit) -> (Inbox, Arrivals) {
    let queue = Queue::new(limit);
    let state = State { queue, dropped: 0, open: true, listening: true, waker: None };
    let state = Arc::new(Mutex::new(state));
    (Inbox(Arc::clone(&state)), Arrivals(state))
}

impl Inbox {
    /// Hands over an arrival that takes as many bytes.
    pub(super) fn push(&self, arrival: Arrival, bytes: usize) {
        let mut state = lock(&self.0);
        if !state.listening {
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
        let mut state = lock(&self.0);
        state.open = false;
        wake(state);
    }
}

impl Stream for Arrivals {
    type Item = Arrival;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Arrival>> {
        let mut state = lock(&self.0);
        if state.dropped > 0 {
            let count = std::mem::take(&mut state.dropped);
            return Poll::Ready(Some(Arrival::Diagnostic(Diagnostic::Dropped { count })));
        }
        match state.queue.pop() {
            Some(arrival) => Poll::Ready(Some(arrival)),
            None if !state.open => Poll::Ready(None),
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
        state.listening = false;
        while state.queue.pop().is_some() {}
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

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
    use mcp_types::rpc::{Message, Notification};

    fn next(arrivals: &mut Arrivals) -> Poll<Option<String>> {
        let mut cx = Context::from_waker(Waker::noop());
        Pin::new(arrivals).poll_next(&mut cx).map(|arrival| {
            arrival.map(|arrival| match arrival {
                Arrival::Message(Message::Notification(it)) => it.method.into_owned(),
                other => format!("{other:?}"),
            })
        })
    }

    #[test]
    fn the_oldest_make_room_and_are_counted() {
        let (inbox, mut arrivals) = inbox(Limit { items: 2, bytes: 100 });
        for method in ["a", "b", "c", "d"] {
            inbox.push(Arrival::Message(Notification::new(method).into()), 1);
        }
        let dropped = next(&mut arrivals);
        assert!(matches!(dropped, Poll::Ready(Some(text)) if text.contains("count: 2")));
        assert_eq!(next(&mut arrivals), Poll::Ready(Some("c".to_owned())));
        assert_eq!(next(&mut arrivals), Poll::Ready(Some("d".to_owned())));
        assert_eq!(next(&mut arrivals), Poll::Pending);
        drop(inbox);
        assert_eq!(next(&mut arrivals), Poll::Ready(None));
    }

    #[test]
    fn nothing_is_kept_when_nobody_listens() {
        let (inbox, arrivals) = inbox(Limit { items: 2, bytes: 100 });
        drop(arrivals);
        inbox.push(Arrival::Message(Notification::new("a").into()), 1);
        assert!(lock(&inbox.0).queue.pop().is_none());
    }
}
