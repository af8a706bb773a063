//! Results with strings that are not text.

use crate::deadline;
use conformance::in_process::{Asked, InProcess};
use futures_util::{FutureExt, StreamExt};
use mcp_client::{Client, Misbehavior};
use mcp_types::RawJson;
use serde::Deserialize;

#[derive(Debug, Deserialize, PartialEq)]
struct Out {
    word: String,
}

/// Creates a server that cuts emoji in two.
fn server() -> InProcess {
    InProcess::modern(async |asked: Asked| {
        Ok(RawJson::from_joined(match (&*asked.method, asked.params["name"].as_str()) {
            ("tools/list", _) => {
                r#"{"resultType": "complete", "tools": [{"name": "a", "description": "\ud83d", "inputSchema": {}}]}"#
            }
            (_, Some("wrapped")) => {
                r#"{"resultType": "complete", "content": [], "structuredContent": {"result": {"word": "\ud83d"}}}"#
            }
            _ => {
                r#"{"resultType": "complete", "content": [{"type": "text", "text": "cut: \ud83d"}], "structuredContent": {"word": "\ude00"}}"#
            }
        }))
    })
}

#[tokio::test]
async fn a_result_with_half_an_emoji_is_read_and_reported() {
    let client: Client = crate::builder(&server()).build();
    let mut incidents = Box::pin(client.diagnostics());
    let client = deadline(client.connect()).await.unwrap();
    let result = deadline(client.call_tool("x")).await.unwrap();
    assert_eq!(result.text(), "cut: \u{fffd}");
    let incident = incidents.next().now_or_never().flatten().unwrap();
    assert_eq!(incident.misbehavior, Misbehavior::LoneSurrogate);
    assert_eq!(incident.method.as_deref(), Some("tools/call"));

    let word = || Out { word: "\u{fffd}".into() };
    assert_eq!(deadline(client.call_tool("x").typed::<Out>()).await.unwrap(), word());
    assert_eq!(deadline(client.call_tool("wrapped").typed::<Out>()).await.unwrap(), word());
    let tools = deadline(client.list_tools()).await.unwrap();
    assert_eq!(tools[0].description.as_deref(), Some("\u{fffd}"));
}
