//! A group as a service of calls.

use super::{broken, connect, group, server};
use crate::deadline;
use mcp_session::{Call, Error, LimitToolsLayer, Params, Reply};
use mcp_transport::BoxError;
use serde_json::{Value, json};
use tower::{Layer, ServiceExt};

fn request(method: &'static str, params: &Value) -> Call {
    Call::new(method).with_params(Params::encode(params).unwrap())
}

fn value(reply: Result<Reply, BoxError>) -> Value {
    reply.unwrap().decode().unwrap()
}

#[tokio::test]
async fn layers_can_be_put_around_a_group() {
    let (one, two) = (server("one", &["x"], false), server("two", &["y"], true));
    let group = connect(&group(&[("a", &one), ("b", &two)])).await;
    let service = LimitToolsLayer::new(2).layer((*group).clone());
    let send =
        async |method, params| deadline(service.clone().oneshot(request(method, &params))).await;

    let list = value(send("tools/list", json!({})).await);
    assert_eq!(list["resultType"], "complete");
    let names: Vec<_> =
        list["tools"].as_array().unwrap().iter().map(|tool| &tool["name"]).collect();
    assert_eq!(names, ["a_x", "b_y"]);
    let said = value(send("tools/call", json!({"name": "b_y", "arguments": {"k": 1}})).await);
    assert_eq!(said["content"][0]["text"], "y of two");
    assert_eq!(two.sent("tools/call")[0]["params"]["arguments"], json!({"k": 1}));
    let read = value(send("resources/read", json!({"uri": "test://a/one/r"})).await);
    assert_eq!(read["contents"][0]["text"], "test://one/r of one");
    let prompt = value(send("prompts/get", json!({"name": "a_hello"})).await);
    assert_eq!(prompt["messages"][0]["content"]["text"], "\"hello\" of one");
    let reference = json!({"type": "ref/prompt", "name": "b_hello"});
    let argument = json!({"name": "x", "value": ""});
    let params = json!({"ref": reference, "argument": argument});
    let completion = value(send("completion/complete", params).await);
    assert!(completion["completion"]["values"][0].as_str().unwrap().contains("\"hello\""));
}

#[tokio::test]
async fn what_a_group_cannot_do_is_an_error() {
    let group = connect(&group(&[("a", &server("one", &["x"], false)), ("b", &broken())])).await;
    let send =
        async |call| deadline((*group).clone().oneshot(call)).await.map_err(Error::from_layers);

    let unknown = send(request("tasks/list", &json!({}))).await.unwrap_err();
    assert_eq!(unknown.as_rpc().unwrap().code, mcp_types::ErrorCode::METHOD_NOT_FOUND);
    let nowhere = send(request("tools/call", &json!({"name": "c_x"}))).await.unwrap_err();
    assert!(matches!(nowhere, Error::NoRoute { .. }), "{nowhere:?}");
    let nameless = send(request("tools/call", &json!({}))).await.unwrap_err();
    assert!(matches!(nameless, Error::InvalidParams(_)), "{nameless:?}");
    let refused = send(request("tools/call", &json!({"name": "b_x"}))).await.unwrap_err();
    assert!(refused.as_rpc().is_some(), "{refused:?}");
    // A gap is not an error as long as there is something.
    send(request("tools/list", &json!({}))).await.unwrap();
}

#[tokio::test]
async fn a_list_of_nothing_but_gaps_is_an_error() {
    let group = connect(&group(&[("a", &broken()), ("b", &broken())])).await;
    let outcome = deadline((*group).clone().oneshot(Call::new("tools/list"))).await;
    let error = outcome.unwrap_err();
    assert!(error.to_string().contains("the list of the member \"a\" is missing"), "{error}");
}
