//! The leaf of every stack: from a call to messages, and from messages to a reply.

use crate::{
    Call, Error, Event, Events, Misbehavior, OnRequestId, Params, Peer, Progress, Reply,
    events::belongs_to_no_call, peer::MAX_ANSWERS,
};
use futures_util::{StreamExt, future::BoxFuture, stream::FuturesUnordered};
use mcp_transport::{BoxError, ClientMessage, Extensions, Replies, Transport};
use mcp_types::{
    ProtocolVersion, RawJson, RequestId, keys,
    rpc::{Message, Notification, Request, Response},
};
use std::{
    borrow::Cow,
    future::{Future, poll_fn},
    task::{Context, Poll},
};
use tower_service::Service;

/// Sends calls over a transport and collects what comes back.
///
/// Gives each call an id that no other call of the session had, and asks for progress when somebody listens. Reads the
/// replies in the task of the call: notifications go to the call's [`Events`], requests of a legacy server are answered
/// through the [`Peer`], and the response ends it.
///
/// # Cancel safety
///
/// Dropping the future of a call drops its replies, and so cancels the request on the wire.
#[derive(Clone, Debug)]
pub struct Dispatch<T> {
    transport: T,
    peer: Peer,
}

impl<T: Transport> Dispatch<T> {
    /// Sends over `transport`, and answers the server's requests through `peer`.
    pub fn new(transport: T, peer: Peer) -> Self {
        Self { transport, peer }
    }

    /// What this side of the session is to the server.
    pub fn peer(&self) -> &Peer {
        &self.peer
    }

    pub(crate) fn transport(&self) -> &T {
        &self.transport
    }
}

impl<T: Transport> Service<Call> for Dispatch<T> {
    type Response = Reply;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Reply, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.transport.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, mut call: Call) -> Self::Future {
        let id = self.peer.next_id();
        let progress = Some(&id).filter(|_| !call.events.is_empty() && may_progress(&call.method));
        if progress.is_some() {
            call.meta.remove(keys::PROGRESS_TOKEN);
        }
        if let Some(told) = call.extensions.get::<OnRequestId>() {
            told.tell(&id);
        }
        // Of the span of the call, if there is one; others have no such field.
        let span = tracing::Span::current();
        if !span.is_disabled() {
            span.record("jsonrpc.request.id", tracing::field::display(&id));
        }
        let mut request = Request::new(id.clone(), call.method.clone());
        let params = call.params.join_with(&call.meta, progress);
        if params != RawJson::EMPTY_OBJECT {
            request = request.with_params(params);
        }
        let exchange = Exchange {
            id,
            method: call.method,
            params: call.params,
            version: call.extensions.get::<ProtocolVersion>().cloned(),
            events: call.events,
            last_progress: f64::NEG_INFINITY,
            transport: self.transport.clone(),
            peer: self.peer.clone(),
        };
        let mut message = ClientMessage::new(request);
        message.extensions = call.extensions;
        let replies = self.transport.call(message);
        Box::pin(exchange.run(replies))
    }
}

/// The answers that are being made to questions about a call.
type Answers = FuturesUnordered<BoxFuture<'static, ()>>;

/// One call on its way.
struct Exchange<T> {
    id: RequestId,
    method: Cow<'static, str>,
    params: Params,
    version: Option<ProtocolVersion>,
    events: Events,
    last_progress: f64,
    transport: T,
    peer: Peer,
}

impl<T: Transport> Exchange<T> {
    async fn run(
        mut self,
        replies: impl Future<Output = Result<Replies, mcp_transport::Error>>,
    ) -> Result<Reply, BoxError> {
        let mut replies = replies.await?;
        let mut answers = None;
        loop {
            match next(&mut replies, &mut answers).await {
                Some(Ok(Message::Response(response))) => return self.complete(response),
                Some(Ok(Message::Notification(notification))) => self.tell(notification).await?,
                // spec: MSG-15 MSG-16
                Some(Ok(Message::Request(_))) if self.peer.is_modern() => {
                    self.report(Misbehavior::RequestOnModernStream)?;
                }
                Some(Ok(Message::Request(request)))
                    if answers.as_ref().map_or(0, Answers::len) >= MAX_ANSWERS =>
                {
                    self.peer.refuse(request.id, self.transport.clone(), self.extensions()).await;
                }
                Some(Ok(Message::Request(request))) => {
                    answers.get_or_insert_default().push(self.answer(request));
                }
                Some(Err(error)) => return Err(error.into()),
                None => return Err(self.misbehaved(Misbehavior::NoResponse).into()),
            }
        }
    }

    fn complete(&self, response: Response) -> Result<Reply, BoxError> {
        // An error response without an id can only be about this request: bindings check that before.
        if response.id.as_ref().is_some_and(|id| *id != self.id) {
            return Err(self.misbehaved(Misbehavior::ResponseForOtherId).into());
        }
        match response.outcome {
            Ok(result) => Ok(Reply::new(result).answering(self.peer.clone(), self.method.clone())),
            Err(error) => Err(Error::rpc(&self.method, error).into()),
        }
    }

    async fn tell(&mut self, notification: Notification) -> Result<(), Error> {
        if !self.peer.is_modern() && belongs_to_no_call(&notification.method) {
            self.peer.tell(notification.clone());
        }
        let event = if notification.method == "notifications/progress" {
            match notification.params.as_ref().map(RawJson::decode::<Progress>) {
                Some(Ok(progress)) if progress.progress > self.last_progress => {
                    self.last_progress = progress.progress;
                    Event::Progress(progress)
                }
                Some(Ok(_)) => return self.report(Misbehavior::ProgressNotIncreasing),
                Some(Err(_)) | None => return self.report(Misbehavior::InvalidNotification),
            }
        } else {
            Event::Notification(notification)
        };
        self.events.emit(&event).await;
        Ok(())
    }

    /// Notes that the server broke a rule in this call.
    fn report(&self, misbehavior: Misbehavior) -> Result<(), Error> {
        self.peer.report(misbehavior, &self.method)
    }

    /// Answers a request of a legacy server; the answer is one more message down the same transport.
    fn answer(&self, request: Request) -> BoxFuture<'static, ()> {
        let (peer, transport) = (self.peer.clone(), self.transport.clone());
        let extensions = self.extensions();
        let asker = peer.asker().about(self.method.clone(), self.params.clone());
        Box::pin(async move { peer.answer(request, asker, transport, extensions).await })
    }

    /// What a binding must know about an answer.
    fn extensions(&self) -> Extensions {
        let mut extensions = Extensions::new();
        if let Some(version) = self.version.clone() {
            extensions.insert(version);
        }
        extensions
    }

    fn misbehaved(&self, misbehavior: Misbehavior) -> Error {
        Error::misbehaved(&self.method, misbehavior)
    }
}

/// Waits for the next message of the server, while its questions are answered.
async fn next(
    replies: &mut Replies,
    answers: &mut Option<Answers>,
) -> Option<Result<Message, mcp_transport::Error>> {
    poll_fn(|cx| {
        // First, so that a question that came before the response is answered before it ends the call.
        while let Some(running) = answers {
            match running.poll_next_unpin(cx) {
                Poll::Ready(Some(())) => {}
                Poll::Ready(None) => *answers = None,
                Poll::Pending => break,
            }
        }
        replies.poll_next_unpin(cx)
    })
    .await
}

/// Whether progress about a call can mean anything.
fn may_progress(method: &str) -> bool {
    !matches!(method, "initialize" | "subscriptions/listen")
}
