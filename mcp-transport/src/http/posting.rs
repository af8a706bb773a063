//! The future of one POST: it resolves with the answer, or with the beginning of its stream.

use super::{
    Client, HttpService, RequestBody,
    clock::Clock,
    compose::{Composed, Sent, Step, compose},
    cut::UntilCut,
    http_sse,
    recipe::Recipe,
    redirect::{Follows, Spare},
    reply::{self, Begun, JsonAnswer},
    resume::{Position, Resume},
    service,
    state::{Handle, InFlight},
    stream::{self, ReplyStream},
};
use crate::{BoxError, ClientMessage, Delivery, Error, Replies};
use futures_util::future::{BoxFuture, FutureExt};
use http::{Method, Request, Response};
use pin_project_lite::pin_project;
use std::{
    any::Any,
    future::Future,
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

pin_project! {
    /// Sends a message and reads the beginning of its answer, or the whole of it if it is JSON. Nothing happens before
    /// it is polled, and it fails when its connection ends.
    ///
    /// A waiting call lives in here, so it is small: rare state is boxed. Large state stays in place from one stage to
    /// the next, because each move is a copy.
    pub(super) struct Posting<S: HttpService> {
        #[pin]
        stage: Stage<S>,
        posted: Posted<S>,
    }
}

pin_project! {
    #[project = StageProjected]
    enum Stage<S: HttpService> {
        // Nothing was sent.
        Begun,
        // Waits for the head of the response.
        Head {
            #[pin]
            answering: S::Future,
        },
        Json {
            #[pin]
            body: S::ResponseBody,
            answer: JsonAnswer,
        },
        Rest { rest: BoxFuture<'static, Result<Replies, Error>>, cut: UntilCut },
        Over,
    }
}

/// What is known about a message in flight.
struct Posted<S> {
    service: S,
    /// Present until it is sent, and then as long as it may be redirected.
    message: Option<ClientMessage>,
    /// How to rebuild the request from the message.
    recipe: Option<Recipe>,
    /// Present until another future takes over the call.
    call: Option<InFlight>,
    /// Present from when the message is sent until it is answered.
    sent: Option<Sent>,
    clock: Clock,
    /// The time limits up to the head of the response.
    head_clock: Clock,
}

impl<S: HttpService> Posting<S> {
    pub(super) fn new(service: S, handle: Arc<Handle>, message: ClientMessage) -> Self {
        let posted = Posted::new(service, InFlight::new(handle), Some(message));
        Self { posted, stage: Stage::Begun }
    }

    /// Sends a request that was composed already.
    fn of(service: S, call: InFlight, sent: Sent, request: Request<RequestBody>) -> Self {
        let mut posted = Posted::new(service, call, None);
        let answering = posted.send(sent, request);
        Self { posted, stage: Stage::Head { answering } }
    }
}

impl<S: HttpService> Future for Posting<S> {
    type Output = Result<Replies, Error>;

    /// Stays pending after it was ready.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            match this.stage.as_mut().project() {
                StageProjected::Begun => this.posted.begin(this.stage.as_mut())?,
                StageProjected::Head { answering } => {
                    let Poll::Ready(response) = answering.poll(cx) else {
                        return this.posted.poll_end(cx).map(Err);
                    };
                    this.stage.set(Stage::Over);
                    let response = response.map_err(Into::into);
                    if let Some(replies) = this.posted.answered(response, this.stage.as_mut())? {
                        return Poll::Ready(Ok(replies));
                    }
                }
                StageProjected::Json { body, answer } => {
                    let Poll::Ready(replies) = answer.poll(cx, body, &mut this.posted.clock) else {
                        return answer.poll_cut(cx).map(Err);
                    };
                    this.stage.set(Stage::Over);
                    return Poll::Ready(replies);
                }
                StageProjected::Rest { rest, cut } => {
                    let Poll::Ready(replies) = rest.as_mut().poll(cx) else {
                        return cut.poll(cx).map(Err);
                    };
                    return Poll::Ready(replies);
                }
                StageProjected::Over => return Poll::Pending,
            }
        }
    }
}

impl<S: HttpService> Posted<S> {
    fn new(service: S, call: InFlight, message: Option<ClientMessage>) -> Self {
        let (clock, head_clock) = (Clock::default(), Clock::default());
        Self { service, message, recipe: None, call: Some(call), sent: None, clock, head_clock }
    }

    /// Composes the message and sends it.
    fn begin(&mut self, mut stage: Pin<&mut Stage<S>>) -> Result<(), Error> {
        stage.set(Stage::Over);
        let (Some(call), Some(message)) = (&mut self.call, &mut self.message) else {
            return Ok(());
        };
        let state = call.state();
        if state.is_cut() {
            return Err(stream::closed(&state.target.url).with_delivery(Delivery::NotSent));
        }
        let mut composed = compose(state, message)?;
        let sent = &composed.sent;
        let has_way =
            sent.is_legacy && (sent.step == Step::Initialize || state.channel().is_some());
        if has_way || (composed.cancel.is_some() && !state.has_room()) {
            if let Some(call) = self.call.take() {
                let cut = UntilCut::new(Arc::clone(call.state()));
                let rest = slow_path(self.service(), call, composed).boxed();
                stage.set(Stage::Rest { rest, cut });
            }
            return Ok(());
        }
        call.arm(composed.cancel.take());
        // Any other client may do what it likes with the request.
        self.recipe = composed.recipe.filter(|_| {
            client(&mut self.service).map(|client| client.follows(Follows::Sender)).is_some()
        });
        if self.recipe.is_none() {
            self.message = None;
        }
        let answering = self.send(composed.sent, composed.request);
        stage.set(Stage::Head { answering });
        Ok(())
    }

    /// Takes the service that is ready.
    fn service(&mut self) -> S {
        let next = self.service.clone();
        mem::replace(&mut self.service, next)
    }

    fn send(&mut self, sent: Sent, request: Request<RequestBody>) -> S::Future {
        if let Some(call) = &self.call {
            let target = &call.state().target;
            let total = target.total_timeout.filter(|_| sent.step != Step::Listen);
            self.clock = Clock::start(total, target.idle_timeout);
            self.head_clock = Clock::start(target.response_timeout, None);
        }
        self.sent = Some(sent);
        self.service.call(request)
    }

    /// Resolves when the head of the response takes too long, or when the connection is cut.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        let Some(call) = &mut self.call else { return Poll::Pending };
        let url = &call.state().target.url;
        if let Poll::Ready(late) = self.head_clock.poll(cx, url) {
            return Poll::Ready(late);
        }
        if let Poll::Ready(late) = self.clock.poll_total(cx, url) {
            return Poll::Ready(late);
        }
        call.poll_cut(cx)
    }

    /// Processes the head of the response; returns the replies if nothing more is needed for them.
    fn answered(
        &mut self,
        response: Result<Response<S::ResponseBody>, BoxError>,
        mut stage: Pin<&mut Stage<S>>,
    ) -> Result<Option<Replies>, Error> {
        self.clock.touch();
        if let Ok(response) = &response
            && let Some(answering) = self.redirected(response)
        {
            stage.set(Stage::Head { answering });
            return Ok(None);
        }
        let (Some(mut call), Some(sent)) = (self.call.take(), self.sent.take()) else {
            return Ok(None);
        };
        let response = response.map_err(|error| {
            call.finish();
            service::failed(&call.state().target.url, error)
        })?;
        match reply::begin(call, sent, response)? {
            Begun::Rest(rest, cut) => stage.set(Stage::Rest { rest, cut }),
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

    /// Follows the first redirect, if the policy allows it. The client follows later ones.
    fn redirected(&mut self, response: &Response<S::ResponseBody>) -> Option<S::Future> {
        let (recipe, message) = (self.recipe.take()?, self.message.take()?);
        let target = &self.call.as_ref()?.state().target;
        let client = client(&mut self.service)?;
        let to = client.redirect(&Method::POST, &target.uri, response)?;
        client.follows(Follows::Client(1));
        let (headers, body) = recipe.follow(target, &message.body);
        let request = Spare::post(target.uri.clone(), headers, body).follow(to);
        Some(self.service.call(request))
    }
}

/// Returns the default client, if there are no layers above it.
fn client<S: HttpService>(service: &mut S) -> Option<&mut Client> {
    (service as &mut dyn Any).downcast_mut()
}

/// Sends a message that has to wait, that begins a session, or that cannot take the fast path.
async fn slow_path<S: HttpService>(
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

/// Sends the first message of a session, falling back to HTTP+SSE.
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
