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

/// Waits for the end of the time of one call. Whoever has it [leaves](Self::leave) when nobody waits any more.
pub(crate) struct Countdown {
    /// In a box, for most have those of all calls, and each call in flight has a countdown.
    own: Option<Box<Own>>,
    /// When the call had to wait for the first time. One that has not waited has taken no time.
    start: Option<Instant>,
    timer: Timer,
}

/// What holds for one call alone.
struct Own {
    limits: Deadlines,
    /// How long a person had when the call began.
    waited_before: Duration,
}

/// What wakes a call when its time may be over.
enum Timer {
    /// None: the call did not have to wait.
    Off,
    /// An alarm of the connection, with this number: it wakes all who wait there, and is early.
    Alarm(NonZero<u64>),
    /// A timer that other calls wait for too. It is early, and few calls last so long.
    Shared(Seat),
    /// One of its own, which is exact.
    Own(Pin<Box<Sleep>>),
}

/// The limit that ends first as things are.
pub(crate) struct End {
    phase: Phase,
    limit: Duration,
    at: Moment,
}

impl Countdown {
    /// For a call with these limits of its own.
    #[inline]
    pub(crate) fn new(own: Option<&Deadlines>, ground: &Ground) -> Self {
        let waited_before = ground.waited();
        let own = (own.is_some() || !waited_before.is_zero())
            .then(|| Box::new(Own { limits: *own.unwrap_or(&ground.deadlines), waited_before }));
        Self { own, start: None, timer: Timer::Off }
    }

    /// The limits of the call.
    pub(crate) fn limits<'a>(&'a self, ground: &'a Ground) -> &'a Deadlines {
        self.own.as_ref().map_or(&ground.deadlines, |own| &own.limits)
    }

    /// Ready when the time of the call is over, of which progress was last heard at that moment.
    ///
    /// If what it waits for wakes it as one of these, and only then, an alarm for all of them is enough for it at first.
    pub(crate) fn poll_end(
        &mut self,
        heard: Option<Moment>,
        waiters: Option<Waiters<'_>>,
        ground: &Ground,
        cx: &mut Context<'_>,
    ) -> Poll<End> {
        if let Timer::Off = self.timer {
            if let Some(number) = self.find_alarm(waiters, ground) {
                // After the alarm was seen: so that rings before the time of the call is over, whenever that is.
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

    /// The alarm that rings before the time of a call with the limits of all is over, if it is set.
    #[inline]
    fn find_alarm(&self, waiters: Option<Waiters<'_>>, ground: &Ground) -> Option<NonZero<u64>> {
        let number = waiters?.alarm()?;
        (self.own.is_none() && ground.timers.has_set(number)).then_some(number)
    }

    /// Waits for the first time: with others, if it can, and has an alarm set for those who will wait. Ready with a timer
    /// of its own otherwise.
    fn begin(
        &mut self,
        heard: Option<Moment>,
        waiters: Option<Waiters<'_>>,
        ground: &Ground,
        cx: &Context<'_>,
    ) -> Poll<()> {
        // Without a look at the time: a timer that is due wakes the call at once.
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

    /// The limit that ends first as things are.
    fn end(&mut self, heard: Option<Moment>, ground: &Ground) -> Option<End> {
        let limits = *self.limits(ground);
        if limits == Deadlines::NONE {
            return None;
        }
        let start = *self.start.get_or_insert_with(moment::look);
        let start = ground.timers.epoch.moment(start);
        let waited_before = self.own.as_ref().map_or(Duration::ZERO, |own| own.waited_before);
        let waited = moment::nanos(ground.waited() - waited_before);
        // A limit that no clock can tell the end of is none.
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

    /// Waits no more.
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
    /// The error of a call of this method.
    pub(crate) fn error(&self, method: &str) -> Error {
        let error = Error::Timeout { method: method.into(), phase: self.phase, after: self.limit };
        // spec: CAN-09
        tracing::debug!(reason = %error, "a call is given up");
        error
    }
}
