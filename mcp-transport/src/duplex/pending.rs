//! The calls that wait for a response.

use super::calls::Key;
use foldhash::fast::RandomState;
use mcp_types::RequestId;
use std::{
    collections::{HashMap, VecDeque},
    mem,
    ops::RangeInclusive,
};

/// The capacity above which memory is released when no call waits.
const KEPT: usize = 4096;
/// How many places of finished calls may remain between waiting ones, in addition to the number of waiting ones.
const SPARSE: usize = 64;

/// The calls that wait for a response, by id: value and type.
///
/// Callers that count their calls have them in a row. The ids are ours, because a peer can only answer them; so a fast
/// seeded hash is good enough for the others.
#[derive(Debug, Default)]
pub(super) struct Pending {
    row: Row,
    /// Calls that do not follow in the row, and those that stayed behind when the row moved on.
    others: HashMap<RequestId, Key, RandomState>,
    /// The range of all integer ids that were ever used.
    used: Option<RangeInclusive<i64>>,
}

/// Calls with consecutive ids, including places of finished ones.
#[derive(Debug, Default)]
struct Row {
    calls: VecDeque<Key>,
    /// The id of the first place.
    first: i64,
    /// The number of calls.
    len: usize,
}

/// Marks a finished call in the row.
const OVER: Key = Key::MAX;

impl Pending {
    /// Adds a call; returns false if its id is in use.
    pub(super) fn insert(&mut self, id: &RequestId, key: Key) -> bool {
        let RequestId::Integer(number) = *id else { return self.insert_other(id, key) };
        let used = self.used.take();
        let is_new = used.as_ref().is_none_or(|used| number > *used.end());
        let (first, last) = used.map_or((number, number), RangeInclusive::into_inner);
        self.used = Some(first.min(number)..=last.max(number));
        if !self.row.is_next(number) || !is_new && self.others.contains_key(id) {
            return self.insert_other(id, key);
        }
        self.row.push(number, key);
        while self.row.is_sparse()
            && let Some((id, key)) = self.row.leave_first()
        {
            self.others.insert(id.into(), key);
        }
        true
    }

    fn insert_other(&mut self, id: &RequestId, key: Key) -> bool {
        let is_free = self.find(id).is_none();
        if is_free {
            self.others.insert(id.clone(), key);
        }
        is_free
    }

    pub(super) fn len(&self) -> usize {
        self.row.len + self.others.len()
    }

    pub(super) fn find(&self, id: &RequestId) -> Option<Key> {
        // The same id may have been used again after its call had finished.
        let in_row = self.row.place(id).map(|place| self.row.calls[place]);
        in_row.filter(|key| *key != OVER).or_else(|| self.others.get(id).copied())
    }

    pub(super) fn remove(&mut self, id: &RequestId) -> Option<Key> {
        if let Some(key) = self.row.place(id).and_then(|place| self.row.remove(place)) {
            return Some(key);
        }
        let key = self.others.remove(id);
        if self.others.is_empty() && self.others.capacity() > KEPT {
            self.others = HashMap::default();
        }
        key
    }

    /// Returns whether an id that is not pending once was, as far as can be told without remembering every id.
    pub(super) fn was_used(&self, id: &RequestId) -> bool {
        match (id, &self.used) {
            (RequestId::Integer(id), Some(used)) => used.contains(id),
            _ => false,
        }
    }

    pub(super) fn drain(&mut self) -> impl Iterator<Item = Key> {
        let row = mem::take(&mut self.row).calls.into_iter().filter(|key| *key != OVER);
        row.chain(mem::take(&mut self.others).into_values())
    }
}

impl Row {
    /// Returns whether this id is the next in the row, or can begin a new row.
    fn is_next(&self, id: i64) -> bool {
        self.calls.is_empty()
            || self.first.checked_add_unsigned(self.calls.len() as u64) == Some(id)
    }

    /// Returns the place of an id, whether its call is waiting or finished.
    fn place(&self, id: &RequestId) -> Option<usize> {
        let RequestId::Integer(id) = *id else { return None };
        let place = usize::try_from(id.checked_sub(self.first)?).ok()?;
        (place < self.calls.len()).then_some(place)
    }

    fn push(&mut self, id: i64, key: Key) {
        if self.calls.is_empty() {
            self.first = id;
        }
        self.calls.push_back(key);
        self.len += 1;
    }

    fn remove(&mut self, place: usize) -> Option<Key> {
        let key = mem::replace(&mut self.calls[place], OVER);
        if key == OVER {
            return None;
        }
        self.len -= 1;
        self.drop_ended();
        Some(key)
    }

    fn is_sparse(&self) -> bool {
        self.calls.len() > 2 * self.len + SPARSE
    }

    /// Takes the first call out of the row, with its id, because the others have moved on.
    fn leave_first(&mut self) -> Option<(i64, Key)> {
        let id = self.first;
        Some((id, self.remove(0)?))
    }

    /// Drops leading places of finished calls.
    fn drop_ended(&mut self) {
        while let Some(&OVER) = self.calls.front() {
            self.calls.pop_front();
            self.first = self.first.wrapping_add(1);
        }
        if self.calls.is_empty() && self.calls.capacity() > KEPT {
            self.calls = VecDeque::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn insert(pending: &mut Pending, id: &RequestId) -> bool {
        pending.insert(id, 0)
    }

    #[test]
    fn room_for_a_crowd_is_given_back_when_it_is_gone() {
        for step in [1, 2] {
            let mut pending = Pending::default();
            let ids = (0..10_000).map(|number| RequestId::Integer(number * step));
            for id in ids.clone() {
                assert!(insert(&mut pending, &id));
            }
            let room = |pending: &Pending| pending.row.calls.capacity() + pending.others.capacity();
            assert!(room(&pending) > KEPT);
            for id in ids {
                assert!(pending.remove(&id).is_some() && pending.was_used(&id));
            }
            assert!(room(&pending) <= KEPT && !pending.was_used(&(10_000 * step).into()));
        }
    }

    #[test]
    fn a_call_that_goes_on_for_long_keeps_no_room_for_those_after_it() {
        let mut pending = Pending::default();
        assert!(insert(&mut pending, &0.into()));
        for id in 1..10_000 {
            assert!(insert(&mut pending, &id.into()));
            assert!(pending.remove(&id.into()).is_some());
        }
        assert!(pending.row.calls.len() <= SPARSE + 2);
        assert!(pending.find(&0.into()).is_some() && !insert(&mut pending, &0.into()));
        assert!(pending.remove(&0.into()).is_some());
        assert_eq!(pending.len(), 0);
    }

    proptest! {
        #[test]
        fn ids_of_any_order_are_kept_as_in_a_map(
            steps in prop::collection::vec((0..400_i64, any::<bool>(), 0..8_u8), 0..600),
            first in prop_oneof![Just(0), Just(i64::MIN), Just(i64::MAX - 300)],
        ) {
            let (mut pending, mut model) = (Pending::default(), HashMap::new());
            let mut next = 0;
            for (step, (number, is_removed, kind)) in steps.into_iter().enumerate() {
                let number = match kind {
                    0 => number,
                    _ if is_removed => (next - number % 16).max(0),
                    _ => { next += 1; next }
                };
                let id = match kind {
                    1 => RequestId::from(number.to_string()),
                    _ => first.saturating_add(number).into(),
                };
                if is_removed {
                    prop_assert_eq!(pending.remove(&id), model.remove(&id));
                } else {
                    let (key, is_new) = (step, !model.contains_key(&id));
                    prop_assert_eq!(pending.insert(&id, key), is_new);
                    let expected = *model.entry(id.clone()).or_insert(key);
                    prop_assert_eq!(pending.find(&id), Some(expected));
                }
                prop_assert_eq!(pending.len(), model.len());
            }
            let left: std::collections::HashSet<_> = pending.drain().collect();
            prop_assert_eq!(left, model.into_values().collect());
        }
    }
}
