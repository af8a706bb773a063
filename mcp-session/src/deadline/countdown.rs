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
    /// Nothing: the call did not have to wait yet.
    Unset,
    /// A timer that other calls wait for too. It is early, and few calls last so long.
    Shared(Seat),
    /// One of its own, which is exact.
    Own(Pin<Box<Sleep>>),
}

impl Countdown {
    pub(super) fn new(ticking: Ticking) -> Self {
        Self { ticking, timer: Timer::Unset }
    }

    /// Gives the error of the call when its time is over.
    pub(super) fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        let Some(clock) = self.ticking.clock() else { return Poll::Pending };
        if matches!(self.timer, Timer::Unset) {
            // Without a look at the time: a timer that is due wakes the call at once.
            let Some(end) = clock.end() else { return Poll::Pending };
            self.timer = match clock.timers().join(end.limit, end.at, cx.waker()) {
                Some(seat) => Timer::Shared(seat),
                None => Timer::Own(Box::pin(sleep_until(end.at))),
            };
        }
        loop {
            match &mut self.timer {
                Timer::Unset => {}
                Timer::Shared(seat) => ready!(seat.poll_rung(cx)),
                Timer::Own(sleep) => ready!(sleep.as_mut().poll(cx)),
            }
            let Some(end) = clock.end() else { return Poll::Pending };
            if end.at <= Instant::now() {
                let error = clock.error(&end);
                // spec: CAN-09
                tracing::debug!(reason = %error, "a call is given up");
                return Poll::Ready(error);
            }
            self.timer = Timer::Own(Box::pin(sleep_until(end.at)));
        }
    }
}
