//! Resuming an event stream of a legacy server with `Last-Event-ID`.
//!
//! See [the clause](https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#resumability-and-redelivery).

use super::{
    HttpService, Limits, RequestBody,
    compose::{self, legacy_headers},
    headers::LAST_EVENT_ID,
    refusal,
    reply::MediaType,
    service,
    session::Session,
    sse::Decoder,
    state::State,
};
use crate::{Delivery, Error, error::Kind};
use bytes::Bytes;
use futures_util::future::{BoxFuture, FutureExt};
use http::{HeaderValue, Method, Response, StatusCode, header};
use std::{collections::VecDeque, future::poll_fn, sync::Arc, time::Duration};

/// The first wait between two attempts; it doubles with each failure. A server may ask for a shorter wait, but not for
/// none.
const FIRST_WAIT: Duration = Duration::from_millis(500);
const MIN_WAIT: Duration = Duration::from_millis(100);

/// Where to resume a stream after a loss, and when.
#[derive(Debug)]
pub(super) struct Position {
    max_wait: Duration,
    max_event_id: usize,
    max_seen: usize,
    last_event_id: Option<Bytes>,
    retry: Option<Duration>,
    failures: u32,
    seen: VecDeque<Bytes>,
    /// Whether the stream was resumed: only then can an event arrive twice.
    resumed: bool,
}

impl Position {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            max_wait: limits.resume_wait,
            max_event_id: limits.event_id,
            // If it remembered no id, a server that repeats itself would seem to make progress.
            max_seen: limits.event_ids.max(1),
            last_event_id: None,
            retry: None,
            failures: 0,
            seen: VecDeque::new(),
            resumed: false,
        }
    }

    /// Returns whether an event with this id is new. An event without an id always is.
    pub(super) fn is_news(&mut self, id: Option<&Bytes>) -> bool {
        let Some(id) = id.filter(|id| !id.is_empty() && id.len() <= self.max_event_id) else {
            return true;
        };
        if self.resumed && self.seen.contains(id) {
            return false;
        }
        self.remember(id);
        true
    }

    /// Updates the position from a decoder.
    pub(super) fn follow(&mut self, decoder: &Decoder) {
        if let Some(id) = decoder.last_event_id().filter(|id| id.len() <= self.max_event_id)
            && self.last_event_id.as_ref() != Some(id)
        {
            self.last_event_id = Some(id.clone());
            // An event without data has an id too.
            if !self.seen.contains(id) {
                self.remember(id);
            }
        }
        if let Some(retry) = decoder.retry() {
            self.retry = Some(retry.max(MIN_WAIT).min(self.max_wait));
        }
    }

    /// Something was received, so the stream works.
    pub(super) fn heard(&mut self) {
        self.failures = 0;
    }

    /// Returns how long to wait before the next attempt.
    pub(super) fn next_wait(&mut self) -> Duration {
        let first = self.retry.unwrap_or(FIRST_WAIT);
        let doubled = first.saturating_mul(1 << self.failures.min(16));
        self.failures += 1;
        self.resumed = true;
        doubled.min(self.max_wait)
    }

    /// Returns the next wait of a call: none if there is no position to resume from, or if nothing new arrived for too
    /// long.
    fn next_attempt(&mut self, most: u32) -> Option<Duration> {
        let possible = self.last_event_id.is_some() && self.failures < most;
        possible.then(|| self.next_wait())
    }

    fn remember(&mut self, id: &Bytes) {
        self.failures = 0;
        if self.seen.len() == self.max_seen {
            self.seen.pop_front();
        }
        self.seen.push_back(id.clone());
    }
}

/// How to resume the event stream of a call.
#[derive(Debug)]
pub(super) struct Resume<S> {
    pub(super) service: S,
    pub(super) session: Arc<Session>,
    pub(super) position: Position,
}

impl<S: HttpService> Resume<S> {
    /// Waits and requests the rest of the stream; none if there is no point in it.
    pub(super) fn again(
        &mut self,
        state: &Arc<State>,
    ) -> Option<BoxFuture<'static, Opened<S::ResponseBody>>> {
        let wait = self.position.next_attempt(state.target.limits.resumes)?;
        let (service, state) = (self.service.clone(), Arc::clone(state));
        let (session, id) = (Arc::clone(&self.session), self.position.last_event_id.clone());
        let opening = async move {
            tokio::time::sleep(wait).await;
            open(service, &state, &session, id.as_ref()).await
        };
        Some(opening.boxed())
    }
}

/// The server's answer to the request for a stream.
pub(super) enum Opened<B> {
    Stream(Response<B>),
    /// Not available now.
    Later(Error),
    /// The server offers no such stream.
    Never(Error),
}

/// Requests the stream of a session, starting after `position`.
pub(super) async fn listen<S: HttpService>(
    service: S,
    state: &State,
    session: &Session,
    position: &Position,
) -> Opened<S::ResponseBody> {
    open(service, state, session, position.last_event_id.as_ref()).await
}

async fn open<S: HttpService>(
    mut service: S,
    state: &State,
    session: &Session,
    last_event_id: Option<&Bytes>,
) -> Opened<S::ResponseBody> {
    let url = &state.target.url;
    let mut headers = legacy_headers(&state.target, Some(session), None);
    headers.remove(header::CONTENT_TYPE);
    headers.insert(header::ACCEPT, HeaderValue::from_static("text/event-stream"));
    if let Some(id) = last_event_id.and_then(|id| HeaderValue::from_bytes(id).ok()) {
        headers.insert(LAST_EVENT_ID, id);
    }
    let request = compose::request(&state.target, Method::GET, headers, RequestBody::default());
    let opening = async {
        poll_fn(|cx| service.poll_ready(cx)).await?;
        service.call(request).await
    };
    let response = match opening.await {
        Ok(response) => response,
        Err(error) => return Opened::Later(service::failed(url, error)),
    };
    let status = response.status();
    tracing::debug!(status = status.as_u16(), "asked for a stream of the session");
    if status == StatusCode::OK
        && matches!(MediaType::of(response.headers()), Ok(MediaType::EventStream))
    {
        return Opened::Stream(response);
    }
    if status == StatusCode::NOT_FOUND && session.has_id() {
        session.expire();
        return Opened::Never(refusal::expired(url));
    }
    let message = format!("{url} gave no event stream");
    let error = Error::new(Kind::Status, Delivery::Delivered, message).with_status(status);
    match status {
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => Opened::Later(error),
        status if status.is_server_error() => Opened::Later(error),
        _ => Opened::Never(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fresh() -> Position {
        Position::new(&Limits::default())
    }

    // spec: H25-02
    #[test]
    fn waits_double_up_to_a_limit_and_never_fall_below_what_the_server_asks() {
        let waits = |retry| {
            let mut position = Position { retry, ..fresh() };
            (0..9).map(|_| position.next_wait()).collect::<Vec<_>>()
        };
        let own = waits(None);
        assert_eq!((own[0], own[1], own[8]), (FIRST_WAIT, 2 * FIRST_WAIT, fresh().max_wait));
        let long = Duration::from_secs(20);
        assert_eq!(waits(Some(long))[..2], [long, fresh().max_wait]);
    }

    // spec: H25-02 H25-20
    #[test]
    fn what_the_server_asks_for_has_bounds_and_so_have_the_tries() {
        let heard = |text: &'static str| {
            let mut decoder = Decoder::new(1000);
            decoder.push(Bytes::from_static(text.as_bytes()));
            while let Ok(Some(_)) = decoder.next_event() {}
            let mut position = fresh();
            position.follow(&decoder);
            position
        };
        assert_eq!(heard("retry: 0\n\n").retry, Some(MIN_WAIT));
        assert_eq!(heard("retry: 999999999\n\n").retry, Some(fresh().max_wait));
        assert_eq!(
            heard("data: no id\n\n").next_attempt(5),
            None,
            "there is no place to go on from"
        );
        let mut position = heard("id: a\nretry: 100\ndata:\n\n");
        let waits: Vec<_> = std::iter::from_fn(|| position.next_attempt(5)).collect();
        assert_eq!(waits.len(), 5);
        assert!(position.is_news(Some(&Bytes::from_static(b"b"))));
        assert_eq!(position.next_attempt(5), Some(waits[0]), "what is new is progress");
    }

    // spec: H25-11 H25-12
    #[test]
    fn an_event_comes_twice_only_after_a_resume_and_is_then_known() {
        let id = Bytes::from_static(b"a");
        let mut position = fresh();
        assert!(position.is_news(Some(&id)) && position.is_news(Some(&id)));
        position.next_wait();
        assert!(!position.is_news(Some(&id)));
        assert!(position.is_news(None) && position.is_news(Some(&Bytes::new())));
        for number in 0..position.max_seen + 9 {
            position.is_news(Some(&number.to_string().into()));
        }
        assert_eq!(position.seen.len(), position.max_seen, "what is remembered has a limit");
        let long = Bytes::from(vec![b'x'; position.max_event_id + 1]);
        assert!(position.is_news(Some(&long)) && !position.seen.contains(&long));
    }
}
