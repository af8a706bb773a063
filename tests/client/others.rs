//! Resources, prompts and completion.

use crate::{connect, deadline, params};
use conformance::in_process::{Asked, InProcess};
use mcp_client::{Content, Error};
use mcp_types::{ErrorCode, ErrorObject, PromptReference, Request, ResourceTemplateReference};
use serde_json::{Value, json};

// spec: RES-02 RES-03 RES-04
// seed: 48
#[tokio::test]
async fn a_resource_is_read_by_the_uri_as_it_is_given() {
    let server = InProcess::modern(async |_: Asked| {
        Ok(json!({"contents": [
            {"uri": "a:1", "text": "words", "mimeType": "text/plain"},
            {"uri": "a:2", "blob": "AAE="},
            {"uri": "a:3", "blob": "?"},
        ], "ttlMs": 5, "cacheScope": "public"}))
    });
    let client = connect(&server).await;
    let contents = deadline(client.read_resource("http://a")).await.unwrap();
    assert_eq!(contents[0].as_text(), Some("words"));
    assert_eq!(contents[1].bytes().unwrap().unwrap(), [0, 1]);
    assert!(contents[2].bytes().unwrap().is_err());
    let raw = deadline(client.read_resource("x:%7e/../ü").raw()).await.unwrap();
    assert_eq!((raw.contents.len(), raw.ttl_ms), (3, Some(5)));
    let sent: Vec<_> = server.sent("resources/read").iter().map(params).collect();
    assert_eq!(sent, [json!({"uri": "http://a"}), json!({"uri": "x:%7e/../ü"})]);
}

// seed: 48
#[tokio::test]
async fn what_is_no_uri_is_not_sent() {
    let server = InProcess::modern(async |_: Asked| Ok(json!({"contents": []})));
    let client = connect(&server).await;
    assert_eq!(deadline(client.read_resource("a:b")).await.unwrap(), []);
    let error = deadline(client.read_resource("no uri")).await.unwrap_err();
    assert!(matches!(error, Error::InvalidParams(_)), "{error:?}");
    assert_eq!(server.sent("resources/read").len(), 1);
}

// spec: PRM-03
// seed: 47 49
#[tokio::test]
async fn arguments_of_a_prompt_are_strings() {
    let server = InProcess::modern(async |asked: Asked| {
        if asked.params["name"] == "missing" {
            return Err(ErrorObject::new(ErrorCode::INVALID_PARAMS, "no such prompt"));
        }
        let content = json!({"type": "text", "text": asked.params["arguments"].to_string()});
        Ok(json!({"description": "d", "messages": [{"role": "user", "content": content}]}))
    });
    let client = connect(&server).await;
    let call = client.get_prompt("p").argument("text", "a").argument("number", 1.5);
    let prompt = deadline(call.arguments(json!({"list": [1, "b"], "number": true}))).await.unwrap();
    assert_eq!(prompt.description.as_deref(), Some("d"));
    let sent: Value = serde_json::from_str(prompt.messages[0].content.as_text().unwrap()).unwrap();
    assert_eq!(sent, json!({"text": "a", "number": "true", "list": "[1,\"b\"]"}));
    deadline(client.get_prompt("p")).await.unwrap();
    assert_eq!(params(&server.sent("prompts/get")[1]), json!({"name": "p"}));
    let error = deadline(client.get_prompt("missing")).await.unwrap_err();
    assert_eq!(error.as_rpc().unwrap().message, "no such prompt");
}

// spec: COMP-03 COMP-05 COMP-04
#[tokio::test]
async fn completion_sends_what_is_settled_and_takes_what_it_gets() {
    let server = InProcess::modern(async |_: Asked| {
        let values: Vec<_> = (0..150).map(|number| number.to_string()).collect();
        Ok(json!({"completion": {"values": values}}))
    });
    let client = connect(&server).await;
    let call = client.complete(PromptReference::new("p"), "a", "1").context("b", "2");
    let completion = deadline(call).await.unwrap();
    assert_eq!((completion.values.len(), completion.total, completion.has_more), (150, None, None));
    let call = client.complete(ResourceTemplateReference::new("a:{b}"), "b", "");
    assert_eq!(deadline(call.raw()).await.unwrap().completion.values.len(), 150);
    let sent: Vec<_> = server.sent("completion/complete").iter().map(params).collect();
    let prompt = json!({"type": "ref/prompt", "name": "p"});
    let argument = json!({"name": "a", "value": "1"});
    let context = json!({"arguments": {"b": "2"}});
    assert_eq!(sent[0], json!({"ref": prompt, "argument": argument, "context": context}));
    let template = json!({"type": "ref/resource", "uri": "a:{b}"});
    assert_eq!(sent[1], json!({"ref": template, "argument": {"name": "b", "value": ""}}));
}

#[tokio::test]
async fn any_request_can_be_made() {
    #[derive(serde::Serialize)]
    struct Compile {
        target: &'static str,
        #[serde(skip)]
        meta: Option<mcp_types::MetaObject>,
    }

    impl Request for Compile {
        const METHOD: &'static str = "com.example/compile";
        type Result = Value;

        fn meta_mut(&mut self) -> &mut Option<mcp_types::MetaObject> {
            &mut self.meta
        }
    }

    let server = InProcess::modern(async |asked: Asked| Ok(json!({"of": asked.params["target"]})));
    let client = connect(&server).await;
    let result = deadline(client.request(Compile { target: "x", meta: None })).await.unwrap();
    assert_eq!(result["of"], "x");
}
