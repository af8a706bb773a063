//! A snapshot of a list.

use super::Listed;
use crate::lists::Listing;
use std::{collections::HashMap, ops::Deref};
use tokio::time::Instant;

/// An immutable copy of a list as the server gave it at some time, in the server's order.
#[derive(Clone, Debug)]
pub struct Snapshot<T> {
    items: Vec<T>,
    /// The index of each key; of duplicates, the first.
    places: HashMap<Box<str>, usize>,
    received: Instant,
    fresh_until: Option<Instant>,
}

impl<T: Listed> Snapshot<T> {
    /// Creates a snapshot of a list that has just arrived.
    // spec: TOOL-11
    pub(super) fn new(listing: Listing<T>) -> Self {
        let Listing { items, fresh_until } = listing;
        let mut places = HashMap::with_capacity(items.len());
        for (place, item) in items.iter().enumerate() {
            places.entry(item.key().into()).or_insert(place);
        }
        if places.len() < items.len() {
            let count = items.len() - places.len();
            tracing::warn!(count, "the server lists several things by the same name");
        }
        Self { items, places, received: Instant::now(), fresh_until }
    }

    /// The item with this name or URI; the first, if there are several.
    pub fn get(&self, key: &str) -> Option<&T> {
        self.places.get(key).map(|place| &self.items[*place])
    }

    /// Whether the item is the first with its key.
    pub(super) fn is_first(&self, place: usize) -> bool {
        self.items.get(place).and_then(|item| self.places.get(item.key())) == Some(&place)
    }
}

impl<T> Snapshot<T> {
    /// When the list arrived.
    pub fn received(&self) -> Instant {
        self.received
    }

    /// Until when the server says that the list is fresh; `None` if it does not say.
    pub fn fresh_until(&self) -> Option<Instant> {
        self.fresh_until
    }
}

impl<T> Deref for Snapshot<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.items
    }
}
