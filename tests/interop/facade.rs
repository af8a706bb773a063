//! What the facade adds to calls, at real servers of both eras.

use crate::run::{command, within_deadline};
use conformance::peers::{self, Program};
use mcp_client::{Client, Connection, Content, Era, Error, Question, Roots};
use mcp_types::{
    CreateMessageRequest, CreateMessageResult, ErrorObject, Role, Root,
    SamplingMessageContentBlock, TextContent,
};
use serde_json::json;
use std::sync::{Arc, Mutex};

/// Runs a test with a connected client that has not sent anything yet.
#[track_caller]
fn with_quiet(peer: Result<Program, peers::Error>, test: impl AsyncFnOnce(&Connection)) {
    let Some(program) = peers::or_skip(peer) else { return };
    let client = Client::builder(command(program)).auto_initialize(false).build();
    within_deadline(async {
        let connection = client.connect().await.unwrap();
        test(&connection).await;
        connection.close().await;
    });
}

async fn parrot(_: Question<CreateMessageRequest>) -> Result<CreateMessageResult, ErrorObject> {
    let words = SamplingMessageContentBlock::Text(TextContent::new("Polly wants a cracker."));
    Ok(CreateMessageResult::new(Role::Assistant, words, "parrot"))
}

async fn text_of(client: &Client, tool: &str) -> Result<String, Error> {
    let call = client.call_tool(tool).argument("prompt", "Say hello.");
    Ok(call.require_success().await?.text().into_owned())
}

// seed: 8 9 48 56
#[test]
fn a_stateless_server_is_introduced_late_and_told_what_the_client_learns() {
    with_quiet(peers::fastmcp_stdio(), async |client| {
        assert!(client.is_connected() && client.server_info().is_none());
        let server = client.initialize().await.unwrap();
        assert_eq!(server.era, Era::Modern);
        assert!(client.server_info().is_some() && client.initialize_result().is_none());

        let uri = "test://greet/{name}";
        let read = client.read_resource_template(uri, json!({"name": "Ada"})).await.unwrap();
        assert_eq!(read[0].as_text(), Some("hello, Ada"));

        assert!(text_of(client, "sample").await.is_err(), "nobody answers yet");
        client.set_sampling_handler(parrot);
        client.set_roots(Roots::new([Root::new("file:///srv/late")]).unwrap());
        assert_eq!(text_of(client, "sample").await.unwrap(), "Polly wants a cracker.");
        let roots = client.call_tool("roots").require_success().await.unwrap();
        assert_eq!(roots.text(), "file:///srv/late");
    });
}

// seed: 8 9 48
#[test]
fn a_server_with_a_handshake_is_shaken_hands_with_late() {
    with_quiet(peers::everything_stdio(), async |client| {
        let error = client.call_tool("echo").await.unwrap_err();
        assert!(matches!(error, Error::NotInitialized), "{error:?}");
        let server = client.initialize().await.unwrap();
        assert!(Arc::ptr_eq(&server, &client.initialize().await.unwrap()));
        let result = client.initialize_result().unwrap();
        assert_eq!(result.server_info.name, "mcp-servers/everything");
        client.ping().await.unwrap();

        let uri = "demo://resource/dynamic/text/{resourceId}";
        let read = client.read_resource_template(uri, json!({"resourceId": 7})).await.unwrap();
        assert!(read[0].as_text().unwrap().starts_with("Resource 7: "), "{read:?}");
    });
}

// spec: CAN-01 CAN-05
#[test]
fn a_call_to_a_real_server_is_given_up_by_its_id() {
    with_quiet(peers::everything_stdio(), async |client| {
        client.initialize().await.unwrap();
        let sent = Arc::new(Mutex::new(None));
        let told = Arc::clone(&sent);
        let call = client
            .call_tool("trigger-long-running-operation")
            .arguments(json!({"duration": 20, "steps": 40}))
            .on_request_id(move |id| *told.lock().unwrap() = Some(id.clone()));
        let stop = Client::clone(client);
        // It is running once its first progress arrives.
        let call = call.on_progress(move |_| {
            let id = sent.lock().unwrap().clone().unwrap();
            stop.cancel(&id, Some("enough"));
        });
        let error = call.await.unwrap_err();
        assert!(error.is_cancelled() && error.to_string().contains("enough"), "{error:?}");
        client.ping().await.unwrap();
    });
}
