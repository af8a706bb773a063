//! The countdown of one call.

use super::{Deadlines, Ground, shared_timer::Seat};
use crate::{
    Error, Phase,
    moment::{self, Moment},
};
use mcp_transport::Waiters;
use std::{
    future::Future,
    mem,
    num::NonZero,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::time::{Instant, Sleep, sleep_until};

/// The countdown for one call. Its owner must call [`leave`](Self::leave) once nobody waits any more.
pub(crate) struct Countdown {
    /// Boxed, because most calls use the shared limits and each call in flight has a countdown.
    own: Option<Box<Own>>,
    /// When the call first had to wait; a call that never waited has used no time.
    start: Option<Instant>,
    timer: Timer,
}

/// The settings of a single call.
struct Own {
    limits: Deadlines,
    /// The time spent waiting for a person before the call began.
    waited_before: Duration,
}

/// What wakes a call when its time may be up.
enum Timer {
    /// No timer: the call did not have to wait.
    Off,
    /// An alarm of the connection, by number: it wakes every waiter there, and rings early.
    Alarm(NonZero<u64>),
    /// A timer shared with other calls. It rings early, and few calls last that long.
    Shared(Seat),
    /// A timer of its own, which is exact.
    Own(Pin<Box<Sleep>>),
}

/// The limit that currently ends first.
pub(crate) struct End {
    phase: Phase,
    limit: Duration,
    at: Moment,
}

impl Countdown {
    /// Creates a countdown for a call with these limits of its own.
    #[inline]
    pub(crate) fn new(own: Option<&Deadlines>, ground: &Ground) -> Self {
        let waited_before = ground.waited();
        let own = (own.is_some() || !waited_before.is_zero())
            .then(|| Box::new(Own { limits: *own.unwrap_or(&ground.deadlines), waited_before }));
        Self { own, start: None, timer: Timer::Off }
    }

    /// Returns the limits of the call.
    pub(crate) fn limits<'a>(&'a self, ground: &'a Ground) -> &'a Deadlines {
        self.own.as_ref().map_or(&ground.deadlines, |own| &own.limits)
    }

    /// Ready when the call's time is up; `heard` is when progress last arrived. If the call is only ever woken as one
    /// of `waiters`, a single alarm for all of them is enough at first.
    pub(crate) fn poll_end(
        &mut self,
        heard: Option<Moment>,
        waiters: Option<Waiters<'_>>,
        ground: &Ground,
        cx: &mut Context<'_>,
    ) -> Poll<End> {
        if let Timer::Off = self.timer {
            if let Some(number) = self.find_alarm(waiters, ground) {
                // After the alarm was found, so that it rings before the time of the call is up in any case.
                self.start.get_or_insert_with(moment::look);
                self.timer = Timer::Alarm(number);
                return Poll::Pending;
            }
            ready!(self.begin(heard, waiters, ground, cx));
        }
        loop {
            match &mut self.timer {
                Timer::Off => {}
                Timer::Alarm(number) => {
                    if waiters.and_then(Waiters::alarm) == Some(*number) {
                        return Poll::Pending;
                    }
                }
                Timer::Shared(seat) => ready!(ground.timers.poll_rung(seat, cx)),
                Timer::Own(sleep) => ready!(sleep.as_mut().poll(cx)),
            }
            let Some(end) = self.end(heard, ground) else { return Poll::Pending };
            if end.at <= ground.now() {
                return Poll::Ready(end);
            }
            self.timer = Timer::own(ground.timers.epoch.instant(end.at));
        }
    }

    /// Finds an alarm, if set, that rings before a call with the shared limits runs out of time.
    #[inline]
    fn find_alarm(&self, waiters: Option<Waiters<'_>>, ground: &Ground) -> Option<NonZero<u64>> {
        let number = waiters?.alarm()?;
        (self.own.is_none() && ground.timers.has_set(number)).then_some(number)
    }

    /// Starts waiting: on a shared timer if possible, with an alarm set for later waiters. Otherwise ready with a timer
    /// of its own.
    fn begin(
        &mut self,
        heard: Option<Moment>,
        waiters: Option<Waiters<'_>>,
        ground: &Ground,
        cx: &Context<'_>,
    ) -> Poll<()> {
        // Without reading the clock: a timer that is due wakes the call at once.
        let Some(end) = self.end(heard, ground) else { return Poll::Pending };
        let Some(seat) = ground.timers.join(end.limit, end.at, cx.waker()) else {
            self.timer = Timer::own(ground.timers.epoch.instant(end.at));
            return Poll::Ready(());
        };
        if let Some(waiters) = waiters.filter(|_| self.own.is_none() && ground.waited().is_zero()) {
            ground.timers.set_alarm(&seat, waiters);
        }
        self.timer = Timer::Shared(seat);
        Poll::Pending
    }

    /// Returns the limit that currently ends first.
    fn end(&mut self, heard: Option<Moment>, ground: &Ground) -> Option<End> {
        let limits = *self.limits(ground);
        if limits == Deadlines::NONE {
            return None;
        }
        let start = *self.start.get_or_insert_with(moment::look);
        let start = ground.timers.epoch.moment(start);
        let waited_before = self.own.as_ref().map_or(Duration::ZERO, |own| own.waited_before);
        let waited = moment::nanos(ground.waited() - waited_before);
        // A limit whose end cannot be represented is no limit.
        let end = |phase, from: Moment, limit: Duration| {
            let at = from.checked_add(waited)?.checked_add(moment::nanos(limit))?;
            Some(End { phase, limit, at })
        };
        let idle = limits.idle.and_then(|limit| end(Phase::Idle, heard.unwrap_or(start), limit));
        let total = limits.total.and_then(|limit| end(Phase::Total, start, limit));
        match (idle, total) {
            (Some(idle), Some(total)) => Some(if idle.at <= total.at { idle } else { total }),
            (idle, total) => idle.or(total),
        }
    }

    /// Stops waiting.
    #[inline]
    pub(crate) fn leave(&mut self, ground: &Ground) {
        if let Timer::Shared(seat) = mem::replace(&mut self.timer, Timer::Off) {
            ground.timers.leave(&seat);
        }
    }
}

impl Timer {
    fn own(at: Instant) -> Self {
        Self::Own(Box::pin(sleep_until(at)))
    }
}

impl End {
    /// Returns the error for a call of this method.
    pub(crate) fn error(&self, method: &str) -> Error {
        let error = Error::Timeout { method: method.into(), phase: self.phase, after: self.limit };
        // spec: CAN-09
        tracing::debug!(reason = %error, "a call is given up");
        error
    }
}
