//! One call in flight.

use super::Ends;
use crate::{
    Error, Event, Events, Misbehavior, Params, Peer, Progress, Reply,
    deadline::{Countdown, Ground},
    events::belongs_to_no_call,
    moment::Moment,
    peer::MAX_ANSWERS,
};
use futures_util::{StreamExt, future::BoxFuture, stream::FuturesUnordered};
use mcp_transport::{BoxError, Extensions, PendingReplies, Transport, Waiters};
use mcp_types::{
    RequestId,
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

/// The number of messages handled before yielding to other tasks.
const TURNS: usize = 64;

pin_project! {
    /// One call in flight. Written by hand, because each call in flight holds this much memory while it waits.
    pub(super) struct Exchange<T: Transport> {
        #[pin]
        stage: Stage<T::Future>,
        // `None` once the call is over.
        talk: Option<Talk<T>>,
    }

    impl<T: Transport> PinnedDrop for Exchange<T> {
        fn drop(this: Pin<&mut Self>) {
            if let Some(talk) = this.project().talk {
                talk.leave();
            }
        }
    }
}

pin_project! {
    #[project = StageProjection]
    enum Stage<F> {
        /// The message has not been handed over yet.
        Sending { #[pin] sending: F },
        /// The server may say something.
        Receiving { replies: PendingReplies },
    }
}

/// The state of a call, and its reactions to the server's messages.
pub(super) struct Talk<T> {
    pub(super) id: i64,
    pub(super) method: Cow<'static, str>,
    pub(super) events: Events,
    /// Both ends of the connection.
    pub(super) ends: Arc<Ends<T>>,
    /// The call's parameters, for answering, if the server may ask.
    pub(super) params: Option<Box<Params>>,
    /// Created when the server sends anything but the response.
    pub(super) chat: Option<Box<Chat>>,
    pub(super) countdown: Option<Countdown>,
}

/// What a server has sent about a call before its response, and the pending reactions.
pub(super) struct Chat {
    last_progress: f64,
    /// When progress last arrived.
    heard: Option<Moment>,
    /// Work that must finish before the next message is read.
    busy: Option<BoxFuture<'static, ()>>,
    answers: Option<Answers>,
}

/// Pending answers to questions asked during a call.
type Answers = FuturesUnordered<BoxFuture<'static, ()>>;

impl<T: Transport> Exchange<T> {
    pub(super) fn new(sending: T::Future, talk: Talk<T>) -> Self {
        Self { stage: Stage::Sending { sending }, talk: Some(talk) }
    }
}

impl<T: Transport> Future for Exchange<T> {
    type Output = Result<Reply, BoxError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // A reply that has arrived counts, however late.
        if let Poll::Ready(outcome) = self.as_mut().poll_reply(cx) {
            return Poll::Ready(outcome);
        }
        let this = self.project();
        let Some(talk) = this.talk else { return Poll::Pending };
        let waiters = match this.stage.project() {
            // It is known there, unless it waits for a listener.
            StageProjection::Receiving { replies } if !talk.is_busy() => replies.waiters(),
            _ => None,
        };
        talk.poll_end(waiters, cx).map(Err)
    }
}

impl<T: Transport> Exchange<T> {
    /// Waits for the reply, without a limit.
    fn poll_reply(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<Reply, BoxError>> {
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
        // A server that floods the call must not starve the deadline or the rest of the task.
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Chat {
    /// Finishes the work due before the next message is read, and advances the answers: a question that came before the
    /// response is answered before the response ends the call.
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
        Self { last_progress: f64::NEG_INFINITY, heard: None, busy: None, answers: None }
    }
}

impl<T: Transport> Talk<T> {
    fn peer(&self) -> &Peer {
        &self.ends.peer
    }

    /// Whether work must finish before the next message is read.
    fn is_busy(&self) -> bool {
        self.chat.as_ref().is_some_and(|chat| chat.busy.is_some())
    }

    /// Ready when the call's time is up.
    fn poll_end(&mut self, waiters: Option<Waiters<'_>>, cx: &mut Context<'_>) -> Poll<BoxError> {
        let (Some(countdown), Some(ground)) = (&mut self.countdown, &self.ends.ground) else {
            return Poll::Pending;
        };
        let heard = self.chat.as_ref().and_then(|chat| chat.heard);
        countdown.poll_end(heard, waiters, ground, cx).map(|end| end.error(&self.method).into())
    }

    /// Stops waiting for the deadline.
    #[inline]
    fn leave(&mut self) {
        if let (Some(countdown), Some(ground)) = (&mut self.countdown, &self.ends.ground) {
            countdown.leave(ground);
        }
    }

    /// Handles a message other than a response.
    ///
    /// # Errors
    ///
    /// The call ends with this error.
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

    fn complete(mut self, response: Response) -> Result<Reply, BoxError> {
        self.leave();
        // An error response without an id can only concern this request: bindings check that first.
        if response.id.as_ref().is_some_and(|id| !self.is(id)) {
            return Err(Error::misbehaved(&self.method, Misbehavior::ResponseForOtherId).into());
        }
        match response.outcome {
            Ok(result) => Ok(Reply::new(result).answering(self.ends, self.method)),
            Err(error) => Err(Error::rpc(&self.method, error).into()),
        }
    }

    fn is(&self, id: &RequestId) -> bool {
        matches!(id, RequestId::Integer(number) if *number == self.id)
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
            match notification.params.as_ref().map(Progress::read) {
                Some(Ok(progress)) if progress.progress > self.last_progress() => {
                    self.note(&progress);
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

    /// Records progress, which restarts the idle limit.
    fn note(&mut self, progress: &Progress) {
        let chat = self.chat.get_or_insert_default();
        chat.last_progress = progress.progress;
        chat.heard = self.ends.ground.as_ref().map(Ground::now);
    }

    fn last_progress(&self) -> f64 {
        self.chat.as_ref().map_or(f64::NEG_INFINITY, |chat| chat.last_progress)
    }

    /// Reports a rule that the server broke in this call.
    fn report(&self, misbehavior: Misbehavior) -> Result<(), Error> {
        self.peer().report(misbehavior, &self.method)
    }

    /// Answers or refuses a request of a legacy server with one more message over the same transport.
    // spec: MSG-15 MSG-16
    fn ask(&mut self, request: Request) -> Result<(), Error> {
        let ends = &self.ends;
        let Some(params) = self.params.as_deref().filter(|_| !ends.peer.is_modern()) else {
            return self.report(Misbehavior::RequestOnModernStream);
        };
        let (peer, transport) = (ends.peer.clone(), ends.transport.clone());
        let mut extensions = Extensions::new();
        if let Some(version) = peer.version().cloned() {
            extensions.insert(version);
        }
        // On another connection, the id of the question means nothing, or another question.
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
