//! Reading the `resultType` of a result without decoding the rest.

use crate::member::{optional, text};
use mcp_types::RawJson;
use memchr::memmem;
use std::borrow::Cow;

const COMPLETE: &[u8] = br#""resultType":"complete""#;

/// Whether a result starts by saying that it is complete, as most do. Others may be complete as well.
#[inline]
pub(crate) fn is_complete(result: &RawJson) -> bool {
    result.as_bytes().get(1..=COMPLETE.len()) == Some(COMPLETE)
}

/// Returns the `resultType` of a result; `complete` if it has none, as in older revisions.
///
/// The common cases (first member, last member, absent) do not read the result again.
// spec: MSG-12
pub(crate) fn result_type(result: &RawJson) -> Result<Cow<'_, str>, serde_json::Error> {
    let bytes = result.as_bytes();
    // Raw quotes delimit strings, so these bytes before the last brace can only be its last member.
    let last = bytes.strip_suffix(b"}").is_some_and(|rest| rest.ends_with(COMPLETE));
    if is_complete(result) || last || memmem::find(bytes, br#""resultType""#).is_none() {
        return Ok(Cow::Borrowed("complete"));
    }
    match text(result, "resultType") {
        Some(kind) => Ok(kind),
        // Missing or not a string; the latter fails here.
        None => Ok(optional(result, "resultType")?.map_or(Cow::Borrowed("complete"), Cow::Owned)),
    }
}

#[cfg(test)]
mod tests {
    use super::result_type;
    use mcp_types::RawJson;

    #[test]
    fn the_type_is_found_wherever_it_stands() {
        for (text, expected) in [
            (r#"{"resultType":"complete","a":1}"#, "complete"),
            (r#"{"a":1,"resultType":"complete"}"#, "complete"),
            (r#"{"a":1}"#, "complete"),
            (r#"{"a":{"resultType":"task"}}"#, "complete"),
            (r#"{"a":{"resultType":"complete"},"resultType":"task"}"#, "task"),
            (
                r#"{"a":"\"resultType\":\"complete\"","resultType":"input_required"}"#,
                "input_required",
            ),
            (r#"{"a":1,"resultType" : "input_required" ,"b":2}"#, "input_required"),
        ] {
            let raw = RawJson::parse(text).unwrap();
            assert_eq!(result_type(&raw).unwrap(), expected, "{text}");
        }
    }
}
