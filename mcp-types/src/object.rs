//! JSON objects that code writes down.

use crate::JsonObject;
use serde_json::Value;

/// An object of these members, in this order where objects keep one.
///
/// `serde_json::json!` does the same and more, but a crate that puts values into it compiles much of serde_json once again.
///
/// ```
/// use mcp_types::object;
/// use serde_json::json;
///
/// let place = object([("city", "Oslo".into()), ("at", vec![59.9, 10.8].into())]);
/// assert_eq!(place, json!({"city": "Oslo", "at": [59.9, 10.8]}));
/// ```
pub fn object<const N: usize>(mut members: [(&str, Value); N]) -> Value {
    of_members(&mut members)
}

/// Moves the values out.
fn of_members(members: &mut [(&str, Value)]) -> Value {
    let mut object = JsonObject::with_capacity(members.len());
    for (name, value) in members {
        object.insert((*name).to_owned(), value.take());
    }
    Value::Object(object)
}
