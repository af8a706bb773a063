//! A recording that is kept in memory.

use super::{
    entry::{Entry, Event},
    format,
    transcript::Transcript,
    writer::Limits,
};
use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// A recording in memory, for tests. Clones share it.
///
/// ```
/// use mcp_transport::record::{Record, Tape};
///
/// # fn example(server: impl mcp_transport::Connector) {
/// let tape = Tape::default();
/// let recorded = Record::new(server, tape.sink());
/// // Use `recorded` as the target of a client; then:
/// println!("{}", tape.transcript());
/// # drop(recorded);
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Tape(Arc<Mutex<Recorded>>);

#[derive(Default)]
struct Recorded {
    entries: Vec<Entry>,
    bytes: usize,
    limits: Limits,
}

impl Tape {
    /// Creates an empty tape with these limits.
    pub fn new(limits: Limits) -> Self {
        Self(Arc::new(Mutex::new(Recorded { limits, ..Recorded::default() })))
    }

    /// The closure for [`Record::new`](super::Record::new).
    pub fn sink(&self) -> impl Fn(Entry) + Clone + Send + Sync + 'static {
        let tape = self.clone();
        move |entry| tape.push(entry)
    }

    /// What has been recorded so far.
    pub fn transcript(&self) -> Transcript {
        self.lock().entries.iter().cloned().collect()
    }

    fn push(&self, entry: Entry) {
        let bytes = format::line(&entry).len();
        let mut tape = self.lock();
        if tape.bytes.saturating_add(bytes) <= tape.limits.buffer_bytes {
            tape.bytes += bytes;
            tape.entries.push(entry);
        } else if let Some(Entry { event: Event::Lost { count }, .. }) = tape.entries.last_mut() {
            *count += 1;
        } else {
            tape.entries.push(Entry::new(entry.at, 0, Event::Lost { count: 1 }));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Recorded> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Tape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tape").field("entries", &self.lock().entries.len()).finish_non_exhaustive()
    }
}
