//! A bounded queue for what a server says unasked.

use super::{EXCERPT, Limits};
use crate::excerpt::excerpt;
use crate::{Arrival, Diagnostic, ServerMessage};
use futures_core::Stream;
use mcp_types::rpc::DecodeError;
use std::{
    collections::VecDeque,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

/// Takes arrivals and never waits: when it is full, the oldest go.
#[derive(Debug)]
pub(super) struct Inbox {
    max_count: usize,
    max_bytes: usize,
    queue: Mutex<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    arrivals: VecDeque<(Arrival, usize)>,
    bytes: usize,
    dropped: u64,
    closed: bool,
    reader: Option<Waker>,
}

impl Inbox {
    pub(super) fn new(limits: &Limits) -> Arc<Self> {
        Arc::new(Self {
            max_count: limits.unsolicited,
            max_bytes: limits.unsolicited_bytes,
            queue: Mutex::default(),
        })
    }

    /// Puts in a message that took `size` bytes.
    pub(super) fn message(&self, message: ServerMessage, size: usize) {
        self.push(Arrival::Message(message), size);
    }

    /// Puts in that `bytes` are not a message.
    pub(super) fn not_a_message(&self, bytes: &[u8], error: DecodeError) {
        let excerpt = excerpt(bytes, EXCERPT);
        let size = excerpt.len();
        self.push(Arrival::Diagnostic(Diagnostic::NotAMessage { excerpt, error }), size);
    }

    /// Puts in that an event was longer than the limit.
    pub(super) fn too_large(&self, limit: usize) {
        self.push(Arrival::Diagnostic(Diagnostic::TooLarge { limit }), 0);
    }

    /// Lets the reader end once it has read everything, and takes nothing more.
    pub(super) fn close(&self) {
        let mut queue = self.lock();
        queue.closed = true;
        queue.wake();
    }

    fn push(&self, arrival: Arrival, size: usize) {
        let mut queue = self.lock();
        if queue.closed {
            return;
        }
        queue.bytes += size;
        queue.arrivals.push_back((arrival, size));
        while queue.arrivals.len() > self.max_count || queue.bytes > self.max_bytes {
            let Some((_, size)) = queue.arrivals.pop_front() else { break };
            queue.bytes -= size;
            queue.dropped += 1;
        }
        queue.wake();
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn wake(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }
}

/// Reads an inbox. Dropping it closes the inbox.
#[derive(Debug)]
pub(super) struct Reader(pub(super) Arc<Inbox>);

impl Stream for Reader {
    type Item = Arrival;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Arrival>> {
        let mut queue = self.0.lock();
        if queue.dropped > 0 {
            // What was dropped came before what is left.
            let count = std::mem::take(&mut queue.dropped);
            return Poll::Ready(Some(Arrival::Diagnostic(Diagnostic::Dropped { count })));
        }
        if let Some((arrival, size)) = queue.arrivals.pop_front() {
            queue.bytes -= size;
            return Poll::Ready(Some(arrival));
        }
        if queue.closed {
            return Poll::Ready(None);
        }
        queue.reader = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let mut queue = self.0.lock();
        queue.closed = true;
        queue.arrivals = VecDeque::new();
        queue.bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::{FutureExt, StreamExt};
    use mcp_types::rpc::Notification;

    fn names(inbox: &Arc<Inbox>) -> Vec<String> {
        inbox.close();
        let arrivals = Reader(Arc::clone(inbox)).collect::<Vec<_>>().now_or_never().unwrap();
        let name = |arrival| match arrival {
            Arrival::Message(ServerMessage::Notification(notification)) => {
                notification.method.into_owned()
            }
            Arrival::Diagnostic(Diagnostic::Dropped { count }) => format!("{count} dropped"),
            other => format!("{other:?}"),
        };
        arrivals.into_iter().map(name).collect()
    }

    fn inbox(count: usize, bytes: usize) -> Arc<Inbox> {
        let limits = Limits { unsolicited: count, unsolicited_bytes: bytes, ..Limits::default() };
        let inbox = Inbox::new(&limits);
        for name in ["a", "b", "c"] {
            inbox.message(Notification::new(name).into(), 10);
        }
        inbox
    }

    #[test]
    fn the_oldest_go_and_are_counted() {
        assert_eq!(names(&inbox(3, 30)), ["a", "b", "c"]);
        assert_eq!(names(&inbox(2, 30)), ["1 dropped", "b", "c"]);
        assert_eq!(names(&inbox(3, 19)), ["2 dropped", "c"]);
        assert_eq!(names(&inbox(3, 9)), ["3 dropped"]);
    }

    #[test]
    fn nothing_is_kept_for_a_reader_that_is_gone() {
        let inbox = inbox(3, 30);
        drop(Reader(Arc::clone(&inbox)));
        inbox.message(Notification::new("d").into(), 10);
        assert!(inbox.lock().arrivals.is_empty());
    }
}
