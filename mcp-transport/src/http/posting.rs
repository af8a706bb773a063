//! A message on its way: sent by POST, until it has its answer or the beginning of a stream.

use super::{
    Client, HttpService, RequestBody,
    clock::Clock,
    compose::{Composed, Sent, Step, compose},
    http_sse,
    recipe::Recipe,
    reply::{self, Begun},
    service,
    state::{Handle, InFlight},
    stream,
};
use crate::{BoxError, ClientMessage, Delivery, Error, Replies};
use futures_util::future::BoxFuture;
use http::{Request, Response};
use pin_project_lite::pin_project;
use std::{
    any::Any,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

pin_project! {
    /// Sends a message and reads the beginning of its answer. Nothing happens before it is polled.
    ///
    /// A call waits in here, so it is small: what is rare is in a box.
    pub(super) struct Posting<S: HttpService> {
        #[pin]
        stage: Stage<S>,
    }
}

pin_project! {
    #[project = StageProjected]
    enum Stage<S: HttpService> {
        // There until it is polled.
        Message { message: Option<(S, Arc<Handle>, ClientMessage)> },
        // There until it is answered.
        Head {
            #[pin]
            answering: S::Future,
            posted: Option<Posted<S>>,
        },
        Rest { rest: BoxFuture<'static, Result<Replies, Error>> },
    }
}

impl<S: HttpService> Posting<S> {
    pub(super) fn new(service: S, handle: Arc<Handle>, message: ClientMessage) -> Self {
        Self { stage: Stage::Message { message: Some((service, handle, message)) } }
    }

    /// Sends what was composed already.
    fn of(mut service: S, call: InFlight, sent: Sent, request: Request<RequestBody>) -> Self {
        let target = &call.state().target;
        let total = target.total_timeout.filter(|_| sent.step != Step::Listen);
        let clock = Clock::start(total, target.idle_timeout);
        let head_clock = Clock::start(target.response_timeout, None);
        let answering = service.call(request);
        let posted = Some(Posted { service, call, sent, clock, head_clock });
        Self { stage: Stage::Head { answering, posted } }
    }
}

impl<S: HttpService> Future for Posting<S> {
    type Output = Result<Replies, Error>;

    /// Pending for ever after it was ready.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let mut stage = self.as_mut().project().stage;
            let next = match stage.as_mut().project() {
                StageProjected::Message { message } => {
                    let Some((service, handle, message)) = message.take() else {
                        return Poll::Pending;
                    };
                    begin(service, handle, message)?
                }
                StageProjected::Head { answering, posted } => {
                    let Poll::Ready(response) = answering.poll(cx) else {
                        let late = posted.as_mut().map_or(Poll::Pending, |it| it.poll_late(cx));
                        return late.map(Err);
                    };
                    let Some(posted) = posted.take() else { return Poll::Pending };
                    match posted.answered(response.map_err(Into::into))? {
                        Begun::Replies(replies) => return Poll::Ready(Ok(replies)),
                        Begun::Rest(rest) => Stage::Rest { rest },
                    }
                }
                StageProjected::Rest { rest } => return rest.as_mut().poll(cx),
            };
            stage.set(next);
        }
    }
}

/// What is known of a message that was sent.
struct Posted<S> {
    service: S,
    call: InFlight,
    sent: Sent,
    clock: Clock,
    /// Until the head of the response.
    head_clock: Clock,
}

impl<S: HttpService> Posted<S> {
    /// Resolves when the head of the response takes too long.
    fn poll_late(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        let url = &self.call.state().target.url;
        let late = self.head_clock.poll(cx, url);
        if late.is_pending() { self.clock.poll_total(cx, url) } else { late }
    }

    fn answered(
        mut self,
        response: Result<Response<S::ResponseBody>, BoxError>,
    ) -> Result<Begun, Error> {
        self.clock.touch();
        match response {
            Ok(response) => reply::begin(self.service, self.clock, self.call, self.sent, response),
            Err(error) => {
                self.call.finish();
                Err(service::failed(&self.call.state().target.url, error))
            }
        }
    }
}

/// Composes a message and sends it.
fn begin<S: HttpService>(
    mut service: S,
    handle: Arc<Handle>,
    message: ClientMessage,
) -> Result<Stage<S>, Error> {
    let mut call = InFlight::new(handle);
    let state = call.state();
    if state.is_cut() {
        return Err(stream::closed(&state.target.url).with_delivery(Delivery::NotSent));
    }
    let mut composed = compose(state, message)?;
    let sent = &composed.sent;
    let has_way = sent.is_legacy && (sent.step == Step::Initialize || state.channel().is_some());
    if has_way || (composed.cancel.is_some() && !state.has_room()) {
        return Ok(Stage::Rest { rest: Box::pin(seldom(service, call, composed)) });
    }
    call.arm(composed.cancel.take());
    give(&mut service, composed.recipe.take());
    Ok(Posting::of(service, call, composed.sent, composed.request).stage)
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
