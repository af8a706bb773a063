//! Tasks beyond the specification: prompts and resources, and servers that are older than the revision.

use super::handle::named;
use crate::script::{Answer, Script, deadline};
use mcp_session::{Call, Mode, Options, Session, Started};
use mcp_transport::Binding;
use serde_json::{Value, json};

/// What a server of 2.14 of the seed's library says: more requests than the revision has.
fn requests() -> Value {
    json!({"tools": {"call": {}}, "prompts": {"get": {}}, "resources": {"read": {}}})
}

/// Creates a server with these capabilities, which answers a call with `created` if it has a member `task`.
fn server(capabilities: Value, created: Value) -> Script {
    Script::new(Binding::ByteStream, move |_, request| match &*request.method {
        "initialize" => Answer::Result(json!({
            "protocolVersion": "2025-11-25", "capabilities": capabilities,
            "serverInfo": {"name": "scripted", "version": "1"},
        })),
        "tools/list" => Answer::Result(json!({"tools": [
            {"name": "x", "inputSchema": {}, "execution": {"taskSupport": "optional"}}]})),
        "tools/call" | "prompts/get" | "resources/read" => {
            let params: Value = request.params.as_ref().unwrap().decode().unwrap();
            let plain = || json!({"plain": true});
            Answer::Result(if params["task"].is_null() { plain() } else { created.clone() })
        }
        "tasks/get" => Answer::Result(json!({"taskId": "t", "status": "completed"})),
        "tasks/result" => Answer::Result(json!({"late": true})),
        _ => Answer::Result(json!({})),
    })
}

async fn connect(script: &Script) -> Session {
    let mut options = Options::default();
    options.mode = Mode::Legacy;
    script.connect(options).await.unwrap()
}

fn calls() -> [Call; 3] {
    [named("x"), Call::new("prompts/get"), Call::new("resources/read")]
}

// seed: 59
#[tokio::test(start_paused = true)]
async fn prompts_and_resources_are_tasks_where_the_server_offers_it() {
    deadline(async {
        let created = json!({"task": {"taskId": "t", "status": "working"}});
        let script = server(json!({"tasks": {"requests": requests()}}), created.clone());
        let session = connect(&script).await;
        for call in calls() {
            let method = call.method.clone();
            let plain = session.call_raw(call.clone()).await.unwrap();
            assert_eq!(plain.result.as_str(), r#"{"plain":true}"#, "{method}: not asked for");
            let started = session.call_as_task(call, None).await.unwrap();
            let Started::Task(handle) = started else { panic!("{method}") };
            let late = handle.result().await.unwrap();
            assert_eq!(late.result.as_str(), r#"{"late":true}"#, "{method}");
        }
        let script = server(json!({"tasks": {"requests": {"tools": {"call": {}}}}}), created);
        let session = connect(&script).await;
        for call in calls().into_iter().skip(1) {
            let started = session.call_as_task(call, None).await.unwrap();
            assert!(matches!(started, Started::Done(_)), "{started:?}");
        }
    })
    .await;
}

// seed: 59
#[tokio::test(start_paused = true)]
async fn a_server_that_is_older_than_the_revision_makes_tasks_too() {
    deadline(async {
        let stub = json!({"taskId": "t", "status": "working", "pollInterval": 300});
        let created = json!({"content": [], "_meta": {"modelcontextprotocol.io/task": stub}});
        let tasks = json!({"cancel": {}, "list": {}, "requests": requests()});
        let script = server(json!({"experimental": {"tasks": tasks}}), created);
        let session = connect(&script).await;
        for call in calls() {
            let started = session.call_as_task(call, None).await.unwrap();
            let Started::Task(handle) = started else { panic!("no task") };
            assert_eq!(handle.id(), "t");
            let late = handle.result().await.unwrap();
            assert_eq!(late.result.as_str(), r#"{"late":true}"#);
        }
    })
    .await;
}
