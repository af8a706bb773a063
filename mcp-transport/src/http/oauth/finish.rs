//! What was asked for is received, although nobody waits for it any more: an authorization server gives it once.

use super::login::Flight;
use futures_util::{FutureExt, future::Shared};
use std::{
    sync::{Mutex, PoisonError},
    task::{Context, Poll, ready},
};
use tokio::sync::mpsc;

/// The drivers of the connections that share a login.
#[derive(Default)]
pub(super) struct Finishers(Mutex<Vec<mpsc::Sender<Shared<Flight>>>>);

impl Finishers {
    /// One more, which belongs to a driver.
    pub(super) fn join(&self) -> Finish {
        let (sender, flights) = mpsc::channel(1);
        let mut finishers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        finishers.retain(|finisher| !finisher.is_closed());
        finishers.push(sender);
        Finish { flights, flight: None }
    }

    /// Has all of them drive a flight, from now until its end or theirs.
    pub(super) fn give(&self, flight: &Shared<Flight>) {
        let finishers = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for finisher in finishers {
            // One that has no room was not polled for a whole flight, and would drive nothing.
            let _ = finisher.try_send(flight.clone());
        }
    }
}

/// Drives flights that must not be given up. Dropping it lets go of them.
pub(super) struct Finish {
    flights: mpsc::Receiver<Shared<Flight>>,
    flight: Option<Shared<Flight>>,
}

impl Finish {
    /// Goes on; ready as long as there is nothing to drive.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            if let Some(flight) = &mut self.flight {
                _ = ready!(flight.poll_unpin(cx));
                self.flight = None;
            }
            match self.flights.poll_recv(cx) {
                Poll::Ready(Some(flight)) => self.flight = Some(flight),
                Poll::Ready(None) | Poll::Pending => return Poll::Ready(()),
            }
        }
    }
}
