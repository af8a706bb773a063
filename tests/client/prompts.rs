//! Prompts: pages, and items that are broken or mean harm.

use crate::{connect, deadline};
use conformance::in_process::{Asked, InProcess};
use mcp_client::Content;
use mcp_types::{ContentBlock, PromptReference};
use serde_json::json;
use std::{future::IntoFuture, time::Duration};

// spec: PRM-01 PAG-03
#[tokio::test]
async fn prompts_come_on_any_number_of_pages() {
    let server = InProcess::modern(async |asked: Asked| {
        let page: usize =
            asked.params["cursor"].as_str().map_or(0, |cursor| cursor.parse().unwrap());
        let mut list = json!({"resultType": "complete", "prompts": [{"name": format!("p{page}")}]});
        if page < 3 {
            list["nextCursor"] = (page + 1).to_string().into();
        }
        Ok(list)
    });
    let client = connect(&server).await;
    let prompts = deadline(client.list_prompts()).await.unwrap();
    let names: Vec<_> = prompts.iter().map(|prompt| prompt.name.as_str()).collect();
    assert_eq!(names, ["p0", "p1", "p2", "p3"]);
}

// spec: PRM-04 TOOL-17 TOOL-18
#[tokio::test]
async fn a_message_that_is_broken_spoils_no_other() {
    let server = InProcess::modern(async |_: Asked| {
        let message = |content| json!({"role": "user", "content": content});
        Ok(json!({"resultType": "complete", "messages": [
            message(json!({"type": "image", "data": "AAE=", "mimeType": "image/png"})),
            message(json!({"type": "image", "data": "not base64!", "mimeType": "image/png"})),
            message(json!({"type": "hologram", "rays": 7})),
            message(json!({"type": "text", "text": "good"})),
            message(json!({"type": "resource_link", "uri": "test://nowhere", "name": "n"})),
        ]}))
    });
    let client = connect(&server).await;
    let prompt = deadline(client.get_prompt("p")).await.unwrap();
    let content: Vec<_> = prompt.messages.iter().map(|message| &message.content).collect();
    assert_eq!(content[0].bytes().unwrap().unwrap(), [0, 1]);
    assert!(content[1].bytes().unwrap().is_err());
    assert!(!matches!(content[2], ContentBlock::Text(_)), "{:?}", content[2]);
    assert_eq!(content[3].as_text(), Some("good"));
    assert!(matches!(content[4], ContentBlock::ResourceLink(_)), "{:?}", content[4]);
}

// spec: COMP-01
#[tokio::test(start_paused = true)]
async fn who_types_on_has_asked_for_nothing() {
    let server = InProcess::modern(async |asked: Asked| {
        let value = asked.params["argument"]["value"].clone();
        Ok(json!({"completion": {"values": [value]}}))
    });
    let client = connect(&server).await;
    let wait = Duration::from_millis(200);
    let complete = |typed: &str| {
        client.complete(PromptReference::new("p"), "language", typed).debounce(wait).into_future()
    };
    for typed in ["R", "Ru"] {
        let overtaken = tokio::time::timeout(wait / 2, complete(typed)).await;
        assert!(overtaken.is_err(), "it waits");
    }
    let completion = deadline(complete("Rus")).await.unwrap();
    assert_eq!(completion.values, ["Rus"]);
    assert_eq!(server.sent("completion/complete").len(), 1);
}

// spec: PRM-03 ICON-03 RES-04
#[tokio::test]
async fn nothing_that_a_server_names_is_fetched() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}/icon.png", listener.local_addr().unwrap());
    let named = url.clone();
    let server = InProcess::modern(move |asked: Asked| {
        let icons = json!([{"src": named, "mimeType": "image/png"}]);
        let link = json!({"type": "resource_link", "uri": named, "name": "n", "icons": icons});
        let result = match &*asked.method {
            "tools/list" => json!({"resultType": "complete", "tools": [
                {"name": "t", "inputSchema": {"type": "object", "$ref": named}, "icons": icons}]}),
            "prompts/list" => {
                json!({"resultType": "complete", "prompts": [{"name": "p", "icons": icons}]})
            }
            "prompts/get" => {
                json!({"resultType": "complete", "messages": [{"role": "user", "content": link}]})
            }
            "resources/read" => {
                json!({"resultType": "complete", "contents": [{"uri": named, "text": "a"}]})
            }
            _ => json!({"resultType": "complete", "content": [link]}),
        };
        std::future::ready(Ok(result))
    });
    let client = connect(&server).await;
    let before = server.record().len();
    deadline(client.list_tools()).await.unwrap();
    deadline(client.list_prompts()).await.unwrap();
    deadline(client.get_prompt("p")).await.unwrap();
    deadline(client.call_tool("t")).await.unwrap();
    deadline(client.read_resource(url)).await.unwrap();
    assert_eq!(server.record().len() - before, 5, "no request but those that were made");
    assert!(listener.accept().is_err(), "somebody fetched what a server named");
}
