//! Waiting for the end of the time of one call.

use super::shared_timer::Seat;
use crate::{Error, events::Ticking};
use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::time::{Instant, Sleep, sleep_until};

/// Waits for the end of the time of one call.
pub(super) struct Countdown {
    ticking: Ticking,
    timer: Timer,
}

/// What wakes a call when its time may be over.
enum Timer {
    /// A timer that other calls wait for too. It is early, and few calls last so long.
    Shared(Seat),
    /// One of its own, which is exact; none while the call did not have to wait.
    Own(Option<Pin<Box<Sleep>>>),
}

impl Timer {
    fn own(at: Instant) -> Self {
        Self::Own(Some(Box::pin(sleep_until(at))))
    }
}

impl Countdown {
    pub(super) fn new(ticking: Ticking) -> Self {
        Self { ticking, timer: Timer::Own(None) }
    }

    /// Gives the error of the call when its time is over.
    pub(super) fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        let Some(clock) = self.ticking.clock() else { return Poll::Pending };
        if matches!(self.timer, Timer::Own(None)) {
            // Without a look at the time: a timer that is due wakes the call at once.
            let Some(end) = clock.end() else { return Poll::Pending };
            self.timer = match clock.timers().join(end.limit, end.at, cx.waker()) {
                Some(seat) => Timer::Shared(seat),
                None => Timer::own(end.at),
            };
        }
        loop {
            match &mut self.timer {
                Timer::Shared(seat) => ready!(clock.timers().poll_rung(seat, cx)),
                Timer::Own(Some(sleep)) => ready!(sleep.as_mut().poll(cx)),
                Timer::Own(None) => {}
            }
            let Some(end) = clock.end() else { return Poll::Pending };
            if end.at <= Instant::now() {
                let error = clock.error(&end);
                // spec: CAN-09
                tracing::debug!(reason = %error, "a call is given up");
                return Poll::Ready(error);
            }
            self.timer = Timer::own(end.at);
        }
    }
}

impl Drop for Countdown {
    fn drop(&mut self) {
        if let Timer::Shared(seat) = &self.timer
            && let Some(clock) = self.ticking.clock()
        {
            clock.timers().leave(seat);
        }
    }
}
