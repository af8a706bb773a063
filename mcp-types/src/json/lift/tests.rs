//! Values read from lifted text, and from the same text as it is.

use super::Lifted;
use crate::json::read;
use crate::{
    CallToolResult, GetPromptResult, InputRequiredResult, ListToolsResult,
    content::{ContentBlock, TextContent},
    resources::ReadResourceResult,
};
use bytes::Bytes;
use proptest::prelude::*;
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::{Value, json, value::RawValue};
use std::{collections::BTreeMap, fmt};

fn lift(text: &str) -> Option<Lifted> {
    Lifted::take(Bytes::from(text.to_owned()), 0).ok()
}

/// Reads the text in both ways; returns whether it was lifted.
#[track_caller]
fn compare<T: DeserializeOwned + fmt::Debug>(text: &str) -> bool {
    let lifted = lift(text).map(Lifted::read::<T>);
    let is_lifted = lifted.is_some();
    if let Some(lifted) = lifted {
        let shown = |value: Result<T, serde_json::Error>| format!("{value:?}");
        assert_eq!(shown(lifted), shown(read(text.as_bytes())), "{text}");
    }
    is_lifted
}

/// A type that tolerates what does not fit.
#[derive(Debug)]
struct Lenient(Option<Choice>);

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Choice {
    Text(String),
}

impl<'de> Deserialize<'de> for Lenient {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Choice::deserialize(deserializer).ok()))
    }
}

fn compare_all(text: &str) -> bool {
    compare::<Value>(text);
    compare::<CallToolResult>(text);
    compare::<ReadResourceResult>(text);
    compare::<GetPromptResult>(text);
    compare::<ListToolsResult>(text);
    compare::<InputRequiredResult>(text);
    compare::<Vec<ContentBlock>>(text);
    compare::<BTreeMap<String, Value>>(text);
    compare::<BTreeMap<String, Box<RawValue>>>(text);
    compare::<BTreeMap<String, Vec<Lenient>>>(text);
    compare::<Box<RawValue>>(text);
    compare::<Vec<String>>(text);
    compare::<Choice>(text);
    compare::<serde_json::Map<String, Value>>(text);
    compare::<serde::de::IgnoredAny>(text)
}

/// Encodes a text that is long compared to what surrounds it.
fn long(text: &str) -> String {
    Value::from(text.repeat(2_000 / text.len())).to_string()
}

#[test]
fn a_long_string_may_stand_wherever_a_string_may() {
    for string in [long("x"), long("a \"b\"\n\\"), long("größe\t"), long("\u{1f600}\u{1}")] {
        for text in [
            string.clone(),
            format!("[{string}]"),
            format!(" [ 1 , \"\\\"\", {string} , [ \"a\\n\" ] ]\n"),
            format!(r#"{{"text":{string}}}"#),
            format!(r#"{{"text":[{{"text":{string}}}]}}"#),
            format!(r#"{{"content":[{{"type":"text","text":{string}}}],"isError":true}}"#),
            format!(r#"{{"content":[{{"text":{string},"x":[1],"type":"text"}}]}}"#),
            format!(r#"{{"content":[{{"type":"image","mimeType":"a/b","data":{string}}}]}}"#),
            format!(r#"{{"content":[{{"type":{string},"text":""}}]}}"#),
            format!(r#"{{"content":[{{"type":"text","text":"t","more":{{"a":{string}}}}}]}}"#),
            format!(r#"{{"content":[],"structuredContent":{{"a":["b",{string}]}}}}"#),
            format!(r#"{{"content":[],"_meta":{{"a/b":{string}}}}}"#),
            format!(r#"{{"content":[],"more":{string}}}"#),
            format!(r#"{{"contents":[{{"uri":"a:b","blob":{string}}}]}}"#),
            format!(r#"{{"contents":[{{"uri":{string},"text":"t"}}]}}"#),
            format!(
                r#"{{"messages":[{{"role":"user","content":{{"type":"text","text":{string}}}}}]}}"#
            ),
        ] {
            assert!(compare_all(&text), "{text}");
        }
    }
}

#[test]
fn what_does_not_fit_is_told_as_ever() {
    let string = long("a\n");
    for text in [
        format!(r#"{{"content":{string}}}"#),
        format!(r#"{{"content":[{string}]}}"#),
        format!(r#"{{"content":[{{"type":"text","text":{string}}}],"isError":7}}"#),
        format!("{{\"content\":[{{\"type\":\"text\",\n\"text\":{string}}}],\n\"isError\":7}}"),
        format!(r#"{{"isError":7,"content":[{{"type":"text","text":{string}}}]}}"#),
        format!(r#"{{"content":[{{"type":"image","data":{string}}}]}}"#),
        format!(r#"{{"contents":[{{"uri":7,"blob":{string}}}]}}"#),
        format!(
            r#"{{"tools":[{{"name":"a","description":{string}}},{{"name":"b","inputSchema":{{}}}}]}}"#
        ),
        format!(r#"{{"tools":[{{"name":"a","inputSchema":{{}},"title":[{string}]}},7]}}"#),
        format!(
            r#"{{"inputRequests":{{"a":{{"params":{{"message":{string}}},"method":"elicitation/create"}}}}}}"#
        ),
        format!(
            r#"{{"inputRequests":{{"a":{{"method":"sampling/createMessage","params":{{"systemPrompt":{string}}}}}}}}}"#
        ),
        format!(r#"[{{"text":{string},"type":"text"}},{{"text":7,"type":"text"}}]"#),
        format!(r#"[{{"type":"text","text":{string},"annotations":7}},{{"type":"text"}}]"#),
        format!(r#"[{string},7]"#),
        format!(r#"{{"text":{string},"more":1}}"#),
    ] {
        assert!(compare_all(&text), "{text}");
    }
}

#[test]
fn who_wants_the_text_itself_gets_all_of_it() {
    let text = format!(r#"{{"a":[{{"text":{0}}}],"b":[]}}"#, long("é\\/"));
    let read: BTreeMap<String, Box<RawValue>> = lift(&text).unwrap().read().unwrap();
    assert_eq!(format!(r#"{{"a":{},"b":{}}}"#, read["a"].get(), read["b"].get()), text);
    let read: BTreeMap<String, Vec<Lenient>> = lift(&text).unwrap().read().unwrap();
    assert!(matches!(&read["a"][..], [Lenient(Some(Choice::Text(it)))] if it.len() > 1_000));
}

#[test]
fn text_is_taken_apart_only_for_one_string_that_is_most_of_it() {
    let (string, half) = (long("x"), long("y"));
    for text in [
        format!("[{string},{half}]"),
        format!("[{half},{string}]"),
        format!("{{{string}:1}}"),
        format!("{{{string} : [1]}}"),
        format!(r#"["",{},""]"#, "1,".repeat(1_000) + "1"),
        format!(r#"["{}\ud83d"]"#, "x".repeat(1_000)),
        format!(r#"["{}","\ud83d\u0041"]"#, "x".repeat(1_000)),
        "[]".to_owned(),
        String::new(),
    ] {
        assert!(lift(&text).is_none(), "{text}");
    }
}

#[test]
fn text_that_somebody_else_holds_is_left_alone() {
    let text = Bytes::from(format!("[{}]", long("x")));
    let other = text.clone();
    let text = Lifted::take(text, 0).unwrap_err();
    assert_eq!(text, other);
    drop(other);
    assert!(Lifted::take(text.clone(), 0).is_err());
    let short = Lifted::take(text, 1_000_000).unwrap_err();
    assert!(Lifted::take(short, 0).is_ok());
}

#[test]
fn a_long_string_keeps_the_memory_of_its_message() {
    let mut line = format!(r#"[{{"type":"text","text":{}}}]"#, long("xyz\n"));
    line.reserve(10 * line.len());
    let line = Bytes::from(line);
    let before = line.as_ptr();
    let content: Vec<ContentBlock> = Lifted::take(line, 0).unwrap().read().unwrap();
    let [ContentBlock::Text(TextContent { text, .. })] = &content[..] else {
        panic!("{content:?}")
    };
    assert_eq!(*text, "xyz\n".repeat(500));
    assert_eq!(text.as_ptr(), before);
    assert!(text.capacity() < 2 * text.len());
}

fn strings() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[a-z \\n\"\\\\/é\u{1f600}]{0,20}",
        1 => ("[a-z\\n\"\\\\é\u{1f600}]{1,8}", 1..80_usize).prop_map(|(part, count)| part.repeat(count)),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        1 => any::<i32>().prop_map(Value::from),
        4 => strings().prop_map(Value::from),
        1 => strings().prop_map(|text| json!({"type": "text", "text": text})),
        1 => strings().prop_map(|text| json!({"uri": "a:b", "blob": text})),
    ];
    leaf.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::vec(
                ("content|contents|messages|text|structuredContent|[a-c]{0,3}", inner),
                0..3,
            )
            .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Escapes the same text in different ways.
fn spelled(text: &str, how: u8) -> String {
    match how {
        0 => text.replace('é', "\\u00e9").replace('\u{1f600}', "\\uD83D\\ude00"),
        1 => text.replace('/', "\\/"),
        2 => text.replace('é', "\\ud83d"),
        _ => text.to_owned(),
    }
}

proptest! {
    #[test]
    fn whatever_is_taken_apart_is_read_as_it_is(value in value(), how in 0..8_u8, is_wide in any::<bool>()) {
        let text = if is_wide { format!("{value:#}") } else { value.to_string() };
        compare_all(&spelled(&text, how));
    }
}
