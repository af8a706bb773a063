//! The leaf of every stack: from a call to messages, and from messages to a reply.

mod exchange;

use crate::{Call, OnRequestId, Peer, Reply};
use exchange::{Exchange, Side, Talk};
use futures_util::future::BoxFuture;
use mcp_transport::{BoxError, ClientMessage, Transport};
use mcp_types::{RawJson, RequestId, keys, rpc::Request};
use std::{
    sync::Arc,
    task::{Context, Poll},
};
use tower_service::Service;
use tracing::level_filters::LevelFilter;

/// Sends calls over a transport and collects what comes back.
///
/// Gives each call an id that no other call of the session had, and asks for progress when somebody listens. Reads the
/// replies in the task of the call: notifications go to the call's [`Events`](crate::Events), requests of a legacy server are answered
/// through the [`Peer`], and the response ends it.
///
/// # Cancel safety
///
/// Dropping the future of a call drops its replies, and so cancels the request on the wire.
#[derive(Clone, Debug)]
pub struct Dispatch<T> {
    transport: T,
    ends: Arc<Ends<T>>,
}

/// Both ends of the connection, for all calls: what it takes to answer what a legacy server asks during one.
#[derive(Debug)]
struct Ends<T> {
    transport: T,
    peer: Peer,
}

impl<T: Transport> Dispatch<T> {
    /// Sends over `transport`, and answers the server's requests through `peer`.
    pub fn new(transport: T, peer: Peer) -> Self {
        let ends = Arc::new(Ends { transport: transport.clone(), peer });
        Self { transport, ends }
    }

    /// What this side of the session is to the server.
    pub fn peer(&self) -> &Peer {
        &self.ends.peer
    }

    pub(crate) fn transport(&self) -> &T {
        &self.transport
    }
}

impl<T: Transport> Service<Call> for Dispatch<T> {
    type Response = Reply;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Reply, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.transport.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, mut call: Call) -> Self::Future {
        // Before all else, so that what it holds is made in its place.
        let room = Box::new_uninit();
        let id = self.ends.peer.next_id();
        let progress = Some(&id).filter(|_| !call.events.is_empty() && may_progress(&call.method));
        if progress.is_some() {
            call.meta.remove(keys::PROGRESS_TOKEN);
        }
        tell_id(&id, &call);
        let params = call.params.join_with(&call.meta, progress);
        let mut request = Request::new(id.clone(), call.method.clone());
        request.params = (params.size() > RawJson::EMPTY_OBJECT.size()).then_some(params);
        let mut message = ClientMessage::new(request);
        message.extensions = call.extensions;
        let sending = self.transport.call(message);
        let side = Side::of(&self.ends, call.params);
        let talk = Talk::new(id, call.method, call.events, side);
        let exchange = Box::write(room, Exchange::new(sending, talk));
        Box::into_pin(exchange)
    }
}

/// Tells the id of a request to those who want to know it.
fn tell_id(id: &RequestId, call: &Call) {
    if let Some(told) = call.extensions.get::<OnRequestId>() {
        told.tell(id);
    }
    // Of the span of the call, if there is one; others have no such field. Mostly nobody looks at spans at all.
    if LevelFilter::current() != LevelFilter::OFF {
        tracing::Span::current().record("jsonrpc.request.id", tracing::field::display(id));
    }
}

/// Whether progress about a call can mean anything.
fn may_progress(method: &str) -> bool {
    !matches!(method, "initialize" | "subscriptions/listen")
}
