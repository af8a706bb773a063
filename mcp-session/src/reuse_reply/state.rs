//! The cache, and the invalidation of its entries.

use super::{
    CachedReply, ReplyStore, ReuseOptions, Reused,
    flight::{Flights, Place},
    hints::Hints,
    key::{Question, Topic},
};
use crate::{Event, Events, InputGiven, Reply};
use mcp_types::rpc::Notification;
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// The maximum number of changed resources remembered; beyond it, all contents are forgotten.
const MAX_CHANGED: usize = 1_024;
/// The maximum length of a changed resource's URI, in bytes; a longer one is not remembered, and all contents are
/// forgotten.
const MAX_URI: usize = 8 * 1_024;

/// The cache of a [`ReuseReply`](super::ReuseReply) layer. Clones share it.
#[derive(Clone, Debug)]
pub struct ReplyCache(Arc<State>);

#[derive(Debug)]
struct State {
    store: Arc<dyn ReplyStore>,
    options: ReuseOptions,
    changes: Mutex<Changes>,
    flights: Flights,
}

/// When things changed, in logical time that only counts changes: a reply requested before a change is stale.
#[derive(Debug, Default)]
struct Changes {
    now: u64,
    all: u64,
    topics: HashMap<Topic, u64>,
    resources: HashMap<String, u64>,
    /// Lists with at least one private page, so that none of their pages is shared.
    private: HashSet<&'static str>,
}

impl Changes {
    /// Whether the subject of a question has not changed since a moment.
    fn is_current(&self, question: &Question, asked_at: u64) -> bool {
        let topic = self.topics.get(&question.topic).copied().unwrap_or_default();
        let resource = question.uri.as_ref().and_then(|uri| self.resources.get(uri).copied());
        asked_at >= self.all.max(topic).max(resource.unwrap_or_default())
    }

    fn topic(&mut self, topic: Topic) {
        self.now += 1;
        self.topics.insert(topic, self.now);
    }

    fn resource(&mut self, uri: String) {
        if uri.len() > MAX_URI {
            return self.topic(Topic::Contents);
        }
        if self.resources.len() >= MAX_CHANGED && !self.resources.contains_key(&uri) {
            self.resources.clear();
            return self.topic(Topic::Contents);
        }
        self.now += 1;
        self.resources.insert(uri, self.now);
    }
}

impl ReplyCache {
    pub(super) fn new(store: Arc<dyn ReplyStore>, options: ReuseOptions) -> Self {
        let (changes, flights) = (Mutex::default(), Flights::default());
        Self(Arc::new(State { store, options, changes, flights }))
    }

    /// Invalidates all replies, including those of calls in flight.
    pub fn invalidate_all(&self) {
        let mut changes = self.changes();
        changes.now += 1;
        *changes = Changes { now: changes.now, all: changes.now, ..Changes::default() };
        self.0.store.clear();
    }

    /// Listeners that invalidate what a notification is about, and then pass it to `events`.
    ///
    /// `subscriptions/listen` calls through the layer do that already.
    #[must_use]
    pub fn listen(&self, events: Events) -> Events {
        let cache = self.clone();
        events.and_listener(move |event| {
            if let Event::Notification(notification) = event {
                cache.note(notification);
            }
        })
    }

    // spec: CACHE-11
    fn note(&self, notification: &Notification) {
        let mut changes = self.changes();
        match &*notification.method {
            "notifications/tools/list_changed" => changes.topic(Topic::Tools),
            "notifications/prompts/list_changed" => changes.topic(Topic::Prompts),
            "notifications/resources/list_changed" => changes.topic(Topic::Resources),
            "notifications/resources/updated" => {
                let params = notification.params.as_ref();
                match params.and_then(|params| params.decode_at(&["uri"])) {
                    Some(Ok(uri)) => changes.resource(uri),
                    // Something changed, but it is unknown what.
                    _ => changes.topic(Topic::Contents),
                }
            }
            _ => {}
        }
    }

    /// Drops everything related to a question: for a list, all its pages.
    // spec: CACHE-14
    pub(super) fn invalidate(&self, question: &Question) {
        let mut changes = self.changes();
        changes.topic(question.topic);
        changes.private.remove(question.method);
    }

    /// Returns the current moment, to detect later changes.
    pub(super) fn moment(&self) -> u64 {
        self.changes().now
    }

    /// Follows an identical call in flight, or leads a new one.
    pub(super) fn join(&self, question: &Question, asked_at: u64) -> Place {
        let is_current = |asked_at| self.changes().is_current(question, asked_at);
        self.0.flights.join(question.key(false), asked_at, is_current)
    }

    /// Returns a fresh reply, if there is one.
    // spec: CACHE-04 CACHE-06
    pub(super) fn fresh(&self, question: &Question) -> Option<Reply> {
        self.take(question, Duration::ZERO)
    }

    /// Returns a reply that may be used when the server is unreachable.
    // spec: CACHE-09
    pub(super) fn stale(&self, question: &Question) -> Option<Reply> {
        self.take(question, self.0.options.stale_if_error)
    }

    fn take(&self, question: &Question, grace: Duration) -> Option<Reply> {
        // The caller's private reply first: it is never older than a public one, because a newer one would have
        // replaced it.
        [false, true].into_iter().find_map(|is_public| self.take_from(question, is_public, grace))
    }

    fn take_from(&self, question: &Question, is_public: bool, grace: Duration) -> Option<Reply> {
        let key = question.key(is_public);
        let kept = self.0.store.find(&key)?;
        let changes = self.changes();
        let is_hidden = is_public && changes.private.contains(question.method);
        let age = Instant::now().saturating_duration_since(kept.received);
        let keepable = kept.ttl.saturating_add(self.0.options.stale_if_error);
        if is_hidden || age >= keepable || !changes.is_current(question, kept.asked_at) {
            self.0.store.forget(&key);
            return None;
        }
        let is_stale = age >= kept.ttl;
        if is_stale && age >= kept.ttl.saturating_add(grace) {
            return None;
        }
        let mut reply = Reply::new(kept.result);
        reply.extensions.insert(Reused { age, is_stale });
        Some(reply)
    }

    /// Caches a reply for as long as the server says, unless something has changed since it was requested. Returns
    /// whether it was cached and may thus be shared with others who ask the same.
    // spec: CACHE-02 CACHE-15 MRTR-12
    pub(super) fn keep(&self, question: &Question, reply: &Reply, asked_at: u64) -> bool {
        if reply.extensions.get::<InputGiven>().is_some() {
            return false;
        }
        let hints = Hints::read(reply, self.0.options.max_ttl);
        let mut changes = self.changes();
        if !changes.is_current(question, asked_at) {
            return false;
        }
        // Replies without hints are private too.
        if question.is_list && !hints.is_some_and(|hints| hints.is_public) {
            changes.private.insert(question.method);
        }
        let is_public = hints.is_some_and(|hints| hints.is_public)
            && !changes.private.contains(question.method);
        // Any earlier reply is older, private or public.
        self.0.store.forget(&question.key(!is_public));
        let Some(Hints { ttl, .. }) = hints else {
            self.0.store.forget(&question.key(is_public));
            return false;
        };
        let received = Instant::now();
        let kept = CachedReply { result: reply.result.clone(), received, ttl, asked_at };
        self.0.store.keep(question.key(is_public), kept);
        true
    }

    fn changes(&self) -> MutexGuard<'_, Changes> {
        self.0.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{Changes, MAX_CHANGED, MAX_URI, Topic};

    #[test]
    fn what_a_server_says_has_changed_takes_no_room_without_end() {
        let mut changes = Changes::default();
        for number in 0..=MAX_CHANGED {
            changes.resource(number.to_string());
        }
        assert!(changes.resources.is_empty());
        let before = changes.topics[&Topic::Contents];
        changes.resource("x".repeat(MAX_URI + 1));
        assert!(changes.resources.is_empty() && changes.topics[&Topic::Contents] > before);
    }
}
