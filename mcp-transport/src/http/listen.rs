//! What a legacy server says unasked: its GET stream.

use super::{
    HttpService, RequestBody,
    compose::{self, legacy_headers},
    headers::LAST_EVENT_ID,
    reply::MediaType,
    session::Session,
    sse::{Decoder, TooLarge},
    state::State,
    stream::message_data,
};
use bytes::Bytes;
use http::{HeaderValue, Method, Response, StatusCode, header};
use http_body_util::BodyExt;
use mcp_types::rpc::Message;
use std::{future::poll_fn, pin::pin, sync::Arc, time::Duration};
use tokio::sync::oneshot;

/// Waits between two tries: they double with each failure. What the server asks for is respected up to an hour.
const FIRST_WAIT: Duration = Duration::from_millis(500);
const MAX_WAIT: Duration = Duration::from_secs(30);
const RETRY: std::ops::RangeInclusive<Duration> =
    Duration::from_millis(100)..=Duration::from_secs(60 * 60);

/// The longest event id that is sent back.
const MAX_EVENT_ID: usize = 4096;

/// Reads the stream, and opens it again when it is lost, until the server says that it offers none. Drops `opened` when
/// the server has answered for the first time.
pub(super) async fn listen<S: HttpService>(
    service: S,
    state: Arc<State>,
    session: Arc<Session>,
    opened: oneshot::Sender<()>,
) {
    let mut opened = Some(opened);
    let mut resume = Resume::default();
    loop {
        let answer = open(service.clone(), &state, &session, resume.last_event_id.as_ref()).await;
        drop(opened.take());
        match answer {
            Opened::Stream(response) => hear(&state, response, &mut resume).await,
            Opened::Later => {}
            Opened::Never => return,
        }
        if session.is_expired() {
            return;
        }
        tokio::time::sleep(resume.next_wait()).await;
    }
}

/// Where to go on after a loss, and when.
#[derive(Debug, Default)]
struct Resume {
    last_event_id: Option<Bytes>,
    retry: Option<Duration>,
    failures: u32,
}

impl Resume {
    fn next_wait(&mut self) -> Duration {
        let first = self.retry.unwrap_or(FIRST_WAIT);
        let doubled = first.saturating_mul(1 << self.failures.min(16));
        self.failures += 1;
        doubled.min(MAX_WAIT.max(first))
    }
}

enum Opened<B> {
    Stream(Response<B>),
    /// Not now.
    Later,
    /// The server has no such stream.
    Never,
}

async fn open<S: HttpService>(
    mut service: S,
    state: &State,
    session: &Session,
    last_event_id: Option<&Bytes>,
) -> Opened<S::ResponseBody> {
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
    let Ok(response) = opening.await else {
        return Opened::Later;
    };
    let status = response.status();
    tracing::debug!(status = status.as_u16(), "asked for what the server says unasked");
    match status {
        StatusCode::OK
            if matches!(MediaType::of(response.headers()), Ok(MediaType::EventStream)) =>
        {
            Opened::Stream(response)
        }
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => Opened::Later,
        status if status.is_server_error() => Opened::Later,
        _ => Opened::Never,
    }
}

/// Reads one stream to its end, or to its loss.
async fn hear<B>(state: &State, response: Response<B>, resume: &mut Resume)
where
    B: http_body::Body<Data = Bytes>,
{
    let limit = state.target.limits.event;
    let mut decoder = Decoder::new(limit);
    let mut body = pin!(response.into_body());
    while let Some(Ok(frame)) = body.frame().await {
        let Ok(data) = frame.into_data() else { continue };
        decoder.push(data);
        loop {
            match decoder.next_event() {
                Ok(Some(event)) => {
                    resume.failures = 0;
                    if let Some(data) = message_data(event) {
                        match Message::decode(&data) {
                            Ok(message) => state.inbox.message(message, data.len()),
                            Err(error) => state.inbox.not_a_message(&data, error),
                        }
                    }
                }
                Ok(None) => break,
                Err(TooLarge) => state.inbox.too_large(limit),
            }
        }
        if let Some(id) = decoder.last_event_id().filter(|id| id.len() <= MAX_EVENT_ID) {
            resume.last_event_id = Some(id.clone());
        }
        if let Some(retry) = decoder.retry() {
            resume.retry = Some(retry.clamp(*RETRY.start(), *RETRY.end()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // spec: H25-02
    #[test]
    fn waits_double_up_to_a_limit_and_never_fall_below_what_the_server_asks() {
        let waits = |retry| {
            let mut resume = Resume { retry, ..Resume::default() };
            (0..9).map(|_| resume.next_wait()).collect::<Vec<_>>()
        };
        let own = waits(None);
        assert_eq!((own[0], own[1], own[8]), (FIRST_WAIT, 2 * FIRST_WAIT, MAX_WAIT));
        let minute = Duration::from_secs(60);
        assert_eq!(waits(Some(minute)), [minute; 9]);
    }
}
