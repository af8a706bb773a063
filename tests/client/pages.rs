//! Pages that the user is sent to, and what a model is given.

use crate::{
    connect, deadline,
    questions::{answer, asking, asking_back, connect as connect_with},
};
use conformance::in_process::{Asked, InProcess};
use mcp_client::{Handlers, elicit};
use mcp_types::{
    CreateMessageResult, ErrorCode, ErrorObject, OneOrMany, Role, SamplingMessageContentBlock,
    TextContent,
};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

// spec: ELI-13 ELI-14 ELI-15 ELI-16 ELI-18
#[tokio::test]
async fn a_url_reaches_the_handler_whole_and_nobody_else_opens_it() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let long = "x".repeat(3000);
    let url = format!("http://{}/pay?a=%7e&b={long}#c", listener.local_addr().unwrap());
    let question = json!({"method": "elicitation/create", "params": {
        "mode": "url", "message": "Pay", "url": url, "elicitationId": "7",
    }});
    for server in [asking(question.clone()), asking_back(question.clone())] {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let sees = Arc::clone(&seen);
        let handlers = Handlers::new().on_elicit_url(move |page| {
            let domain = elicit::Domain::of(&page.url).unwrap();
            assert_eq!((&*domain.name, domain.is_international), ("127.0.0.1", false));
            sees.lock().unwrap().push(page.url.clone());
            std::future::ready(elicit::decline())
        });
        let client = connect_with(&server, handlers).await;
        assert_eq!(answer(&client).await.unwrap(), json!({"action": "decline"}));
        assert_eq!(*seen.lock().unwrap(), std::slice::from_ref(&url), "as the server wrote it");
    }
    assert!(listener.accept().is_err(), "somebody opened the page");
}

// spec: ELI-03 META-05
#[tokio::test]
async fn what_is_declared_of_elicitation_is_what_there_is_a_closure_for() {
    let form = || Handlers::new().on_elicit_form(async |_| elicit::decline());
    let url = |handlers: Handlers| handlers.on_elicit_url(async |_| elicit::decline());
    for (handlers, expected) in [
        (form(), json!({"elicitation": {"form": {}}})),
        (url(Handlers::new()), json!({"elicitation": {"url": {}}})),
        (url(form()), json!({"elicitation": {"form": {}, "url": {}}})),
        (Handlers::new(), json!({})),
    ] {
        let server = InProcess::modern(async |_: Asked| Ok(crate::said("done")));
        let _connection = connect_with(&server, handlers).await;
        let meta = &server.sent("server/discover")[0]["params"]["_meta"];
        assert_eq!(meta["io.modelcontextprotocol/clientCapabilities"], expected);
    }
}

// spec: ELI-21 ELI-22
#[tokio::test]
async fn a_call_that_needs_a_page_first_says_which_and_can_be_made_again() {
    let visited = Arc::new(Mutex::new(false));
    let is_visited = Arc::clone(&visited);
    let server = InProcess::legacy(move |_: Asked| {
        let data = json!({"elicitations": [
            {"mode": "url", "message": "Log in", "url": "https://example.com/", "elicitationId": "1"}]});
        let refusal =
            ErrorObject::new(ErrorCode::URL_ELICITATION_REQUIRED, "log in").with_data(data);
        let outcome =
            if *is_visited.lock().unwrap() { Ok(crate::said("in")) } else { Err(refusal) };
        std::future::ready(outcome)
    });
    let client = connect(&server).await;
    let error = deadline(client.call_tool("x")).await.unwrap_err();
    let pages = error.url_elicitations().unwrap();
    assert_eq!((pages.len(), &*pages[0].url), (1, "https://example.com/"));
    assert_eq!(server.sent("tools/call").len(), 1, "nothing is tried again by itself");
    *visited.lock().unwrap() = true;
    assert_eq!(deadline(client.call_tool("x")).await.unwrap().text(), "in");
}

// spec: SAMP-09 SAMP-12 SAMP-15 SAMP-16
#[tokio::test]
async fn a_model_is_given_all_that_the_server_said_and_nothing_else() {
    let params = json!({
        "maxTokens": 17, "includeContext": "allServers", "temperature": 0.5, "stopSequences": ["."],
        "modelPreferences": {"hints": [{"name": "b"}, {"name": "a"}, {"name": "c"}], "costPriority": 0.1},
        "messages": [
            {"role": "user", "content": {"type": "text", "text": "hi"}},
            {"role": "assistant", "content": [
                {"type": "tool_use", "id": "1", "name": "t", "input": {}, "_meta": {"com.example/a": 1}}]},
            {"role": "user", "content": [{"type": "tool_result", "toolUseId": "1", "content": [],
                "_meta": {"com.example/b": [2]}}]},
        ],
        "tools": [{"name": "t", "inputSchema": {"type": "object"}}],
    });
    let question = json!({"method": "sampling/createMessage", "params": params});
    for server in [asking(question.clone()), asking_back(question.clone())] {
        let seen = Arc::new(Mutex::new(Value::Null));
        let sees = Arc::clone(&seen);
        let handlers = Handlers::new().on_sample_with_tools(move |asked| {
            *sees.lock().unwrap() = serde_json::to_value(&*asked).unwrap();
            let block = SamplingMessageContentBlock::from(TextContent::new("ok"));
            let answer = CreateMessageResult::new(Role::Assistant, OneOrMany::One(block), "m");
            std::future::ready(Ok(answer))
        });
        let client = connect_with(&server, handlers).await;
        answer(&client).await.unwrap();
        let mut seen = seen.lock().unwrap().clone();
        seen.as_object_mut().unwrap().remove("_meta");
        assert_eq!(seen, params);
    }
}
