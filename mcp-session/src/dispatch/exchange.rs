//! One call on its way: what it waits for, and what the server says meanwhile.

use super::Ends;
use crate::{
    Error, Event, Events, Misbehavior, Params, Peer, Progress, Reply, events::belongs_to_no_call,
    peer::MAX_ANSWERS,
};
use futures_util::{StreamExt, future::BoxFuture, stream::FuturesUnordered};
use mcp_transport::{BoxError, Extensions, PendingReplies, Transport};
use mcp_types::{
    RawJson, RequestId,
    rpc::{Message, Notification, Request, Response},
};
use pin_project_lite::pin_project;
use std::{
    borrow::Cow,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

/// How many messages are heard before others have their turn.
const TURNS: usize = 64;

pin_project! {
    /// One call on its way. Written by hand, for what it holds while it waits is memory of each call in flight.
    pub(super) struct Exchange<T: Transport> {
        #[pin]
        stage: Stage<T::Future>,
        // None when it is over.
        talk: Option<Talk<T>>,
    }
}

pin_project! {
    #[project = StageProjection]
    enum Stage<F> {
        /// The message is not handed over yet.
        Sending { #[pin] sending: F },
        /// The server may say something.
        Receiving { replies: PendingReplies },
    }
}

/// What is known of a call, and what is done about what the server says.
pub(super) struct Talk<T> {
    id: RequestId,
    method: Cow<'static, str>,
    events: Events,
    side: Side<T>,
    /// Made when the server says something beside the response.
    chat: Option<Box<Chat>>,
}

/// What this side is to the server during a call.
pub(super) enum Side<T> {
    /// A stateless server asks nothing.
    Silent(Peer),
    /// In a box: only servers with a handshake, or such of which nothing is known yet, may ask.
    Answering(Box<Answering<T>>),
}

/// What it takes to answer what is asked during a call.
pub(super) struct Answering<T> {
    ends: Arc<Ends<T>>,
    /// Those of the call, for whoever answers.
    params: Params,
}

/// What a server has said about a call before its response, and what is done about it.
struct Chat {
    last_progress: f64,
    /// What has to be done before the server is heard again.
    busy: Option<BoxFuture<'static, ()>>,
    answers: Option<Answers>,
}

/// The answers that are being made to questions about a call.
type Answers = FuturesUnordered<BoxFuture<'static, ()>>;

impl<T: Transport> Exchange<T> {
    pub(super) fn new(sending: T::Future, talk: Talk<T>) -> Self {
        Self { stage: Stage::Sending { sending }, talk: Some(talk) }
    }
}

impl<T: Transport> Future for Exchange<T> {
    type Output = Result<Reply, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let StageProjection::Sending { sending } = this.stage.as_mut().project() {
            let replies = match ready!(sending.poll(cx))?.into_response() {
                Ok(response) => return Talk::end(this.talk, response),
                Err(replies) => replies,
            };
            this.stage.set(Stage::Receiving { replies });
        }
        let StageProjection::Receiving { replies } = this.stage.project() else {
            return Poll::Pending;
        };
        for _ in 0..TURNS {
            let Some(talk) = this.talk else { return Poll::Pending };
            if let Some(chat) = &mut talk.chat {
                ready!(chat.poll_ready(cx));
            }
            match ready!(replies.poll_next_unpin(cx)) {
                Some(Ok(Message::Response(response))) => return Talk::end(this.talk, response),
                message => {
                    if let Err(error) = talk.receive(message) {
                        return Poll::Ready(Err(error));
                    }
                }
            }
        }
        // A server that says more than can be heard holds up neither the deadline nor what else the task does.
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Chat {
    /// Does what has to be done before the server is heard again, and goes on with the answers: a question that came before
    /// the response is answered before that ends the call.
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(busy) = &mut self.busy {
            ready!(busy.as_mut().poll(cx));
            self.busy = None;
        }
        while let Some(running) = &mut self.answers {
            match running.poll_next_unpin(cx) {
                Poll::Ready(Some(())) => {}
                Poll::Ready(None) => self.answers = None,
                Poll::Pending => break,
            }
        }
        Poll::Ready(())
    }
}

impl Default for Chat {
    fn default() -> Self {
        Self { last_progress: f64::NEG_INFINITY, busy: None, answers: None }
    }
}

impl<T: Transport> Talk<T> {
    pub(super) fn new(
        id: RequestId,
        method: Cow<'static, str>,
        events: Events,
        side: Side<T>,
    ) -> Self {
        Self { id, method, events, side, chat: None }
    }

    fn peer(&self) -> &Peer {
        match &self.side {
            Side::Silent(peer) => peer,
            Side::Answering(answering) => &answering.ends.peer,
        }
    }

    /// Deals with what the server says beside a response.
    ///
    /// # Errors
    ///
    /// The call has ended with it.
    fn receive(
        &mut self,
        message: Option<Result<Message, mcp_transport::Error>>,
    ) -> Result<(), BoxError> {
        match message {
            Some(Ok(Message::Notification(notification))) => self.tell(notification)?,
            Some(Ok(Message::Request(request))) => self.ask(request)?,
            Some(Ok(Message::Response(_))) => {}
            Some(Err(error)) => return Err(error.into()),
            None => return Err(Error::misbehaved(&self.method, Misbehavior::NoResponse).into()),
        }
        Ok(())
    }

    /// Ends a call that is not over yet.
    fn end(talk: &mut Option<Self>, response: Response) -> Poll<Result<Reply, BoxError>> {
        match talk.take() {
            Some(talk) => Poll::Ready(talk.complete(response)),
            None => Poll::Pending,
        }
    }

    fn complete(self, response: Response) -> Result<Reply, BoxError> {
        // An error response without an id can only be about this request: bindings check that before.
        if response.id.as_ref().is_some_and(|id| *id != self.id) {
            return Err(Error::misbehaved(&self.method, Misbehavior::ResponseForOtherId).into());
        }
        match response.outcome {
            Ok(result) => Ok(Reply::new(result).answering(self.side.into_peer(), self.method)),
            Err(error) => Err(Error::rpc(&self.method, error).into()),
        }
    }

    fn tell(&mut self, notification: Notification) -> Result<(), Error> {
        let peer = self.peer();
        if peer.give_up(&notification) {
            return Ok(());
        }
        if !peer.is_modern() && belongs_to_no_call(&notification.method) {
            peer.tell(notification.clone());
        }
        let event = if notification.method == "notifications/progress" {
            match notification.params.as_ref().map(RawJson::decode::<Progress>) {
                Some(Ok(progress)) if progress.progress > self.last_progress() => {
                    self.chat.get_or_insert_default().last_progress = progress.progress;
                    Event::Progress(progress)
                }
                Some(Ok(_)) => return self.report(Misbehavior::ProgressNotIncreasing),
                Some(Err(_)) | None => return self.report(Misbehavior::InvalidNotification),
            }
        } else {
            Event::Notification(notification)
        };
        if let Some(busy) = self.events.deliver(&event) {
            self.chat.get_or_insert_default().busy = Some(busy);
        }
        Ok(())
    }

    fn last_progress(&self) -> f64 {
        self.chat.as_ref().map_or(f64::NEG_INFINITY, |chat| chat.last_progress)
    }

    /// Notes that the server broke a rule in this call.
    fn report(&self, misbehavior: Misbehavior) -> Result<(), Error> {
        self.peer().report(misbehavior, &self.method)
    }

    /// Answers a request of a legacy server, or refuses it; that is one more message down the same transport.
    // spec: MSG-15 MSG-16
    fn ask(&mut self, request: Request) -> Result<(), Error> {
        let Side::Answering(answering) = &self.side else {
            return self.report(Misbehavior::RequestOnModernStream);
        };
        let Answering { ends, params } = &**answering;
        if ends.peer.is_modern() {
            return self.report(Misbehavior::RequestOnModernStream);
        }
        let (peer, transport) = (ends.peer.clone(), ends.transport.clone());
        let mut extensions = Extensions::new();
        if let Some(version) = peer.version().cloned() {
            extensions.insert(version);
        }
        // The id of the question means nothing, or something else, over another connection.
        extensions.insert(peer.this_connection());
        let chat = self.chat.get_or_insert_default();
        if chat.answers.as_ref().map_or(0, Answers::len) >= MAX_ANSWERS {
            let refusal = async move { peer.refuse(request.id, transport, extensions).await };
            chat.busy = Some(Box::pin(refusal));
            return Ok(());
        }
        let asker = peer.asker().about(self.method.clone(), params.clone());
        let id = request.id.clone();
        let answer = async move { peer.answer(request, asker, transport, extensions).await };
        let answer = ends.peer.answering(id, answer);
        chat.answers.get_or_insert_default().push(answer);
        Ok(())
    }
}

impl<T> Side<T> {
    #[inline]
    pub(super) fn of(ends: &Arc<Ends<T>>, params: Params) -> Self {
        if ends.peer.is_modern() {
            Self::Silent(ends.peer.clone())
        } else {
            Self::Answering(Box::new(Answering { ends: Arc::clone(ends), params }))
        }
    }

    fn into_peer(self) -> Peer {
        match self {
            Self::Silent(peer) => peer,
            Self::Answering(answering) => answering.ends.peer.clone(),
        }
    }
}
