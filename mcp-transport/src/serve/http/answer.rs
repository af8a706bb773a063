//! Turning replies into HTTP responses.

use super::{super::refusal, Body, options::HttpLimits};
use crate::ServerMessage;
use futures_core::stream::BoxStream;
use futures_util::StreamExt;
use http::{HeaderValue, Response, StatusCode, header};
use mcp_types::{
    ErrorCode, ErrorObject, RequestId,
    rpc::{self, Message},
};
use tokio::time::timeout;

/// A status and the JSON-RPC error that explains it.
#[derive(Debug)]
pub(super) struct Refusal(Box<(StatusCode, rpc::Response)>);

impl Refusal {
    pub(super) fn new(
        status: StatusCode,
        id: Option<RequestId>,
        code: ErrorCode,
        message: impl Into<String>,
    ) -> Self {
        Self::of(status, refusal::response(id, code, message))
    }

    pub(super) fn of(status: StatusCode, response: rpc::Response) -> Self {
        Self(Box::new((status, response)))
    }

    /// Creates a 400 with the code for invalid requests.
    pub(super) fn bad_request(id: Option<RequestId>, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, id, ErrorCode::INVALID_REQUEST, message)
    }

    /// Adds details to the refusal.
    pub(super) fn with_data(mut self, data: serde_json::Value) -> Self {
        if let Err(error) = &mut self.0.1.outcome {
            error.data = Some(data.into());
        }
        self
    }

    #[cfg(test)]
    pub(super) fn status(&self) -> StatusCode {
        self.0.0
    }

    pub(super) fn into_response(self) -> Response<Body> {
        let (status, response) = *self.0;
        json(status, &response.into())
    }
}

/// Answers with the methods that an endpoint allows.
pub(super) fn method_not_allowed(allowed: &'static str) -> Response<Body> {
    let text = "this endpoint does not take requests of this method";
    let status = StatusCode::METHOD_NOT_ALLOWED;
    let refusal = Refusal::new(status, None, ErrorCode::INVALID_REQUEST, text);
    let mut response = refusal.into_response();
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allowed));
    response
}

/// Creates a response without a body.
pub(super) fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

fn json(status: StatusCode, message: &ServerMessage) -> Response<Body> {
    let mut response = Response::new(Body::json(message));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

/// Creates an event stream of messages.
pub(super) fn events(
    first: Option<ServerMessage>,
    messages: BoxStream<'static, ServerMessage>,
    limits: &HttpLimits,
) -> Response<Body> {
    let mut response = Response::new(Body::events(first, messages, limits.keep_alive));
    for (name, value) in [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-cache, no-transform"),
        // Otherwise a proxy may hold back events.
        (header::HeaderName::from_static("x-accel-buffering"), "no"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Answers a request: with JSON if its response comes first and soon, otherwise with an event stream.
pub(super) async fn answer(
    mut messages: BoxStream<'static, ServerMessage>,
    status: fn(&ErrorObject) -> StatusCode,
    limits: &HttpLimits,
) -> Response<Body> {
    match timeout(limits.keep_alive, messages.next()).await {
        Ok(Some(message)) => begin(message, messages, status, limits),
        // The client has given up, or the answer takes a while.
        Ok(None) | Err(_) => events(None, messages, limits),
    }
}

/// Answers a request whose first message has arrived.
pub(super) fn begin(
    first: ServerMessage,
    messages: BoxStream<'static, ServerMessage>,
    status: fn(&ErrorObject) -> StatusCode,
    limits: &HttpLimits,
) -> Response<Body> {
    match &first {
        Message::Response(response) => {
            let status = response.outcome.as_ref().err().map_or(StatusCode::OK, status);
            json(status, &first)
        }
        Message::Request(_) | Message::Notification(_) => events(Some(first), messages, limits),
    }
}

/// Returns the status of an error in a stateless revision, where some codes have their own.
pub(super) fn modern_status(error: &ErrorObject) -> StatusCode {
    match error.code {
        ErrorCode::METHOD_NOT_FOUND => StatusCode::NOT_FOUND,
        ErrorCode::HEADER_MISMATCH
        | ErrorCode::MISSING_REQUIRED_CLIENT_CAPABILITY
        | ErrorCode::UNSUPPORTED_PROTOCOL_VERSION
        | ErrorCode::PARSE_ERROR
        | ErrorCode::INVALID_REQUEST => StatusCode::BAD_REQUEST,
        _ => StatusCode::OK,
    }
}

/// Returns the status of an error in a revision with sessions, where the message says everything.
pub(super) fn legacy_status(_: &ErrorObject) -> StatusCode {
    StatusCode::OK
}
