//! The tasks of 2025-11-25.

use super::handle::named;
use crate::roots;
use crate::script::{Answer, Script, deadline};
use mcp_session::{Call, Error, Mode, Options, Session, Started};
use mcp_transport::{Binding, Replies};
use mcp_types::{
    RawJson,
    rpc::{Message, Request, Response},
};
use serde_json::{Value, json};
use std::{
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    time::Duration,
};

fn params(request: &Request) -> Value {
    request.params.as_ref().map(|params| params.decode().unwrap()).unwrap_or_default()
}

fn task(status: &str) -> Value {
    json!({"taskId": "t-1", "status": status, "createdAt": "", "lastUpdatedAt": "", "ttl": 600_000,
        "pollInterval": 500})
}

/// Creates a server whose tools `required`, `optional` and `never` treat tasks as named, on two pages.
fn server(offers: bool, states: &'static [&'static str]) -> Script {
    let asked = AtomicUsize::new(0);
    Script::new(Binding::ByteStream, move |_, request| match &*request.method {
        "initialize" => {
            let tasks = json!({"cancel": {}, "requests": {"tools": {"call": {}}}});
            let tasks = if offers { tasks } else { json!({"list": {}}) };
            Answer::Result(json!({"protocolVersion": "2025-11-25",
                "capabilities": {"tools": {}, "tasks": tasks},
                "serverInfo": {"name": "scripted", "version": "1"}}))
        }
        "tools/list" if params(request)["cursor"].is_null() => {
            let tool = |name: &str| json!({"name": name, "inputSchema": {}, "execution": {"taskSupport": name}});
            let tools = [tool("optional"), json!({"name": "never", "inputSchema": {}})];
            Answer::Result(json!({"tools": tools, "nextCursor": "2"}))
        }
        "tools/list" => {
            let execution = json!({"taskSupport": "required"});
            let tool = json!({"name": "required", "inputSchema": {}, "execution": execution});
            Answer::Result(json!({"tools": [tool]}))
        }
        "tools/call" => match (&params(request)["name"], &params(request)["task"]) {
            (name, Value::Null) if *name == "required" => Answer::Refuse(-32601, Value::Null),
            (_, Value::Null) => Answer::Result(json!({"content": []})),
            _ => Answer::Result(json!({"task": task("working")})),
        },
        "tasks/get" => {
            let at = asked.fetch_add(1, Relaxed).min(states.len() - 1);
            Answer::Result(task(states[at]))
        }
        "tasks/result" => {
            let related = json!({"io.modelcontextprotocol/related-task": {"taskId": "t-1"}});
            let question = RawJson::encode(&json!({"_meta": related})).unwrap();
            let question = Request::new("q", "roots/list").with_params(question);
            let result = RawJson::encode(&json!({"content": [], "_meta": related})).unwrap();
            let done = Response::success(request.id.clone(), result);
            Answer::Say(vec![question.into(), done.into()])
        }
        _ => Answer::Result(json!({})),
    })
}

async fn connect(script: &Script) -> Session {
    let mut options = Options::default();
    options.mode = Mode::Legacy;
    options.input = roots::none();
    script.connect(options).await.unwrap()
}

fn count(script: &Script, name: &str) -> usize {
    script.methods().iter().filter(|line| line.ends_with(name)).count()
}

// spec: TASK25-05 TASK25-06 TASK25-10 TASK25-11
#[tokio::test(start_paused = true)]
async fn a_tool_that_wants_a_task_is_called_as_one_and_followed() {
    deadline(async {
        let script = server(true, &["working", "working", "completed"]);
        let session = connect(&script).await;
        let start = tokio::time::Instant::now();
        let reply = session.call_raw(named("required")).await.unwrap();
        assert_eq!(reply.decode::<Value>().unwrap()["content"], json!([]));
        assert_eq!(start.elapsed().as_millis(), 3 * 500, "the pace of the server");
        let expected = [
            "1 connect",
            "1 initialize",
            "1 notifications/initialized",
            "1 tools/call",
            "1 tools/list",
            "1 tools/list",
            "1 tools/call",
            "1 tasks/get",
            "1 tasks/get",
            "1 tasks/get",
            "1 tasks/result",
        ];
        assert_eq!(script.methods()[..11], expected);
        session.call_raw(named("required")).await.unwrap();
        assert_eq!(count(&script, "tools/list"), 2, "what is known is not asked again");
        assert_eq!(count(&script, "tools/call"), 3);
    })
    .await;
}

// spec: TASK25-08 TASK25-09 TASK25-10
#[tokio::test(start_paused = true)]
async fn what_a_task_asks_is_answered_while_its_result_is_waited_for() {
    deadline(async {
        let script = server(true, &["input_required", "completed"]);
        let session = connect(&script).await;
        let Started::Task(handle) = session.call_as_task(named("optional"), None).await.unwrap()
        else {
            panic!("no task");
        };
        handle.result().await.unwrap();
        let lines = script.log();
        let answer = lines.iter().find(|line| line.contains(" response ")).unwrap();
        assert!(
            answer.contains(r#""io.modelcontextprotocol/related-task":{"taskId":"t-1"}"#),
            "{answer}"
        );
        assert_eq!(count(&script, "tasks/result"), 2);
    })
    .await;
}

// spec: TASK25-02 TASK25-03 TASK25-04
#[tokio::test(start_paused = true)]
async fn only_what_server_and_tool_allow_is_a_task() {
    deadline(async {
        let script = server(true, &["completed"]);
        let session = connect(&script).await;
        let ttl = Some(Duration::from_secs(9));
        for (tool, expected) in [("optional", true), ("required", true), ("never", false)] {
            let started = session.call_as_task(named(tool), ttl).await.unwrap();
            assert_eq!(matches!(started, Started::Task(_)), expected, "{tool}");
        }
        let sent: Vec<_> =
            script.log().into_iter().filter(|line| line.contains("tools/call")).collect();
        assert_eq!(sent.iter().filter(|line| line.contains(r#""task":{"ttl":9000}"#)).count(), 2);
        // A task that is possible but not wanted is not created.
        session.call_raw(named("optional")).await.unwrap();
        assert!(!script.log().last().unwrap().contains(r#""task""#));

        let script = server(false, &["completed"]);
        let session = connect(&script).await;
        let error = session.call_as_task(named("required"), ttl).await.unwrap_err();
        assert!(matches!(error, Error::Rpc { .. }), "{error}");
        let started = session.call_as_task(named("optional"), ttl).await.unwrap();
        assert!(matches!(started, Started::Done(_)));
        assert_eq!(count(&script, "tools/list"), 0);
        let error = session.task("t-1").cancel().await.unwrap_err();
        assert!(matches!(error, Error::NotOffered { .. }), "{error}");
    })
    .await;
}

// spec: CAN-14 TASK25-12
#[tokio::test(start_paused = true)]
async fn a_call_that_is_given_up_cancels_its_task_also_when_there_is_none_yet() {
    deadline(async {
        let script = server(true, &["working"]);
        let session = connect(&script).await;
        session.call_raw(Call::new("tools/list")).await.unwrap();
        let call = session.call_raw(named("required"));
        assert!(tokio::time::timeout(Duration::from_secs(60), call).await.is_err());
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(count(&script, "tasks/cancel"), 1);
        assert_eq!(count(&script, "notifications/cancelled"), 0);

        let slow = Script::new(Binding::ByteStream, |_, request| match &*request.method {
            "initialize" => Answer::Result(json!({"protocolVersion": "2025-11-25",
                "capabilities": {"tools": {}, "tasks": {"cancel": {}, "requests": {"tools": {"call": {}}}}},
                "serverInfo": {"name": "scripted", "version": "1"}})),
            "tools/list" => Answer::Result(json!({"tools": [
                {"name": "slow", "inputSchema": {}, "execution": {"taskSupport": "required"}}]})),
            "tools/call" => {
                let created = RawJson::encode(&json!({"task": task("working")})).unwrap();
                let created = Response::success(request.id.clone(), created);
                Answer::Stream(Replies::new(futures_util::stream::once(async move {
                    tokio::time::sleep(Duration::from_secs(2)).await;
                    Ok(Message::from(created))
                })))
            }
            _ => Answer::Result(json!({})),
        });
        let session = connect(&slow).await;
        session.call_raw(Call::new("tools/list")).await.unwrap();
        let call = session.call_raw(named("slow"));
        assert!(tokio::time::timeout(Duration::from_secs(1), call).await.is_err());
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert_eq!(count(&slow, "tasks/cancel"), 1, "{:?}", slow.methods());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_tool_is_not_looked_for_on_the_same_page_for_ever() {
    deadline(async {
        let capabilities = json!({"tools": {}, "tasks": {"requests": {"tools": {"call": {}}}}});
        let script = Script::new(Binding::ByteStream, move |_, request| match &*request.method {
            "initialize" => Answer::Result(json!({"protocolVersion": "2025-11-25",
                "capabilities": capabilities, "serverInfo": {"name": "scripted", "version": "1"}})),
            "tools/list" => Answer::Result(json!({"tools": [], "nextCursor": "again"})),
            _ => Answer::Result(json!({"content": []})),
        });
        let session = connect(&script).await;
        let started = session.call_as_task(named("x"), None);
        assert!(matches!(started.await.unwrap(), Started::Done(_)));
        assert_eq!(count(&script, "tools/list"), 2, "the second page leads to itself");
    })
    .await;
}
