//! What the countdowns of a service share.

use super::{Deadlines, shared_timer::Timers};
use crate::moment::Moment;
use mcp_transport::Patience;
use std::time::Duration;
use tokio::time::Instant;

/// The state that the calls of a service share for their deadlines.
#[derive(Debug)]
pub(crate) struct Ground {
    /// The limits of calls that bring none of their own.
    pub(super) deadlines: Deadlines,
    patience: Option<Patience>,
    pub(super) timers: Timers,
}

impl Ground {
    pub(crate) fn new(deadlines: Deadlines, patience: Option<Patience>) -> Self {
        Self { deadlines, patience, timers: Timers::new() }
    }

    /// Returns the current moment.
    pub(crate) fn now(&self) -> Moment {
        self.timers.epoch.moment(Instant::now())
    }

    /// Returns how long the connection has waited for a person.
    pub(super) fn waited(&self) -> Duration {
        self.patience.as_ref().map(Patience::waited).unwrap_or_default()
    }
}
