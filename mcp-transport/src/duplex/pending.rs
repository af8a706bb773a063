//! The calls that wait for a response.

use super::call::Slot;
use foldhash::fast::RandomState;
use mcp_types::RequestId;
use std::{
    collections::{HashMap, hash_map::Entry},
    ops::RangeInclusive,
    sync::Arc,
};

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

    pub(super) fn find(&self, id: &RequestId) -> Option<&Arc<Slot>> {
        self.calls.get(id)
    }

    pub(super) fn remove(&mut self, id: &RequestId) -> Option<Arc<Slot>> {
        self.calls.remove(id)
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
