//! Unions find their type, regardless of the order of the members.

use mcp_types::{
    OneOrMany, Request,
    completion::{CompleteRequest, CompletionReference},
    content::{AudioContent, ContentBlock, TextContent},
    elicitation::{ElicitAction, ElicitRequest, ElicitResult},
    input::{InputRequest, InputRequiredResult, InputResponse},
    resources::{ReadResourceResult, ResourceContents},
    roots::ListRootsRequest,
    sampling::{CreateMessageResult, SamplingMessage, SamplingMessageContentBlock, StopReason},
    schema::PrimitiveSchemaDefinition,
};
use serde_json::{Value, json};

fn read<T: serde::de::DeserializeOwned>(text: &str) -> T {
    serde_json::from_str(text).unwrap()
}

fn write<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap()
}

#[test]
fn the_tag_may_stand_anywhere() {
    for text in [
        r#"{"type":"audio","data":"AA==","mimeType":"audio/wav","x":1}"#,
        r#"{"data":"AA==","mimeType":"audio/wav","type":"audio","x":1}"#,
        r#"{"x":1,"data":"AA==","type":"audio","mimeType":"audio/wav"}"#,
    ] {
        let ContentBlock::Audio(audio) = read(text) else { panic!("{text}") };
        assert_eq!(audio.mime_type, "audio/wav");
        assert_eq!(audio.extra.get("x"), Some(&json!(1)));
    }
}

#[test]
fn a_built_block_has_its_tag_first() {
    let block = ContentBlock::from(TextContent::new("hi"));
    assert_eq!(write(&block), r#"{"type":"text","text":"hi"}"#);
    let alone = read::<AudioContent>(r#"{"type":"audio","data":"","mimeType":""}"#);
    assert_eq!(alone, AudioContent::new("", ""));
    let wrong = serde_json::from_str::<AudioContent>(r#"{"type":"text","data":"","mimeType":""}"#);
    assert_eq!(wrong.unwrap_err().to_string(), "`type` is not \"audio\"");
    let none = serde_json::from_str::<AudioContent>(r#"{"data":"","mimeType":""}"#);
    assert_eq!(none.unwrap_err().to_string(), "`type` is missing");
}

#[test]
fn contents_of_a_resource_are_told_by_what_they_have() {
    let result: ReadResourceResult = read(
        r#"{"contents": [
            {"uri": "a:1", "mimeType": "text/plain", "text": "t"},
            {"blob": "AA==", "uri": "a:2"},
            {"uri": "a:3"}
        ]}"#,
    );
    let [ResourceContents::Text(text), ResourceContents::Blob(blob), ResourceContents::Unknown(_)] =
        result.contents.as_slice()
    else {
        panic!("{result:?}")
    };
    assert_eq!((text.uri.as_str(), blob.uri.as_str()), ("a:1", "a:2"));
}

#[test]
fn references_are_told_by_their_type() {
    let request: CompleteRequest = read(
        r#"{"ref": {"type": "ref/prompt", "name": "p"}, "argument": {"name": "a", "value": ""}}"#,
    );
    assert!(matches!(&request.r#ref, CompletionReference::Prompt(prompt) if prompt.name == "p"));
}

// spec: ELI-04
#[test]
fn an_elicitation_without_mode_is_a_form() {
    let form = r#"{"message":"m","requestedSchema":{"type":"object","properties":{}}}"#;
    let url = r#"{"mode":"url","message":"m","url":"https://example.com"}"#;
    assert!(matches!(read(form), ElicitRequest::Form(form) if form.mode.is_none()));
    assert!(matches!(read(url), ElicitRequest::Url(url) if url.url == "https://example.com"));
    for text in [
        r#"{"mode":"telepathy","_meta":{"progressToken":1},"x":2}"#,
        r#"{"mode":"url","message":"m"}"#,
        r#"{"mode":7}"#,
    ] {
        let mut request: ElicitRequest = read(text);
        assert!(matches!(request, ElicitRequest::Unknown(_)), "{text}");
        assert_eq!(serde_json::to_value(&request).unwrap(), read::<Value>(text));
        assert_eq!(request.meta_mut().is_some(), text.contains("_meta"));
    }
}

// spec: MRTR-09
#[test]
fn embedded_requests_are_told_by_their_method() {
    let text = r#"{"resultType":"input_required","inputRequests":{
        "a":{"method":"roots/list"},
        "b":{"params":{"message":"m","requestedSchema":{"type":"object","properties":{}}},"method":"elicitation/create"},
        "c":{"method":"tools/call","params":{"name":"x"}},
        "d":{"method":"sampling/createMessage","params":{"messages":7}},
        "e":{"method":"roots/list","params":{"_meta":{"a":1}}}
    },"requestState":"s"}"#;
    let result: InputRequiredResult = read(text);
    let requests = result.input_requests.as_ref().unwrap();
    assert_eq!(requests.keys().collect::<Vec<_>>(), ["a", "b", "c", "d", "e"]);
    assert_eq!(requests["a"], InputRequest::ListRoots(ListRootsRequest::new()));
    assert!(matches!(requests["b"], InputRequest::Elicit(ElicitRequest::Form(_))));
    assert!(matches!(requests["c"], InputRequest::Unknown(_)));
    assert!(matches!(requests["d"], InputRequest::Unknown(_)));
    assert!(matches!(&requests["e"], InputRequest::ListRoots(request) if request.meta.is_some()));
    assert_eq!(serde_json::to_value(&result).unwrap(), read::<Value>(text));
}

#[test]
fn answers_are_told_by_what_they_have() {
    let decline = InputResponse::from(ElicitResult::new(ElicitAction::Decline));
    assert_eq!(write(&decline), r#"{"action":"decline"}"#);
    assert_eq!(read::<InputResponse>(r#"{"content":{},"action":"accept"}"#), {
        let mut accept = ElicitResult::new(ElicitAction::Accept);
        accept.content = Some(serde_json::Map::new());
        accept.into()
    });
    assert!(matches!(read(r#"{"roots":[]}"#), InputResponse::ListRoots(_)));
    let message = r#"{"role":"assistant","content":{"type":"text","text":""},"model":"m"}"#;
    assert!(matches!(read(message), InputResponse::CreateMessage(_)));
    assert!(matches!(read(r#"{"x":1}"#), InputResponse::Unknown(_)));
}

#[test]
fn sampling_content_is_one_block_or_many() {
    let one = r#"{"role":"user","content":{"type":"text","text":"a"}}"#;
    let many = r#"{"role":"user","content":[{"type":"text","text":"a"},{"type":"tool_use","id":"1","name":"t","input":{}}]}"#;
    let neither = r#"{"role":"user","content":"a"}"#;
    for (text, blocks) in [(one, 1), (many, 2), (neither, 0)] {
        let message: SamplingMessage = read(text);
        assert_eq!(message.content.as_slice().len(), blocks, "{text}");
        assert_eq!(serde_json::to_value(&message).unwrap(), read::<Value>(text));
    }
    let mut result = CreateMessageResult::new(
        "assistant",
        OneOrMany::One(SamplingMessageContentBlock::Text(TextContent::new("a"))),
        "m",
    );
    result.stop_reason = Some(StopReason::from("refusal"));
    assert!(write(&result).ends_with(r#""stopReason":"refusal"}"#));
}

#[test]
fn form_fields_are_told_by_their_shape() {
    use PrimitiveSchemaDefinition as Field;
    let shape = |value: Value| match serde_json::from_value(value).unwrap() {
        Field::String(_) => "string",
        Field::Number(_) => "number",
        Field::Boolean(_) => "boolean",
        Field::UntitledSingleSelectEnum(_) => "one",
        Field::TitledSingleSelectEnum(_) => "titled one",
        Field::UntitledMultiSelectEnum(_) => "many",
        Field::TitledMultiSelectEnum(_) => "titled many",
        Field::LegacyTitledEnum(_) => "legacy",
        _ => "unknown",
    };
    let titled = json!([{ "const": "a", "title": "A" }]);
    assert_eq!(shape(json!({ "type": "string", "format": "email" })), "string");
    assert_eq!(shape(json!({ "type": "integer", "maximum": i64::MAX })), "number");
    assert_eq!(shape(json!({ "type": "boolean" })), "boolean");
    assert_eq!(shape(json!({ "type": "string", "enum": ["a"] })), "one");
    assert_eq!(shape(json!({ "type": "string", "oneOf": titled })), "titled one");
    assert_eq!(
        shape(json!({ "type": "array", "items": { "type": "string", "enum": ["a"] } })),
        "many"
    );
    assert_eq!(shape(json!({ "type": "array", "items": { "anyOf": titled } })), "titled many");
    assert_eq!(shape(json!({ "type": "string", "enum": ["a"], "enumNames": ["A"] })), "legacy");
    assert_eq!(shape(json!({ "type": "object", "properties": {} })), "unknown");
    assert_eq!(shape(json!(null)), "unknown");
}
