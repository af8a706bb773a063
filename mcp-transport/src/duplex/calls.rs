//! The table of calls in flight.

use super::{
    call::{Found, Slot},
    pending::Pending,
};
use crate::Error;
use mcp_types::RequestId;
use slab::Slab;
use std::task::Waker;

/// The capacity above which memory is released when no call is left.
const KEPT: usize = 4096;

/// The key of a call. It belongs to its caller until the end was read or the call is given up.
pub(super) type Key = usize;

/// The calls in flight, and which of them wait for a response.
#[derive(Debug, Default)]
pub(super) struct Calls {
    slots: Slab<Slot>,
    pending: Pending,
}

impl Calls {
    /// Adds the call that `make` creates; returns none if its id is in use.
    pub(super) fn insert(&mut self, id: &RequestId, make: impl FnOnce() -> Slot) -> Option<Key> {
        let key = self.slots.vacant_key();
        if !self.pending.insert(id, key) {
            return None;
        }
        Some(self.slots.insert(make()))
    }

    /// Returns how many calls wait for a response.
    pub(super) fn waiting(&self) -> usize {
        self.pending.len()
    }

    /// Finds the call that waits for a response to this id, and its key.
    pub(super) fn find(&mut self, id: &RequestId) -> Option<(Key, &mut Slot)> {
        let key = self.pending.find(id)?;
        Some((key, self.slots.get_mut(key)?))
    }

    /// Finds the call and stops its waiting: the function that takes it must store its end.
    pub(super) fn take(&mut self, id: &RequestId) -> Option<&mut Slot> {
        let key = self.pending.remove(id)?;
        self.slots.get_mut(key)
    }

    /// Stops the waiting of a call; returns its slot if it did wait.
    pub(super) fn stop(&mut self, key: Key) -> Option<&mut Slot> {
        let slot = self.slots.get_mut(key)?;
        // Its id may belong to another call by now.
        let waits = self.pending.find(slot.id()) == Some(key);
        (waits && self.pending.remove(slot.id()).is_some()).then_some(slot)
    }

    /// Returns whether an id without a waiting call was used, as far as can be told without remembering every id.
    pub(super) fn was_used(&self, id: &RequestId) -> bool {
        self.pending.was_used(id)
    }

    /// Returns what has arrived for a caller.
    pub(super) fn look(&mut self, key: Key, caller: &Waker) -> Found {
        self.slots.get_mut(key).map_or(Found::End, |slot| slot.look(caller))
    }

    /// Removes a call, so that its key can be reused.
    pub(super) fn remove(&mut self, key: Key) -> Option<Slot> {
        let slot = self.slots.try_remove(key);
        if self.slots.is_empty() && self.slots.capacity() > KEPT {
            self.slots = Slab::new();
        }
        slot
    }

    /// Returns the waiting callers.
    pub(super) fn callers(&mut self) -> Vec<Waker> {
        self.slots.iter_mut().filter_map(|(_, slot)| slot.caller()).collect()
    }

    /// Ends all waiting calls, each with its own error; returns the callers to wake.
    pub(super) fn fail_all(&mut self, error: impl Fn(&Slot) -> Error) -> Vec<Waker> {
        let Self { slots, pending } = self;
        let fail = |key| {
            let slot = slots.get_mut(key)?;
            slot.fail(error(slot))
        };
        pending.drain().filter_map(fail).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{super::call::CallKind, *};

    #[test]
    fn room_for_a_crowd_is_given_back_when_it_is_gone() {
        let mut calls = Calls::default();
        let slot = |id: i64| Slot::new(id.into(), CallKind::Other, 0..1);
        let keys: Vec<_> =
            (0..10_000).map(|id| calls.insert(&id.into(), || slot(id)).unwrap()).collect();
        assert!(calls.slots.capacity() > KEPT);
        for key in keys {
            assert!(calls.stop(key).is_some() && calls.stop(key).is_none());
            assert!(calls.remove(key).is_some());
        }
        assert!(calls.slots.capacity() <= KEPT);
    }

    #[test]
    fn a_call_whose_id_is_used_again_is_told_from_the_other() {
        let mut calls = Calls::default();
        let slot = || Slot::new(7.into(), CallKind::Other, 0..1);
        let first = calls.insert(&7.into(), slot).unwrap();
        assert!(calls.insert(&7.into(), slot).is_none() && calls.take(&7.into()).is_some());
        let second = calls.insert(&7.into(), slot).unwrap();
        assert!(calls.stop(first).is_none());
        assert_eq!(calls.find(&7.into()).map(|(key, _)| key), Some(second));
        assert!(calls.stop(second).is_some() && calls.waiting() == 0);
    }
}
