//! Replacing one value in raw JSON: everything else stays byte for byte.

use mcp_types::{RawJson, rpc::Members};

/// Returns the JSON text of the value at a path of keys. If a key is there twice, the last one counts.
pub(crate) fn find<'a>(raw: &'a RawJson, path: &[&str]) -> Option<&'a str> {
    path.iter().try_fold(raw.as_str(), |text, key| {
        Members::of(text).filter(|(name, _)| name == key).last().map(|(_, value)| value)
    })
}

/// Returns the JSON with `value`, a JSON text, at a path of keys; none if there is nothing at that path.
pub(crate) fn replace(raw: &RawJson, path: &[&str], value: &str) -> Option<RawJson> {
    let found = find(raw, path)?;
    let text = raw.as_str();
    let start = found.as_ptr() as usize - text.as_ptr() as usize;
    let end = start + found.len();
    Some(RawJson::from_joined([&text[..start], value, &text[end..]].concat()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_changes_and_all_else_keeps_its_bytes() {
        let text = r#"{ "a":1e400, "_meta" : {"x": [1],"progressToken" : "t" , "n":1.0}}"#;
        let raw = RawJson::parse(text).unwrap();
        let path = ["_meta", "progressToken"];
        assert_eq!(find(&raw, &path), Some(r#""t""#));
        let changed = replace(&raw, &path, "7").unwrap();
        assert_eq!(changed.as_str(), text.replace(r#""t""#, "7"));
        for missing in [&["b"][..], &["a", "b"], &["_meta", "x", "0"]] {
            assert_eq!(replace(&raw, missing, "7"), None);
        }
        assert_eq!(replace(&RawJson::parse("[1]").unwrap(), &["a"], "7"), None);
        let twice = RawJson::parse(r#"{"a":1,"\u0061":2}"#).unwrap();
        assert_eq!(find(&twice, &["a"]), Some("2"));
    }
}
