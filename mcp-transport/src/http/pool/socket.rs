//! The stream of a connection, with a waker of its own.

use super::relay::Relay;
use crate::http::dial::Stream;
use hyper::rt::{Read, ReadBufCursor, Write};
use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

/// Wakes by a relay, and not whoever polls it.
///
/// What hyper says to itself within a connection needs no waker, because whoever asks for something polls the connection: it
/// would be cloned and dropped several times a call.
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
