//! Turning an HTTP response into replies.

use super::{
    EXCERPT, batch,
    body::Reading,
    clock::Clock,
    compose::{Sent, Step},
    cut::UntilCut,
    refusal,
    session::Session,
    state::InFlight,
};
use crate::{Delivery, Error, Replies, ServerMessage, error::Kind};
use crate::{excerpt::excerpt, lines::trim};
use bytes::Bytes;
use futures_util::{
    future::{BoxFuture, FutureExt},
    stream,
};
use http::{HeaderMap, Response, header};
use mcp_types::{
    RequestId,
    rpc::{Message, Response as RpcResponse},
};
use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::time::timeout;

/// How long the end of the handshake waits for the stream of unsolicited messages: some servers do not even send its
/// headers before they have a message.
const MAX_WAIT: Duration = Duration::from_secs(2);

/// What follows the head of a response.
pub(super) enum Begun<B> {
    /// A JSON body.
    Json(B, JsonAnswer),
    /// An event stream, which can be resumed in the session.
    Events(B, Awaited, Option<Arc<Session>>),
    /// More work before there are replies.
    Rest(BoxFuture<'static, Result<Replies, Error>>, UntilCut),
}

/// Reads the head of the server's response to the message `sent`.
pub(super) fn begin<B>(call: InFlight, sent: Sent, response: Response<B>) -> Result<Begun<B>, Error>
where
    B: http_body::Body<Data = Bytes, Error: Into<crate::BoxError>> + Send + 'static,
{
    if !response.status().is_success() {
        let cut = UntilCut::new(Arc::clone(call.state()));
        return Ok(Begun::Rest(refuse(call, sent, response).boxed(), cut));
    }
    let Some(id) = sent.id else {
        let cut = UntilCut::new(Arc::clone(call.state()));
        return Ok(Begun::Rest(told(call, sent).boxed(), cut));
    };
    let (head, body) = response.into_parts();
    let media_type = MediaType::of(&head.headers);
    let initialize = Some(head.headers).filter(|_| sent.step == Step::Initialize);
    let is_kept = matches!(sent.step, Step::Initialize | Step::Discover);
    let mut awaited = Awaited { id, call, initialize, is_kept };
    match media_type {
        Ok(MediaType::Json) => {
            let is_legacy = sent.session.is_some();
            Ok(Begun::Json(body, JsonAnswer { awaited, is_legacy, reading: Reading::default() }))
        }
        Ok(MediaType::EventStream) => Ok(Begun::Events(body, awaited, sent.session)),
        Err(found) => {
            awaited.call.finish();
            let what = format!("is {found}, not JSON or an event stream");
            Err(awaited.malformed(&what).with_status(head.status))
        }
    }
}

async fn refuse<B>(mut call: InFlight, sent: Sent, response: Response<B>) -> Result<Replies, Error>
where
    B: http_body::Body<Data = Bytes, Error: Into<crate::BoxError>>,
{
    let refused = refusal::read(call.state(), &sent, response).await;
    call.finish();
    refused
}

/// The server accepted a message that has no answer.
async fn told(call: InFlight, sent: Sent) -> Result<Replies, Error> {
    if let Some(session) = sent.session.filter(|_| sent.step == Step::Initialized) {
        // Most servers lose the messages that they send before this stream is open.
        let open = call.state().listen(session);
        let _ = timeout(MAX_WAIT, open).await;
    }
    Ok(Replies::empty())
}

/// A JSON answer.
pub(super) struct JsonAnswer {
    awaited: Awaited,
    is_legacy: bool,
    reading: Reading,
}

impl JsonAnswer {
    /// Reads the answer from its body.
    pub(super) fn poll<B>(
        &mut self,
        cx: &mut Context<'_>,
        body: Pin<&mut B>,
        clock: &mut Clock,
    ) -> Poll<Result<Replies, Error>>
    where
        B: http_body::Body<Data = Bytes, Error: Into<crate::BoxError>>,
    {
        let target = &self.awaited.call.state().target;
        let bytes = self.reading.poll(cx, body, target.limits.body, &target.url, clock);
        let replies = ready!(bytes).and_then(|bytes| self.read(bytes));
        // A call that timed out is given up, and the server is told.
        if !replies.as_ref().is_err_and(Error::is_timeout) {
            self.awaited.call.finish();
        }
        Poll::Ready(replies)
    }

    /// Resolves when the connection is cut.
    pub(super) fn poll_cut(&mut self, cx: &Context<'_>) -> Poll<Error> {
        self.awaited.call.poll_cut(cx)
    }

    fn read(&mut self, bytes: Bytes) -> Result<Replies, Error> {
        let Self { awaited, is_legacy, .. } = self;
        let mut bytes = trim(bytes);
        if awaited.is_kept {
            // Copied, because the original bytes share a buffer of the connection.
            bytes = Bytes::copy_from_slice(&bytes);
        }
        if bytes.is_empty() {
            return Err(awaited.malformed("is empty"));
        }
        let batch = Some(&bytes).filter(|_| *is_legacy);
        let most = awaited.call.state().target.limits.batch;
        let Some(members) = batch.and_then(|bytes| batch::members(bytes, most)) else {
            return match awaited.read(&bytes)? {
                response @ Message::Response(_) => Ok(Replies::once(response)),
                _ => Err(awaited.malformed("is a message, but not a response")),
            };
        };
        awaited.call.state().inbox.batch();
        let mut messages = Vec::new();
        for member in members {
            let message = awaited.read(&member)?;
            let is_last = matches!(message, Message::Response(_));
            messages.push(Ok(message));
            if is_last {
                return Ok(Replies::new(stream::iter(messages)));
            }
        }
        Err(awaited.malformed("is a batch without the response"))
    }
}

/// The media type of a 2xx answer to a request.
pub(super) enum MediaType {
    Json,
    EventStream,
}

impl MediaType {
    /// Returns the type of a body, or a description of an unexpected one.
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, String> {
        let (mut encoding, mut media_type) = (None, None);
        // There are few headers: a scan is cheaper than two lookups.
        for (name, value) in headers {
            if name == header::CONTENT_TYPE {
                media_type.get_or_insert(value);
            } else if name == header::CONTENT_ENCODING {
                encoding.get_or_insert(value.as_bytes());
            }
        }
        if let Some(encoding) = encoding.filter(|name| !name.eq_ignore_ascii_case(b"identity")) {
            return Err(format!(
                "in encoding {:?}, which was not asked for,",
                excerpt(encoding, EXCERPT)
            ));
        }
        let Some(value) = media_type else {
            return Err("of no type".to_owned());
        };
        let essence = value.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
        let essence = essence.trim_ascii();
        if essence.eq_ignore_ascii_case(b"application/json") {
            Ok(Self::Json)
        } else if essence.eq_ignore_ascii_case(b"text/event-stream") {
            Ok(Self::EventStream)
        } else {
            Err(format!("of type {:?}", excerpt(value.as_bytes(), EXCERPT)))
        }
    }
}

/// A call that waits for its response.
#[derive(Debug)]
pub(super) struct Awaited {
    pub(super) id: RequestId,
    pub(super) call: InFlight,
    /// The headers of the answer to `initialize`, if it is awaited.
    initialize: Option<HeaderMap>,
    /// Whether the answer is kept as long as the session.
    is_kept: bool,
}

impl Awaited {
    /// Returns whether a response is for this call. An error without an id answers the POST that it came with.
    pub(super) fn is_for(&self, response: &RpcResponse) -> bool {
        response.id.as_ref().is_none_or(|id| *id == self.id)
    }

    /// Reads a message of a JSON answer, in which any response must be that of this call.
    fn read(&mut self, bytes: &Bytes) -> Result<ServerMessage, Error> {
        match Message::decode(bytes) {
            Ok(Message::Response(response)) if self.is_for(&response) => self.complete(response),
            Ok(Message::Response(response)) => Err(self.mismatch(&response)),
            Ok(message) => Ok(message),
            Err(source) => {
                let what = format!("is not a message: {:?}", excerpt(bytes, EXCERPT));
                Err(self.malformed(&what).with_source(source))
            }
        }
    }

    /// The answer is the response to another request.
    pub(super) fn mismatch(&self, response: &RpcResponse) -> Error {
        let of = response.id.as_ref().map(ToString::to_string).unwrap_or_default();
        self.malformed(&format!("has a response to request {of}, not to request {}", self.id))
    }

    /// Ends the call with its response.
    pub(super) fn complete(&mut self, mut response: RpcResponse) -> Result<ServerMessage, Error> {
        self.call.finish();
        if let (Some(headers), Ok(result)) = (&self.initialize, &response.outcome) {
            let state = self.call.state();
            state.begin(Session::read(headers, result, &state.target.url)?);
        }
        response.id = Some(self.id.clone());
        Ok(response.into())
    }

    /// The answer is not as it should be.
    pub(super) fn malformed(&self, what: &str) -> Error {
        let url = &self.call.state().target.url;
        Error::new(Kind::Malformed, Delivery::Delivered, format!("answer of {url} {what}"))
    }
}
