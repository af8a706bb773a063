//! What the countdowns of a service share.

use super::{Deadlines, shared_timer::Timers};
use crate::moment::Moment;
use mcp_transport::Patience;
use std::time::Duration;
use tokio::time::Instant;

/// What the calls of a service have in common when their time is counted.
#[derive(Debug)]
pub(crate) struct Ground {
    /// The limits of those that bring none of their own.
    pub(super) deadlines: Deadlines,
    patience: Option<Patience>,
    pub(super) timers: Timers,
}

impl Ground {
    pub(crate) fn new(deadlines: Deadlines, patience: Option<Patience>) -> Self {
        Self { deadlines, patience, timers: Timers::new() }
    }

    /// The moment that it is now.
    pub(crate) fn now(&self) -> Moment {
        self.timers.epoch.moment(Instant::now())
    }

    /// How long the connection has waited for a person.
    pub(super) fn waited(&self) -> Duration {
        self.patience.as_ref().map(Patience::waited).unwrap_or_default()
    }
}
