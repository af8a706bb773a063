//! Values that do not fit are kept, and affect nothing else.

use crate::{
    generate::Generator,
    registry,
    same::assert_same,
    schemas::{SOURCES, definitions, typed},
};
use mcp_types::{
    JsonObject, OpenObject, RawJson,
    capabilities::Implementation,
    content::{ContentBlock, Role},
    initialize::InitializeRequest,
    resources::ReadResourceResult,
    tools::{CallToolResult, ListToolsResult, Tool},
};
use proptest::{
    prelude::*,
    sample::Index,
    test_runner::{Config, TestRunner},
};
use serde_json::{Value, json};

fn read<T: serde::de::DeserializeOwned>(value: &Value) -> T {
    serde_json::from_str(&value.to_string()).unwrap()
}

#[track_caller]
fn assert_survives<T: serde::Serialize>(typed: &T, value: &Value) {
    assert_same(&serde_json::to_value(typed).unwrap(), value, "written again");
}

// spec: TOOL-14
#[test]
fn a_broken_tool_hides_no_other() {
    let value = json!({ "tools": [
        { "name": "first", "inputSchema": { "type": "object" } },
        { "name": "no schema" },
        { "name": "null schema", "inputSchema": null, "title": "Broken" },
        "not a tool",
        { "name": "last", "inputSchema": {} },
    ] });
    let result: ListToolsResult = read(&value);
    let names: Vec<&str> = result.tools.iter().map(|tool| tool.name.as_str()).collect();
    assert_eq!(names, ["first", "last"]);
    let broken: Vec<(usize, &str)> =
        result.tools.broken().iter().map(|item| (item.index, item.reason.as_str())).collect();
    assert_eq!(
        broken,
        [
            (1, "`inputSchema` is missing"),
            (2, "`inputSchema` is null instead of an object"),
            (3, "the value is a string instead of an object"),
        ]
    );
    assert_survives(&result, &value);
}

#[test]
fn a_list_that_was_changed_keeps_its_broken_items() {
    let value = json!({ "tools": [{ "name": "a", "inputSchema": {} }, 7, 8] });
    let mut result: ListToolsResult = read(&value);
    result.tools.clear();
    assert_survives(&result, &json!({ "tools": [7, 8] }));
    assert_eq!(result.tools.take_broken().len(), 2);
    assert_survives(&result, &json!({ "tools": [] }));
}

// spec: TOOL-17
#[test]
fn a_broken_content_block_is_kept_as_it_came() {
    let value = json!({ "content": [
        { "type": "text", "text": "good" },
        { "type": "text" },
        { "text": 7, "type": "text" },
        { "type": "hologram", "beam": [1] },
        { "type": 9 },
        { "beam": 1 },
        null,
        "bare",
        { "type": "image", "data": "AA==", "mimeType": "image/png", "annotations": 3 },
    ] });
    let result: CallToolResult = read(&value);
    let unknown = result.content.iter().filter(|block| matches!(block, ContentBlock::Unknown(_)));
    assert_eq!(unknown.count(), 7);
    assert_survives(&result, &value);
}

#[test]
fn a_broken_hint_costs_nothing_but_itself() {
    let value = json!({
        "name": "a",
        "inputSchema": {},
        "title": ["not", "a", "title"],
        "annotations": { "readOnlyHint": "yes", "idempotentHint": true },
        "icons": [{ "src": "https://example.com/a.png" }, { "sizes": [] }],
    });
    let tool: Tool = read(&value);
    assert_eq!((&tool.title, tool.extra.get("title")), (&None, Some(&value["title"])));
    let annotations = tool.annotations.as_ref().unwrap();
    assert_eq!((annotations.read_only_hint, annotations.idempotent_hint), (None, Some(true)));
    assert_eq!(tool.icons.as_ref().unwrap().len(), 1);
    assert_survives(&tool, &value);
}

// spec: CACHE-05 CACHE-16
#[test]
fn a_strange_time_to_live_is_no_error() {
    for (ttl, read_as) in
        [("-1", Some(-1)), ("3e5", Some(300_000)), ("1.5", None), ("1e300", None), ("\"1\"", None)]
    {
        let text = format!(r#"{{"tools": [], "ttlMs": {ttl}}}"#);
        let result: ListToolsResult = serde_json::from_str(&text).unwrap();
        assert_eq!(result.ttl_ms, read_as, "{ttl}");
        assert_survives(&result, &serde_json::from_str(&text).unwrap());
    }
}

#[test]
fn a_set_field_outranks_what_was_read_into_extra() {
    let mut tool: Tool = read(&json!({ "name": "a", "inputSchema": {}, "title": 7 }));
    tool.title = Some("A".to_owned());
    assert_eq!(
        serde_json::to_string(&tool).unwrap(),
        r#"{"name":"a","inputSchema":{},"title":"A"}"#
    );
}

#[test]
fn of_a_member_that_is_there_twice_the_last_one_counts_and_nothing_is_left_of_the_first() {
    let text = r#"{
        "protocolVersion": "2025-06-18", "capabilities": {},
        "clientInfo": {"name": "a", "version": "1", "title": "A", "icons": [{"src": "a:b"}], "x": 1},
        "clientInfo": {"name": "b", "version": "2"}
    }"#;
    let request: InitializeRequest = serde_json::from_str(text).unwrap();
    assert_eq!(request.client_info, Implementation::new("b", "2"));
    let text = r#"{
        "tools": [{"name": "a", "inputSchema": {}}, 7],
        "tools": [{"name": "b", "inputSchema": {}, "title": "B", "title": null, "icons": [], "icons": 1}],
        "nextCursor": "a", "nextCursor": null, "ttlMs": 1, "ttlMs": "x"
    }"#;
    let result: ListToolsResult = serde_json::from_str(text).unwrap();
    let mut tool = Tool::new("b", JsonObject::new());
    tool.extra.insert("icons", 1);
    let mut expected = ListToolsResult::new(vec![tool]);
    expected.extra.insert("ttlMs", "x");
    assert_eq!(result, expected);
}

#[test]
fn null_is_absence_for_an_optional_member() {
    let text =
        r#"{"tools": [{"name": "a", "inputSchema": {}, "title": null}], "nextCursor": null}"#;
    let result: ListToolsResult = serde_json::from_str(text).unwrap();
    assert_eq!((&result.next_cursor, &result.tools[0].title), (&None, &None));
    assert!(result.tools[0].extra.is_empty());
}

// spec: TOOL-15
#[test]
fn structured_content_may_be_null() {
    for (text, expected) in [
        (r#"{"content":[],"structuredContent":null}"#, Some(Value::Null)),
        (r#"{"content":[]}"#, None),
    ] {
        let result: CallToolResult = serde_json::from_str(text).unwrap();
        assert_eq!(result.structured_content, expected);
        assert_eq!(serde_json::to_string(&result).unwrap(), text);
    }
}

// spec: PAG-05
#[test]
fn empty_is_not_absent() {
    let text = r#"{"tools":[],"nextCursor":"","_meta":{}}"#;
    let result: ListToolsResult = serde_json::from_str(text).unwrap();
    assert_eq!(result.next_cursor.as_deref(), Some(""));
    assert_eq!(serde_json::to_string(&result).unwrap(), text);
}

#[test]
fn an_error_names_the_member() {
    let error =
        |text: &str| serde_json::from_str::<ReadResourceResult>(text).unwrap_err().to_string();
    assert!(error(r#"{"contents": 7}"#).starts_with("`contents` is a number instead of an array"));
    assert!(error("{}").starts_with("`contents` is missing"));
    let error = serde_json::from_str::<Tool>(r#"{"name": 1, "inputSchema": {}}"#).unwrap_err();
    assert!(error.to_string().starts_with("`name` is a number instead of a string"), "{error}");
}

#[test]
fn a_type_is_read_from_whatever_serde_offers() {
    use serde::de::value::{BorrowedStrDeserializer, Error, MapDeserializer, StrDeserializer};
    use serde::{Deserialize, de::IntoDeserializer};

    let members = [("name", "a"), ("extra", "b")];
    let object = MapDeserializer::<_, Error>::new(members.into_iter());
    let error = Tool::deserialize(object).unwrap_err();
    assert_eq!(error.to_string(), "`inputSchema` is missing");
    for text in ["a", "{}", r#"{"name":"a","inputSchema":{}}"#] {
        let error = Tool::deserialize(BorrowedStrDeserializer::<Error>::new(text)).unwrap_err();
        assert_eq!(error.to_string(), "the value is a string instead of an object");
        let role: StrDeserializer<'_, Error> = text.into_deserializer();
        assert_eq!(Role::deserialize(role), Ok(Role::Unknown(text.to_owned())));
    }
}

proptest! {
    #[test]
    fn a_number_that_is_none_of_json_text_keeps_all_its_digits(float: f64, natural: u64, integer: i64) {
        use serde::de::{Deserialize, value::{Error, MapDeserializer}};

        prop_assume!(float.is_finite());
        let floats = MapDeserializer::<_, Error>::new([("float", float)].into_iter());
        let naturals = MapDeserializer::<_, Error>::new([("natural", natural)].into_iter());
        let integers = MapDeserializer::<_, Error>::new([("integer", integer)].into_iter());
        let read = [
            OpenObject::deserialize(floats).unwrap(),
            OpenObject::deserialize(naturals).unwrap(),
            OpenObject::deserialize(integers).unwrap(),
        ];
        let number = |index: usize, name: &str| read[index].extra.get(name).unwrap().clone();
        prop_assert_eq!(number(0, "float").as_f64().map(f64::to_bits), Some(float.to_bits()));
        prop_assert_eq!(number(1, "natural"), Value::from(natural));
        prop_assert_eq!(number(2, "integer"), Value::from(integer));
    }
}

#[test]
fn a_value_is_read_as_deep_as_by_serde_json() {
    for depth in 120..132 {
        let schema = format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth));
        for (text, is_list) in [
            (format!(r#"{{"name":"a","inputSchema":{schema}}}"#), false),
            (format!(r#"{{"tools":[{{"name":"a","inputSchema":{schema}}}]}}"#), true),
        ] {
            let raw = RawJson::parse(text.clone()).unwrap();
            let shown = |error: serde_json::Error| error.to_string();
            if is_list {
                let read = raw.decode::<ListToolsResult>().map_err(shown);
                assert_eq!(read, serde_json::from_str(&text).map_err(shown), "{depth}");
            } else {
                let read = raw.decode::<Tool>().map_err(shown);
                assert_eq!(read, serde_json::from_str(&text).map_err(shown), "{depth}");
            }
        }
    }
}

#[test]
fn the_last_of_two_equal_members_counts() {
    let role: CallToolResult =
        serde_json::from_str(r#"{"content": [], "isError": false, "isError": true}"#).unwrap();
    assert_eq!(role.is_error, Some(true));
    assert_eq!(Role::from("nobody"), Role::Unknown("nobody".to_owned()));
}

/// Replaces the part of a value at this path of indices.
fn replace(value: &mut Value, path: &[Index], part: Value) {
    let inner = match (path, &mut *value) {
        ([first, ..], Value::Object(members)) if !members.is_empty() => {
            let index = first.index(members.len());
            members.values_mut().nth(index)
        }
        ([first, ..], Value::Array(items)) if !items.is_empty() => {
            let index = first.index(items.len());
            items.get_mut(index)
        }
        _ => None,
    };
    match inner {
        Some(inner) => replace(inner, &path[1..], part),
        None => *value = part,
    }
}

/// Removes null where a member may be absent.
fn without_null(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let kept = members.iter().filter(|(_, value)| !value.is_null());
            kept.map(|(name, value)| (name.clone(), without_null(value))).collect()
        }
        Value::Array(items) => items.iter().map(without_null).collect(),
        other => other.clone(),
    }
}

#[test]
fn a_value_with_a_wrong_part_is_refused_or_kept_whole() {
    let config = Config { cases: 32, failure_persistence: None, ..Config::default() };
    for source in SOURCES {
        let generator = Generator::new(definitions(source), false);
        for definition in typed(source) {
            let entry = registry::find(&definition.type_name).unwrap();
            let values = generator.values(&definition.schema);
            let path = proptest::collection::vec(any::<Index>(), 1..6);
            let parts = prop_oneof![
                Just(Value::Null),
                Just(json!(7)),
                Just(json!(true)),
                Just(json!("x")),
                Just(json!([1.5])),
                Just(json!({ "x": null })),
            ];
            let outcome = TestRunner::new(config.clone()).run(&(values, path, parts), |case| {
                let (mut value, path, part) = case;
                replace(&mut value, &path, part);
                if let Ok(written) = (entry.pass)(&value.to_string()) {
                    let context = format!("{} of {source}", entry.name);
                    assert_same(&without_null(&written), &without_null(&value), &context);
                }
                Ok(())
            });
            outcome.unwrap_or_else(|error| panic!("{} of {source}: {error}", entry.name));
        }
    }
}
