//! Reading a posted message.

use super::{super::refusal, answer::Refusal, options::HttpLimits, validate::Posted};
use crate::{BoxError, ClientMessage, Extensions};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts};
use http_body::Body;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use mcp_types::{
    ErrorCode, RequestId,
    rpc::{Message, Response},
};
use tokio::time::timeout;

const JSON: &str = "application/json";
pub(super) const EVENTS: &str = "text/event-stream";

/// A posted message.
pub(super) struct Post {
    pub(super) headers: HeaderMap,
    pub(super) extensions: Extensions,
    pub(super) message: Message,
}

impl Post {
    /// Reads a message.
    pub(super) async fn read<B>(head: Parts, body: B, limits: &HttpLimits) -> Result<Self, Refusal>
    where
        B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
    {
        if media_type(head.headers.get(header::CONTENT_TYPE)) != Some(JSON.to_owned()) {
            let text = "the content type of a message is `application/json`";
            return Err(refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, text));
        }
        if !(accepts(&head.headers, JSON) && accepts(&head.headers, EVENTS)) {
            let text = "answers are `application/json` or `text/event-stream`: accept both";
            return Err(refused(StatusCode::NOT_ACCEPTABLE, text));
        }
        let bytes = read_body(body, limits).await?;
        match Message::decode(&bytes) {
            Ok(message) => {
                Ok(Self { headers: head.headers, extensions: head.extensions.into(), message })
            }
            Err(error) => Err(refusal::to_bytes(&bytes, &error).map_or_else(
                || Refusal::bad_request(None, error.to_string()),
                |response: Response| Refusal::of(StatusCode::BAD_REQUEST, response),
            )),
        }
    }

    /// Returns the message with the headers that matter.
    pub(super) fn posted(&self) -> Posted<'_> {
        Posted::new(&self.headers, &self.message)
    }

    /// Returns the id, if it is a request.
    pub(super) fn id(&self) -> Option<RequestId> {
        match &self.message {
            Message::Request(request) => Some(request.id.clone()),
            Message::Notification(_) | Message::Response(_) => None,
        }
    }

    /// Returns the message, with what the layers above know about it.
    pub(super) fn into_message(self) -> ClientMessage {
        let mut message = ClientMessage::new(self.message);
        message.extensions = self.extensions;
        message
    }
}

async fn read_body<B>(body: B, limits: &HttpLimits) -> Result<Bytes, Refusal>
where
    B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
{
    let too_large = || {
        let text = format!("message is longer than {} bytes", limits.body);
        refused(StatusCode::PAYLOAD_TOO_LARGE, text)
    };
    if body.size_hint().lower() > limits.body as u64 {
        return Err(too_large());
    }
    match timeout(limits.body_timeout, Limited::new(body, limits.body).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err(refused(StatusCode::BAD_REQUEST, "message was cut off")),
        Err(_) => Err(refused(StatusCode::REQUEST_TIMEOUT, "message did not arrive in time")),
    }
}

fn refused(status: StatusCode, text: impl Into<String>) -> Refusal {
    Refusal::new(status, None, ErrorCode::INVALID_REQUEST, text)
}

/// Returns whether a client accepts a media type. Without an `Accept` header it accepts any.
pub(super) fn accepts(headers: &HeaderMap, wanted: &str) -> bool {
    let (kind, _) = wanted.split_once('/').unwrap_or_default();
    let is_wanted = |range: &str| {
        range == wanted || range == "*/*" || range.strip_suffix("/*").is_some_and(|it| it == kind)
    };
    let values = headers.get_all(header::ACCEPT);
    let mut ranges = values.iter().filter_map(|value| value.to_str().ok());
    let mut ranges = ranges.by_ref().flat_map(|value| value.split(',')).map(essence);
    !headers.contains_key(header::ACCEPT) || ranges.any(|range| is_wanted(&range))
}

fn media_type(value: Option<&HeaderValue>) -> Option<String> {
    value.and_then(|value| value.to_str().ok()).map(essence)
}

/// Returns a media type without its parameters.
fn essence(value: &str) -> String {
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    // spec: HTTP-02 HTTP-05
    #[test]
    fn media_types_are_compared_without_parameters_and_case() {
        let accept = |values: &[&'static str]| {
            let values = values.iter().map(|value| HeaderValue::from_static(value));
            let headers: HeaderMap = values.map(|value| (header::ACCEPT, value)).collect();
            accepts(&headers, JSON) && accepts(&headers, EVENTS)
        };
        assert!(accept(&["application/json, text/event-stream"]));
        assert!(accept(&["Text/Event-Stream;q=0.9 ,Application/JSON; charset=utf-8"]));
        assert!(accept(&["application/json", "text/event-stream"]));
        assert!(accept(&["*/*"]) && accept(&["text/*,application/*"]) && accept(&[]));
        assert!(!accept(&["application/json"]) && !accept(&["text/html"]) && !accept(&[""]));
        let json = HeaderValue::from_static("Application/Json ; charset=utf-8");
        assert_eq!(media_type(Some(&json)).as_deref(), Some(JSON));
    }
}
