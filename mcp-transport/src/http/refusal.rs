//! Turning an answer with an error status into an error.

use super::{EXCERPT, body, clock::Clock, compose::Sent, state::State};
use crate::excerpt::excerpt;
use crate::{BoxError, Delivery, Error, Replies, error::Kind};
use bytes::Bytes;
use futures_util::{FutureExt, StreamExt};
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use http_body::Body;
use mcp_types::rpc::{Message, Response as RpcResponse};
use std::time::{Duration, SystemTime};
use tokio::time::timeout;

/// How long to wait for the body of a refusal. It cannot be set, because nothing fails only because of it.
const MAX_WAIT: Duration = Duration::from_secs(2);

/// The longest wait that a server may ask for.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// Reads a refusal: returns the server's error response if it belongs to the message `sent`, otherwise an error.
pub(super) async fn read<B>(
    state: &State,
    sent: &Sent,
    response: Response<B>,
) -> Result<Replies, Error>
where
    B: Body<Data = Bytes, Error: Into<BoxError>>,
{
    let (head, body) = response.into_parts();
    let url = &state.target.url;
    // The body of a refusal is worth only a short wait: the status says enough.
    let limit = state.target.limits.refusal;
    let body = timeout(MAX_WAIT, body::read(body, limit, url, &mut Clock::default())).await;
    let body = body.ok().and_then(Result::ok).unwrap_or_default();
    let said = match Message::decode(&body) {
        Ok(Message::Response(response)) => Some(response),
        _ => None,
    };
    if let Some(session) = sent.session.as_ref().filter(|session| session.has_id())
        && head.status == StatusCode::NOT_FOUND
    {
        session.expire();
        return Err(with_details(expired(url), &head, said));
    }
    if let (Some(id), Some(RpcResponse { id: of, outcome: Err(error), .. })) = (&sent.id, &said)
        && of.as_ref().is_none_or(|of| of == id)
        && is_about_the_message(head.status)
    {
        return Ok(Replies::once(RpcResponse::failure(id.clone(), error.clone())));
    }
    let message = explain(url, &head, &body);
    Err(with_details(Error::new(Kind::Status, delivery(head.status), message), &head, said))
}

/// Reads a refusal as an error in any case: the answer to the message would come another way.
pub(super) async fn read_error<B>(
    state: &State,
    sent: &Sent,
    response: Response<B>,
) -> Result<(), Error>
where
    B: Body<Data = Bytes, Error: Into<BoxError>>,
{
    let status = response.status();
    let mut replies = read(state, sent, response).await?;
    let message = format!("{} {}", state.target.url, refused(status));
    let error = Error::new(Kind::Status, delivery(status), message).with_status(status);
    match replies.next().now_or_never().flatten() {
        Some(Ok(Message::Response(RpcResponse { outcome: Err(said), .. }))) => {
            Err(error.with_peer_error(said))
        }
        _ => Err(error),
    }
}

/// The server has forgotten the session, so it has not acted on the message: it can be sent again in a new session.
pub(super) fn expired(url: &str) -> Error {
    let message = format!("session with {url} has expired: initialize a new one");
    Error::closed(message, Delivery::NotSent).with_status(StatusCode::NOT_FOUND)
}

/// Returns whether an error response with this status answers the message. Other statuses are about authorization or
/// are temporary, and the layers above act on them.
fn is_about_the_message(status: StatusCode) -> bool {
    status.is_client_error() && !matches!(status.as_u16(), 401 | 403 | 407 | 408 | 429)
}

/// A server or a gateway that failed may have acted before it did.
fn delivery(status: StatusCode) -> Delivery {
    if status.is_server_error() { Delivery::Unknown } else { Delivery::Delivered }
}

fn explain(url: &str, head: &http::response::Parts, body: &[u8]) -> String {
    let location = head.headers.get(header::LOCATION).filter(|_| head.status.is_redirection());
    if let Some(location) = location {
        // A query may hold secrets.
        let path = location.as_bytes().split(|byte| *byte == b'?').next().unwrap_or_default();
        let path = excerpt(path, EXCERPT);
        return format!(
            "{url} redirects to {path:?}, which is not followed: use that if you trust it"
        );
    }
    let what = refused(head.status);
    let excerpt = excerpt(body, EXCERPT);
    if excerpt.is_empty() { format!("{url} {what}") } else { format!("{url} {what}: {excerpt:?}") }
}

/// Explains a status to the person who has to act on it.
fn refused(status: StatusCode) -> &'static str {
    match status {
        StatusCode::UNAUTHORIZED => "wants a login or a valid token",
        StatusCode::NOT_FOUND => "is not there (is the path right?)",
        StatusCode::METHOD_NOT_ALLOWED => "takes no messages (is it the address of an MCP server?)",
        StatusCode::TOO_MANY_REQUESTS => "wants fewer requests",
        _ => "refused the message",
    }
}

fn with_details(error: Error, head: &http::response::Parts, said: Option<RpcResponse>) -> Error {
    let mut error = error.with_status(head.status);
    if let Some(RpcResponse { outcome: Err(peer), .. }) = said {
        error = error.with_peer_error(peer);
    }
    if let Some(challenge) = challenge(&head.headers) {
        error = error.with_challenge(challenge);
    }
    if let Some(wait) = head.headers.get(header::RETRY_AFTER).and_then(retry_after) {
        error = error.with_retry_after(wait);
    }
    error
}

/// Joins all challenges to one list.
pub(super) fn challenge(headers: &HeaderMap) -> Option<String> {
    let values = headers.get_all(header::WWW_AUTHENTICATE).iter();
    let values: Vec<&str> = values.filter_map(|value| value.to_str().ok()).collect();
    Some(values.join(", ")).filter(|list| !list.is_empty())
}

/// Parses seconds or a date; a date in the past means no wait.
fn retry_after(value: &HeaderValue) -> Option<Duration> {
    let text = value.to_str().ok()?.trim();
    let wait = if text.bytes().all(|byte| byte.is_ascii_digit()) && !text.is_empty() {
        // A number with too many digits is a long wait too.
        text.parse().map_or(MAX_RETRY_AFTER, Duration::from_secs)
    } else {
        let date = httpdate::parse_http_date(text).ok()?;
        date.duration_since(SystemTime::now()).unwrap_or_default()
    };
    Some(wait.min(MAX_RETRY_AFTER))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f33_a_wait_is_seconds_or_a_date_and_has_an_end() {
        let wait = |text: &'static str| retry_after(&HeaderValue::from_static(text));
        assert_eq!(wait("7"), Some(Duration::from_secs(7)));
        assert_eq!(wait("0"), Some(Duration::ZERO));
        assert_eq!(wait("1000000000000"), Some(MAX_RETRY_AFTER));
        assert_eq!(wait("99999999999999999999999999"), Some(MAX_RETRY_AFTER));
        assert_eq!(wait("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::ZERO));
        assert_eq!(wait("Fri, 31 Dec 9999 23:59:59 GMT"), Some(MAX_RETRY_AFTER));
        for garbage in ["", "-1", "soon", "1.5"] {
            assert_eq!(wait(garbage), None, "{garbage:?}");
        }
    }
}
