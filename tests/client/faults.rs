//! What may go wrong around a client, by the numbers of the catalogue of faults.

mod runtimes;

use crate::deadline;
use conformance::in_process::{Asked, InProcess};
use futures_util::StreamExt;
use mcp_client::{Endless, Error};
use serde_json::json;

// spec: PAG-07
#[tokio::test]
async fn f60_a_list_that_goes_round_in_circles_is_an_error_after_what_was_read() {
    let server = InProcess::modern(async |asked: Asked| {
        let next = if asked.params["cursor"] == "a" { "b" } else { "a" };
        let tool = json!({"name": next, "inputSchema": {"type": "object"}});
        Ok(json!({"resultType": "complete", "tools": [tool], "nextCursor": next}))
    });
    let client = crate::connect(&server).await;
    let error = deadline(client.list_tools()).await.unwrap_err();
    assert!(matches!(error, Error::Endless { reason: Endless::RepeatedCursor, .. }), "{error}");
    let items: Vec<_> = deadline(client.list_tools().stream().collect()).await;
    assert!(items.len() > 2);
    let (last, read) = items.split_last().unwrap();
    assert!(last.is_err() && read.iter().all(Result::is_ok));
    assert!(server.sent("tools/list").len() < 10);
}
