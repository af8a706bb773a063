//! The calls that wait for a response.

use super::call::Slot;
use foldhash::fast::RandomState;
use mcp_types::RequestId;
use std::{
    collections::{HashMap, hash_map::Entry},
    ops::RangeInclusive,
    sync::Arc,
};

/// Room for more calls than this is given back when none waits.
const KEPT: usize = 4096;

/// The calls that wait for a response, by id: value and type.
///
/// The ids are ours, for a peer can only ask for them; so a quick hash with a seed is good enough.
#[derive(Debug, Default)]
pub(super) struct Pending {
    calls: HashMap<RequestId, Arc<Slot>, RandomState>,
    /// All the integer ids that were ever used lie in this range.
    used: Option<RangeInclusive<i64>>,
}

impl Pending {
    /// Adds the call that `make` makes; nothing, if its id is in use.
    pub(super) fn insert(
        &mut self,
        id: &RequestId,
        make: impl FnOnce() -> Slot,
    ) -> Option<Arc<Slot>> {
        let Entry::Vacant(place) = self.calls.entry(id.clone()) else { return None };
        if let RequestId::Integer(id) = *id {
            let (first, last) = self.used.take().map_or((id, id), RangeInclusive::into_inner);
            self.used = Some(first.min(id)..=last.max(id));
        }
        let slot = Arc::new(make());
        place.insert(Arc::clone(&slot));
        Some(slot)
    }

    pub(super) fn len(&self) -> usize {
        self.calls.len()
    }

    pub(super) fn find(&self, id: &RequestId) -> Option<&Arc<Slot>> {
        self.calls.get(id)
    }

    pub(super) fn remove(&mut self, id: &RequestId) -> Option<Arc<Slot>> {
        let slot = self.calls.remove(id);
        if self.calls.is_empty() && self.calls.capacity() > KEPT {
            self.calls = HashMap::default();
        }
        slot
    }

    /// Removes the call of this very slot, if it is there; its id may be another call's by now.
    pub(super) fn remove_slot(&mut self, slot: &Slot) -> bool {
        let is_it = self.find(slot.id()).is_some_and(|found| std::ptr::eq(&**found, slot));
        is_it && self.remove(slot.id()).is_some()
    }

    /// Whether an id that is not pending was, as far as can be told without remembering every id.
    pub(super) fn was_used(&self, id: &RequestId) -> bool {
        match (id, &self.used) {
            (RequestId::Integer(id), Some(used)) => used.contains(id),
            _ => false,
        }
    }

    pub(super) fn drain(&mut self) -> impl Iterator<Item = Arc<Slot>> {
        std::mem::take(&mut self.calls).into_values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::duplex::call::CallKind;

    #[test]
    fn room_for_a_crowd_is_given_back_when_it_is_gone() {
        let mut pending = Pending::default();
        let ids = (0..10_000).map(RequestId::Integer);
        for id in ids.clone() {
            let make = || Slot::new(id.clone(), CallKind::Other, 0..1);
            assert!(pending.insert(&id, make).is_some());
        }
        assert!(pending.calls.capacity() > KEPT);
        for id in ids {
            assert!(pending.remove(&id).is_some() && pending.was_used(&id));
        }
        assert!(pending.calls.capacity() <= KEPT && !pending.was_used(&10_000.into()));
    }
}
