//! Time limits of an HTTP exchange: in total, and between two pieces of the answer.

use crate::{Delivery, Error, error::Kind};
use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::{Instant, Sleep, sleep};

/// The time limits of one answer. Costs nothing if there are none.
#[derive(Debug, Default)]
pub(super) struct Clock {
    total: Option<Timer>,
    idle: Option<Timer>,
}

struct Timer {
    limit: Duration,
    sleep: Pin<Box<Sleep>>,
}

impl Clock {
    /// Starts a clock now.
    pub(super) fn start(total: Option<Duration>, idle: Option<Duration>) -> Self {
        let timer = |limit| Timer { limit, sleep: Box::pin(sleep(limit)) };
        Self { total: total.map(timer), idle: idle.map(timer) }
    }

    /// Restarts the idle limit, because something was received.
    pub(super) fn touch(&mut self) {
        // If the new deadline cannot be represented, the old one stays.
        if let Some(idle) = &mut self.idle
            && let Some(end) = Instant::now().checked_add(idle.limit)
        {
            idle.sleep.as_mut().reset(end);
        }
    }

    /// Resolves when a limit has passed.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, url: &str) -> Poll<Error> {
        let late = self.poll_total(cx, url);
        let Some(idle) = self.idle.as_mut().filter(|_| late.is_pending()) else { return late };
        idle.sleep.as_mut().poll(cx).map(|()| {
            let message = format!("{url} sent nothing for {:?}", idle.limit);
            Error::new(Kind::Timeout, Delivery::Unknown, message)
        })
    }

    /// Resolves when the total limit has passed.
    pub(super) fn poll_total(&mut self, cx: &mut Context<'_>, url: &str) -> Poll<Error> {
        let Some(total) = &mut self.total else { return Poll::Pending };
        total.sleep.as_mut().poll(cx).map(|()| {
            let message = format!("{url} did not answer within {:?}", total.limit);
            Error::new(Kind::Timeout, Delivery::Unknown, message)
        })
    }
}

impl fmt::Debug for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.limit.fmt(f)
    }
}
