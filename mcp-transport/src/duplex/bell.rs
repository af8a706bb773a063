//! Read readiness of a pipe or socket, and reading where it is noticed.

use super::{
    intake::Intake,
    port::Port,
    shared::Shared,
    wire::{Framing, Wire},
};
use std::{
    sync::{Arc, Mutex},
    task::{Context, Wake, Waker},
};

/// The most bytes to read here; more are left to the driver. Routing this much takes some 50 µs. Callers woken from
/// here become visible to the threads of a runtime together, whereas the driver would wake a thread for some of them
/// and then another.
const LITTLE: usize = 16 * 1024;

/// Reads small amounts as soon as they arrive, where the readiness is noticed, and wakes the driver for the rest.
///
/// This way the answer to a lone call needs no turn of the driver: the runtime's event loop wakes the caller. It waits
/// for nothing, neither a lock nor the wire: the holder of the wire reads when it is done. It is only for streams that
/// wake without holding a lock which reading takes ([`Wire::wakes_unlocked`]).
pub(super) struct Bell<W: Framing> {
    shared: Arc<Shared<Mutex<Port<W>>>>,
    intake: Arc<Mutex<Intake<W::Inbound>>>,
}

impl<W: Wire + Send + 'static> Bell<W> {
    /// Returns the bell as the waker of the wire.
    pub(super) fn waker(
        shared: &Arc<Shared<Mutex<Port<W>>>>,
        intake: &Arc<Mutex<Intake<W::Inbound>>>,
    ) -> Waker {
        Waker::from(Arc::new(Self { shared: Arc::clone(shared), intake: Arc::clone(intake) }))
    }

    /// Reads; returns false if there is work for the driver.
    fn read(&self) -> bool {
        let Ok(mut intake) = self.intake.try_lock() else { return false };
        let Some(port) = self.shared.port_or_tell() else { return true };
        let is_all = intake.take_little(port, &mut Context::from_waker(Waker::noop()), LITTLE);
        let mut due = intake.due().take();
        drop(intake);
        due.wake();
        if due.has_room()
            && let Ok(mut intake) = self.intake.try_lock()
        {
            intake.due().take_room(due);
        }
        is_all
    }
}

impl<W: Wire + Send + 'static> Wake for Bell<W> {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.read() {
            self.shared.wake_driver();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Limits, Multiplex, multiplex_unlocked},
        LITTLE,
    };
    use crate::{ClientMessage, Replies, wakes::Wakes};
    use futures_util::{FutureExt, StreamExt};
    use mcp_types::{
        RequestId,
        rpc::{Message, Request},
    };
    use std::{
        future::Future,
        io::{self, Write},
        ops::Range,
        pin::{Pin, pin},
        sync::{Arc, Mutex},
        task::{Context, Poll, Waker},
    };
    use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
    use tower_service::Service;

    /// Answers each request while it is still being written.
    #[derive(Default)]
    struct Hasty {
        answers: Vec<u8>,
        reader: Option<Waker>,
    }

    impl AsyncRead for Hasty {
        fn poll_read(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            if self.answers.is_empty() {
                self.reader = Some(cx.waker().clone());
                return Poll::Pending;
            }
            buffer.put_slice(&self.answers);
            self.answers.clear();
            Poll::Ready(Ok(()))
        }
    }

    impl AsyncWrite for Hasty {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _cx: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                let Ok(Message::Request(request)) = Message::decode(&line.to_vec().into()) else {
                    panic!("not a request");
                };
                let RequestId::Integer(id) = request.id else { panic!("not ours") };
                writeln!(self.answers, r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#)?;
            }
            if let Some(reader) = self.reader.take() {
                reader.wake();
            }
            Poll::Ready(Ok(bytes.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    /// A stream that is fed by the test; only [`Feed::feed`] wakes its reader.
    #[derive(Clone, Default)]
    struct Feed(Arc<Mutex<Hasty>>);

    impl Feed {
        /// Answers these calls, with this many bytes each.
        fn feed(&self, ids: Range<i64>, bytes: usize) {
            let mut fed = self.0.lock().unwrap();
            let text = "x".repeat(bytes);
            for id in ids {
                writeln!(fed.answers, r#"{{"jsonrpc":"2.0","id":{id},"result":{{"x":"{text}"}}}}"#)
                    .unwrap();
            }
            let reader = fed.reader.take();
            drop(fed);
            if let Some(reader) = reader {
                reader.wake();
            }
        }
    }

    impl AsyncRead for Feed {
        fn poll_read(
            self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            let mut fed = self.0.lock().unwrap();
            if fed.answers.is_empty() {
                fed.reader = Some(cx.waker().clone());
                return Poll::Pending;
            }
            let count = buffer.remaining().min(fed.answers.len());
            buffer.put_slice(&fed.answers[..count]);
            fed.answers.drain(..count);
            Poll::Ready(Ok(()))
        }
    }

    impl AsyncWrite for Feed {
        fn poll_write(
            self: Pin<&mut Self>,
            _cx: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            Poll::Ready(Ok(bytes.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    fn call(client: &mut Multiplex, id: i64) -> Replies {
        let sending = client.call(ClientMessage::new(Request::new(id, "a")));
        sending.now_or_never().unwrap().unwrap()
    }

    fn is_answered(mut replies: Replies) -> bool {
        matches!(replies.next().now_or_never(), Some(Some(Ok(Message::Response(_)))))
    }

    #[tokio::test]
    async fn what_comes_while_a_caller_writes_is_read_by_that_caller() {
        let (mut client, _unsolicited, driver) =
            multiplex_unlocked(Hasty::default(), Limits::default());
        let (mut driver, (wakes, waker)) = (pin!(driver), Wakes::counted());
        assert!(driver.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        for id in 0..10 {
            assert!(is_answered(call(&mut client, id)));
        }
        assert_eq!(wakes.count(), 0);
    }

    #[test]
    fn what_comes_before_the_driver_takes_what_was_left_to_it_is_read() {
        let feed = Feed::default();
        let (mut client, _unsolicited, driver) =
            multiplex_unlocked(feed.clone(), Limits::default());
        let (mut driver, (wakes, waker)) = (pin!(driver), Wakes::counted());
        let mut seen = usize::MAX;
        let mut run = || {
            while std::mem::replace(&mut seen, wakes.count()) != wakes.count() {
                assert!(driver.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
            }
        };
        run();
        let replies: Vec<_> = (0..302).map(|id| call(&mut client, id)).collect();
        run();
        // Enough is read for the read buffer to grow.
        feed.feed(0..300, 1000);
        run();
        // This is left to the driver, and more arrives before it runs.
        feed.feed(300..301, LITTLE + 1);
        feed.feed(301..302, 1);
        run();
        assert!(replies.into_iter().all(is_answered));
    }

    #[test]
    fn what_comes_while_the_driver_writes_is_read_in_the_same_turn() {
        // Outside of a runtime callers do not write.
        let (mut client, _unsolicited, driver) =
            multiplex_unlocked(Hasty::default(), Limits::default());
        let (mut driver, (wakes, waker)) = (pin!(driver), Wakes::counted());
        for id in 0..10 {
            assert!(driver.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
            let replies = call(&mut client, id);
            assert_eq!(wakes.count(), id as usize + 1);
            assert!(driver.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
            assert!(is_answered(replies));
        }
    }
}
