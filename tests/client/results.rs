//! What a tool gave, in every form that a program may want.

use crate::{connect, deadline};
use conformance::in_process::{Asked, InProcess};
use mcp_client::{Connection, Error};
use serde::Deserialize;
use serde_json::{Value, json};
use std::error::Error as _;

/// Connects to a server whose tools all return this result.
async fn giving(result: Value) -> Connection {
    let server = InProcess::modern(move |_: Asked| std::future::ready(Ok(result.clone())));
    connect(&server).await
}

fn failing() -> Value {
    json!({"content": [{"type": "text", "text": "no such city"}], "isError": true})
}

#[derive(Debug, Deserialize, PartialEq)]
struct Weather {
    degrees: f64,
}

// spec: TOOL-05
// seed: 45
#[tokio::test]
async fn a_tool_that_failed_gives_a_result_unless_success_is_required() {
    let client = giving(failing()).await;
    let result = deadline(client.call_tool("weather")).await.unwrap();
    assert!(result.is_error && result.data().is_none() && result.data_as::<Weather>().is_err());
    for error in [
        result.require_success().unwrap_err(),
        deadline(client.call_tool("weather").require_success()).await.unwrap_err(),
        deadline(client.call_tool("weather").typed::<Weather>()).await.unwrap_err(),
    ] {
        assert_eq!(error.to_string(), r#"tool "weather" failed: no such city"#);
        let Error::Tool { content, .. } = error else { panic!("{error:?}") };
        assert_eq!(content.len(), 1);
    }
}

// seed: 45
#[tokio::test]
async fn a_tool_that_failed_without_a_word_is_an_error_all_the_same() {
    for content in [json!([]), json!([{"type": "image", "data": "", "mimeType": "image/png"}])] {
        let client = giving(json!({"content": content, "isError": true})).await;
        let call = client.call_tool("x").require_success();
        let error = deadline(call).await.unwrap_err();
        assert_eq!(error.to_string(), r#"tool "x" failed: it did not say why"#);
    }
}

// spec: TOOL-18
#[tokio::test]
async fn text_and_data_are_read_where_they_are() {
    let text = |text: &str| json!({"type": "text", "text": text});
    let link = json!({"type": "resource_link", "uri": "a:b", "name": "b"});
    let client =
        giving(json!({"content": [text("a"), link, text("b")], "structuredContent": {"n": 1}}))
            .await;
    let result = deadline(client.call_tool("x")).await.unwrap();
    assert_eq!((result.text(), result.data()), ("a\nb".into(), Some(&json!({"n": 1}))));
    assert_eq!(result.content.len(), 3);
    let links: Vec<_> = result.resource_links().map(|link| link.uri.as_str()).collect();
    assert_eq!(links, ["a:b"]);
}

// seed: 45
#[tokio::test]
async fn a_tool_that_failed_has_no_data_though_it_gave_some() {
    let result = json!({"content": [], "isError": true, "structuredContent": {"degrees": 1}});
    let client = giving(result).await;
    let result = deadline(client.call_tool("x")).await.unwrap();
    assert_eq!((result.data(), result.structured_content.is_some()), (None, true));
    assert!(deadline(client.call_tool("x").typed::<Weather>()).await.is_err());
}

// spec: TOOL-15
// seed: 46
#[tokio::test]
async fn wrapped_output_is_taken_out_where_the_tool_says_so_in_the_list() {
    let server = InProcess::modern(async |asked: Asked| match asked.params["name"].as_str() {
        None => Ok(json!({"tools": [
            {"name": "wraps", "inputSchema": {}, "outputSchema":
                {"type": "object", "properties": {"result": {}}, "x-fastmcp-wrap-result": true}},
            {"name": "plain", "inputSchema": {}, "outputSchema": {"type": "object"}},
        ]})),
        Some(_) => Ok(json!({"content": [], "structuredContent": {"result": [{"a": 1}]}})),
    });
    let client = connect(&server).await;
    let whole = json!({"result": [{"a": 1}]});
    let result = deadline(client.call_tool("wraps")).await.unwrap();
    assert_eq!(result.data(), Some(&whole), "nothing is known yet");
    deadline(client.list_tools()).await.unwrap();
    for (tool, data) in [("wraps", &whole["result"]), ("plain", &whole)] {
        let result = deadline(client.call_tool(tool)).await.unwrap();
        assert_eq!(result.data(), Some(data), "{tool}");
        assert_eq!(result.structured_content.as_ref(), Some(&whole));
        let typed = deadline(client.call_tool(tool).typed::<Value>()).await.unwrap();
        assert_eq!(typed, *data, "{tool}");
    }
}

// spec: TOOL-15
// seed: 46
#[tokio::test]
async fn wrapped_output_is_taken_out_where_the_server_says_so() {
    for (meta, data) in [
        (json!({"fastmcp": {"wrap_result": true}}), json!([1, 2])),
        (json!({"fastmcp": {"wrap_result": false}}), json!({"result": [1, 2]})),
        (json!({}), json!({"result": [1, 2]})),
    ] {
        let result = json!({"content": [], "structuredContent": {"result": [1, 2]}, "_meta": meta});
        let client = giving(result).await;
        let result = deadline(client.call_tool("x")).await.unwrap();
        assert_eq!(result.data(), Some(&data));
        assert_eq!(result.data_as::<Value>().unwrap(), data);
        let typed = deadline(client.call_tool("x").typed::<Value>()).await.unwrap();
        assert_eq!(typed, data);
        // Whatever the server declares, only the value fits a list.
        let typed = deadline(client.call_tool("x").typed::<Vec<u8>>()).await.unwrap();
        assert_eq!(typed, [1, 2]);
    }
}

// spec: TOOL-15 TOOL-16
#[tokio::test]
async fn structured_output_is_read_as_a_type() {
    let content = json!([{"type": "text", "text": r#"{"degrees": -1}"#}]);
    for result in [
        json!({"content": content, "structuredContent": {"degrees": -1, "more": true}}),
        json!({"structuredContent": {"degrees": -1}, "content": [], "isError": false, "_meta": {"a": 1}}),
        // Servers of the first revisions have only the text.
        json!({"content": content}),
    ] {
        let client = giving(result).await;
        let weather = deadline(client.call_tool("x").typed::<Weather>()).await;
        assert_eq!(weather.unwrap(), Weather { degrees: -1.0 });
    }
    let client = giving(json!({"content": [], "structuredContent": null})).await;
    let nothing = deadline(client.call_tool("x").typed::<Option<Weather>>()).await;
    assert_eq!(nothing.unwrap(), None);
    let plain = deadline(client.call_tool("x")).await.unwrap();
    assert_eq!(plain.structured_content, Some(Value::Null));
}

#[tokio::test]
async fn output_that_is_missing_or_does_not_fit_is_named() {
    let text = |text: &str| json!({"type": "text", "text": text});
    for (result, reason) in [
        (json!({"content": []}), r#"tool "x" gave neither structured output nor a single text"#),
        (
            json!({"content": [text("{}"), text("{}")]}),
            "neither structured output nor a single text",
        ),
        (
            json!({"content": [text("sunny")]}),
            "gave no structured output, and its text does not fit",
        ),
        (
            json!({"content": [], "structuredContent": {"degrees": "cold"}}),
            r#"the output of tool "x" does not fit: invalid type: string"#,
        ),
        (
            json!({"content": [], "structuredContent": {"result": {"degrees": "cold"}}}),
            "missing field `degrees`",
        ),
    ] {
        let client = giving(result).await;
        let call = client.call_tool("x").typed::<Weather>();
        let error = deadline(call).await.unwrap_err();
        assert_eq!(error.to_string(), "cannot read the result of tools/call");
        let source = error.source().unwrap().to_string();
        assert!(source.contains(reason), "{source}");
    }
}

// spec: TOOL-05 MSG-19
// seed: 44
#[tokio::test]
async fn the_raw_result_is_what_the_protocol_has() {
    let mut result = failing();
    result["vendor"] = json!([1]);
    let client = giving(result).await;
    let raw = deadline(client.call_tool("x").argument("a", 1).raw()).await.unwrap();
    assert_eq!((raw.is_error, raw.extra.get("vendor")), (Some(true), Some(&json!([1]))));
}

#[tokio::test]
async fn a_result_that_is_none_is_a_decode_error() {
    for result in [json!({}), json!({"content": "text"}), json!({"content": [], "isError": "yes"})]
    {
        let client = giving(result).await;
        let error = deadline(client.call_tool("x")).await.unwrap_err();
        assert!(matches!(error, Error::Decode { .. }), "{error:?}");
    }
}
