//! Lone surrogates.

use mcp_types::RawJson;
use proptest::prelude::*;
use serde_json::Value;

fn replaced(text: &str) -> Option<String> {
    let raw = RawJson::parse(text.to_owned()).unwrap();
    raw.with_lone_surrogates_replaced().map(|raw| raw.as_str().to_owned())
}

#[test]
fn halves_are_replaced_and_all_else_stays() {
    for (text, expected) in [
        (r#""\ud83d""#, Some(r#""\ufffd""#)),
        (r#""\uDE00 and \uD83d""#, Some(r#""\ufffd and \ufffd""#)),
        (r#""\ud83d\ud83d\ude00""#, Some(r#""\ufffd\ud83d\ude00""#)),
        (r#""\ud83d\u0041""#, Some(r#""\ufffd\u0041""#)),
        (r#""\ud83dx\ude00""#, Some(r#""\ufffdx\ufffd""#)),
        (r#"{"\udc00":["\ud800"],"b":"\\ud800"}"#, Some(r#"{"\ufffd":["\ufffd"],"b":"\\ud800"}"#)),
        (r#""\ud83d\ude00""#, None),
        (r#""\\ud83d \\\\udc00 é \u0041 \n""#, None),
        ("[1, {}, null]", None),
    ] {
        assert_eq!(replaced(text).as_deref(), expected, "{text}");
    }
}

/// Pieces of a string in JSON, most of them around surrogates.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        (0_u16..).prop_map(|unit| format!("\\u{unit:04x}")),
        (0xd800_u16..0xe000).prop_map(|unit| format!("\\u{unit:04X}")),
        Just(r"\ud83d\ude00".to_owned()),
        Just(r"\\".to_owned()),
        Just(r#"\""#.to_owned()),
        "[a-z é😀]{0,3}",
    ]
}

proptest! {
    #[test]
    fn whatever_was_replaced_can_be_read_and_what_can_be_read_is_not_touched(
        pieces in proptest::collection::vec(piece(), 0..12),
    ) {
        let text = format!(r#"{{"a": ["{}"]}}"#, pieces.concat());
        let raw = RawJson::parse(text).unwrap();
        let readable = raw.decode::<Value>().is_ok();
        match raw.with_lone_surrogates_replaced() {
            Some(replaced) => {
                prop_assert!(!readable);
                prop_assert!(replaced.decode::<Value>().is_ok());
                prop_assert_eq!(replaced.as_bytes().len(), raw.as_bytes().len());
                prop_assert!(replaced.with_lone_surrogates_replaced().is_none());
            }
            None => prop_assert!(readable),
        }
    }
}
