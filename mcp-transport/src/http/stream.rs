//! The replies to one request, as its event stream brings them.

use super::{
    EXCERPT, body,
    reply::Awaited,
    sse::{Decoder, Event, TooLarge},
};
use crate::excerpt::excerpt;
use crate::{BoxError, Delivery, Error, Replies, ServerMessage, error::Kind};
use bytes::Bytes;
use futures_core::Stream;
use futures_util::FutureExt;
use http_body::Body;
use mcp_types::rpc::{DecodeError, DecodeErrorKind, Message};
use pin_project_lite::pin_project;
use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::sync::futures::OwnedNotified;

pin_project! {
    /// Ends after the response, even if the server keeps its stream open.
    pub(super) struct ReplyStream<B> {
        body: Option<Pin<Box<B>>>,
        #[pin]
        cut: OwnedNotified,
        decoder: Decoder,
        awaited: Option<Awaited>,
    }
}

/// What an event means for a call.
enum Heard {
    Nothing,
    Message(ServerMessage),
    Last(Result<ServerMessage, Error>),
}

impl<B> ReplyStream<B>
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    /// Reads the events of `body` as replies to a call.
    pub(super) fn open(awaited: Awaited, body: B) -> Result<Replies, Error> {
        let state = awaited.call.state();
        let Some(cut) = state.until_cut() else {
            return Err(closed(&state.target.url));
        };
        let decoder = Decoder::new(state.target.limits.event);
        let stream = Self { body: Some(Box::pin(body)), cut, decoder, awaited: Some(awaited) };
        Ok(Replies::new(stream))
    }
}

impl<B> Stream for ReplyStream<B>
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    type Item = Result<ServerMessage, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        let last = loop {
            let (Some(body), Some(awaited)) = (&mut *this.body, &mut *this.awaited) else {
                return Poll::Ready(None);
            };
            match this.decoder.next_event() {
                Ok(Some(event)) => match awaited.hear(event) {
                    Heard::Nothing => continue,
                    Heard::Message(message) => return Poll::Ready(Some(Ok(message))),
                    Heard::Last(last) => break last,
                },
                Err(TooLarge) => break Err(awaited.too_large()),
                Ok(None) => {}
            }
            let url = &awaited.call.state().target.url;
            if this.cut.as_mut().poll(cx).is_ready() {
                break Err(closed(url));
            }
            match ready!(body.as_mut().poll_frame(cx)) {
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        this.decoder.push(data);
                    }
                }
                Some(Err(source)) => break Err(body::lost(url, source)),
                None => {
                    let message = format!("event stream of {url} ended before the response");
                    break Err(Error::closed(message, Delivery::Unknown));
                }
            }
        };
        if let (Some(mut awaited), Some(body)) = (this.awaited.take(), this.body.take()) {
            awaited.call.finish();
            if last.is_ok() {
                awaited.call.state().drain(body::drain(body).boxed());
            }
        }
        Poll::Ready(Some(last))
    }
}

impl Awaited {
    fn hear(&mut self, event: Event) -> Heard {
        let Some(data) = message_data(event) else {
            return Heard::Nothing;
        };
        match Message::decode(&data) {
            Ok(Message::Response(response)) if self.is_for(&response) => {
                Heard::Last(self.complete(response))
            }
            Ok(Message::Response(response)) => {
                self.call.state().inbox.message(response.into(), data.len());
                Heard::Nothing
            }
            Ok(message) => Heard::Message(message),
            Err(source) if self.is_my_response(&source) => {
                let what =
                    format!("has a response that cannot be read: {:?}", excerpt(&data, EXCERPT));
                Heard::Last(Err(self.malformed(&what).with_source(source)))
            }
            Err(error) => {
                self.call.state().inbox.not_a_message(&data, error);
                Heard::Nothing
            }
        }
    }

    fn is_my_response(&self, error: &DecodeError) -> bool {
        // Only requests and notifications have parameters, and a server's requests have ids of their own.
        error.id() == Some(&self.id) && error.kind() != DecodeErrorKind::InvalidParams
    }

    fn too_large(&self) -> Error {
        let target = &self.call.state().target;
        let (url, limit) = (&target.url, target.limits.event);
        let message = format!("event of {url} is larger than the limit of {limit} bytes");
        Error::new(Kind::TooLarge, Delivery::Delivered, message)
    }
}

/// The bytes of the message that an event carries. Events of other names, and those that only set an id, carry none.
pub(super) fn message_data(event: Event) -> Option<Bytes> {
    let named = event.name.is_some_and(|name| !name.is_empty() && name != "message");
    Some(event.data).filter(|data| !named && !data.is_empty())
}

/// The driver was dropped while a call was in flight.
pub(super) fn closed(url: &str) -> Error {
    Error::closed(format!("connection to {url} was closed on this side"), Delivery::Unknown)
}
