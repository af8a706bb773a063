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
    /// In a box, for most have those of all calls, and each call in flight has a clock.
    own: Option<Box<Own>>,
    ground: Arc<Ground>,
}

/// What holds for one call alone.
struct Own {
    limits: Deadlines,
    /// How long a person had when the call began.
    waited_before: Duration,
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
        own: Option<&Deadlines>,
        ground: Arc<Ground>,
    ) -> Self {
        let waited_before = ground.waited();
        let own = (own.is_some() || !waited_before.is_zero())
            .then(|| Box::new(Own { limits: *own.unwrap_or(&ground.deadlines), waited_before }));
        let (start, heard) = (Instant::now(), AtomicU64::new(0));
        Self { method, start, heard, own, ground }
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
        let (Deadlines { idle, total }, waited_before) = match &self.own {
            Some(own) => (own.limits, own.waited_before),
            None => (self.ground.deadlines, Duration::ZERO),
        };
        let start = self.start + (self.ground.waited() - waited_before);
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
