//! Where what the peer says goes.

use super::{
    batch,
    call::{self, CallKind, Overflow, Slot},
    correlation::{Subject, subject},
    port::WriteThrough,
    salvage::Salvage,
    shared::Shared,
    wakers::Wakers,
};
use crate::{
    Delivery, Error, ServerMessage,
    error::Kind,
    excerpt::excerpt,
    inbox::{EXCERPT, Inbox},
};
use bytes::Bytes;
use mcp_types::{
    RequestId,
    rpc::{DecodeError, Message, Notification, Response},
};
use std::sync::Arc;

/// Gives each message of the peer to the call that it belongs to, and the rest to whoever listens.
#[derive(Debug)]
pub(super) struct Router {
    shared: Arc<Shared<dyn WriteThrough>>,
    inbox: Option<Inbox>,
    /// The callers whom messages have come for, and who are not woken yet.
    due: Wakers,
    /// Whether a message was among what came: then it is a server.
    has_heard: bool,
    /// How many bytes of noise came before the first message, and how they begin.
    noise: (usize, String),
}

impl Router {
    pub(super) fn new(shared: Arc<Shared<dyn WriteThrough>>, inbox: Inbox) -> Self {
        let (due, noise) = (Wakers::default(), (0, String::new()));
        Self { shared, inbox: Some(inbox), due, has_heard: false, noise }
    }

    /// Routes one line: a message or a batch of them. The callers are woken by whoever routes.
    pub(super) fn line(&mut self, line: Bytes) {
        if line.starts_with(b"[") { self.batch(&line) } else { self.single(line) }
    }

    /// Fails the calls that a message over the limit answers.
    pub(super) fn too_long(&mut self, salvage: &Salvage) {
        let limit = self.shared.limits.message_bytes;
        let slots: Vec<_> =
            salvage.all_answered().filter_map(|id| self.shared.lock().take(id)).collect();
        if slots.is_empty() {
            self.count_noise(limit, String::new);
            return self.unsolicited(|inbox| inbox.too_large(limit));
        }
        self.has_heard = true;
        for slot in slots {
            let text = format!("response to request {} is over {limit} bytes", slot.id());
            let failure = Error::new(Kind::TooLarge, Delivery::Delivered, text);
            self.due.extend(slot.finish(Err(failure)));
        }
    }

    /// Whether there was so much noise before the first message, with what is still coming, that this is no server.
    pub(super) fn check_noise(&self, coming: usize) -> Result<(), Error> {
        let (noise, sample) = &self.noise;
        if self.has_heard || noise.saturating_add(coming) <= self.shared.limits.noise_bytes {
            return Ok(());
        }
        let text = match &**sample {
            "" => "server writes something else than messages: is it an MCP server?".into(),
            it => format!("server writes no messages but {it:?}: is it an MCP server?"),
        };
        Err(Error::new(Kind::Malformed, Delivery::Unknown, text))
    }

    /// The callers whom messages have come for.
    pub(super) fn due(&mut self) -> &mut Wakers {
        &mut self.due
    }

    /// Ends the stream of arrivals.
    pub(super) fn close(&mut self) {
        self.inbox = None;
    }

    /// Routes one message. The lock is held for the look-up alone, never while decoding.
    fn single(&mut self, line: Bytes) {
        match Message::decode(&line) {
            Ok(message) => {
                self.has_heard = true;
                let bytes = line.len();
                // So that nobody else holds them when the caller gets the message: it may take them over.
                drop(line);
                self.message(message, bytes);
            }
            Err(error) => self.broken(&line, error),
        }
    }

    fn batch(&mut self, line: &Bytes) {
        match batch::members(line) {
            // Copied, because one member that waits to be read would keep the whole line.
            Some(members) => {
                self.unsolicited(Inbox::batch);
                members.for_each(|it| self.single(Bytes::copy_from_slice(it)));
            }
            // An array is never a message, but decoding may take its elements for the members of an envelope.
            None => {
                if let Err(error) = Message::decode(&Bytes::from_static(b"[]")) {
                    self.broken(line, error);
                }
            }
        }
    }

    fn message(&mut self, message: ServerMessage, bytes: usize) {
        match &message {
            Message::Response(Response { id: Some(id), .. }) => {
                let (slot, is_late) = self.answered(id);
                if let Some(slot) = slot {
                    return self.due.extend(slot.finish(Ok(message)));
                }
                // A response to an abandoned call, or the second to another, is nobody's business.
                if is_late {
                    return tracing::debug!(%id, "dropped a late response");
                }
            }
            Message::Notification(notification) => {
                if let Some(slot) = self.subject_of(notification) {
                    return self.notification(&slot, message, bytes);
                }
            }
            Message::Response(_) | Message::Request(_) => {}
        }
        self.unsolicited(|inbox| inbox.message(message, bytes));
    }

    /// The call that waits for a response, or whether the response comes too late for one.
    fn answered(&self, id: &RequestId) -> (Option<Arc<Slot>>, bool) {
        let mut exchange = self.shared.lock();
        let slot = exchange.take(id);
        let is_late = slot.is_none() && exchange.is_late(id);
        (slot, is_late)
    }

    fn subject_of(&self, notification: &Notification) -> Option<Arc<Slot>> {
        match subject(notification)? {
            Subject::Progress(id) | Subject::Subscription(id) => {
                self.shared.lock().find(&id).cloned()
            }
            // Any other id is one of the peer's own requests, or none of its business.
            Subject::Cancelled(id) => {
                let exchange = self.shared.lock();
                exchange.find(&id).filter(|slot| slot.kind() == CallKind::Listen).cloned()
            }
        }
    }

    fn notification(&mut self, slot: &Slot, message: ServerMessage, bytes: usize) {
        let caller = match slot.push(message, bytes, self.shared.limits.of_replies()) {
            Ok(caller) => caller,
            Err(Overflow) => {
                self.shared.abandon(slot);
                slot.finish(Err(call::overflow(slot.id())))
            }
        };
        self.due.extend(caller);
    }

    fn broken(&mut self, line: &[u8], error: DecodeError) {
        let salvage = Salvage::of(line);
        let slot = salvage.answered().and_then(|id| self.shared.lock().take(id));
        match slot {
            Some(slot) => {
                self.has_heard = true;
                let text = format!("response to request {} cannot be read", slot.id());
                let failure = Error::new(Kind::Malformed, Delivery::Delivered, text);
                self.due.extend(slot.finish(Err(failure.with_source(error))));
            }
            None => {
                self.count_noise(line.len(), || excerpt(line, EXCERPT));
                self.unsolicited(|inbox| inbox.not_a_message(line, error));
            }
        }
    }

    fn count_noise(&mut self, bytes: usize, sample: impl FnOnce() -> String) {
        if !self.has_heard {
            let (noise, first) = &mut self.noise;
            *noise = noise.saturating_add(bytes);
            if first.is_empty() {
                *first = sample();
            }
        }
    }

    fn unsolicited(&self, tell: impl FnOnce(&Inbox)) {
        if let Some(inbox) = &self.inbox {
            tell(inbox);
        }
    }
}
