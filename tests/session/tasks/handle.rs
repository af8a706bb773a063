//! Tasks in the hand of the caller.

use super::{connect, server, task};
use crate::{
    script::{Answer, Script, deadline},
    wire,
};
use mcp_session::{Call, Error, Options, Params, Started, TaskHandle};
use mcp_transport::Binding;
use mcp_types::tasks_extension::TaskStatus;
use serde_json::{Value, json};

pub(super) async fn start(session: &mcp_session::Session) -> TaskHandle {
    match session.call_as_task(Call::new("tools/call"), None).await.unwrap() {
        Started::Task(handle) => handle,
        other => panic!("{other:?}"),
    }
}

// spec: TASKX-02 TASKX-06 TASKX-17 TASKX-18
#[tokio::test(start_paused = true)]
async fn a_task_is_left_alone_and_found_again_by_its_id() {
    deadline(async {
        let done = json!({"resultType": "task", "result": {"content": [], "n": 7}});
        let script = server(vec![task("working", json!({})), task("completed", done)]);
        let session = connect(&script).await;
        let handle = start(&session).await;
        assert_eq!(handle.status().await.unwrap().status, TaskStatus::Working);
        assert!(!format!("{handle:?}").contains("t-1"), "{handle:?}");
        let id = handle.id().to_owned();
        drop((handle, session));
        let session = connect(&script).await;
        let again = session.task(&id);
        assert_eq!(again.wait().await.unwrap().status, TaskStatus::Completed);
        assert_eq!(again.result().await.unwrap().decode::<Value>().unwrap()["n"], 7);
        let methods = script.methods();
        assert!(!methods.iter().any(|line| line.contains("cancel")), "{methods:?}");
    })
    .await;
}

// spec: TASKX-11 TASKX-13 TASKX-16
#[tokio::test(start_paused = true)]
async fn a_task_is_cancelled_on_demand_and_says_so() {
    deadline(async {
        let script = server(vec![task("cancelled", json!({"statusMessage": "as you wish"}))]);
        let session = connect(&script).await;
        let handle = start(&session).await;
        handle.cancel().await.unwrap();
        assert_eq!(handle.wait().await.unwrap().message.as_deref(), Some("as you wish"));
        let error = handle.result().await.unwrap_err();
        assert!(matches!(error, Error::TaskCancelled { .. }), "{error}");
        let error = session.tasks().await.unwrap_err();
        assert!(matches!(error, Error::NotInVersion { .. }), "{error}");
        let sent = |name: &str| script.methods().iter().filter(|line| line.ends_with(name)).count();
        assert_eq!((sent("tasks/cancel"), sent("notifications/cancelled")), (1, 0));
    })
    .await;
}

// spec: TASKX-03
#[tokio::test(start_paused = true)]
async fn a_server_may_do_it_at_once_and_makes_no_task_that_was_not_offered() {
    deadline(async {
        let script = Script::new(Binding::ByteStream, |_, request| match &*request.method {
            "server/discover" => crate::script::discovered(&["2026-07-28"]),
            _ => Answer::Result(json!({"resultType": "complete", "content": []})),
        });
        let session = connect(&script).await;
        let started = session.call_as_task(Call::new("tools/call"), None).await.unwrap();
        assert!(matches!(started, Started::Done(_)), "{started:?}");
        let script = server(vec![task("working", json!({}))]);
        let session = script.connect(Options::default()).await.unwrap();
        let error = session.call_as_task(Call::new("tools/call"), None).await.unwrap_err();
        assert!(matches!(error, Error::Misbehaved { .. }), "{error}");
    })
    .await;
}

// spec: TASK25-10 TASK25-12 TASK25-13
#[tokio::test]
async fn the_tasks_of_a_legacy_server_are_listed_and_cancelled() {
    deadline(async {
        let (session, _driver, mut peer) = wire::open(wire::legacy()).await;
        let served = async {
            for (cursor, id, next) in
                [(Value::Null, "a", json!("2")), (json!("2"), "b", Value::Null)]
            {
                let request = peer.expect("tasks/list").await;
                assert_eq!(request["params"]["cursor"], cursor);
                let task = json!({"taskId": id, "status": "working", "createdAt": "",
                    "lastUpdatedAt": "", "ttl": null});
                let mut page = json!({"tasks": [task]});
                if next != Value::Null {
                    page["nextCursor"] = next;
                }
                peer.answer(request["id"].clone(), page).await;
            }
            let request = peer.expect("tasks/cancel").await;
            assert_eq!(request["params"]["taskId"], "b");
            assert!(!request.to_string().contains("related-task"), "it has the id already");
            peer.answer(request["id"].clone(), json!({})).await;
        };
        let called = async {
            let tasks = session.tasks().await.unwrap();
            assert_eq!(tasks.iter().map(TaskHandle::id).collect::<Vec<_>>(), ["a", "b"]);
            tasks[1].cancel().await.unwrap();
        };
        tokio::join!(called, served);
    })
    .await;
}

pub(super) fn named(tool: &str) -> Call {
    Call::new("tools/call").with_params(Params::encode(&json!({"name": tool})).unwrap())
}
