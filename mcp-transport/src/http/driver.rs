//! The driver of a connection: what a legacy session needs besides its calls.

use super::{
    HttpService, RequestBody,
    compose::{self, legacy_headers},
    listen::listen,
    session::Session,
    state::{Cancel, MAX_DRAINS, State},
};
use crate::Error;
use futures_util::{
    future::{BoxFuture, FutureExt},
    stream::{FuturesUnordered, StreamExt},
};
use http::{Method, Request};
use mcp_types::{
    RawJson,
    rpc::{Message, Notification},
};
use std::{
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::{Sleep, sleep, timeout};

/// How many cancellations are sent at the same time.
const MAX_POSTS: usize = 16;

/// How long one cancellation, the last of them together, or the end of a session may take.
const MAX_WAIT: Duration = Duration::from_secs(3);

/// Work to finish even after the connection is no longer used; ready while there is none.
pub(super) type Rest = Box<dyn FnMut(&mut Context<'_>) -> Poll<()> + Send>;

/// Runs until the connection is no longer used, then ends the session.
pub(super) async fn run<S: HttpService>(
    service: S,
    state: Arc<State>,
    upkeep: Option<BoxFuture<'static, ()>>,
    rest: Option<Rest>,
) -> Result<(), Error> {
    let mut background = Background {
        service,
        state,
        upkeep,
        rest,
        posts: FuturesUnordered::new(),
        listening: None,
        drains: FuturesUnordered::new(),
        grace: None,
        ending: None,
        reader: None,
    };
    poll_fn(|cx| background.poll(cx)).await
}

struct Background<S> {
    service: S,
    state: Arc<State>,
    /// The upkeep of the service below, between requests.
    upkeep: Option<BoxFuture<'static, ()>>,
    rest: Option<Rest>,
    posts: FuturesUnordered<BoxFuture<'static, ()>>,
    listening: Option<BoxFuture<'static, ()>>,
    drains: FuturesUnordered<BoxFuture<'static, ()>>,
    /// The time limit for the last cancellations and the rest, once the connection is no longer used.
    grace: Option<Pin<Box<Sleep>>>,
    ending: Option<BoxFuture<'static, ()>>,
    /// Reads the one stream of an HTTP+SSE server, which carries all its messages.
    reader: Option<BoxFuture<'static, Error>>,
}

impl<S: HttpService> Background<S> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if let Some(upkeep) = &mut self.upkeep
            && upkeep.poll_unpin(cx).is_ready()
        {
            self.upkeep = None;
        }
        let has_rest = self.rest.as_mut().is_some_and(|rest| rest(cx).is_pending());
        if let Some(ending) = &mut self.ending {
            return ending.poll_unpin(cx).map(Ok);
        }
        self.state.register_driver(cx);
        // Read before the cancellations are taken: no new ones come after the last release.
        let released = self.state.is_released();
        self.poll_cancels(cx);
        if !released {
            self.poll_listening(cx);
            self.poll_drains(cx);
            return self.poll_reader(cx).map(Err);
        }
        self.listening = None;
        self.drains.clear();
        let grace = self.grace.get_or_insert_with(|| Box::pin(sleep(MAX_WAIT)));
        // The session ends last: without it a cancellation means nothing.
        if (has_rest || !self.posts.is_empty()) && grace.poll_unpin(cx).is_pending() {
            return Poll::Pending;
        }
        self.posts.clear();
        self.rest = None;
        self.reader = None;
        let ending = end(self.service.clone(), Arc::clone(&self.state)).boxed();
        self.ending.insert(ending).poll_unpin(cx).map(Ok)
    }

    /// Resolves when the connection to an HTTP+SSE server is lost.
    fn poll_reader(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        let (new, detached) = self.state.take_reader();
        if new.is_some() || detached {
            self.reader = new;
        }
        match &mut self.reader {
            Some(reader) => reader.poll_unpin(cx),
            None => Poll::Pending,
        }
    }

    fn poll_cancels(&mut self, cx: &mut Context<'_>) {
        loop {
            while self.posts.len() < MAX_POSTS
                && let Some(cancel) = self.state.take_cancel()
            {
                if cancel.session.as_ref().is_some_and(|session| session.is_expired()) {
                    continue;
                }
                let request = compose_cancel(&self.state, &cancel);
                self.posts.push(send(self.service.clone(), request).boxed());
            }
            if !matches!(self.posts.poll_next_unpin(cx), Poll::Ready(Some(()))) {
                return;
            }
        }
    }

    fn poll_drains(&mut self, cx: &mut Context<'_>) {
        let new = self.state.take_drains();
        let room = MAX_DRAINS.saturating_sub(self.drains.len());
        self.drains.extend(new.into_iter().take(room));
        while let Poll::Ready(Some(())) = self.drains.poll_next_unpin(cx) {}
    }

    fn poll_listening(&mut self, cx: &mut Context<'_>) {
        if let Some((session, opened)) = self.state.take_listen() {
            let listen = listen(self.service.clone(), Arc::clone(&self.state), session, opened);
            self.listening = Some(listen.boxed());
        }
        if let Some(listening) = &mut self.listening
            && listening.poll_unpin(cx).is_ready()
        {
            self.listening = None;
        }
    }
}

impl<S> Drop for Background<S> {
    fn drop(&mut self) {
        self.state.cut();
    }
}

fn compose_cancel(state: &State, cancel: &Cancel) -> Request<RequestBody> {
    let mut params = br#"{"requestId":"#.to_vec();
    cancel.id.encode(&mut params);
    params.push(b'}');
    let told =
        Notification::new("notifications/cancelled").with_params(RawJson::from_joined(params));
    let session = cancel.session.as_deref();
    let headers = legacy_headers(&state.target, session, cancel.version.as_ref());
    let mut request = compose::post(&state.target, &Message::from(told), headers);
    if let Some(endpoint) = state.channel().and_then(|channel| channel.known_endpoint()) {
        *request.uri_mut() = endpoint;
    }
    request
}

/// Sends a DELETE for the session, if it has an id.
async fn end<S: HttpService>(service: S, state: Arc<State>) {
    let session = state.session().filter(|session: &Arc<Session>| session.has_id());
    if let Some(session) = session.filter(|session| !session.is_expired()) {
        let mut headers = legacy_headers(&state.target, Some(&session), None);
        headers.remove(http::header::CONTENT_TYPE);
        let body = RequestBody::default();
        send(service, compose::request(&state.target, Method::DELETE, headers, body)).await;
    }
}

/// Sends a request and ignores its answer.
async fn send<S: HttpService>(mut service: S, request: Request<RequestBody>) {
    let method = request.method().clone();
    let sending = async {
        poll_fn(|cx| service.poll_ready(cx)).await?;
        service.call(request).await
    };
    match timeout(MAX_WAIT, sending).await {
        Ok(Ok(response)) => {
            tracing::debug!(%method, status = response.status().as_u16(), "sent in the background")
        }
        Ok(Err(error)) => tracing::debug!(%method, error = %error.into(), "lost in the background"),
        Err(_) => tracing::debug!(%method, "not answered in the background"),
    }
}
