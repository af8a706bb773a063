//! Calls that are left to the server.

use crate::{builder, deadline, said};
use conformance::in_process::{Asked, InProcess};
use mcp_client::{Started, Tasks};
use serde_json::{Value, json};

// spec: TASKX-02 TASKX-06
#[tokio::test(start_paused = true)]
async fn a_tool_is_started_and_its_result_fetched_later_by_id() {
    let server = InProcess::modern(async |asked: Asked| {
        let task = json!({"taskId": "t", "createdAt": "", "lastUpdatedAt": "", "ttlMs": null,
            "status": if asked.method == "tools/call" { "working" } else { "completed" },
            "resultType": if asked.method == "tools/call" { "task" } else { "complete" },
            "result": said("done")});
        Ok(task)
    });
    let client = builder(&server).extension(Tasks::new()).build();
    let connection = deadline(client.connect()).await.unwrap();
    let started = deadline(connection.call_tool("x").argument("a", 1).as_task(None)).await.unwrap();
    let Started::Task(handle) = started else { panic!("no task") };
    let again = connection.session().unwrap().task(handle.id());
    let reply = deadline(again.result()).await.unwrap();
    assert_eq!(reply.decode::<Value>().unwrap()["content"][0]["text"], "done");
    assert_eq!(server.sent("tools/call")[0]["params"]["arguments"], json!({"a": 1}));
}
