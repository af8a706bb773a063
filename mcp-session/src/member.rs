//! Reading single members of raw JSON, where a derived type would cost too much to compile.

use mcp_types::RawJson;
use serde::de::{DeserializeOwned, Error as _};
use serde_json::Value;
use std::borrow::Cow;

/// Decodes a member that may be missing or null.
pub(crate) fn optional<T: DeserializeOwned>(
    raw: &RawJson,
    name: &str,
) -> Result<Option<T>, serde_json::Error> {
    raw.decode_at(&[name]).transpose().map(Option::flatten)
}

/// Returns a string member, borrowed if it has no escapes; `None` if it is missing or not a string.
pub(crate) fn text<'a>(raw: &'a RawJson, name: &str) -> Option<Cow<'a, str>> {
    RawJson::read_str(raw.find(&[name])?)
}

/// Returns a member as a plain value, which is null if it is missing.
pub(crate) fn value(raw: &RawJson, name: &str) -> Result<Value, serde_json::Error> {
    let found = raw.find(&[name]).map(|value| RawJson::from_joined(raw.share(value)));
    found.map_or(Ok(Value::Null), |value| value.to_value())
}

/// Decodes a member that must be a string.
pub(crate) fn required(raw: &RawJson, name: &str) -> Result<String, serde_json::Error> {
    match text(raw, name) {
        Some(text) => Ok(text.into_owned()),
        None => Err(serde_json::Error::custom(format!("`{name}` is missing or not a string"))),
    }
}

/// Whether there is a member that is not null.
pub(crate) fn is_there(raw: &RawJson, name: &str) -> bool {
    raw.find(&[name]).is_some_and(|value| value != "null")
}

#[cfg(test)]
mod tests {
    use super::{is_there, optional, required, text, value};
    use mcp_types::RawJson;

    #[test]
    fn a_member_is_read_missing_or_of_another_type() {
        let raw = RawJson::parse(r#"{"a": "x", "b": "\u0078\"", "c": null, "d": ["a"], "": ""}"#)
            .unwrap();
        for (name, is, its) in [
            ("a", true, Some("x")),
            ("b", true, Some("x\"")),
            ("c", false, None),
            ("d", true, None),
            ("e", false, None),
            ("", true, Some("")),
        ] {
            assert_eq!(is_there(&raw, name), is, "{name}");
            assert_eq!(text(&raw, name).as_deref(), its, "{name}");
            assert_eq!(value(&raw, name).unwrap().as_str(), its, "{name}");
            assert_eq!(required(&raw, name).ok().as_deref(), its, "{name}");
            let read = optional::<String>(&raw, name);
            assert_eq!(read.is_err(), name == "d", "{name}");
            assert_eq!(read.ok().flatten().as_deref(), its, "{name}");
        }
    }
}
