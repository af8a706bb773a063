//! The stream of a connection, with its own waker.

use super::relay::Relay;
use crate::http::dial::Stream;
use hyper::rt::{Read, ReadBufCursor, Write};
use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

/// Wakes a relay instead of the task that polls it.
///
/// hyper's internal wake-ups within a connection need no waker, because every call that waits also polls the
/// connection; a real one would be cloned and dropped several times per call.
pub(super) struct Socket {
    stream: Stream,
    relay: Arc<Relay>,
    waker: Waker,
}

impl Socket {
    pub(super) fn new(stream: Stream, relay: Arc<Relay>) -> Self {
        Self { stream, waker: Waker::from(Arc::clone(&relay)), relay }
    }

    fn split(self: Pin<&mut Self>) -> (Pin<&mut Stream>, Context<'_>) {
        let Self { stream, waker, .. } = self.get_mut();
        (Pin::new(stream), Context::from_waker(waker))
    }
}

impl Read for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let Self { stream, relay, waker } = self.get_mut();
        let read = Pin::new(stream).poll_read(&mut Context::from_waker(waker), buffer);
        if read.is_ready() {
            relay.read();
        }
        read
    }
}

impl Write for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let (stream, mut cx) = self.split();
        stream.poll_write(&mut cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let (stream, mut cx) = self.split();
        stream.poll_flush(&mut cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let (stream, mut cx) = self.split();
        stream.poll_shutdown(&mut cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let (stream, mut cx) = self.split();
        stream.poll_write_vectored(&mut cx, slices)
    }
}
