//! The countdown of one call.

use super::{Deadlines, Ground, shared_timer::Seat};
use crate::{
    Error, Phase,
    moment::{self, Moment},
};
use std::{
    future::Future,
    mem,
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
    start: Option<Moment>,
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
    pub(crate) fn poll_end(
        &mut self,
        heard: Option<Moment>,
        ground: &Ground,
        cx: &mut Context<'_>,
    ) -> Poll<End> {
        if let Timer::Off = self.timer {
            // Without a look at the time: a timer that is due wakes the call at once.
            let Some(end) = self.end(heard, ground) else { return Poll::Pending };
            match ground.timers.join(end.limit, end.at, cx.waker()) {
                Some(seat) => {
                    self.timer = Timer::Shared(seat);
                    return Poll::Pending;
                }
                None => self.timer = Timer::own(ground.timers.epoch.instant(end.at)),
            }
        }
        loop {
            match &mut self.timer {
                Timer::Off => {}
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

    /// The limit that ends first as things are.
    fn end(&mut self, heard: Option<Moment>, ground: &Ground) -> Option<End> {
        let limits = *self.limits(ground);
        if limits == Deadlines::NONE {
            return None;
        }
        let start = *self.start.get_or_insert_with(|| ground.timers.epoch.moment(moment::look()));
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
