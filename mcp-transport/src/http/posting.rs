//! A message on its way: sent by POST, until it has its answer or the beginning of a stream.

use super::{
    Client, HttpService, RequestBody,
    clock::Clock,
    compose::{Composed, Sent, Step, compose},
    http_sse,
    recipe::Recipe,
    reply::{self, Begun, JsonAnswer},
    resume::{Position, Resume},
    service,
    state::{Handle, InFlight},
    stream::{self, ReplyStream},
};
use crate::{BoxError, ClientMessage, Delivery, Error, Replies};
use futures_util::future::{BoxFuture, FutureExt};
use http::{Request, Response};
use pin_project_lite::pin_project;
use std::{
    any::Any,
    future::Future,
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

pin_project! {
    /// Sends a message and reads the beginning of its answer, or the whole of one in JSON. Nothing happens before it is polled.
    ///
    /// A call waits in here, so it is small: what is rare is in a box. What is large goes from one stage to the next where it
    /// is, for each move is a copy.
    pub(super) struct Posting<S: HttpService> {
        #[pin]
        stage: Stage<S>,
        posted: Posted<S>,
    }
}

pin_project! {
    #[project = StageProjected]
    enum Stage<S: HttpService> {
        // There until it is polled.
        Message { message: Option<ClientMessage> },
        // There until it is answered.
        Head {
            #[pin]
            answering: S::Future,
        },
        Json {
            #[pin]
            body: S::ResponseBody,
            answer: JsonAnswer,
        },
        Rest { rest: BoxFuture<'static, Result<Replies, Error>> },
        Over,
    }
}

/// What is known of a message on its way.
struct Posted<S> {
    service: S,
    call: InFlight,
    /// There from when it is sent until it is answered.
    sent: Option<Sent>,
    clock: Clock,
    /// Until the head of the response.
    head_clock: Clock,
}

impl<S: HttpService> Posting<S> {
    pub(super) fn new(service: S, handle: Arc<Handle>, message: ClientMessage) -> Self {
        let posted = Posted::new(service, InFlight::new(handle));
        Self { posted, stage: Stage::Message { message: Some(message) } }
    }

    /// Sends what was composed already.
    fn of(service: S, call: InFlight, sent: Sent, request: Request<RequestBody>) -> Self {
        let mut posted = Posted::new(service, call);
        let answering = posted.send(sent, request);
        Self { posted, stage: Stage::Head { answering } }
    }
}

impl<S: HttpService> Future for Posting<S> {
    type Output = Result<Replies, Error>;

    /// Pending for ever after it was ready.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            match this.stage.as_mut().project() {
                StageProjected::Message { message } => {
                    let Some(message) = message.take() else { return Poll::Pending };
                    this.posted.begin(message, this.stage.as_mut())?;
                }
                StageProjected::Head { answering } => {
                    let Poll::Ready(response) = answering.poll(cx) else {
                        return this.posted.poll_late(cx).map(Err);
                    };
                    this.stage.set(Stage::Over);
                    let response = response.map_err(Into::into);
                    if let Some(replies) = this.posted.answered(response, this.stage.as_mut())? {
                        return Poll::Ready(Ok(replies));
                    }
                }
                StageProjected::Json { body, answer } => {
                    let replies = ready!(answer.poll(cx, body, &mut this.posted.clock));
                    this.stage.set(Stage::Over);
                    return Poll::Ready(replies);
                }
                StageProjected::Rest { rest } => return rest.as_mut().poll(cx),
                StageProjected::Over => return Poll::Pending,
            }
        }
    }
}

impl<S: HttpService> Posted<S> {
    fn new(service: S, call: InFlight) -> Self {
        let (clock, head_clock) = (Clock::default(), Clock::default());
        Self { service, call, sent: None, clock, head_clock }
    }

    /// Composes a message and sends it.
    fn begin(
        &mut self,
        message: ClientMessage,
        mut stage: Pin<&mut Stage<S>>,
    ) -> Result<(), Error> {
        let state = self.call.state();
        if state.is_cut() {
            return Err(stream::closed(&state.target.url).with_delivery(Delivery::NotSent));
        }
        let mut composed = compose(state, message)?;
        let sent = &composed.sent;
        let has_way =
            sent.is_legacy && (sent.step == Step::Initialize || state.channel().is_some());
        if has_way || (composed.cancel.is_some() && !state.has_room()) {
            // The service that is ready goes.
            let next = self.service.clone();
            let service = mem::replace(&mut self.service, next);
            let rest = seldom(service, self.call.take(), composed).boxed();
            stage.set(Stage::Rest { rest });
            return Ok(());
        }
        self.call.arm(composed.cancel.take());
        give(&mut self.service, composed.recipe.take());
        let answering = self.send(composed.sent, composed.request);
        stage.set(Stage::Head { answering });
        Ok(())
    }

    fn send(&mut self, sent: Sent, request: Request<RequestBody>) -> S::Future {
        let target = &self.call.state().target;
        let total = target.total_timeout.filter(|_| sent.step != Step::Listen);
        self.clock = Clock::start(total, target.idle_timeout);
        self.head_clock = Clock::start(target.response_timeout, None);
        self.sent = Some(sent);
        self.service.call(request)
    }

    /// Resolves when the head of the response takes too long.
    fn poll_late(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        let url = &self.call.state().target.url;
        let late = self.head_clock.poll(cx, url);
        if late.is_pending() { self.clock.poll_total(cx, url) } else { late }
    }

    /// Goes on with the head of the response; gives the replies if they need no more than that.
    fn answered(
        &mut self,
        response: Result<Response<S::ResponseBody>, BoxError>,
        mut stage: Pin<&mut Stage<S>>,
    ) -> Result<Option<Replies>, Error> {
        let Some(sent) = self.sent.take() else { return Ok(None) };
        self.clock.touch();
        let response = response.map_err(|error| {
            self.call.finish();
            service::failed(&self.call.state().target.url, error)
        })?;
        match reply::begin(self.call.take(), sent, response)? {
            Begun::Rest(rest) => stage.set(Stage::Rest { rest }),
            Begun::Json(body, answer) => stage.set(Stage::Json { body, answer }),
            Begun::Events(body, awaited, session) => {
                let resume = session.map(|session| {
                    let position = Position::new(&awaited.call.state().target.limits);
                    Resume { service: self.service.clone(), session, position }
                });
                let clock = mem::take(&mut self.clock);
                return ReplyStream::open(awaited, body, clock, resume).map(Some);
            }
        }
        Ok(None)
    }
}

/// Gives the default client, if nothing lies above it, what it needs to follow a redirect of the next request.
fn give<S: HttpService>(service: &mut S, recipe: Option<Recipe>) {
    let service: &mut dyn Any = service;
    if let Some(client) = service.downcast_mut::<Client>() {
        client.take(recipe);
    }
}

/// Sends a message that has to wait, begins a session, or goes another way.
async fn seldom<S: HttpService>(
    service: S,
    mut call: InFlight,
    composed: Composed,
) -> Result<Replies, Error> {
    let state = Arc::clone(call.state());
    let Composed { request, sent, cancel, .. } = composed;
    if cancel.is_some() {
        state.room().await;
    }
    let is_first = sent.step == Step::Initialize;
    if sent.is_legacy {
        let mut channel = state.channel();
        if channel.is_none() && state.target.http_sse && is_first {
            channel = Some(http_sse::open(service.clone(), &state).await?);
        }
        if let Some(channel) = channel {
            call.arm(cancel);
            return http_sse::exchange(service, channel, call, sent, request).await;
        }
    }
    call.arm(cancel);
    match is_first {
        true => initialize(service, call, sent, request).await,
        false => Posting::of(service, call, sent, request).await,
    }
}

/// Sends the first message of a session, also to a server of the oldest binding.
async fn initialize<S: HttpService>(
    service: S,
    call: InFlight,
    sent: Sent,
    request: Request<RequestBody>,
) -> Result<Replies, Error> {
    let (handle, spare) = (Arc::clone(&call.handle), service.clone());
    let posting = Posting::of(service, call, sent.clone(), request.clone());
    let refusal = match posting.await {
        Err(error) if http_sse::is_hint(&error) => error,
        answered => return answered,
    };
    match http_sse::open(spare.clone(), &handle.0).await {
        Ok(channel) => {
            http_sse::exchange(spare, channel, InFlight::new(handle), sent, request).await
        }
        Err(error) => {
            tracing::debug!(%error, "not a server of HTTP with SSE either");
            Err(refusal)
        }
    }
}
