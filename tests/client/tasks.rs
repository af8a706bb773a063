//! Calls that are left to the server.

use crate::{builder, connect, deadline, params, said};
use conformance::in_process::{Asked, InProcess, Outcome};
use futures_util::TryStreamExt;
use mcp_client::{Connection, Content, Error, Phase, TaskStatus, Tasks};
use mcp_types::{ErrorCode, ErrorObject, ProtocolVersion, RawJson};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::time::Instant;

/// Returns the final output of the test's task.
fn output() -> Value {
    json!({"resultType": "complete", "content": [{"type": "text", "text": "done"}],
        "structuredContent": {"n": 7}})
}

/// Returns a task in the terms of both protocols.
fn task(status: &str) -> Value {
    json!({"taskId": "t", "status": status, "createdAt": "", "lastUpdatedAt": "", "ttlMs": null,
        "ttl": null, "pollInterval": 500, "pollIntervalMs": 500})
}

/// Creates a stateless server whose task goes through these states, and has this result.
fn modern(states: &'static [&'static str], result: Value) -> InProcess {
    let asked = AtomicUsize::new(0);
    InProcess::modern(move |call: Asked| {
        let mut answer = match &*call.method {
            "tools/call" => task("working"),
            "tasks/get" => task(states[asked.fetch_add(1, Relaxed).min(states.len() - 1)]),
            _ => json!({}),
        };
        let kind = if call.method == "tools/call" { "task" } else { "complete" };
        answer["resultType"] = kind.into();
        if answer["status"] == "completed" {
            answer["result"] = result.clone();
        }
        std::future::ready(Ok::<_, ErrorObject>(answer))
    })
}

/// Creates a server of 2025-11-25 that makes a task of everything for which one is requested.
fn legacy(result: Value) -> InProcess {
    let requests =
        json!({"tools": {"call": {}}, "prompts": {"get": {}}, "resources": {"read": {}}});
    let capabilities = json!({"tools": {}, "prompts": {}, "resources": {},
        "tasks": {"cancel": {}, "list": {}, "requests": requests}});
    InProcess::new(ProtocolVersion::LATEST_LEGACY, capabilities, move |call: Asked| {
        std::future::ready(Ok::<_, ErrorObject>(match &*call.method {
            "tools/list" => json!({"tools": [{"name": "x", "inputSchema": {},
                "execution": {"taskSupport": "optional"}}]}),
            "tasks/get" => task("completed"),
            "tasks/result" => result.clone(),
            "tasks/list" => json!({"tasks": []}),
            "tasks/cancel" => task("cancelled"),
            _ if call.params["task"].is_null() => said("at once"),
            _ => json!({"task": task("working")}),
        }))
    })
}

async fn with_tasks(server: &InProcess) -> Connection {
    deadline(builder(server).extension(Tasks::new()).build().connect()).await.unwrap()
}

#[derive(Debug, Deserialize, PartialEq)]
struct Number {
    n: i32,
}

// spec: TASKX-02 TASKX-06
// seed: 59
#[tokio::test(start_paused = true)]
async fn a_tool_is_left_to_either_server_and_its_result_read_as_that_of_the_call() {
    for server in [modern(&["working", "completed"], output()), legacy(output())] {
        let client = with_tasks(&server).await;
        let ttl = Some(Duration::from_secs(9));
        let task = deadline(client.call_tool("x").argument("a", 1).task(ttl)).await.unwrap();
        assert_eq!((task.id(), task.returned_immediately()), (Some("t"), false));
        assert_eq!(deadline(task.result()).await.unwrap().text(), "done");
        assert_eq!(deadline(task.wait()).await.unwrap().status, TaskStatus::Completed);
        let asked = server.record().len();
        assert_eq!(deadline(task.result()).await.unwrap().data(), Some(&json!({"n": 7})));
        assert_eq!(server.record().len(), asked, "it is fetched once");
        assert_eq!(server.sent("tools/call")[0]["params"]["arguments"], json!({"a": 1}));

        let task = deadline(client.call_tool("x").typed::<Number>().task(ttl)).await.unwrap();
        assert_eq!(deadline(task).await.unwrap(), Number { n: 7 });
        let raw = deadline(client.call_tool("x").raw().task(None)).await.unwrap();
        assert!(deadline(raw).await.unwrap().structured_content.is_some());
    }
}

// spec: TASKX-06
#[tokio::test(start_paused = true)]
async fn a_task_is_found_again_by_its_id_after_a_restart() {
    for server in [modern(&["completed"], output()), legacy(output())] {
        let client = with_tasks(&server).await;
        let id = deadline(client.call_tool("x").task(None)).await.unwrap().id().unwrap().to_owned();
        client.close().await;
        let client = with_tasks(&server).await;
        let again = client.call_tool("x").typed::<Number>().resume_task(&id).unwrap();
        assert_eq!(deadline(again).await.unwrap(), Number { n: 7 });
        assert_eq!(deadline(client.task_status(&id)).await.unwrap().status, TaskStatus::Completed);
        let raw: RawJson = deadline(client.task_result(&id)).await.unwrap();
        assert_eq!(raw.decode::<Value>().unwrap()["structuredContent"]["n"], 7);
        deadline(client.cancel_task(&id)).await.unwrap();
        assert_eq!(params(&server.sent("tasks/cancel")[0]), json!({"taskId": "t"}));
    }
}

// seed: 59
#[tokio::test(start_paused = true)]
async fn prompts_and_resources_are_left_to_a_server_that_offers_it() {
    let message = json!({"role": "user", "content": {"type": "text", "text": "hi"}});
    let server = legacy(json!({"messages": [message], "contents": [{"uri": "a:b", "text": "hi"}]}));
    let client = connect(&server).await;
    let prompt = client.get_prompt("greet").argument("name", "Bob").task(None);
    let prompt = deadline(prompt).await.unwrap();
    assert_eq!(prompt.id(), Some("t"));
    assert_eq!(deadline(prompt).await.unwrap().messages.len(), 1);
    let resource = deadline(client.read_resource("a:b").task(None)).await.unwrap();
    assert_eq!(deadline(resource).await.unwrap()[0].as_text(), Some("hi"));
    let sent = server.sent("prompts/get")[0]["params"].clone();
    assert_eq!((&sent["arguments"]["name"], &sent["task"]), (&json!("Bob"), &json!({})));
}

// seed: 59
#[tokio::test(start_paused = true)]
async fn a_call_that_was_done_at_once_is_a_task_that_has_ended() {
    let server = InProcess::modern(async |_: Asked| Ok(said("at once")));
    let client = with_tasks(&server).await;
    let task = deadline(client.call_tool("x").task(None)).await.unwrap();
    assert_eq!((task.id(), task.returned_immediately()), (None, true));
    // It no longer needs a session.
    client.close().await;
    for state in [task.status().await, task.wait().await] {
        assert_eq!(state.unwrap().status, TaskStatus::Completed);
    }
    task.wait_for(TaskStatus::Completed).await.unwrap();
    let error = task.wait_for(TaskStatus::Failed).await.unwrap_err();
    assert!(matches!(error, Error::TaskEnded { .. }), "{error}");
    assert_eq!(task.changes().try_collect::<Vec<_>>().await.unwrap().len(), 1);
    task.cancel().await.unwrap();
    assert_eq!(task.await.unwrap().text(), "at once");
    assert_eq!(server.sent("tasks/get").len() + server.sent("tasks/cancel").len(), 0);
}

// seed: 59
#[tokio::test(start_paused = true)]
async fn a_tool_that_failed_is_an_error_for_a_task_too_if_success_is_required() {
    let failing = json!({"content": [{"type": "text", "text": "no"}], "isError": true});
    for server in [modern(&["completed"], failing.clone()), legacy(failing.clone())] {
        let client = with_tasks(&server).await;
        let task = deadline(client.call_tool("x").task(None)).await.unwrap();
        assert!(deadline(task).await.unwrap().is_error);
        let task = deadline(client.call_tool("x").require_success().task(None)).await.unwrap();
        let error = deadline(task).await.unwrap_err();
        assert_eq!(error.to_string(), r#"tool "x" failed: no"#);
    }
    // A call completed at once is no different.
    let server = InProcess::modern(move |_: Asked| std::future::ready(Ok(failing.clone())));
    let client = with_tasks(&server).await;
    let task = deadline(client.call_tool("x").require_success().task(None)).await.unwrap();
    assert!(matches!(task.await.unwrap_err(), Error::Tool { .. }));
}

// spec: CAN-04
// seed: 59
#[tokio::test(start_paused = true)]
async fn the_limit_of_the_call_is_one_for_each_waiting() {
    let client = with_tasks(&modern(&["working"], Value::Null)).await;
    let limit = Duration::from_secs(5);
    let task = deadline(client.call_tool("x").timeout(limit).task(None)).await.unwrap();
    for _ in 0..2 {
        let start = Instant::now();
        let error = deadline(task.result()).await.unwrap_err();
        let Error::Timeout { phase, after, .. } = error else { panic!("{error}") };
        assert_eq!((phase, after, start.elapsed()), (Phase::Total, limit, limit));
    }
    assert!(deadline(task.wait_for(TaskStatus::Completed)).await.unwrap_err().is_timeout());
    assert_eq!(deadline(task.status()).await.unwrap().status, TaskStatus::Working);
}

// spec: META-09
// seed: 59
#[tokio::test(start_paused = true)]
async fn metadata_and_listeners_of_the_call_are_those_of_the_task() {
    let server = InProcess::modern(async |call: Asked| -> Outcome {
        if call.method == "tools/call" {
            call.progress(1, 2).await;
        }
        let mut answer = task(if call.method == "tools/call" { "working" } else { "completed" });
        answer["resultType"] = if call.method == "tools/call" { "task" } else { "complete" }.into();
        answer["result"] = output();
        Ok(answer)
    });
    let client = with_tasks(&server).await;
    let progress = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&progress);
    let call = client
        .call_tool("x")
        .meta("com.example/trace", "abc")
        .on_progress(move |progress| heard.lock().unwrap().push(progress.progress));
    let task = deadline(call.task(None)).await.unwrap();
    deadline(task).await.unwrap();
    assert_eq!(server.sent("tools/call")[0]["params"]["_meta"]["com.example/trace"], "abc");
    assert_eq!(*progress.lock().unwrap(), [1.0]);
}

// seed: 59
#[tokio::test(start_paused = true)]
async fn tasks_are_listed_by_the_server_or_remembered() {
    for server in [modern(&["working"], Value::Null), legacy(output())] {
        let client = with_tasks(&server).await;
        let none = deadline(client.list_tasks(None, 50)).await.unwrap();
        assert!(none.tasks.is_empty() && none.next_cursor.is_none());
        let first = deadline(client.call_tool("x").task(None)).await.unwrap();
        let list = deadline(client.list_tasks(None, 50)).await.unwrap();
        assert_eq!(list.tasks.len(), 1);
        assert_eq!(Some(list.tasks[0].handle.id()), first.id());
        assert!(list.next_cursor.is_none());
    }
    let capabilities = json!({"tools": {}, "tasks": {"list": {}}});
    let server = InProcess::new(
        ProtocolVersion::LATEST_LEGACY,
        capabilities,
        async |call: Asked| match call.params["cursor"].as_str() {
            None => Ok(json!({"tasks": [task("working"), 7], "nextCursor": "2"})),
            Some("2") => Ok(json!({"tasks": []})),
            Some(_) => Err(ErrorObject::new(ErrorCode::INVALID_PARAMS, "where?")),
        },
    );
    let client = connect(&server).await;
    let page = deadline(client.list_tasks(None, 50)).await.unwrap();
    assert_eq!((page.tasks.len(), page.next_cursor.as_deref()), (1, Some("2")));
    assert_eq!(page.tasks[0].state.status, TaskStatus::Working);
    let page = deadline(client.list_tasks(page.next_cursor, 50)).await.unwrap();
    assert!(page.tasks.is_empty() && page.next_cursor.is_none());
    let error = deadline(client.list_tasks(Some("9".to_owned()), 50)).await.unwrap_err();
    assert_eq!(error.as_rpc().unwrap().message, "where?");
}

// seed: 59
#[tokio::test(start_paused = true)]
async fn a_task_of_a_closed_session_is_an_error_and_holds_the_end_up_for_nobody() {
    let client = with_tasks(&modern(&["working"], Value::Null)).await;
    let task = deadline(client.call_tool("x").task(None)).await.unwrap();
    let start = Instant::now();
    client.close().await;
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    for error in [deadline(task.status()).await.unwrap_err(), deadline(task).await.unwrap_err()] {
        assert_eq!(error.to_string(), "client is not connected");
    }
}

// seed: 59
#[tokio::test(start_paused = true)]
async fn several_tasks_go_on_side_by_side() {
    let count = AtomicUsize::new(0);
    let server = InProcess::modern(move |call: Asked| {
        let mut answer = task("working");
        if call.method == "tools/call" {
            answer["taskId"] = format!("t-{}", count.fetch_add(1, Relaxed)).into();
            answer["resultType"] = "task".into();
        } else {
            answer = task("completed");
            answer["result"] = said(call.params["taskId"].as_str().unwrap());
        }
        std::future::ready(Ok::<_, ErrorObject>(answer))
    });
    let client = with_tasks(&server).await;
    let mut tasks = Vec::new();
    for _ in 0..3 {
        tasks.push(deadline(client.call_tool("x").task(None)).await.unwrap());
    }
    let results = futures_util::future::join_all(tasks.into_iter().map(IntoFuture::into_future));
    let texts: Vec<_> = deadline(results)
        .await
        .into_iter()
        .map(|result| result.unwrap().text().into_owned())
        .collect();
    assert_eq!(texts, ["t-0", "t-1", "t-2"]);
}
