//! A stream of what servers do against the specification.

use crate::Misbehavior;
use futures_core::Stream;
use futures_util::stream;
use std::{
    fmt,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::sync::broadcast::{self, error::RecvError};

/// The number of incidents buffered for a slow reader; older ones are dropped.
const KEPT: usize = 256;
/// The number of incidents logged in full; after that, only every power of two.
const LOGGED: u64 = 16;

/// Reports what servers do against the specification, one incident at a time.
///
/// The session goes on, and so does the call, where possible. Incidents go to every subscriber and are logged as
/// warnings. Clones share their subscribers.
#[derive(Clone, Default)]
pub struct Diagnostics {
    /// Created for the first subscriber, because it allocates its full capacity.
    sender: Arc<OnceLock<broadcast::Sender<Incident>>>,
    strict: bool,
    /// The number of incidents so far.
    count: Arc<AtomicU64>,
}

/// One thing that a server did against the specification.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Incident {
    /// The rule that was broken.
    pub misbehavior: Misbehavior,
    /// The method of the call in which it happened, if any.
    pub method: Option<Box<str>>,
    /// Details for a person. May quote the server: untrusted.
    pub detail: Option<Box<str>>,
}

impl Diagnostics {
    /// Reports incidents, and lets calls go on.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes an incident in a call fail that call.
    #[must_use]
    pub fn strict(mut self) -> Self {
        self.strict = true;
        self
    }

    /// Whether an incident in a call fails the call.
    pub fn is_strict(&self) -> bool {
        self.strict
    }

    /// A stream of the incidents from now on. A reader that falls far behind misses the oldest.
    pub fn subscribe(&self) -> impl Stream<Item = Incident> + Send + use<> {
        let sender = self.sender.get_or_init(|| broadcast::Sender::new(KEPT));
        stream::unfold(sender.subscribe(), async |mut receiver| {
            loop {
                match receiver.recv().await {
                    Ok(incident) => return Some((incident, receiver)),
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return None,
                }
            }
        })
    }

    pub(crate) fn tell(&self, incident: Incident) {
        let Incident { misbehavior, method, detail } = &incident;
        let (method, detail) = (method.as_deref(), detail.as_deref());
        let count = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        // A server must not be able to fill the log.
        if count <= LOGGED || count.is_power_of_two() {
            tracing::warn!(%misbehavior, method, detail, count, "the server broke the protocol");
        }
        if let Some(sender) = self.sender.get() {
            // Without a subscriber, it is only logged.
            let _ = sender.send(incident);
        }
    }
}

impl fmt::Debug for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Diagnostics").field("strict", &self.strict).finish_non_exhaustive()
    }
}

impl fmt::Display for Incident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(method) = &self.method {
            write!(f, "{method}: ")?;
        }
        self.misbehavior.fmt(f)?;
        match &self.detail {
            Some(detail) => write!(f, " ({detail})"),
            None => Ok(()),
        }
    }
}
