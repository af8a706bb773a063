//! Object members that this version of the library does not know.

use crate::JsonObject;
use serde_json::Value;

/// The members of an object that have no field of their own, in the order of a [`JsonObject`].
///
/// They come from a later revision or an extension, or are hints whose value does not fit. They are written back as
/// they came. An empty one takes only the memory of a pointer.
///
/// ```
/// use mcp_types::{Extra, tools::Tool};
///
/// let tool: Tool = serde_json::from_str(r#"{"name": "a", "inputSchema": {}, "new": 1}"#)?;
/// assert_eq!(tool.extra.get("new"), Some(&1.into()));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Extra(Option<Box<JsonObject>>);

impl Extra {
    /// Whether there are no members.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |members| members.len())
    }

    /// The value of a member.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.as_ref()?.get(name)
    }

    /// Sets a member, and returns its earlier value. A member with a field of its own belongs there: while the field
    /// has a value, that is written instead.
    pub fn insert(&mut self, name: impl Into<String>, value: impl Into<Value>) -> Option<Value> {
        self.0.get_or_insert_default().insert(name.into(), value.into())
    }

    /// Removes a member, and returns its value.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        let members = self.0.as_mut()?;
        let value = members.get_mut(name)?.take();
        // The remaining members keep their order, whatever the type of the map.
        members.retain(|member, _| member != name);
        Some(value)
    }

    /// The members in order.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.0.iter().flat_map(|members| members.iter())
    }

    /// The members as a map.
    pub fn into_map(self) -> JsonObject {
        self.0.map(|members| *members).unwrap_or_default()
    }
}

/// Equal if the members are equal, in any order.
impl PartialEq for Extra {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Some(this), Some(other)) => this == other,
            _ => self.is_empty() && other.is_empty(),
        }
    }
}

impl From<JsonObject> for Extra {
    fn from(members: JsonObject) -> Self {
        Self((!members.is_empty()).then(|| Box::new(members)))
    }
}

impl<N: Into<String>, V: Into<Value>> Extend<(N, V)> for Extra {
    fn extend<I: IntoIterator<Item = (N, V)>>(&mut self, members: I) {
        for (name, value) in members {
            self.insert(name, value);
        }
    }
}
