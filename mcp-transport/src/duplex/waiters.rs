//! A fair queue of callers that wait for room: no IO.

use std::{collections::VecDeque, task::Waker};

/// A place in the line.
pub(super) type Ticket = u64;

/// Callers that wait for room, first come, first served. Tickets are consecutive, so a place is found by its number.
#[derive(Debug, Default)]
pub(super) struct Waiters {
    /// The ticket of the first place.
    first: Ticket,
    /// None for a caller that has left; the first place is never empty.
    places: VecDeque<Option<Place>>,
}

#[derive(Debug, Default)]
struct Place {
    waker: Option<Waker>,
}

impl Waiters {
    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Takes the last place.
    pub(super) fn queue_up(&mut self) -> Ticket {
        self.places.push_back(Some(Place::default()));
        self.first + self.places.len() as Ticket - 1
    }

    pub(super) fn is_first(&self, ticket: Ticket) -> bool {
        ticket == self.first && !self.is_empty()
    }

    /// Registers the waker of this place, if it was not left.
    pub(super) fn wait(&mut self, ticket: Ticket, waker: &Waker) {
        if let Some(Some(place)) = self.place(ticket) {
            place.waker = Some(waker.clone());
        }
    }

    pub(super) fn leave(&mut self, ticket: Ticket) {
        if let Some(place) = self.place(ticket) {
            *place = None;
        }
        while let Some(None) = self.places.front() {
            self.places.pop_front();
            self.first += 1;
        }
        if self.is_empty() {
            self.places = VecDeque::new();
        }
    }

    fn place(&mut self, ticket: Ticket) -> Option<&mut Option<Place>> {
        let index = usize::try_from(ticket.checked_sub(self.first)?).ok()?;
        self.places.get_mut(index)
    }

    /// Returns whom to wake when there is room: the first in line, once.
    pub(super) fn next(&mut self) -> Option<Waker> {
        self.places.front_mut()?.as_mut()?.waker.take()
    }

    /// Returns whom to wake at the end of the connection.
    pub(super) fn all(&mut self) -> impl Iterator<Item = Waker> {
        self.places.iter_mut().flatten().filter_map(|place| place.waker.take())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_first_is_first_whoever_leaves() {
        let mut waiters = Waiters::default();
        let [first, second, third, last] = [(); 4].map(|()| waiters.queue_up());
        assert!(waiters.is_first(first) && !waiters.is_first(second));
        waiters.leave(second);
        waiters.leave(second);
        assert!(waiters.is_first(first));
        waiters.leave(first);
        assert!(waiters.is_first(third) && !waiters.is_first(first));
        waiters.wait(first, Waker::noop());
        waiters.wait(last, Waker::noop());
        assert!(waiters.next().is_none(), "the first does not wait yet");
        waiters.wait(third, Waker::noop());
        assert!(waiters.next().is_some());
        assert!(waiters.next().is_none(), "it is woken once");
        assert_eq!(waiters.all().count(), 1);
        waiters.leave(last);
        waiters.leave(third);
        assert!(waiters.is_empty() && !waiters.is_first(last + 1));
        assert_eq!(waiters.queue_up(), last + 1);
        assert!(waiters.is_first(last + 1));
    }
}
