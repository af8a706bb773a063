//! Calls that a server does in the background.

mod beyond;
mod core;
mod handle;
mod records;
mod told;
mod waiting;

use crate::script::{Answer, Script, deadline, discovered};
use async_trait::async_trait;
use mcp_session::{
    Call, Deadlines, Error, InputHandler, Misbehavior, Options, Question, Session, Tasks,
};
use mcp_transport::Binding;
use mcp_types::{
    ErrorObject,
    capabilities::{ClientCapabilities, ElicitationCapability},
    elicitation::{ElicitAction, ElicitRequest, ElicitResult},
};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::time::Instant;

fn task(status: &str, more: Value) -> Value {
    let mut task = json!({
        "taskId": "t-1", "status": status, "createdAt": "2026-07-28T00:00:00Z",
        "lastUpdatedAt": "2026-07-28T00:00:00Z", "ttlMs": null, "pollIntervalMs": 2_000,
    });
    task.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    task
}

/// Creates a server that makes a task of every call; the task goes through these states.
fn server(states: Vec<Value>) -> Script {
    let asked = AtomicUsize::new(0);
    Script::new(Binding::ByteStream, move |_, request| match &*request.method {
        "server/discover" => discovered(&["2026-07-28"]),
        "tasks/get" => {
            let at = asked.fetch_add(1, Relaxed).min(states.len() - 1);
            Answer::Result(states[at].clone())
        }
        "tasks/update" | "tasks/cancel" => Answer::Result(json!({"resultType": "complete"})),
        _ => Answer::Result(task("working", json!({"resultType": "task"}))),
    })
}

/// Declines every question.
struct Declines;

#[async_trait]
impl InputHandler for Declines {
    fn capabilities(&self) -> ClientCapabilities {
        let mut capabilities = ClientCapabilities::default();
        capabilities.elicitation = Some(ElicitationCapability::default());
        capabilities
    }

    async fn elicit(&self, _: Question<ElicitRequest>) -> Result<ElicitResult, ErrorObject> {
        Ok(ElicitResult::new(ElicitAction::Decline))
    }
}

async fn connect(script: &Script) -> Session {
    let mut options = Options::default();
    options.extensions.push(Arc::new(Tasks::new()));
    options.input = Arc::new(Declines);
    script.connect(options).await.unwrap()
}

fn params(line: &str) -> Value {
    serde_json::from_str(line.splitn(4, ' ').nth(3).unwrap()).unwrap()
}

fn is_declared(line: &str) -> bool {
    let capabilities = &params(line)["_meta"]["io.modelcontextprotocol/clientCapabilities"];
    capabilities["extensions"]["io.modelcontextprotocol/tasks"] == json!({})
}

// spec: TASKX-01 TASKX-02 TASKX-05 TASKX-17
#[tokio::test(start_paused = true)]
async fn a_task_is_followed_to_its_result_at_the_pace_of_the_server() {
    deadline(async {
        let done = json!({"resultType": "task", "result": {"content": [], "isError": true}});
        let states = vec![
            task("working", json!({"resultType": "complete", "pollIntervalMs": 5_000})),
            task("working", json!({"pollIntervalMs": 1})),
            task("completed", done),
        ];
        let script = server(states);
        let session = connect(&script).await;
        let start = Instant::now();
        let reply = session.call_raw(Call::new("tools/call")).await.unwrap();
        assert_eq!(reply.result.as_str(), r#"{"content":[],"isError":true}"#);
        assert_eq!(start.elapsed().as_millis(), 2_000 + 5_000 + 100, "1 ms is too eager");
        let lines = script.log();
        let calls = lines.iter().filter(|line| line.contains("tools/") || line.contains("tasks/"));
        assert!(calls.clone().all(|line| is_declared(line)));
        let asked: Vec<_> = calls.filter(|line| line.contains("tasks/get")).collect();
        assert_eq!(asked.len(), 3);
        assert!(asked.iter().all(|line| params(line)["taskId"] == "t-1"));
    })
    .await;
}

// spec: TASKX-07 TASKX-08 TASKX-09 TASKX-10
#[tokio::test(start_paused = true)]
async fn what_a_task_asks_is_answered_once() {
    deadline(async {
        let schema = json!({"type": "object", "properties": {}});
        let ask = json!({"method": "elicitation/create",
            "params": {"mode": "form", "message": "?", "requestedSchema": schema}});
        let states = vec![
            task("input_required", json!({"inputRequests": {"a": ask, "b": ask}})),
            task("input_required", json!({"inputRequests": {"b": ask, "c": ask}})),
            task("input_required", json!({"inputRequests": {"c": ask}})),
            task("completed", json!({"result": {}})),
        ];
        let script = server(states);
        connect(&script).await.call_raw(Call::new("tools/call")).await.unwrap();
        let lines = script.log();
        let updates = lines.iter().filter(|line| line.contains("tasks/update"));
        let answers: Vec<_> = updates.map(|line| params(line)["inputResponses"].clone()).collect();
        let no = json!({"action": "decline"});
        assert_eq!(answers, [json!({"a": no, "b": no}), json!({"c": no})]);
    })
    .await;
}

// spec: TASKX-13 TASKX-15
#[tokio::test(start_paused = true)]
async fn a_task_that_ends_badly_is_an_error_that_says_how() {
    deadline(async {
        let error = json!({"code": -32603, "message": "out of coffee"});
        let states = vec![task("failed", json!({"error": error}))];
        let session = connect(&server(states)).await;
        let error = session.call_raw(Call::new("tools/call")).await.unwrap_err();
        assert_eq!(error.as_rpc().unwrap().message, "out of coffee");

        let session = connect(&server(vec![task("cancelled", json!({}))])).await;
        let error = session.call_raw(Call::new("tools/call")).await.unwrap_err();
        assert!(matches!(error, Error::TaskCancelled { .. }), "{error}");

        for broken in [json!({}), task("completed", json!({})), task("dancing", json!({}))] {
            let session = connect(&server(vec![broken])).await;
            match session.call_raw(Call::new("tools/call")).await.unwrap_err() {
                Error::Misbehaved { misbehavior, .. } => {
                    assert_eq!(misbehavior, Misbehavior::InvalidResult);
                }
                other => panic!("{other}"),
            }
        }
    })
    .await;
}

// spec: TASKX-11 CAN-15
#[tokio::test(start_paused = true)]
async fn a_call_that_is_given_up_cancels_its_task_and_sends_no_notification() {
    deadline(async {
        let script = server(vec![task("working", json!({}))]);
        let session = connect(&script).await;
        let limit = Deadlines::total(Duration::from_secs(7));
        let call = Call::new("tools/call").with_extension(limit);
        assert!(session.call_raw(call).await.unwrap_err().is_timeout());
        let dropped = session.call_raw(Call::new("tools/call"));
        assert!(tokio::time::timeout(Duration::from_secs(3), dropped).await.is_err());
        tokio::time::sleep(Duration::from_secs(1)).await;
        let methods = script.methods();
        let count = |name: &str| methods.iter().filter(|method| method.contains(name)).count();
        assert_eq!((count("tasks/cancel"), count("notifications/cancelled")), (2, 0));
    })
    .await;
}

// spec: TASKX-03 VER-15
#[tokio::test(start_paused = true)]
async fn a_task_that_was_not_offered_or_is_of_another_method_is_an_invalid_result() {
    deadline(async {
        let plain = server(vec![task("working", json!({}))]);
        let session = plain.connect(Options::default()).await.unwrap();
        let offered = connect(&plain).await;
        for (session, method) in [(&session, "tools/call"), (&offered, "prompts/get")] {
            match session.call_raw(Call::new(method)).await.unwrap_err() {
                Error::Misbehaved { misbehavior, .. } => {
                    assert_eq!(misbehavior, Misbehavior::UnknownResultType);
                }
                other => panic!("{other}"),
            }
        }
    })
    .await;
}
