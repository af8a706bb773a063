//! The calls that wait for a response.

use super::{call::Slot, outbox::Span};
use mcp_types::RequestId;
use std::{collections::HashMap, ops::RangeInclusive, sync::Arc};

/// The calls that wait for a response, by id: value and type.
#[derive(Debug, Default)]
pub(super) struct Pending {
    calls: HashMap<RequestId, Entry>,
    /// All the integer ids that were ever used lie in this range.
    used: Option<RangeInclusive<i64>>,
}

/// A call that waits.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) slot: Arc<Slot>,
    /// Where its request is in what is written.
    pub(super) span: Span,
}

impl Pending {
    pub(super) fn contains(&self, id: &RequestId) -> bool {
        self.calls.contains_key(id)
    }

    pub(super) fn insert(&mut self, entry: Entry) {
        if let RequestId::Integer(id) = *entry.slot.id() {
            let (first, last) = self.used.take().map_or((id, id), RangeInclusive::into_inner);
            self.used = Some(first.min(id)..=last.max(id));
        }
        self.calls.insert(entry.slot.id().clone(), entry);
    }

    pub(super) fn find(&self, id: &RequestId) -> Option<&Arc<Slot>> {
        self.calls.get(id).map(|entry| &entry.slot)
    }

    pub(super) fn remove(&mut self, id: &RequestId) -> Option<Entry> {
        self.calls.remove(id)
    }

    /// Removes the call of this very slot; its id may be another call's by now.
    pub(super) fn remove_slot(&mut self, slot: &Slot) -> Option<Entry> {
        let is_it = self.find(slot.id()).is_some_and(|found| std::ptr::eq(&**found, slot));
        if is_it { self.remove(slot.id()) } else { None }
    }

    /// Whether an id that is not pending was, as far as can be told without remembering every id.
    pub(super) fn was_used(&self, id: &RequestId) -> bool {
        match (id, &self.used) {
            (RequestId::Integer(id), Some(used)) => used.contains(id),
            _ => false,
        }
    }

    pub(super) fn drain(&mut self) -> Vec<Entry> {
        self.calls.drain().map(|(_, entry)| entry).collect()
    }
}
