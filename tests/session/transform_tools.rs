//! Tools that are shown otherwise than the server has them.

use crate::{
    mock::{answer, around, call},
    script::deadline,
};
use mcp_session::{
    ArgumentTransform, Call, Error, Reply, ToolTransform, TransformTools, TransformToolsLayer,
};
use mcp_transport::BoxError;
use mcp_types::RawJson;
use serde_json::{Value, json};
use tower::{ServiceExt, util::BoxCloneSyncService};

type Service = TransformTools<BoxCloneSyncService<Call, Reply, BoxError>>;

fn tool(name: &str, tags: &[&str]) -> Value {
    json!({
        "name": name, "_meta": {"fastmcp": {"tags": tags}}, "inputSchema": {
            "type": "object", "properties": {"q": {"type": "string"}, "units": {"type": "string"}},
            "required": ["q", "units"],
        },
    })
}

/// Returns the tools of a server as shown.
async fn list(layer: &TransformToolsLayer, tools: &[Value]) -> (Service, Value) {
    let (service, mut mock) = around(layer);
    let result = json!({"resultType": "complete", "tools": tools, "nextCursor": "n", "ttlMs": 1});
    let sent = service.clone().oneshot(call("tools/list", json!({})));
    let (reply, _) = deadline(async { tokio::join!(sent, answer(&mut mock, result)) }).await;
    (service, reply.unwrap().decode().unwrap())
}

fn names(list: &Value) -> Vec<&str> {
    list["tools"].as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap()).collect()
}

/// Returns what reaches the server when a tool is called.
async fn sent(layer: &TransformToolsLayer, params: Value) -> Result<Value, Error> {
    let (service, mut mock) = around(layer);
    let calling = service.oneshot(call("tools/call", params));
    let answering = async { answer(&mut mock, json!({})).await.params.as_raw().decode().unwrap() };
    deadline(async {
        tokio::select! {
            biased;
            params = answering => Ok(params),
            outcome = calling => Err(Error::from_layers(outcome.unwrap_err())),
        }
    })
    .await
}

fn forecast() -> TransformToolsLayer {
    let transform = ToolTransform::new()
        .rename("weather")
        .describe("The weather.")
        .argument("q", ArgumentTransform::new().rename("city"))
        .argument("units", ArgumentTransform::fix("metric"));
    TransformToolsLayer::new().tool("get_forecast", transform)
}

// seed: 61
#[tokio::test]
async fn a_tool_is_shown_otherwise_and_called_as_the_server_has_it() {
    let (_, list) = list(&forecast(), &[tool("get_forecast", &[]), tool("other", &[])]).await;
    assert_eq!(names(&list), ["weather", "other"]);
    let shown = &list["tools"][0];
    assert_eq!(shown["description"], "The weather.");
    assert_eq!(shown["inputSchema"]["properties"], json!({"city": {"type": "string"}}));
    assert_eq!(shown["inputSchema"]["required"], json!(["city"]));
    assert_eq!(list["tools"][1], tool("other", &[]), "the other is as it was");
    assert_eq!((&list["nextCursor"], &list["ttlMs"]), (&json!("n"), &json!(1)));

    let params = json!({"name": "weather", "arguments": {"city": "Oslo"}, "x": 1});
    let params = sent(&forecast(), params).await.unwrap();
    let expected =
        json!({"x": 1, "name": "get_forecast", "arguments": {"q": "Oslo", "units": "metric"}});
    assert_eq!(params, expected);
    let other = json!({"name": "other", "arguments": {"q": "a"}});
    assert_eq!(sent(&forecast(), other.clone()).await.unwrap(), other);
}

#[tokio::test]
async fn what_is_not_shown_is_not_called() {
    let layer = forecast().exclude("delete_*").tool("secret", ToolTransform::new().hide());
    for name in ["get_forecast", "delete_all", "secret"] {
        let error = sent(&layer, json!({"name": name})).await.unwrap_err();
        assert!(matches!(error, Error::Denied { .. }), "{error:?}");
        assert!(error.to_string().contains(name), "{error}");
    }
    let unknown = json!({"name": "weather", "arguments": {"units": "imperial"}});
    let error = sent(&layer, unknown).await.unwrap_err();
    assert!(matches!(error, Error::InvalidParams(_)), "{error:?}");
}

#[tokio::test]
async fn patterns_say_which_tools_are_shown() {
    let tools = ["read_a", "read_b", "write_a", "x"].map(|name| tool(name, &[]));
    for (layer, shown) in [
        (TransformToolsLayer::new(), &["read_a", "read_b", "write_a", "x"][..]),
        (TransformToolsLayer::new().include("read_*"), &["read_a", "read_b"]),
        (TransformToolsLayer::new().include("*_a").include("?"), &["read_a", "write_a", "x"]),
        (TransformToolsLayer::new().exclude("*_a"), &["read_b", "x"]),
        (TransformToolsLayer::new().include("read_*").exclude("*_a"), &["read_b"]),
        (TransformToolsLayer::new().include("READ_*"), &[]),
    ] {
        assert_eq!(names(&list(&layer, &tools).await.1), shown, "{layer:?}");
    }
    let layer = TransformToolsLayer::new().include("read_*");
    assert!(sent(&layer, json!({"name": "x"})).await.is_err());
    assert!(sent(&layer, json!({"name": "read_a"})).await.is_ok());
}

// seed: 61
#[tokio::test]
async fn tags_say_which_tools_are_shown_and_transforms_come_before_them() {
    let tools = [tool("a", &["keep"]), tool("b", &["keep", "risky"]), tool("c", &[])];
    for (layer, shown) in [
        (TransformToolsLayer::new().include_tag("keep"), &["a", "b"][..]),
        (TransformToolsLayer::new().exclude_tag("risky"), &["a", "c"]),
        (TransformToolsLayer::new().include_tag("keep").exclude_tag("risky"), &["a"]),
        (
            TransformToolsLayer::new()
                .include_tag("keep")
                .tool("c", ToolTransform::new().rename("d").tags(["keep"]))
                .tool("a", ToolTransform::new().tags(["other"])),
            &["b", "d"],
        ),
    ] {
        let (service, list) = list(&layer, &tools).await;
        assert_eq!(names(&list), shown, "{layer:?}");
        // What was listed but not shown is not called.
        for name in ["a", "b"].into_iter().filter(|name| !shown.contains(name)) {
            let call = call("tools/call", json!({"name": name}));
            let error = deadline(service.clone().oneshot(call)).await.unwrap_err();
            assert!(matches!(Error::from_layers(error), Error::Denied { .. }), "{name}");
        }
    }
}

#[tokio::test]
async fn a_new_name_hides_the_tool_that_had_it() {
    let layer = TransformToolsLayer::new().tool("a", ToolTransform::new().rename("b"));
    let (_, list) = list(&layer, &[tool("a", &["mine"]), tool("b", &["theirs"])]).await;
    assert_eq!(names(&list), ["b"]);
    assert_eq!(list["tools"][0]["_meta"]["fastmcp"]["tags"], json!(["mine"]));
    assert_eq!(sent(&layer, json!({"name": "b"})).await.unwrap()["name"], "a");
    // Two tools may swap names.
    let layer = layer.tool("b", ToolTransform::new().rename("a"));
    assert_eq!(sent(&layer, json!({"name": "a"})).await.unwrap()["name"], "b");
}

#[tokio::test]
async fn without_a_rule_nothing_is_touched() {
    let broken = json!({"inputSchema": 1});
    let (_, shown) = list(&TransformToolsLayer::new(), &[broken.clone(), tool("a", &[])]).await;
    assert_eq!(shown["tools"][0], broken);
    let (_, shown) =
        list(&TransformToolsLayer::new().include("*"), &[broken, tool("a", &[])]).await;
    assert_eq!(names(&shown), ["a"], "what has no name fits no pattern");
    let (service, mut mock) = around(&TransformToolsLayer::new().exclude("*"));
    let other = service.oneshot(call("prompts/get", json!({"name": "a"})));
    let (reply, sent) = deadline(async { tokio::join!(other, answer(&mut mock, json!({}))) }).await;
    assert_eq!(reply.unwrap().result, RawJson::EMPTY_OBJECT);
    assert_eq!(sent.method, "prompts/get");
}
