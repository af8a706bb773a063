//! Matching the messages of the one stream with the calls that wait for them: no IO.

use crate::{Delivery, Error, ServerMessage, error::Kind, inbox::Inbox};
use bytes::Bytes;
use http::Uri;
use mcp_types::{
    RequestId, keys,
    rpc::{DecodeErrorKind, Message, Notification},
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::{Notify, mpsc};

/// The largest queue that is possible.
const MAX_CAPACITY: usize = tokio::sync::Semaphore::MAX_PERMITS;

type Reply = Result<ServerMessage, Error>;

/// The state that the calls, the driver and the stream of one connection share.
#[derive(Debug)]
pub(in crate::http) struct Channel {
    /// How many messages may wait for a call, without its response.
    max_waiting: usize,
    inner: Mutex<Inner>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    endpoint: Option<Uri>,
    lost: Option<Error>,
    pending: HashMap<RequestId, mpsc::Sender<Reply>>,
}

impl Channel {
    pub(super) fn new(max_waiting: usize) -> Self {
        Self { max_waiting, inner: Mutex::default(), changed: Notify::new() }
    }

    /// Returns the message endpoint; waits until the server has named it.
    pub(super) async fn endpoint(&self) -> Result<Uri, Error> {
        loop {
            let changed = self.changed.notified();
            if let Some(settled) = self.settled() {
                return settled;
            }
            changed.await;
        }
    }

    fn settled(&self) -> Option<Result<Uri, Error>> {
        let inner = self.lock();
        let lost = inner.lost.clone().map(|lost| Err(lost.with_delivery(Delivery::NotSent)));
        lost.or_else(|| inner.endpoint.clone().map(Ok))
    }

    /// Returns the message endpoint, if the server has named it.
    pub(in crate::http) fn known_endpoint(&self) -> Option<Uri> {
        self.lock().endpoint.clone()
    }

    /// The server has named the message endpoint.
    pub(super) fn open(&self, endpoint: Uri) {
        self.lock().endpoint.get_or_insert(endpoint);
        self.changed.notify_waiters();
    }

    /// The stream is lost: all calls fail, and later ones too.
    pub(in crate::http) fn lose(&self, error: &Error) {
        let mut inner = self.lock();
        let lost = inner.lost.get_or_insert_with(|| error.clone()).clone();
        let pending = std::mem::take(&mut inner.pending);
        drop(inner);
        self.changed.notify_waiters();
        for waiting in pending.into_values() {
            let _ = waiting.try_send(Err(lost.clone().with_delivery(Delivery::Unknown)));
        }
    }

    /// Registers a call that waits for its response.
    pub(super) fn register(self: &Arc<Self>, id: &RequestId) -> Result<Registration, Error> {
        let mut inner = self.lock();
        if let Some(lost) = &inner.lost {
            return Err(lost.clone().with_delivery(Delivery::NotSent));
        }
        if inner.pending.contains_key(id) {
            let message = format!("request id {id} is in use: take another");
            return Err(Error::other(message, Delivery::NotSent));
        }
        // One extra place, for the response.
        let (sender, replies) = mpsc::channel(self.max_waiting.saturating_add(1).min(MAX_CAPACITY));
        inner.pending.insert(id.clone(), sender);
        Ok(Registration { channel: Arc::clone(self), id: id.clone(), replies })
    }

    /// Hands a message to its call, or to `inbox`.
    pub(super) fn take(&self, data: &Bytes, inbox: &Inbox) {
        let message = match Message::decode(data) {
            Ok(message) => message,
            Err(error) => {
                let id = error.id().filter(|_| error.kind() != DecodeErrorKind::InvalidParams);
                let Some(waiting) = id.and_then(|id| self.lock().pending.remove(id)) else {
                    return inbox.not_a_message(data, error);
                };
                let message = "response cannot be read";
                let failure = Error::new(Kind::Malformed, Delivery::Delivered, message);
                let _ = waiting.try_send(Err(failure.with_source(error)));
                return;
            }
        };
        match &message {
            Message::Response(response) => {
                let waiting = response.id.as_ref().and_then(|id| self.lock().pending.remove(id));
                match waiting {
                    Some(waiting) => drop(waiting.try_send(Ok(message))),
                    None => {
                        tracing::debug!(id = ?response.id, "dropped a response that nobody waits for")
                    }
                }
            }
            Message::Notification(told) => match progress_of(told) {
                Some(id) if self.lock().pending.contains_key(&id) => self.progress(&id, message),
                _ => inbox.message(message, data.len()),
            },
            Message::Request(_) => inbox.message(message, data.len()),
        }
    }

    /// An event was over the limit. Its call is known only if there is just one.
    pub(super) fn too_large(&self, limit: usize, inbox: &Inbox) {
        let mut inner = self.lock();
        let only = inner.pending.keys().next().cloned().filter(|_| inner.pending.len() == 1);
        let Some(waiting) = only.and_then(|id| inner.pending.remove(&id)) else {
            return inbox.too_large(limit);
        };
        let message = format!("event is larger than the limit of {limit} bytes");
        let _ = waiting.try_send(Err(Error::new(Kind::TooLarge, Delivery::Delivered, message)));
    }

    fn progress(&self, id: &RequestId, message: ServerMessage) {
        let mut inner = self.lock();
        let Some(waiting) = inner.pending.get(id) else { return };
        if waiting.capacity() > 1 {
            let _ = waiting.try_send(Ok(message));
        } else if let Some(waiting) = inner.pending.remove(id) {
            let message = "more messages about the request came than were read";
            let _ = waiting.try_send(Err(Error::new(Kind::Overflow, Delivery::Unknown, message)));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A waiting call. Dropping it stops waiting.
#[derive(Debug)]
pub(super) struct Registration {
    channel: Arc<Channel>,
    id: RequestId,
    pub(super) replies: mpsc::Receiver<Reply>,
}

impl Drop for Registration {
    fn drop(&mut self) {
        // A later call may have the same id.
        self.replies.close();
        let mut inner = self.channel.lock();
        if inner.pending.get(&self.id).is_some_and(mpsc::Sender::is_closed) {
            inner.pending.remove(&self.id);
        }
    }
}

/// Returns the request whose progress a notification reports.
fn progress_of(told: &Notification) -> Option<RequestId> {
    let params = told.params.as_ref().filter(|_| told.method == "notifications/progress")?;
    RequestId::from_json(params.find(&[keys::PROGRESS_TOKEN])?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Limits;
    use std::fmt::Write as _;

    fn progress(token: i64) -> Bytes {
        let mut text = String::new();
        let _ = write!(
            text,
            r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":{token},"progress":1}}}}"#
        );
        text.into()
    }

    #[test]
    fn a_call_that_does_not_read_is_failed_and_no_other() {
        let (channel, inbox) =
            (Arc::new(Channel::new(20)), Inbox::new(Limits::default().of_unsolicited()));
        let mut slow = channel.register(&1.into()).unwrap();
        let mut other = channel.register(&2.into()).unwrap();
        for _ in 0..40 {
            channel.take(&progress(1), &inbox);
        }
        let mut count = 0;
        let error = loop {
            match slow.replies.try_recv().unwrap() {
                Ok(_) => count += 1,
                Err(error) => break error,
            }
        };
        assert_eq!(count, 20);
        assert!(error.is_overflow(), "{error:?}");
        channel.take(&progress(2), &inbox);
        assert!(other.replies.try_recv().unwrap().is_ok());
    }

    #[test]
    fn an_id_is_free_again_when_its_call_is_dropped() {
        let channel = Arc::new(Channel::new(1));
        let call = channel.register(&1.into()).unwrap();
        assert_eq!(channel.register(&1.into()).unwrap_err().delivery(), Delivery::NotSent);
        drop(call);
        let mut call = channel.register(&1.into()).unwrap();
        channel.lose(&Error::closed("gone", Delivery::Unknown));
        assert!(call.replies.try_recv().unwrap().unwrap_err().is_closed());
        assert!(channel.register(&2.into()).unwrap_err().is_closed());
    }
}
