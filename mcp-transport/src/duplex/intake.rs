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

/// What was read, and where it goes. Its holder keeps it until everything that was read is routed.
#[derive(Debug)]
pub(super) struct Intake<I> {
    inbound: I,
    router: Router,
    /// A reading that was left to the driver.
    left: Option<Reading>,
}

impl<I: Inbound> Intake<I> {
    pub(super) fn new(inbound: I, router: Router) -> Self {
        Self { inbound, router, left: None }
    }

    /// Reads, releases the wire, and routes the complete messages; returns how reading continues.
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

    /// Does the same outside of the driver: more bytes than the limit, and anything unusual, are left to the driver.
    /// Returns false if there is such work.
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

    /// Leaves a reading to the driver, which then reads in any case: if nothing more was available, the wire may have
    /// signalled readiness since, and it signals only once.
    fn leave(&mut self, mut reading: Reading) {
        if reading.next.is_pending() {
            reading.next = Poll::Ready(Ok(()));
        }
        self.left = Some(reading);
    }

    /// Returns the tasks to wake once the intake is released.
    pub(super) fn due(&mut self) -> &mut Wakers {
        self.router.due()
    }

    /// Ends the stream of unsolicited messages.
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
