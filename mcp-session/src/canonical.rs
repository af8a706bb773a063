//! A canonical form of JSON values, for comparing and hashing.

use crate::params::Members;
use mcp_types::{RawJson, rpc::Elements};
use serde::de::Error as _;

/// The maximum nesting depth of a value.
const MAX_DEPTH: usize = 100;

/// Returns the canonical form of a value: members sorted as in RFC 8785, one spelling of strings, no white space.
/// Unlike RFC 8785, it leaves numbers as spelled and keeps duplicate members, so that texts which some reader could
/// take for different values have different forms.
pub(crate) fn canonical(value: &RawJson) -> Result<Vec<u8>, serde_json::Error> {
    let mut out = Vec::with_capacity(value.as_bytes().len());
    write(value.as_str(), MAX_DEPTH, &mut out)?;
    Ok(out)
}

fn write(text: &str, depth: usize, out: &mut Vec<u8>) -> Result<(), serde_json::Error> {
    let Some(depth) = depth.checked_sub(1) else {
        return Err(serde_json::Error::custom("the value is too deep"));
    };
    match text.as_bytes().first() {
        Some(b'{') => {
            let mut members = Members::of(text)?.0;
            // Duplicate members keep their order in the text.
            members.sort_unstable_by(|(a, first), (b, second)| {
                let by_name = a.encode_utf16().cmp(b.encode_utf16());
                by_name.then_with(|| first.as_ptr().cmp(&second.as_ptr()))
            });
            out.push(b'{');
            for (index, (name, value)) in members.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                RawJson::append_str(name, out);
                out.push(b':');
                write(value, depth, out)?;
            }
            out.push(b'}');
        }
        Some(b'[') => {
            out.push(b'[');
            for (index, value) in Elements::of(text).enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write(value, depth, out)?;
            }
            out.push(b']');
        }
        Some(b'"') => match RawJson::read_str(text) {
            Some(text) => RawJson::append_str(&text, out),
            None => return Err(serde_json::Error::custom("a string is not text")),
        },
        _ => out.extend_from_slice(text.trim().as_bytes()),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    fn spell(text: &str) -> String {
        String::from_utf8(canonical(&RawJson::parse(text.to_owned()).unwrap()).unwrap()).unwrap()
    }

    #[test]
    fn order_space_and_escapes_do_not_count_and_all_else_does() {
        assert_eq!(
            spell(r#" { "b" : [ 1 , 2.0 ] , "a" : "\u00e9\/" } "#),
            r#"{"a":"é/","b":[1,2.0]}"#
        );
        // The example of RFC 8785, section 3.2.3: members are sorted by UTF-16 code units.
        let sorted =
            spell(r#"{"\u20ac":1,"\r":2,"\ufb33":3,"1":4,"\ud83d\ude00":5,"\u0080":6,"\u00f6":7}"#);
        assert_eq!(
            sorted,
            "{\"\\r\":2,\"1\":4,\"\u{80}\":6,\"ö\":7,\"€\":1,\"😀\":5,\"\u{fb33}\":3}"
        );
        for (one, other) in [
            ("[1,2]", "[2,1]"),
            ("12345678901234567890123", "12345678901234567890124"),
            (r#"{"a":1,"a":2}"#, r#"{"a":2}"#),
            ("null", r#""null""#),
        ] {
            assert_ne!(spell(one), spell(other));
        }
    }

    #[test]
    fn what_is_too_deep_has_no_spelling() {
        let deep = format!("{}{}", "[".repeat(101), "]".repeat(101));
        assert!(canonical(&RawJson::parse(deep).unwrap()).is_err());
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".*".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((".*", inner), 0..4)
                    .prop_map(|members| members.into_iter().collect()),
            ]
        })
    }

    fn reversed(value: &Value) -> Value {
        match value {
            Value::Object(members) => {
                members.iter().rev().map(|(name, value)| (name.clone(), reversed(value))).collect()
            }
            Value::Array(items) => items.iter().map(reversed).collect(),
            other => other.clone(),
        }
    }

    proptest! {
        #[test]
        fn a_value_has_one_spelling_and_a_spelling_one_value(one in json(), other in json()) {
            let spelled = spell(&one.to_string());
            prop_assert_eq!(&serde_json::from_str::<Value>(&spelled).unwrap(), &one);
            prop_assert_eq!(&spell(&serde_json::to_string_pretty(&reversed(&one)).unwrap()), &spelled);
            prop_assert_eq!(spell(&other.to_string()) == spelled, one == other);
        }
    }
}
