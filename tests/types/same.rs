//! Equality of JSON values by meaning.

use serde_json::Value;

/// Asserts that nothing was lost: the values are equal, apart from the notation of numbers, and from empty parameters
/// of an embedded request, which mean the same as none.
#[track_caller]
pub(crate) fn assert_same(written: &Value, original: &Value, context: &str) {
    let (written, original) = (normal(written), normal(original));
    assert_eq!(written, original, "{context}");
}

fn normal(value: &Value) -> Value {
    match value {
        Value::Number(number) => {
            number.as_i64().map_or_else(|| number.as_f64().into(), |n| (n as f64).into())
        }
        Value::Array(items) => items.iter().map(normal).collect(),
        Value::Object(members) => {
            let is_request = members.get("method").is_some_and(Value::is_string);
            let is_empty = |value: &Value| value.as_object().is_some_and(serde_json::Map::is_empty);
            let kept = members
                .iter()
                .filter(|(name, value)| !(is_request && *name == "params" && is_empty(value)));
            kept.map(|(name, value)| (name.clone(), normal(value))).collect()
        }
        other => other.clone(),
    }
}
