//! The difference between two lists.

use super::{Listed, Snapshot};
use serde_json::{Map, Value};

/// What changed from one snapshot to a later one. The order of the items does not count.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Difference<T> {
    /// Items that are new.
    pub added: Vec<T>,
    /// Items that are gone.
    pub removed: Vec<T>,
    /// Items that are still there, but differ.
    pub changed: Vec<Changed<T>>,
}

/// An item that differs between two snapshots.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Changed<T> {
    /// The earlier item.
    pub before: T,
    /// The later item.
    pub after: T,
    /// The names of the members that differ, as in the protocol: `description`, `inputSchema`.
    pub fields: Vec<String>,
}

impl<T> Difference<T> {
    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }
}

impl<T: Listed> Difference<T> {
    /// What changed from `before` to `after`.
    pub fn between(before: &Snapshot<T>, after: &Snapshot<T>) -> Self {
        let mut difference = Self { added: Vec::new(), removed: Vec::new(), changed: Vec::new() };
        for item in firsts(after) {
            match before.get(item.key()) {
                None => difference.added.push(item.clone()),
                Some(old) if old != item => difference.changed.push(Changed {
                    before: old.clone(),
                    after: item.clone(),
                    fields: fields(&members(old), &members(item)),
                }),
                Some(_) => {}
            }
        }
        let gone = firsts(before).filter(|item| after.get(item.key()).is_none());
        difference.removed = gone.cloned().collect();
        difference
    }
}

/// Returns the items of a list; of those with the same key, only the first.
fn firsts<T: Listed>(snapshot: &Snapshot<T>) -> impl Iterator<Item = &T> {
    snapshot.iter().enumerate().filter(|(place, _)| snapshot.is_first(*place)).map(|(_, item)| item)
}

fn members<T: Listed>(item: &T) -> Map<String, Value> {
    match serde_json::to_value(item) {
        Ok(Value::Object(members)) => members,
        _ => Map::new(),
    }
}

/// Returns the members that differ.
fn fields(before: &Map<String, Value>, after: &Map<String, Value>) -> Vec<String> {
    let differing = before.iter().filter(|(name, value)| after.get(*name) != Some(value));
    let new = after.keys().filter(|name| !before.contains_key(*name));
    differing.map(|(name, _)| name).chain(new).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::Difference;
    use crate::{catalogue::Snapshot, lists::Listing};
    use mcp_types::Tool;
    use serde_json::json;

    fn snapshot(tools: serde_json::Value) -> Snapshot<Tool> {
        let items = serde_json::from_value(tools).unwrap();
        Snapshot::new(Listing { items, fresh_until: None })
    }

    fn names(tools: &[Tool]) -> Vec<&str> {
        tools.iter().map(|tool| tool.name.as_str()).collect()
    }

    #[test]
    fn what_was_added_removed_or_changed_is_told_with_the_members_that_differ() {
        let before = snapshot(json!([
            {"name": "kept", "inputSchema": {}, "_meta": {"a": 1}},
            {"name": "gone", "inputSchema": {}},
            {"name": "changed", "inputSchema": {}, "description": "old", "x-own": 1},
        ]));
        let after = snapshot(json!([
            {"name": "new", "inputSchema": {}},
            {"name": "changed", "inputSchema": {"a": 1}, "title": "new", "x-own": 1},
            {"name": "kept", "inputSchema": {}, "_meta": {"a": 1}},
        ]));
        let difference = Difference::between(&before, &after);
        assert_eq!(names(&difference.added), ["new"]);
        assert_eq!(names(&difference.removed), ["gone"]);
        assert_eq!(difference.changed.len(), 1);
        let changed = &difference.changed[0];
        assert_eq!(changed.before.description.as_deref(), Some("old"));
        assert_eq!(changed.after.title.as_deref(), Some("new"));
        assert_eq!(changed.fields, ["inputSchema", "description", "title"]);
        assert!(Difference::between(&after, &after).is_empty());
    }

    // spec: TOOL-11
    #[test]
    fn of_several_with_one_name_the_first_counts() {
        let before = snapshot(json!([
            {"name": "a", "inputSchema": {}, "title": "1"}, {"name": "a", "inputSchema": {}, "title": "2"},
        ]));
        let after = snapshot(json!([{"name": "a", "inputSchema": {}, "title": "1"}]));
        assert_eq!(before.len(), 2);
        assert_eq!(before.get("a").unwrap().title.as_deref(), Some("1"));
        assert!(Difference::between(&before, &after).is_empty());
        let swapped = snapshot(json!([
            {"name": "a", "inputSchema": {}, "title": "2"}, {"name": "a", "inputSchema": {}, "title": "1"},
        ]));
        let difference = Difference::between(&before, &swapped);
        assert_eq!(difference.changed.len(), 1);
        assert_eq!(difference.changed[0].fields, ["title"]);
    }
}
