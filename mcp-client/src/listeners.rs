//! Listeners that live as long as a client, over all its calls and sessions.

use crate::{Era, Event, Events, log::LogListener, progress::ProgressListener};
use std::sync::Arc;

/// The listeners for the calls of a client.
#[derive(Clone, Default)]
pub(crate) struct Listeners {
    modern: Events,
    /// A server with a handshake may send, on the stream of a call, what the session's listeners receive as well.
    legacy: Events,
    pub(crate) log: LogListener,
    pub(crate) progress: ProgressListener,
}

impl Listeners {
    pub(crate) fn of_calls(&self, era: Era) -> Events {
        if era == Era::Legacy { self.legacy.clone() } else { self.modern.clone() }
    }

    /// Adds a listener for every call.
    pub(crate) fn add(&mut self, listener: Arc<dyn Fn(&Event) + Send + Sync>) {
        let second = Arc::clone(&listener);
        self.modern = std::mem::take(&mut self.modern).and_listener(move |event| listener(event));
        self.legacy = std::mem::take(&mut self.legacy).and_listener(move |event| second(event));
    }

    /// Adds a listener for the session and every call, which receives nothing twice.
    pub(crate) fn add_to_all(
        &mut self,
        session: Events,
        listener: &Arc<dyn Fn(&Event) + Send + Sync>,
    ) -> Events {
        let [first, second, third] = std::array::from_fn(|_| Arc::clone(listener));
        self.modern = std::mem::take(&mut self.modern).and_listener(move |event| first(event));
        self.legacy = std::mem::take(&mut self.legacy).and_listener(move |event| {
            if !event.is_about_session() {
                second(event);
            }
        });
        session.and_listener(move |event| third(event))
    }
}
