//! What is recorded of tasks.

use super::{connect, server, task};
use crate::script::deadline;
use conformance::log::Log;
use mcp_session::Call;
use serde_json::json;
use tracing::Level;

// spec: TASK25-15 TASKX-18
#[tokio::test(start_paused = true)]
async fn the_life_of_a_task_is_recorded_without_its_id() {
    let log = Log::default();
    let recording = log.record(Level::DEBUG);
    deadline(async {
        let asks = json!({"inputRequests": {"a": {
            "method": "elicitation/create",
            "params": {"message": "?", "requestedSchema": {"type": "object", "properties": {}}},
        }}});
        let states = vec![
            task("working", json!({})),
            task("input_required", asks),
            task("completed", json!({"result": {}})),
        ];
        let session = connect(&server(states)).await;
        session.call_raw(Call::new("tools/call")).await.unwrap();
    })
    .await;
    drop(recording);
    let text = log.text();
    let told: Vec<_> = text.lines().filter(|line| line.contains("task=")).collect();
    let (_, mark) = told[0].split_once("task=").unwrap();
    let mark = format!("task={}", &mark[..8]);
    assert!(told.iter().all(|line| line.contains(&mark)), "{text}");
    let at = |what: &str| told.iter().position(|line| line.contains(what)).expect(what);
    let life = [
        "a call has become a task",
        r#"a task has a new status task"#,
        r#"status="input_required""#,
        "questions of a task are answered",
        r#"status="completed""#,
    ];
    let places = life.map(at);
    assert!(places.is_sorted(), "{text}");
    assert!(!text.contains("t-1"), "{text}");
}
