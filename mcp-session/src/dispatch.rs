//! The leaf of every stack: sends a call as a message, and resolves with the response.

mod exchange;

use crate::{
    Call, Deadlines, OnRequestId, Peer, Reply,
    call::Witness,
    deadline::{Countdown, Ground},
};
use exchange::{Exchange, Talk};
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
/// Gives each call an id that is unique in the session, and asks for progress if the call has listeners. Reads the
/// replies in the task of the call: notifications go to the call's [`Events`](crate::Events), requests of a legacy
/// server are answered through the [`Peer`], and the response ends the call.
///
/// # Cancel safety
///
/// Dropping the future of a call drops its replies, and so cancels the request on the wire.
#[derive(Clone, Debug)]
pub struct Dispatch<T> {
    transport: T,
    ends: Arc<Ends<T>>,
}

/// Both ends of the connection, shared by all calls, for answering what a legacy server asks during a call.
#[derive(Debug)]
struct Ends<T> {
    transport: T,
    peer: Peer,
    /// The shared state for deadlines, if they are enforced here.
    ground: Option<Ground>,
}

impl<T: Transport> Dispatch<T> {
    /// Sends over `transport`, and answers the server's requests through `peer`.
    pub fn new(transport: T, peer: Peer) -> Self {
        let ends = Arc::new(Ends { transport: transport.clone(), peer, ground: None });
        Self { transport, ends }
    }

    /// Ends calls that take too long, as a [`Deadline`](crate::Deadline) around it would. Default: no limit.
    ///
    /// These limits apply to calls that bring no [`Deadlines`] of their own. Here, whatever receives progress also
    /// counts the time, so that a call needs no shared clock, and less memory.
    // spec: CAN-01 CAN-02 CAN-03 CAN-04
    #[must_use]
    pub fn with_deadlines(self, deadlines: Deadlines) -> Self {
        let Self { transport, ends } = self;
        let peer = ends.peer.clone();
        let ground = Some(Ground::new(deadlines, peer.patience().cloned()));
        let ends = Arc::new(Ends { transport: transport.clone(), peer, ground });
        Self { transport, ends }
    }

    /// The client's side of the session.
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
        // Allocated first, so that its contents are built in place.
        let room = Box::new_uninit();
        let number = self.ends.peer.next_id();
        let id = RequestId::from(number);
        let (countdown, is_extended) = match &self.ends.ground {
            Some(ground) => {
                let countdown = Countdown::new(call.extensions.get(), ground);
                let is_extended = countdown.limits(ground).idle.is_some();
                (Some(countdown), is_extended)
            }
            None => (None, false),
        };
        let is_heard = is_extended || !call.events.is_empty();
        let progress = Some(&id).filter(|_| is_heard && may_progress(&call.method));
        if progress.is_some() {
            call.meta.remove(keys::PROGRESS_TOKEN);
        }
        tell_id(&id, &call);
        let params = call.params.join_with(&call.meta, progress);
        let mut request = Request::new(id, call.method.clone());
        request.params = (params.size() > RawJson::EMPTY_OBJECT.size()).then_some(params);
        let mut message = ClientMessage::new(request);
        message.extensions = call.extensions;
        let sending = self.transport.call(message);
        // Only servers with a handshake, or not yet known, may ask questions.
        let params = (!self.ends.peer.is_modern()).then(|| Box::new(call.params));
        let talk = Talk {
            id: number,
            method: call.method,
            events: call.events,
            ends: Arc::clone(&self.ends),
            params,
            chat: None,
            countdown,
        };
        let exchange = Box::write(room, Exchange::new(sending, talk));
        Box::into_pin(exchange)
    }
}

impl<T: Transport> Witness for Ends<T> {
    fn peer(&self) -> &Peer {
        &self.peer
    }
}

/// Publishes the id of a request to those who want to know it.
fn tell_id(id: &RequestId, call: &Call) {
    if let Some(told) = call.extensions.get::<OnRequestId>() {
        told.tell(id);
    }
    // Recorded in the span of the call, if any; other spans have no such field. Usually, spans are disabled.
    if LevelFilter::current() != LevelFilter::OFF {
        tracing::Span::current().record("jsonrpc.request.id", tracing::field::display(id));
    }
}

/// Whether calls of this method may report progress.
fn may_progress(method: &str) -> bool {
    !matches!(method, "initialize" | "subscriptions/listen")
}
