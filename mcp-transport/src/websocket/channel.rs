//! A WebSocket as a channel of messages, with pings.

use super::heard::Heard;
use crate::{Delivery, Error, excerpt::excerpt};
use bytes::Bytes;
use futures_core::Stream;
use futures_util::{Sink, SinkExt, StreamExt};
use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{Instant, Sleep, sleep},
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        self, Message, Utf8Bytes,
        error::CapacityError,
        protocol::{CloseFrame, frame::coding::CloseCode},
    },
};

/// How much of the reason for a close is shown.
const REASON: usize = 128;

/// Messages in text frames, with pings when nothing has arrived for a while.
pub(super) struct Channel<S> {
    socket: WebSocketStream<Heard<S>>,
    interval: Duration,
    silence: Pin<Box<Sleep>>,
    health: Health,
}

/// The state of the peer.
#[derive(Clone, Copy, PartialEq)]
enum Health {
    /// Something arrived within the last interval.
    Good,
    /// It was silent for an interval, and the ping has not been sent yet.
    Asking,
    /// A ping was sent.
    Asked,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Channel<S> {
    pub(super) fn new(socket: WebSocketStream<Heard<S>>, interval: Duration) -> Self {
        let silence = Box::pin(sleep(interval));
        Self { socket, interval, silence, health: Health::Good }
    }

    /// Notes that the peer is alive.
    fn heard(&mut self) {
        self.health = Health::Good;
        self.wait();
    }

    /// Waits for another interval; one whose end cannot be represented never ends.
    fn wait(&mut self) {
        if let Some(end) = Instant::now().checked_add(self.interval) {
            self.silence.as_mut().reset(end);
        }
    }

    /// Pings a silent peer, and gives up after another interval.
    fn poll_health(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        if self.interval.is_zero() {
            return Ok(());
        }
        while self.silence.as_mut().poll(cx).is_ready() {
            if self.health != Health::Good {
                let text = "server does not answer a ping: the connection is dead";
                return Err(Error::closed(text, Delivery::Unknown));
            }
            self.health = Health::Asking;
            self.wait();
        }
        if self.health == Health::Asking && self.socket.poll_ready_unpin(cx).is_ready() {
            self.socket.start_send_unpin(Message::Ping(Bytes::new())).map_err(failed)?;
            self.health = Health::Asked;
        }
        if self.health == Health::Asked {
            let _ = self.socket.poll_flush_unpin(cx);
        }
        Ok(())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream for Channel<S> {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let channel = &mut *self;
        loop {
            // Messages are polled before the clock: this may not have been polled for a long time.
            let polled = channel.socket.poll_next_unpin(cx);
            if channel.socket.get_mut().take() || polled.is_ready() {
                channel.heard();
            }
            let Poll::Ready(item) = polled else {
                return match channel.poll_health(cx) {
                    Ok(()) => Poll::Pending,
                    Err(error) => Poll::Ready(Some(Err(error))),
                };
            };
            match item {
                Some(Ok(Message::Text(text))) => return Poll::Ready(Some(Ok(text.into()))),
                // Some servers do not distinguish the kinds of frames.
                Some(Ok(Message::Binary(bytes))) => return Poll::Ready(Some(Ok(bytes))),
                Some(Ok(Message::Close(frame))) => {
                    // The close is being answered; nothing more will arrive, even if the server stays.
                    let _ = channel.socket.poll_flush_unpin(cx);
                    return Poll::Ready(reason(frame).map(Err));
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                Some(Err(error)) => return Poll::Ready(Some(Err(failed(error)))),
                None => return Poll::Ready(None),
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Sink<Bytes> for Channel<S> {
    type Error = Error;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.socket.poll_ready_unpin(cx).map_err(failed)
    }

    fn start_send(mut self: Pin<&mut Self>, message: Bytes) -> Result<(), Error> {
        let text = Utf8Bytes::try_from(message).map_err(|error| {
            Error::other("message is not UTF-8", Delivery::NotSent).with_source(error)
        })?;
        self.socket.start_send_unpin(Message::Text(text)).map_err(failed)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.socket.poll_flush_unpin(cx).map_err(failed)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.socket.poll_close_unpin(cx).map_err(failed)
    }
}

/// Returns what went wrong, if a close was not an ordinary one.
fn reason(frame: Option<CloseFrame>) -> Option<Error> {
    let is_ordinary = |it: &CloseFrame| matches!(it.code, CloseCode::Normal | CloseCode::Away);
    let CloseFrame { code, reason } = frame.filter(|it| !is_ordinary(it))?;
    let reason = excerpt(reason.as_bytes(), REASON);
    let text = format!("server closed the connection with code {code}: {reason:?}");
    Some(Error::closed(text, Delivery::Unknown))
}

fn failed(error: tungstenite::Error) -> Error {
    let text = match &error {
        tungstenite::Error::Capacity(CapacityError::MessageTooLong { max_size, .. }) => {
            format!("server sent a message of more than {max_size} bytes, which cannot be skipped")
        }
        _ => "lost the connection to the server".to_owned(),
    };
    Error::closed(text, Delivery::Unknown).with_source(error)
}
