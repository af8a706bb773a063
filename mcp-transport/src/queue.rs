//! A queue with a limit.

use std::collections::VecDeque;

/// A queue that holds a limited number of items of a limited size together.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    items: VecDeque<(T, usize)>,
    bytes: usize,
    limit: Limit,
}

/// How much a queue holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limit {
    pub(crate) items: usize,
    pub(crate) bytes: usize,
}

impl<T> Queue<T> {
    pub(crate) fn new(limit: Limit) -> Self {
        Self { items: VecDeque::new(), bytes: 0, limit }
    }

    /// Returns whether an item of this size fits. A single item always does.
    pub(crate) fn has_room(&self, bytes: usize) -> bool {
        self.items.is_empty()
            || (self.items.len() < self.limit.items
                && self.bytes.saturating_add(bytes) <= self.limit.bytes)
    }

    pub(crate) fn push(&mut self, item: T, bytes: usize) {
        self.items.push_back((item, bytes));
        self.bytes += bytes;
    }

    pub(crate) fn pop(&mut self) -> Option<T> {
        self.items.pop_front().map(|item| self.release(item))
    }

    /// Takes out the oldest item that may be dropped.
    pub(crate) fn evict(&mut self, may_go: impl Fn(&T) -> bool) -> Option<T> {
        let at = self.items.iter().position(|(item, _)| may_go(item))?;
        self.items.remove(at).map(|item| self.release(item))
    }

    fn release(&mut self, (item, bytes): (T, usize)) -> T {
        self.bytes -= bytes;
        item
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_and_bytes_are_both_limited() {
        let mut queue = Queue::new(Limit { items: 2, bytes: 10 });
        assert!(queue.has_room(99), "one item always fits");
        queue.push('a', 8);
        assert!(queue.has_room(2) && !queue.has_room(3));
        queue.push('b', 2);
        assert!(!queue.has_room(0));
        assert_eq!(queue.evict(|item| *item == 'b'), Some('b'));
        assert_eq!(queue.evict(|item| *item == 'b'), None);
        assert!(queue.has_room(2));
        assert_eq!((queue.pop(), queue.pop(), queue.bytes), (Some('a'), None, 0));
    }
}
