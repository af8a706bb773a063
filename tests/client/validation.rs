//! Output and arguments that are validated, for all calls of a client or for one.

use crate::{builder, deadline};
use conformance::in_process::{Asked, InProcess};
use mcp_client::{Client, Connection, Error, Validation};
use serde::Deserialize;
use serde_json::json;

/// Creates a server with one tool, whose output does not fit.
fn server() -> InProcess {
    InProcess::modern(async |asked: Asked| match &*asked.method {
        "tools/list" => Ok(json!({"tools": [{
            "name": "weather",
            "inputSchema": {"type": "object", "properties": {"city": {"type": "string"}}},
            "outputSchema": {"type": "object", "required": ["degrees"]},
        }]})),
        _ => Ok(json!({"content": [], "structuredContent": {"warm": true}})),
    })
}

async fn connect(client: Client) -> Connection {
    deadline(client.connect()).await.unwrap()
}

#[derive(Debug, Deserialize)]
struct Warm {
    warm: bool,
}

// spec: TOOL-04
#[tokio::test]
async fn output_is_validated_if_client_or_call_want_it() {
    let server = server();
    let client = connect(builder(&server).build()).await;
    let result = deadline(client.call_tool("weather")).await.unwrap();
    assert_eq!(result.data(), Some(&json!({"warm": true})));
    assert!(server.sent("tools/list").is_empty(), "nobody wanted it");
    let call = client.call_tool("weather").validate_output(Validation::Strict);
    let error = deadline(call).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        r#"output of tool "weather" does not fit its schema: "degrees" is a required property (rule "required")"#
    );
    assert_eq!(server.sent("tools/list").len(), 1);

    let client = connect(builder(&server).validate_output(Validation::Strict).build()).await;
    deadline(client.list_tools()).await.unwrap();
    let typed = deadline(client.call_tool("weather").typed::<Warm>()).await;
    assert!(matches!(typed, Err(Error::InvalidOutput { .. })), "{typed:?}");
    let warn = client.call_tool("weather").typed::<Warm>().validate_output(Validation::Warn);
    assert!(deadline(warn).await.unwrap().warm);
    assert_eq!(server.sent("tools/list").len(), 2, "what was listed is known");
}

#[tokio::test]
async fn an_argument_that_does_not_fit_is_named_and_nothing_is_sent() {
    let server = server();
    let client = connect(builder(&server).validate_arguments(Validation::Strict).build()).await;
    let error = deadline(client.call_tool("weather").argument("city", 7)).await.unwrap_err();
    let Error::InvalidArguments { tool, misfit } = error else { panic!("{error}") };
    assert_eq!((&*tool, &*misfit.pointer), ("weather", "/city"));
    assert!(server.sent("tools/call").is_empty());
    deadline(client.call_tool("weather").argument("city", "Oslo")).await.unwrap();
    let call = client.call_tool("weather").argument("city", 7);
    deadline(call.validate_arguments(Validation::Off)).await.unwrap();
}
