//! Starting a session from an earlier discovery, without a round trip.

mod check;

pub(crate) use check::{Check, CheckPrior};

use mcp_types::RawJson;
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// What a stateless server has said of itself in an earlier session: a saved answer to `server/discover`.
///
/// With it a session begins without asking: no message is sent before the first call. What to save is
/// [`Server::discovered`](crate::Server::discovered). What cannot be read, or has no revision that the session may
/// speak, is as if it were not there.
///
/// If the first call fails as it would at a server with a handshake, or at one of other revisions, the session asks
/// once after all. When the answer is not that of a stateless server, the call fails with
/// [`Error::WrongPrior`](crate::Error::WrongPrior), the session ends, and it is remembered here, in all clones, that
/// this is wrong: the next session asks at once.
// spec: VER-12
#[derive(Clone)]
pub struct PriorDiscover {
    result: RawJson,
    wrong: Arc<AtomicBool>,
}

impl PriorDiscover {
    /// Creates it from a saved answer to `server/discover`.
    pub fn new(result: RawJson) -> Self {
        Self { result, wrong: Arc::default() }
    }

    /// The saved answer.
    pub fn as_raw(&self) -> &RawJson {
        &self.result
    }

    /// Whether a session has found it to be wrong, so that it is not used any more.
    pub fn is_wrong(&self) -> bool {
        self.wrong.load(Ordering::Relaxed)
    }

    fn note_wrong(&self) {
        self.wrong.store(true, Ordering::Relaxed);
    }
}

impl From<RawJson> for PriorDiscover {
    fn from(result: RawJson) -> Self {
        Self::new(result)
    }
}

impl fmt::Debug for PriorDiscover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PriorDiscover").field("wrong", &self.is_wrong()).finish_non_exhaustive()
    }
}
