//! Serving clients of revisions with a handshake.
//!
//! See [the clauses](https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#streamable-http).

use super::{
    Body, Guarded, HttpEndpoint,
    answer::{self, Refusal},
    permit,
    post::{EVENTS, Post, accepts},
    session::{Lease, Session},
    sessions::Sessions,
};
use futures_core::{Stream, stream::BoxStream};
use futures_util::StreamExt;
use http::{HeaderMap, HeaderName, Response, StatusCode};
use mcp_types::{
    ErrorCode, RequestId,
    rpc::{Message, Response as RpcResponse},
};
use std::{future::poll_fn, pin::Pin, sync::Arc, task::Poll};
use tokio::sync::OwnedSemaphorePermit;

const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");

impl HttpEndpoint {
    /// Answers a message of a session, or the request that begins one.
    pub(super) async fn legacy(
        &self,
        post: Post,
        sessions: &Arc<Sessions>,
    ) -> Result<Response<Body>, Refusal> {
        let version = post.posted().header_version();
        if version.is_some_and(|version| !version.is_known()) {
            let text = "header `mcp-protocol-version` names no revision with a handshake";
            return Err(Refusal::bad_request(post.id(), text));
        }
        if !post.headers.contains_key(SESSION_ID)
            && let Message::Request(request) = &post.message
            && request.method == "initialize"
        {
            let id = request.id.clone();
            let permit = permit(&self.permits, post.id())?;
            return self.begin(post, &id, sessions, permit).await;
        }
        let lease = find(&post.headers, post.id(), sessions)?;
        match (post.id(), &post.message) {
            (Some(id), _) => {
                let permit = permit(&self.permits, post.id())?;
                let messages = call(&lease.0, post, &id, permit)?;
                Ok(answer::answer(messages, answer::legacy_status, self.limits()).await)
            }
            (None, Message::Notification(it)) if lease.0.in_flight.take_cancellation(it) => {
                Ok(answer::empty(StatusCode::ACCEPTED))
            }
            (None, _) => {
                let backend = lease.0.backend().ok_or_else(|| not_found(None))?;
                self.deliver(&backend, post).await
            }
        }
    }

    /// Begins a session: its id is sent with the answer to `initialize`, unless that is an error.
    async fn begin(
        &self,
        post: Post,
        id: &RequestId,
        sessions: &Arc<Sessions>,
        permit: OwnedSemaphorePermit,
    ) -> Result<Response<Body>, Refusal> {
        let mut beginning = sessions.begin(id).await?;
        let mut messages = call(&beginning.lease.0, post, id, permit)?;
        let Some(first) = messages.next().await else {
            return Ok(answer::events(None, messages, self.limits()));
        };
        let is_refused = matches!(&first, Message::Response(RpcResponse { outcome: Err(_), .. }));
        let mut response = answer::begin(first, messages, answer::legacy_status, self.limits());
        if !is_refused && let Some(id) = beginning.keep() {
            response.headers_mut().insert(SESSION_ID, id);
        }
        Ok(response)
    }

    /// Opens the stream of the unsolicited messages of a session.
    pub(super) async fn listen(
        &self,
        headers: &HeaderMap,
        sessions: &Sessions,
    ) -> Result<Response<Body>, Refusal> {
        if !accepts(headers, EVENTS) {
            let text = "answers to this method are `text/event-stream`: accept that";
            let status = StatusCode::NOT_ACCEPTABLE;
            return Err(Refusal::new(status, None, ErrorCode::INVALID_REQUEST, text));
        }
        let mut messages = Session::listen(find(headers, None, sessions)?);
        match poll_fn(|cx| Poll::Ready(Pin::new(&mut messages).poll_next(cx))).await {
            // There are no such messages, now or later.
            Poll::Ready(None) => Ok(answer::method_not_allowed("POST, DELETE")),
            Poll::Ready(first) => Ok(answer::events(first, messages.boxed(), self.limits())),
            Poll::Pending => Ok(answer::events(None, messages.boxed(), self.limits())),
        }
    }
}

/// Ends a session.
pub(super) fn end(headers: &HeaderMap, sessions: &Sessions) -> Result<Response<Body>, Refusal> {
    let id = headers.get(SESSION_ID).ok_or_else(|| no_session_id(None))?;
    match id.to_str() {
        Ok(id) if sessions.end(id) => Ok(answer::empty(StatusCode::NO_CONTENT)),
        _ => Err(not_found(None)),
    }
}

fn find(headers: &HeaderMap, id: Option<RequestId>, sessions: &Sessions) -> Result<Lease, Refusal> {
    let Some(session) = headers.get(SESSION_ID) else { return Err(no_session_id(id)) };
    sessions.find(session).ok_or_else(|| not_found(id))
}

/// Hands a request to the service of a session.
fn call(
    session: &Arc<Session>,
    post: Post,
    id: &RequestId,
    permit: OwnedSemaphorePermit,
) -> Result<BoxStream<'static, Message>, Refusal> {
    let backend = session.backend().ok_or_else(|| not_found(Some(id.clone())))?;
    let call = session
        .in_flight
        .begin(&backend, post.into_message())
        .map_err(|refused| Refusal::of(StatusCode::BAD_REQUEST, refused.response(id.clone())))?;
    Ok(Guarded::new(call, permit, Some(session.lease())).boxed())
}

fn no_session_id(id: Option<RequestId>) -> Refusal {
    Refusal::bad_request(id, "header `mcp-session-id` is missing")
}

fn not_found(id: Option<RequestId>) -> Refusal {
    let text = "there is no such session: initialize a new one";
    Refusal::new(StatusCode::NOT_FOUND, id, ErrorCode::INVALID_REQUEST, text)
}
