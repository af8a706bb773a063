//! What is sent to a server of each revision: only what that revision has, and as its schema wants it.

use crate::{builder, deadline, said};
use conformance::in_process::{Asked, InProcess};
use mcp_client::{Client, Error, Handlers, Mode, Roots, elicit};
use mcp_types::{
    ErrorCode, ErrorObject, PromptReference, ProtocolVersion,
    revision::{Direction, Kind, exists},
    rpc::Notification,
};
use serde_json::{Value, json};
use std::{fs, path::Path};

/// Answers every method with a fitting result.
async fn answer(asked: Asked) -> Result<Value, ErrorObject> {
    let result = match asked.method.as_str() {
        "tools/list" => json!({"tools": []}),
        "tools/call" => {
            asked.progress(1, 2).await;
            said("done")
        }
        "prompts/list" => json!({"prompts": []}),
        "prompts/get" => json!({"messages": []}),
        "resources/list" => json!({"resources": []}),
        "resources/templates/list" => json!({"resourceTemplates": []}),
        "resources/read" => json!({"contents": []}),
        "completion/complete" => json!({"completion": {"values": []}}),
        "ping" | "logging/setLevel" | "resources/subscribe" | "resources/unsubscribe" => json!({}),
        _ => return Err(ErrorObject::new(ErrorCode::METHOD_NOT_FOUND, "no such method")),
    };
    Ok(result)
}

/// Uses everything that a client can do; what the revision lacks is refused here, and not sent.
async fn use_everything(client: &Client) {
    let modern = client.server().unwrap().version.is_modern();
    client.list_tools().await.unwrap();
    client.list_prompts().await.unwrap();
    client.list_resources().await.unwrap();
    client.list_resource_templates().await.unwrap();
    client
        .call_tool("any")
        .argument("n", 1)
        .meta("com.example/trace", "x")
        .on_progress(|_| {})
        .await
        .unwrap();
    client.get_prompt("any").argument("who", "me").await.unwrap();
    client.read_resource("file:///a").await.unwrap();
    client.complete(PromptReference::new("any"), "who", "m").await.unwrap();
    for outcome in [client.ping().await, client.set_logging_level("debug").await] {
        match outcome {
            Ok(()) => assert!(!modern),
            Err(error) => assert!(modern && matches!(error, Error::NotInVersion { .. }), "{error}"),
        }
    }
    if !modern {
        drop(client.subscribe().tools().resource("file:///a").await.unwrap());
        let changed = Notification::new("notifications/roots/list_changed");
        client.notify(changed).await.unwrap();
    }
}

/// Returns the schema of a message of this method, in this revision.
fn schema(revision: &ProtocolVersion, method: &str) -> Value {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../mcp-types/schema");
    let text = fs::read_to_string(directory.join(format!("{revision}.json"))).unwrap();
    let mut schema: Value = serde_json::from_str(&text).unwrap();
    let definitions = schema["$defs"].as_object().unwrap();
    let is_it = |definition: &Value| definition["properties"]["method"]["const"] == method;
    let (name, _) = definitions.iter().find(|(_, definition)| is_it(definition)).unwrap();
    schema["$ref"] = format!("#/$defs/{name}").into();
    schema
}

// spec: OLD-03 META-04 PING-05 LIFE-02 MSG-01
#[tokio::test]
async fn nothing_is_sent_that_the_revision_does_not_have() {
    for revision in ProtocolVersion::KNOWN {
        let capabilities = json!({
            "tools": {"listChanged": true}, "prompts": {}, "completions": {}, "logging": {},
            "resources": {"subscribe": true},
        });
        let server = InProcess::new(revision.clone(), capabilities, answer);
        let handlers = Handlers::new()
            .on_elicit_form(async |_| elicit::decline())
            .roots(Roots::folders(["/srv"]).unwrap());
        let client = builder(&server).input(handlers).mode(Mode::Pinned(revision.clone())).build();
        let connection = deadline(client.connect()).await.unwrap();
        deadline(Box::pin(use_everything(&connection))).await;
        deadline(connection.close()).await;

        let record = server.record();
        assert!(record.len() >= 9, "{record:?}");
        for text in record {
            let message: Value = serde_json::from_str(&text).unwrap();
            let method = message["method"].as_str().unwrap();
            let is_request = message.get("id").is_some();
            let kind = if is_request { Kind::Request } else { Kind::Notification };
            assert!(
                exists(&revision, kind, method, Direction::ClientToServer),
                "{method} is not in {revision}"
            );
            let validator = jsonschema::validator_for(&schema(&revision, method)).unwrap();
            let errors: Vec<_> = validator.iter_errors(&message).map(|it| it.to_string()).collect();
            assert!(errors.is_empty(), "{revision}: {text}: {errors:?}");
        }
    }
}
