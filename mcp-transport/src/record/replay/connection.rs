//! One replayed connection.

use super::{
    lock,
    script::{Next, Rules, Script},
};
use crate::{Arrival, ClientMessage, Error, Replies, ServerMessage};
use futures_core::Stream;
use mcp_types::rpc::Message;
use std::{
    fmt,
    future::{Ready, ready},
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
};
use tower_service::Service;

/// A transport that replays a recorded connection, made by [`Replay`](super::Replay).
#[derive(Clone)]
pub struct Playback(Arc<Handle>);

/// The state that the clones of a playback share.
pub(super) struct Handle {
    script: Arc<Mutex<Script>>,
    rules: Rules,
}

impl Handle {
    pub(super) fn new(script: Arc<Mutex<Script>>, rules: Rules) -> Self {
        Self { script, rules }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        change(&self.script, Script::release);
    }
}

impl Playback {
    pub(super) fn new(handle: Handle) -> Self {
        Self(Arc::new(handle))
    }

    fn send(&self, message: &Message) -> Result<Replies, Error> {
        let Handle { script, rules } = &*self.0;
        change(script, |state| {
            let call = state.send(message, rules)?;
            if matches!(message, Message::Request(_)) {
                let replies = Played { script: Arc::clone(script), call, is_over: false };
                return Ok(Replies::new(replies));
            }
            state.failure_of(call).map_or_else(|| Ok(Replies::empty()), Err)
        })
    }
}

impl Service<ClientMessage> for Playback {
    type Response = Replies;
    type Error = Error;
    type Future = Ready<Result<Replies, Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, message: ClientMessage) -> Self::Future {
        ready(self.send(&message.body))
    }
}

/// The replies to one request.
struct Played {
    script: Arc<Mutex<Script>>,
    call: u64,
    is_over: bool,
}

impl Stream for Played {
    type Item = Result<ServerMessage, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        let next = next(&self.script, cx, |script| script.next_reply(self.call));
        let item = match next {
            Next::Later => return Poll::Pending,
            Next::Message(message) => Some(Ok(message)),
            Next::Failure(error) => Some(Err(error)),
            Next::End => None,
        };
        self.is_over = !matches!(item, Some(Ok(Message::Request(_) | Message::Notification(_))));
        Poll::Ready(item)
    }
}

/// The unsolicited messages.
pub(super) struct Unasked(Arc<Mutex<Script>>);

impl Unasked {
    pub(super) fn new(script: Arc<Mutex<Script>>) -> Self {
        Self(script)
    }
}

impl Stream for Unasked {
    type Item = Arrival;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Arrival>> {
        match next(&self.0, cx, Script::next_unasked) {
            Next::Message(message) => Poll::Ready(Some(Arrival::Message(message))),
            Next::End | Next::Failure(_) => Poll::Ready(None),
            Next::Later => Poll::Pending,
        }
    }
}

fn next(script: &Mutex<Script>, cx: &Context<'_>, next: impl FnOnce(&mut Script) -> Next) -> Next {
    let mut script = lock(script);
    let next = next(&mut script);
    if matches!(next, Next::Later) {
        script.wait(cx.waker());
    }
    next
}

/// Changes a script, and wakes the tasks that wait for the change.
fn change<T>(script: &Mutex<Script>, change: impl FnOnce(&mut Script) -> T) -> T {
    let mut script = lock(script);
    let result = change(&mut script);
    let wakers = script.take_wakers();
    drop(script);
    wakers.into_iter().for_each(Waker::wake);
    result
}

impl fmt::Debug for Playback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Playback")
    }
}
