//! The times of one call.

use super::{Deadlines, Ground, shared_timer::Timers};
use crate::{Error, Phase};
use std::{
    borrow::Cow,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;

/// The times of one call: when it began, when progress was heard of, and when they are over.
pub(crate) struct Clock {
    method: Cow<'static, str>,
    start: Instant,
    /// When the last progress came, in milliseconds since the start.
    heard: AtomicU64,
    /// The limits of this call alone. In a box, for most have those of all calls, and each call in flight has a clock.
    own: Option<Box<Deadlines>>,
    /// How long a person had when the call began.
    waited_before: Duration,
    ground: Arc<Ground>,
}

/// The limit that ends first as things are.
pub(super) struct End {
    phase: Phase,
    pub(super) limit: Duration,
    pub(super) at: Instant,
}

impl Clock {
    #[inline]
    pub(super) fn start(
        method: Cow<'static, str>,
        own: Option<Box<Deadlines>>,
        ground: Arc<Ground>,
    ) -> Self {
        let waited_before = ground.waited();
        let (start, heard) = (Instant::now(), AtomicU64::new(0));
        Self { method, start, heard, own, waited_before, ground }
    }

    pub(super) fn timers(&self) -> &Timers {
        &self.ground.timers
    }

    /// Notes progress: the server may be silent again from now on.
    pub(crate) fn note_progress(&self) {
        let now = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.heard.store(now, Ordering::Relaxed);
    }

    /// The limit that ends first as things are.
    pub(super) fn end(&self) -> Option<End> {
        let Deadlines { idle, total } = *self.own.as_deref().unwrap_or(&self.ground.deadlines);
        let start = self.start + (self.ground.waited() - self.waited_before);
        let heard = start + Duration::from_millis(self.heard.load(Ordering::Relaxed));
        // A limit that no clock can tell the end of is none.
        let end =
            |phase, from: Instant, limit| Some(End { phase, limit, at: from.checked_add(limit)? });
        let idle = idle.and_then(|limit| end(Phase::Idle, heard, limit));
        let total = total.and_then(|limit| end(Phase::Total, start, limit));
        [idle, total].into_iter().flatten().min_by_key(|end| end.at)
    }

    pub(super) fn error(&self, end: &End) -> Error {
        Error::Timeout { method: (*self.method).into(), phase: end.phase, after: end.limit }
    }
}
