//! The notifications that belong to one call.

use crate::{deadline::Ground, moment::Moment};
use futures_util::future::BoxFuture;
use mcp_types::{RawJson, rpc::Notification};
use serde::Deserialize;
use std::{
    fmt, iter,
    panic::{self, AssertUnwindSafe},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::sync::mpsc::{self, error::TrySendError};

/// A notification of the server about a call that it is working on.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// The progress of the work.
    Progress(Progress),
    /// Any other notification: a log message, or one of an extension.
    Notification(Notification),
}

impl Event {
    /// Whether it is about the session rather than one call: changes of lists and resources, tasks, questions.
    ///
    /// A legacy server may send these on the stream of any call
    /// ([clause](https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#sending-messages-to-the-server)):
    /// then the listeners of the session and those of that call hear it.
    pub fn is_about_session(&self) -> bool {
        matches!(self, Self::Notification(notification) if belongs_to_no_call(&notification.method))
    }
}

/// Whether a notification of this method concerns the session, not a call.
pub(crate) fn belongs_to_no_call(method: &str) -> bool {
    method.ends_with("/list_changed")
        || matches!(
            method,
            "notifications/resources/updated"
                | "notifications/tasks/status"
                | "notifications/elicitation/complete"
        )
}

/// How far the work on a call has come.
///
/// See [the clause](https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/progress).
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct Progress {
    /// How much is done; it grows with each event of a call.
    pub progress: f64,
    /// How much there is to do, if the server knows.
    pub total: Option<f64>,
    /// What is being done, for a person. Untrusted.
    pub message: Option<String>,
}

impl Progress {
    /// Decodes it from the parameters of a notification. Compiled only once, here.
    pub(crate) fn read(params: &RawJson) -> Result<Self, serde_json::Error> {
        params.decode()
    }
}

/// The listeners of a call: any number of closures and channels.
///
/// Listeners see events in wire order, and none after the call has ended. A closure is called in the task of the call;
/// a full channel makes that call wait, and no other.
///
/// ```
/// use mcp_session::{Call, Event, Events};
///
/// let events = Events::listener(|event| {
///     if let Event::Progress(progress) = event {
///         tracing::info!(progress.progress, "working");
///     }
/// });
/// let call = Call::new("tools/call").with_events(events);
/// ```
#[derive(Clone, Default)]
pub struct Events(Option<Arc<Listener>>);

/// A listener that records when progress arrives.
#[derive(Clone)]
pub(crate) struct Ticking(Arc<Heard>);

/// When progress last arrived.
struct Heard {
    ground: Arc<Ground>,
    /// Zero until the first progress.
    at: AtomicU64,
}

struct Listener {
    sink: Sink,
    next: Events,
}

enum Sink {
    Closure(Box<dyn Fn(&Event) + Send + Sync>),
    Channel(mpsc::Sender<Event>),
    Ticking(Ticking),
}

impl Events {
    /// Listens with one closure.
    pub fn listener(listener: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        Self::default().and_listener(listener)
    }

    /// Listens with one channel.
    pub fn channel(sender: mpsc::Sender<Event>) -> Self {
        Self::default().and_channel(sender)
    }

    /// Adds a closure, which is called before the other listeners.
    #[must_use]
    pub fn and_listener(self, listener: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        Self::node(Sink::Closure(Box::new(listener)), self)
    }

    /// Adds a channel, which is filled before the other listeners.
    #[must_use]
    pub fn and_channel(self, sender: mpsc::Sender<Event>) -> Self {
        Self::node(Sink::Channel(sender), self)
    }

    /// Adds a listener that records when progress arrives.
    pub(crate) fn and_ticking(self, ticking: Ticking) -> Self {
        Self::node(Sink::Ticking(ticking), self)
    }

    /// Whether there are no listeners.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Sends an event to every listener; waits for full channels, and skips closed ones.
    pub async fn emit(&self, event: &Event) {
        if let Some(rest) = self.deliver(event) {
            rest.await;
        }
    }

    /// Notifies the listeners up to the first full channel, and returns the remaining work.
    pub(crate) fn deliver(&self, event: &Event) -> Option<BoxFuture<'static, ()>> {
        let mut listeners = self;
        while let Some(Listener { sink, next }) = listeners.0.as_deref() {
            match sink {
                Sink::Closure(closure) => call(&**closure, event),
                Sink::Channel(sender) => {
                    // If the listener is gone, the call goes on regardless.
                    if let Err(TrySendError::Full(event)) = sender.try_send(event.clone()) {
                        let (sender, next) = (sender.clone(), next.clone());
                        return Some(Box::pin(async move {
                            drop(sender.send(event.clone()).await);
                            next.emit(&event).await;
                        }));
                    }
                }
                Sink::Ticking(ticking) => ticking.note(event),
            }
            listeners = next;
        }
        None
    }

    /// Sends an event to every listener without waiting: a full channel misses it.
    pub fn offer(&self, event: &Event) {
        for sink in self.sinks() {
            match sink {
                Sink::Closure(closure) => call(&**closure, event),
                Sink::Channel(sender) => {
                    if sender.try_send(event.clone()).is_err() {
                        tracing::debug!("a listener that does not keep up misses an event");
                    }
                }
                Sink::Ticking(ticking) => ticking.note(event),
            }
        }
    }

    fn sinks(&self) -> impl Iterator<Item = &Sink> {
        let first = self.0.as_deref();
        iter::successors(first, |listener| listener.next.0.as_deref())
            .map(|listener| &listener.sink)
    }

    fn node(sink: Sink, next: Self) -> Self {
        Self(Some(Arc::new(Listener { sink, next })))
    }
}

impl Ticking {
    pub(crate) fn new(ground: Arc<Ground>) -> Self {
        Self(Arc::new(Heard { ground, at: AtomicU64::new(0) }))
    }

    pub(crate) fn ground(&self) -> &Ground {
        &self.0.ground
    }

    /// Returns when progress last arrived, if ever.
    pub(crate) fn heard(&self) -> Option<Moment> {
        Moment::new(self.0.at.load(Ordering::Relaxed))
    }

    fn note(&self, event: &Event) {
        if matches!(event, Event::Progress(_)) {
            self.0.at.store(self.ground().now().get(), Ordering::Relaxed);
        }
    }
}

/// Calls a listener. If it panics, it misses the event; neither the call nor the session is affected.
fn call(closure: &(dyn Fn(&Event) + Send + Sync), event: &Event) {
    let caught = panic::catch_unwind(AssertUnwindSafe(|| closure(event)));
    if caught.is_err() {
        tracing::error!("a listener panicked");
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_empty() { "Events(nobody)" } else { "Events(..)" })
    }
}
