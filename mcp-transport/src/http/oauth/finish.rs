//! Requests for tokens are completed even if nobody waits for them any more: an authorization server issues them only
//! once.

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
    /// Adds one, which belongs to a driver.
    pub(super) fn join(&self) -> Finish {
        let (sender, flights) = mpsc::channel(1);
        let mut finishers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        finishers.retain(|finisher| !finisher.is_closed());
        finishers.push(sender);
        Finish { flights, flight: None }
    }

    /// Makes all of them drive a flight, until it ends or they do.
    pub(super) fn give(&self, flight: &Shared<Flight>) {
        let finishers = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for finisher in finishers {
            // One that is full was not polled during a whole flight, so it would not drive this one either.
            let _ = finisher.try_send(flight.clone());
        }
    }
}

/// Drives flights that must not be given up. Dropping it stops driving them.
pub(super) struct Finish {
    flights: mpsc::Receiver<Shared<Flight>>,
    flight: Option<Shared<Flight>>,
}

impl Finish {
    /// Drives the flights; ready while there are none.
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
