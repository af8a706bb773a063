//! A group as the target of one client.

use super::{broken, client, group, server};
use crate::deadline;
use conformance::in_process::{Asked, InProcess};
use mcp_client::{Client, Era, Error, Target};
use mcp_types::PromptReference;
use serde_json::json;
use std::sync::{Arc, Mutex};

// seed: 61
#[tokio::test]
async fn one_client_calls_all_the_servers_of_a_group() {
    let (one, two) = (server("one", &["x"], false), server("two", &["y"], false));
    let client = Client::new(group(&[("a", &one), ("b", &two)]));
    let connection = deadline(client.connect()).await.unwrap();

    let about = connection.server().unwrap();
    assert_eq!(about.era, Era::Modern);
    assert!(about.capabilities.tools.is_some() && about.capabilities.logging.is_none());
    let tools = deadline(connection.list_tools()).await.unwrap();
    assert_eq!(tools.iter().map(|tool| &*tool.name).collect::<Vec<_>>(), ["a_x", "b_y"]);
    let result = deadline(connection.call_tool("b_y").argument("k", 1)).await.unwrap();
    assert_eq!(result.text(), "y of two");
    assert_eq!(two.sent("tools/call")[0]["params"]["arguments"], json!({"k": 1}));
    let prompts = deadline(connection.list_prompts()).await.unwrap();
    assert_eq!(prompts.len(), 2);
    deadline(connection.get_prompt("a_hello")).await.unwrap();
    let read = deadline(connection.read_resource("test://b/two/r")).await.unwrap();
    assert!(serde_json::to_string(&read).unwrap().contains("test://two/r of two"));
    let reference = PromptReference::new("b_hello");
    let completion = deadline(connection.complete(reference, "name", "")).await.unwrap();
    assert!(completion.values[0].contains("\"hello\""), "{completion:?}");
    assert_eq!(two.sent("completion/complete").len(), 1);
    deadline(connection.close()).await;
}

#[tokio::test]
async fn errors_of_a_group_are_those_of_its_client() {
    let client = Client::new(group(&[("a", &server("one", &["x"], false)), ("b", &broken())]));
    let connection = deadline(client.connect()).await.unwrap();
    let error = deadline(connection.call_tool("c_x")).await.unwrap_err();
    assert!(matches!(error, Error::NoRoute { .. }), "{error:?}");
    let error = deadline(connection.call_tool("b_x")).await.unwrap_err();
    assert!(error.to_string().contains("out of order"), "{error}");
}

#[tokio::test]
async fn a_client_of_a_group_has_a_handshake_if_one_of_the_servers_has() {
    let (one, two) = (server("one", &["x"], false), server("two", &["y"], true));
    let client = Client::new(group(&[("a", &one), ("b", &two)]));
    let connection = deadline(client.connect()).await.unwrap();
    assert_eq!(connection.server().unwrap().era, Era::Legacy);
    for (tool, said) in [("a_x", "x of one"), ("b_y", "y of two")] {
        assert_eq!(deadline(connection.call_tool(tool)).await.unwrap().text(), said);
    }
}

#[tokio::test]
async fn the_last_connection_closes_the_group() {
    let one = server("one", &["x"], false);
    let group = group(&[("a", &one)]);
    let client = Client::new(group.clone());
    let first = deadline(client.connect()).await.unwrap();
    let second = deadline(client.connect()).await.unwrap();
    deadline(first.close()).await;
    assert!(group.is_connected());
    deadline(second.call_tool("a_x")).await.unwrap();
    deadline(second.close()).await;
    assert!(!group.is_connected());
    let third = deadline(client.connect()).await.unwrap();
    deadline(third.call_tool("a_x")).await.unwrap();
}

#[tokio::test]
async fn progress_of_a_member_reaches_the_caller() {
    let worker = InProcess::modern(async |asked: Asked| {
        asked.progress(1, 2).await;
        Ok(crate::said("done"))
    });
    let group = mcp_client::Group::builder().member("a", client(&worker)).build().unwrap();
    let connection = deadline(Client::connect_to(group)).await.unwrap();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let ear = Arc::clone(&heard);
    let call = connection.call_tool("a_x");
    deadline(call.on_progress(move |progress| ear.lock().unwrap().push(progress.progress)))
        .await
        .unwrap();
    assert_eq!(*heard.lock().unwrap(), [1.0]);
}

#[tokio::test]
async fn a_group_that_cannot_be_connected_says_which_member_failed() {
    let group =
        mcp_client::Group::builder().member("a", Client::new(Target::from(""))).build().unwrap();
    let error = deadline(Client::connect_to(group)).await.unwrap_err();
    let mut told = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        told = format!("{told}: {error}");
        cause = error.source();
    }
    assert!(told.starts_with("cannot connect to a group of 1: "), "{told}");
    assert!(told.contains(r#"the member "a""#) && told.contains("cannot be empty"), "{told}");
}
