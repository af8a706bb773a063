//! The receiving side: reads messages from the wire and routes them.

use super::{
    port::{Port, Reading},
    router::Router,
    wakers::Wakers,
    wire::{Inbound, Wire},
};
use crate::{Delivery, Error, lines::Line};
use std::{
    sync::MutexGuard,
    task::{Context, Poll},
};

/// What was read, and where it goes. Whoever reads has it until all that was read is told apart.
#[derive(Debug)]
pub(super) struct Intake<I> {
    inbound: I,
    router: Router,
    /// What somebody else has read and left to the driver.
    left: Option<Reading>,
}

impl<I: Inbound> Intake<I> {
    pub(super) fn new(inbound: I, router: Router) -> Self {
        Self { inbound, router, left: None }
    }

    /// Reads, lets go of the wire, and routes the messages that are complete; gives how reading goes on.
    pub(super) fn take_in<W: Wire<Inbound = I>>(
        &mut self,
        mut port: MutexGuard<'_, Port<W>>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>> {
        let left = self.left.take();
        let reading = left.unwrap_or_else(|| port.read(cx, &mut self.inbound));
        drop(port);
        self.route(reading).map_err(|error| self.router.explain_end(error))
    }

    /// The same for one who is not the driver: more than so many bytes, and all that is out of the ordinary, is left to
    /// that. False if there is something.
    pub(super) fn take_little<W: Wire<Inbound = I>>(
        &mut self,
        mut port: MutexGuard<'_, Port<W>>,
        cx: &mut Context<'_>,
        limit: usize,
    ) -> bool {
        if self.left.is_some() || self.inbound.unread() > 0 {
            return false;
        }
        let reading = port.read(cx, &mut self.inbound);
        drop(port);
        if self.inbound.unread() > limit {
            self.leave(reading);
            return false;
        }
        let next = self.route(reading);
        let is_all = next.is_pending();
        if !is_all {
            self.leave(Reading { has_read: false, next });
        }
        is_all
    }

    /// Leaves a reading to the driver, who reads on after it in any case: if there was nothing more, the wire may have told
    /// in the meantime that there is, and it tells once.
    fn leave(&mut self, mut reading: Reading) {
        if reading.next.is_pending() {
            reading.next = Poll::Ready(Ok(()));
        }
        self.left = Some(reading);
    }

    /// Those who are to be woken, once nobody has the intake any more.
    pub(super) fn due(&mut self) -> &mut Wakers {
        self.router.due()
    }

    /// Ends the stream of arrivals.
    pub(super) fn close(&mut self) {
        self.router.close();
    }

    fn route(&mut self, reading: Reading) -> Poll<Result<(), Error>> {
        if reading.has_read
            && let Err(error) = self.route_lines()
        {
            return Poll::Ready(Err(error));
        }
        reading.next
    }

    fn route_lines(&mut self) -> Result<(), Error> {
        let routed = self.route_each();
        self.router.hand_over();
        routed
    }

    fn route_each(&mut self) -> Result<(), Error> {
        while let Some(line) = self.inbound.next() {
            match line {
                Line::Whole(line) => self.router.line(line),
                Line::TooLong(salvage) => self.router.too_long(&salvage),
                Line::Endless => return Err(endless()),
            }
            self.router.check_noise(0)?;
        }
        self.router.check_noise(self.inbound.noise())
    }
}

fn endless() -> Error {
    let text = "server does not end its line: is it an MCP server?";
    Error::closed(text, Delivery::Unknown)
}
