//! The driver futures.

use super::{
    engine::Engine,
    wire::{Bytestream, Messages, Wire},
};
use crate::{BoxError, Delivery, Error};
use bytes::Bytes;
use futures_core::Stream;
use futures_util::Sink;
use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::io::{AsyncRead, AsyncWrite};

/// The driver of a byte stream: writes what callers do not write themselves, and routes what arrives.
///
/// It ends when no handle is left and everything is written, after it has closed its half of the stream. It also ends
/// when the stream is closed by the peer or breaks: every pending call then fails with the cause. Dropping it fails
/// them too.
#[derive(Debug)]
#[must_use = "a connection makes no progress unless it is polled"]
pub struct Connection<T>(pub(crate) Engine<Bytestream<T>>);

impl<T: AsyncRead + AsyncWrite> Future for Connection<T> {
    type Output = Result<(), Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        poll_to_end(&mut self.0, cx)
    }
}

/// The driver of a channel of messages, which works like that of a byte stream.
#[derive(Debug)]
#[must_use = "a connection makes no progress unless it is polled"]
pub struct MessageConnection<S>(pub(crate) Engine<Messages<S>>);

impl<S, E> Future for MessageConnection<S>
where
    S: Sink<Bytes, Error = E> + Stream<Item = Result<Bytes, E>>,
    E: Into<BoxError>,
{
    type Output = Result<(), Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        poll_to_end(&mut self.0, cx)
    }
}

/// Runs a connection to its end, and then fails the pending calls.
fn poll_to_end<W: Wire>(engine: &mut Engine<W>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
    let end = ready!(engine.poll_run(cx));
    let shut_down = Error::closed("connection was shut down", Delivery::NotSent);
    engine.fail(end.as_ref().err().unwrap_or(&shut_down));
    Poll::Ready(end)
}
