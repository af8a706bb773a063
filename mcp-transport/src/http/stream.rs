//! The replies of one request, read from its event stream.

use super::{
    EXCERPT, HttpService, batch, body,
    clock::Clock,
    reply::Awaited,
    resume::{Opened, Resume},
    sse::{Decoder, Event, TooLarge},
    state::State,
};
use crate::excerpt::excerpt;
use crate::{Delivery, Error, Replies, ServerMessage, error::Kind};
use bytes::Bytes;
use futures_core::Stream;
use futures_util::{FutureExt, future::BoxFuture};
use http_body::Body;
use mcp_types::rpc::{DecodeError, DecodeErrorKind, Message};
use pin_project_lite::pin_project;
use std::{
    collections::VecDeque,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

pin_project! {
    /// Ends after the response, even if the server keeps its stream open. The stream of a legacy server is resumed if
    /// it ends earlier.
    pub(super) struct ReplyStream<S: HttpService> {
        source: Source<S::ResponseBody>,
        decoder: Decoder,
        clock: Clock,
        // Members of a batch that have not been read yet.
        members: VecDeque<Bytes>,
        awaited: Option<Awaited>,
        resume: Option<Resume<S>>,
    }
}

/// The source of the bytes.
enum Source<B> {
    Body(Pin<Box<B>>),
    Opening(BoxFuture<'static, Opened<B>>),
    None,
}

/// The meaning of an event for a call.
enum Heard {
    Nothing,
    Message(ServerMessage),
    Last(Result<ServerMessage, Error>),
}

impl<S: HttpService> ReplyStream<S> {
    /// Reads the events of `body` as the replies to a call.
    pub(super) fn open(
        awaited: Awaited,
        body: S::ResponseBody,
        clock: Clock,
        resume: Option<Resume<S>>,
    ) -> Result<Replies, Error> {
        let state = awaited.call.state();
        if state.is_cut() {
            return Err(closed(&state.target.url));
        }
        let stream = Self {
            decoder: Decoder::new(state.target.limits.event),
            source: Source::Body(Box::pin(body)),
            clock,
            members: VecDeque::new(),
            awaited: Some(awaited),
            resume,
        };
        Ok(Replies::new(stream))
    }
}

impl<S: HttpService> Stream for ReplyStream<S> {
    type Item = Result<ServerMessage, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.project();
        let last = loop {
            let Some(awaited) = this.awaited.as_mut() else { return Poll::Ready(None) };
            let heard = match this.members.pop_front() {
                Some(member) => Ok(Some(awaited.hear(&member))),
                None => next(awaited, this.decoder, this.members, this.resume.as_mut()),
            };
            match heard {
                Ok(Some(Heard::Nothing)) => continue,
                Ok(Some(Heard::Message(message))) => return Poll::Ready(Some(Ok(message))),
                Ok(Some(Heard::Last(last))) => break last,
                Err(TooLarge) => break Err(awaited.too_large()),
                Ok(None) => {}
            }
            if let Poll::Ready(closed) = awaited.call.poll_cut(cx) {
                break Err(closed);
            }
            let state = awaited.call.state();
            let Poll::Ready(more) = this.source.poll_more(cx, this.decoder, state) else {
                break Err(ready!(this.clock.poll(cx, &state.target.url)));
            };
            this.clock.touch();
            if let Err(lost) = more {
                let resume = this.resume.as_mut().filter(|_| !lost.is_final);
                let Some(opening) = resume.and_then(|resume| resume.again(state)) else {
                    break Err(lost.error);
                };
                tracing::debug!(error = %lost.error, "asking for the rest of an event stream");
                *this.source = Source::Opening(opening);
                *this.decoder = Decoder::new(state.target.limits.event);
            }
        };
        if let Some(mut awaited) = this.awaited.take() {
            // A call that timed out is given up, and the server is told.
            if !last.as_ref().is_err_and(Error::is_timeout) {
                awaited.call.finish();
            }
            if let Source::Body(mut body) = std::mem::replace(this.source, Source::None)
                && last.is_ok()
                && !body.is_end_stream()
                // Usually the end arrived together with the response.
                && !matches!(body.as_mut().poll_frame(cx), Poll::Ready(None))
            {
                awaited.call.state().drain(body::drain(body).boxed());
            }
        }
        Poll::Ready(Some(last))
    }
}

/// Returns what the next event says; none if the next one needs more bytes.
fn next<S: HttpService>(
    awaited: &mut Awaited,
    decoder: &mut Decoder,
    members: &mut VecDeque<Bytes>,
    resume: Option<&mut Resume<S>>,
) -> Result<Option<Heard>, TooLarge> {
    let event = decoder.next_event()?;
    // Only a legacy stream can be resumed, and only a legacy server sends batches.
    if let Some(resume) = resume {
        let most = awaited.call.state().target.limits.batch;
        let id = event.as_ref().and_then(|event| event.id.as_ref());
        let is_news = resume.position.is_news(id);
        resume.position.follow(decoder);
        if !is_news {
            return Ok(Some(Heard::Nothing));
        }
        if let Some(found) = event.as_ref().and_then(|event| batch::members(&event.data, most)) {
            awaited.call.state().inbox.batch();
            members.extend(found);
            return Ok(Some(Heard::Nothing));
        }
    }
    Ok(event.map(|event| message_data(event).map_or(Heard::Nothing, |data| awaited.hear(&data))))
}

/// The end of a stream before the response.
struct Lost {
    error: Error,
    /// Whether resuming is pointless.
    is_final: bool,
}

impl<B> Source<B>
where
    B: Body<Data = Bytes, Error: Into<crate::BoxError>>,
{
    /// Reads more bytes for the decoder.
    fn poll_more(
        &mut self,
        cx: &mut Context<'_>,
        decoder: &mut Decoder,
        state: &Arc<State>,
    ) -> Poll<Result<(), Lost>> {
        let url = &state.target.url;
        let ended = |source: Option<Error>| {
            let message = format!("event stream of {url} ended before the response");
            let error = Error::closed(message, Delivery::Unknown);
            source.into_iter().fold(error, Error::with_source)
        };
        let (error, is_final) = match self {
            Self::None => (ended(None), true),
            Self::Body(body) => match ready!(body.as_mut().poll_frame(cx)) {
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        decoder.push(data);
                    }
                    return Poll::Ready(Ok(()));
                }
                Some(Err(source)) => {
                    let error = body::lost(url, source);
                    let is_final = !error.is_closed();
                    (error, is_final)
                }
                None => (ended(None), false),
            },
            Self::Opening(opening) => match ready!(opening.poll_unpin(cx)) {
                Opened::Stream(response) => {
                    *self = Self::Body(Box::pin(response.into_body()));
                    return Poll::Ready(Ok(()));
                }
                Opened::Later(error) => (ended(Some(error)), false),
                // The session is gone, and with it the outcome of the request.
                Opened::Never(error) if error.is_closed() => {
                    (error.with_delivery(Delivery::Unknown), true)
                }
                Opened::Never(error) => (ended(Some(error)), true),
            },
        };
        Poll::Ready(Err(Lost { error, is_final }))
    }
}

impl Awaited {
    fn hear(&mut self, data: &Bytes) -> Heard {
        match Message::decode(data) {
            Ok(Message::Response(response)) if self.is_for(&response) => {
                Heard::Last(self.complete(response))
            }
            // The POST determines the request: a server that answers another one will not answer this one.
            Ok(Message::Response(response)) => Heard::Last(Err(self.mismatch(&response))),
            Ok(message) => Heard::Message(message),
            Err(source) if self.is_my_response(&source) => {
                let what =
                    format!("has a response that cannot be read: {:?}", excerpt(data, EXCERPT));
                Heard::Last(Err(self.malformed(&what).with_source(source)))
            }
            Err(error) => {
                self.call.state().inbox.not_a_message(data, error);
                Heard::Nothing
            }
        }
    }

    fn is_my_response(&self, error: &DecodeError) -> bool {
        // Only requests and notifications have parameters, and a server's requests have their own ids.
        error.id() == Some(&self.id) && error.kind() != DecodeErrorKind::InvalidParams
    }

    fn too_large(&self) -> Error {
        let target = &self.call.state().target;
        let (url, limit) = (&target.url, target.limits.event);
        let message = format!("event of {url} is larger than the limit of {limit} bytes");
        Error::new(Kind::TooLarge, Delivery::Delivered, message)
    }
}

/// Returns the bytes of the message that an event carries. Events with other names, and those that only set an id,
/// carry none.
pub(super) fn message_data(event: Event) -> Option<Bytes> {
    let named = event.name.is_some_and(|name| !name.is_empty() && name != "message");
    Some(event.data).filter(|data| !named && !data.is_empty())
}

/// The driver was dropped while a call was in flight.
pub(super) fn closed(url: &str) -> Error {
    Error::closed(format!("connection to {url} was closed on this side"), Delivery::Unknown)
}
