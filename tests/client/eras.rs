//! What only servers with a handshake know, and what they did not offer.

use crate::{connect, deadline, params, said};
use conformance::in_process::{Asked, InProcess};
use mcp_client::{Connection, Error};
use mcp_types::{LoggingLevel, PromptReference, ProtocolVersion};
use serde_json::{Value, json};

fn method_of(error: &Error) -> (&str, &str) {
    match error {
        Error::NotInVersion { method, .. } => ("not in version", method),
        Error::NotOffered { method, capability } => (capability, method),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_ping_and_a_log_level_go_to_a_server_with_a_handshake() {
    let server = InProcess::legacy(async |_: Asked| Ok(json!({})));
    let client = connect(&server).await;
    deadline(client.ping()).await.unwrap();
    deadline(client.set_logging_level(LoggingLevel::Warning)).await.unwrap();
    deadline(client.notify_roots_changed()).await.unwrap();
    assert_eq!(server.sent("ping").len(), 1);
    assert_eq!(params(&server.sent("logging/setLevel")[0]), json!({"level": "warning"}));
    assert_eq!(server.sent("notifications/roots/list_changed").len(), 1);
}

// spec: PING-05
#[tokio::test]
async fn a_stateless_server_gets_none_of_it() {
    let server = InProcess::modern(async |_: Asked| Ok(json!({})));
    let client = connect(&server).await;
    for error in [
        deadline(client.ping()).await.unwrap_err(),
        deadline(client.set_logging_level("debug")).await.unwrap_err(),
        deadline(client.notify_roots_changed()).await.unwrap_err(),
    ] {
        assert_eq!(method_of(&error).0, "not in version");
        assert!(
            error.to_string().ends_with("does not exist in protocol version 2026-07-28"),
            "{error}"
        );
    }
    assert_eq!(server.record().len(), 1, "only `server/discover`");
}

// spec: META-16 LOG-03 PRM-02
#[tokio::test]
async fn what_a_server_did_not_offer_is_not_called() {
    let server =
        InProcess::new(ProtocolVersion::LATEST_LEGACY, json!({}), async |_: Asked| Ok(json!({})));
    let client = connect(&server).await;
    let before = server.record().len();
    let prompt = PromptReference::new("p");
    for (error, expected) in [
        (deadline(client.call_tool("x")).await.unwrap_err(), ("tools", "tools/call")),
        (deadline(client.list_tools()).await.unwrap_err(), ("tools", "tools/list")),
        (deadline(client.list_tools_page(None)).await.unwrap_err(), ("tools", "tools/list")),
        (deadline(client.list_prompts()).await.unwrap_err(), ("prompts", "prompts/list")),
        (deadline(client.get_prompt("x")).await.unwrap_err(), ("prompts", "prompts/get")),
        (deadline(client.list_resources()).await.unwrap_err(), ("resources", "resources/list")),
        (
            deadline(client.list_resource_templates()).await.unwrap_err(),
            ("resources", "resources/templates/list"),
        ),
        (deadline(client.read_resource("a:b")).await.unwrap_err(), ("resources", "resources/read")),
        (
            deadline(client.complete(prompt, "a", "")).await.unwrap_err(),
            ("completions", "completion/complete"),
        ),
        (
            deadline(client.set_logging_level("info")).await.unwrap_err(),
            ("logging", "logging/setLevel"),
        ),
    ] {
        assert_eq!(method_of(&error), expected);
    }
    assert_eq!(server.record().len(), before);
}

/// Connects to a server of this revision with these capabilities.
async fn offering(version: ProtocolVersion, capabilities: Value) -> Connection {
    let server = InProcess::new(version, capabilities, async |asked: Asked| {
        Ok(match &*asked.method {
            "completion/complete" => json!({"completion": {"values": []}}),
            _ => said("done"),
        })
    });
    connect(&server).await
}

// spec: META-16 OLD-03
#[tokio::test]
async fn an_offer_of_any_shape_is_one_and_older_revisions_had_no_offer_of_completion() {
    let client = offering(ProtocolVersion::LATEST_LEGACY, json!({"tools": true})).await;
    assert!(deadline(client.call_tool("x")).await.is_ok());
    let client = offering(ProtocolVersion::V2024_11_05, json!({})).await;
    let completion = deadline(client.complete(PromptReference::new("p"), "a", "")).await;
    assert_eq!(completion.unwrap().values.len(), 0);
    // A stateless server has no handshake in which to offer anything.
    let client = offering(ProtocolVersion::LATEST, json!({})).await;
    assert!(deadline(client.call_tool("x")).await.is_ok());
}

#[tokio::test]
async fn a_call_to_a_server_with_a_handshake_has_no_metadata_of_later_revisions() {
    let server = InProcess::legacy(async |_: Asked| Ok(said("done")));
    let client = connect(&server).await;
    deadline(client.call_tool("x").log_level("debug")).await.unwrap();
    let sent = &server.sent("tools/call")[0]["params"];
    let keys: Vec<_> = sent["_meta"].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["progressToken"]);
}
