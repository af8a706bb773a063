//! Routing the peer's messages to calls, or to the unsolicited stream.

use super::{
    batch, correlation::subject, exchange::settle, port::WriteThrough, salvage::Salvage,
    shared::Shared, wakers::Wakers,
};
use crate::{
    Delivery, Error, ServerMessage,
    error::Kind,
    excerpt::excerpt,
    inbox::{EXCERPT, Inbox},
};
use bytes::Bytes;
use mcp_types::rpc::{DecodeError, Message, Response};
use std::sync::Arc;

/// How many responses are delivered under one lock.
const TOGETHER: usize = 32;

/// Gives each message of the peer to its call, and all others to the unsolicited stream.
#[derive(Debug)]
pub(super) struct Router {
    shared: Arc<Shared<dyn WriteThrough>>,
    inbox: Option<Inbox>,
    /// Responses with an id, each with its size, that have not been delivered yet. They precede everything that arrives
    /// later.
    responses: Vec<(Response, usize)>,
    /// The callers with new messages that have not been woken yet.
    due: Wakers,
    /// Whether a message has arrived, which proves that the peer is a server.
    has_heard: bool,
    /// How many bytes of noise came before the first message, and how they begin.
    noise: (usize, String),
}

impl Router {
    pub(super) fn new(shared: Arc<Shared<dyn WriteThrough>>, inbox: Inbox) -> Self {
        let (due, noise) = (Wakers::default(), (0, String::new()));
        let (inbox, responses) = (Some(inbox), Vec::new());
        Self { shared, inbox, responses, due, has_heard: false, noise }
    }

    /// Routes one line: a message or a batch. The caller must wake the tasks that are due, after the last line and the
    /// [delivery](Self::hand_over).
    pub(super) fn line(&mut self, line: Bytes) {
        if line.starts_with(b"[") { self.batch(&line) } else { self.single(line) }
    }

    /// Fails the calls that an oversized message answers.
    pub(super) fn too_long(&mut self, salvage: &Salvage) {
        let limit = self.shared.limits.message_bytes;
        self.hand_over();
        let mut exchange = self.shared.lock();
        let mut is_answer = false;
        for id in salvage.all_answered() {
            let Some(slot) = exchange.take(id) else { continue };
            let text = format!("response to request {} is over {limit} bytes", slot.id());
            self.due.extend(slot.fail(Error::new(Kind::TooLarge, Delivery::Delivered, text)));
            is_answer = true;
        }
        drop(exchange);
        self.has_heard |= is_answer;
        if !is_answer {
            self.count_noise(limit, String::new);
            self.unsolicited(|inbox| inbox.too_large(limit));
        }
    }

    /// Delivers the collected responses, all under one lock.
    pub(super) fn hand_over(&mut self) {
        if self.responses.is_empty() {
            return;
        }
        let mut exchange = self.shared.lock();
        let mut strays = Vec::new();
        for (response, bytes) in self.responses.drain(..) {
            match exchange.answer(response) {
                Ok(caller) => self.due.extend(caller),
                Err(response) => {
                    let is_late = response.id.as_ref().is_some_and(|id| exchange.is_late(id));
                    strays.push((response, bytes, is_late));
                }
            }
        }
        drop(exchange);
        for (response, bytes, is_late) in strays {
            // A response to an abandoned call, or a second one, is of no interest.
            if is_late {
                tracing::debug!(id = ?response.id, "dropped a late response");
            } else {
                self.unsolicited(|inbox| inbox.message(response.into(), bytes));
            }
        }
    }

    /// Fails if there was so much noise before the first message, including what is being read, that this is not a
    /// server.
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

    /// Adds the beginning of the noise to the error of a connection over which nothing else has come: it may be a
    /// program's usage message.
    pub(super) fn explain_end(&self, error: Error) -> Error {
        match &self.noise {
            (1.., sample) if !self.has_heard && !sample.is_empty() && error.is_closed() => {
                let text = format!("{error}, having written no message but {sample:?}");
                error.with_message(text)
            }
            _ => error,
        }
    }

    /// Returns the callers that have new messages.
    pub(super) fn due(&mut self) -> &mut Wakers {
        &mut self.due
    }

    /// Ends the stream of unsolicited messages.
    pub(super) fn close(&mut self) {
        self.inbox = None;
    }

    /// Routes one message. The lock is held for the look-up only, not while decoding.
    fn single(&mut self, mut line: Bytes) {
        let bytes = line.len();
        // Taken, so that nothing else holds the bytes when the caller gets the message: it may take them over.
        match Message::take(&mut line) {
            Ok(message) => {
                self.has_heard = true;
                self.message(message, bytes);
            }
            Err(error) => self.broken(&line, error),
        }
    }

    fn batch(&mut self, line: &Bytes) {
        match batch::members(line) {
            // Copied, because a single unread member would keep the whole line alive.
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
        let message = match message {
            Message::Response(response) if response.id.is_some() => {
                self.responses.push((response, bytes));
                if self.responses.len() >= TOGETHER {
                    self.hand_over();
                }
                return;
            }
            other => other,
        };
        self.hand_over();
        if let Some(message) = self.tell(message, bytes) {
            self.unsolicited(|inbox| inbox.message(message, bytes));
        }
    }

    /// Delivers a notification to its call; returns one that belongs to no call.
    fn tell(&mut self, message: ServerMessage, bytes: usize) -> Option<ServerMessage> {
        let Message::Notification(notification) = &message else { return Some(message) };
        let Some(subject) = subject(notification) else { return Some(message) };
        let mut exchange = self.shared.lock();
        let told = exchange.tell(&subject, message, bytes, self.shared.limits.of_replies());
        settle(exchange);
        told.map(|caller| self.due.extend(caller)).err()
    }

    fn broken(&mut self, line: &[u8], error: DecodeError) {
        let salvage = Salvage::of(line);
        self.hand_over();
        let mut exchange = self.shared.lock();
        let Some(slot) = salvage.answered().and_then(|id| exchange.take(id)) else {
            drop(exchange);
            self.count_noise(line.len(), || excerpt(line, EXCERPT));
            return self.unsolicited(|inbox| inbox.not_a_message(line, error));
        };
        self.has_heard = true;
        let text = format!("response to request {} cannot be read", slot.id());
        let failure = Error::new(Kind::Malformed, Delivery::Delivered, text);
        self.due.extend(slot.fail(failure.with_source(error)));
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
