//! Tasks of a group.

use super::connect;
use crate::{builder, deadline, params, said};
use conformance::in_process::{Asked, InProcess};
use futures_util::TryStreamExt;
use mcp_client::{Client, Error, Group, GroupConnection, Naming, TaskStatus, Tasks, elicit};
use mcp_types::{ErrorObject, ProtocolVersion};
use serde_json::{Value, json};

fn task(status: &str) -> Value {
    json!({"resultType": "complete", "taskId": "t", "status": status, "createdAt": "",
        "lastUpdatedAt": "", "ttlMs": null, "ttl": null, "pollInterval": 100, "pollIntervalMs": 100})
}

/// Creates a stateless server that makes tasks of calls, which ask for a name.
fn modern() -> InProcess {
    let answered = std::sync::atomic::AtomicBool::new(false);
    let answered = std::sync::Arc::new(answered);
    InProcess::modern(move |call: Asked| {
        use std::sync::atomic::Ordering::SeqCst;

        let is_answered = answered.load(SeqCst);
        std::future::ready(Ok::<_, ErrorObject>(match &*call.method {
            "tools/call" => {
                let mut made = task("working");
                made["resultType"] = "task".into();
                made
            }
            "tasks/get" if is_answered => {
                let mut end = task("completed");
                end["result"] = said("done by one");
                end
            }
            "tasks/get" => {
                let schema = json!({"type": "object", "properties": {"name": {"type": "string"}}});
                let form = json!({"mode": "form", "message": "?", "requestedSchema": schema});
                let mut asking = task("input_required");
                asking["inputRequests"] =
                    json!({"q": {"method": "elicitation/create", "params": form}});
                asking
            }
            "tasks/update" => {
                answered.store(true, SeqCst);
                json!({"resultType": "complete"})
            }
            _ => json!({"resultType": "complete"}),
        }))
    })
}

/// Creates a server of 2025-11-25 that makes tasks of calls.
fn legacy() -> InProcess {
    let capabilities = json!({"tools": {},
        "tasks": {"cancel": {}, "list": {}, "requests": {"tools": {"call": {}}}}});
    InProcess::new(ProtocolVersion::LATEST_LEGACY, capabilities, |call: Asked| {
        std::future::ready(Ok::<_, ErrorObject>(match &*call.method {
            "tools/list" => json!({"tools": [{"name": "x", "inputSchema": {},
                "execution": {"taskSupport": "optional"}}]}),
            "tasks/get" => task("completed"),
            "tasks/result" => said("done by two"),
            "tasks/list" => json!({"tasks": [task("working")]}),
            "tasks/cancel" => task("cancelled"),
            _ => json!({"task": task("working")}),
        }))
    })
}

fn with_tasks(server: &InProcess) -> Client {
    let answer = async |_| elicit::accept(json!({"name": "Ada"}));
    builder(server).extension(Tasks::new()).on_elicit_form(answer).build()
}

fn group(one: &InProcess, two: &InProcess) -> Group {
    Group::builder().member("a", with_tasks(one)).member("b", with_tasks(two)).build().unwrap()
}

async fn connected() -> (InProcess, InProcess, GroupConnection) {
    let (one, two) = (modern(), legacy());
    let group = connect(&group(&one, &two)).await;
    (one, two, group)
}

/// Returns what was sent to a server about tasks.
fn about_tasks(server: &InProcess) -> Vec<String> {
    server.record().into_iter().filter(|message| message.contains("\"tasks/")).collect()
}

// spec: TASKX-06 TASKX-07
#[tokio::test(start_paused = true)]
async fn a_task_is_polled_and_answered_at_the_member_that_made_it() {
    let (one, two, group) = connected().await;
    let task = deadline(group.call_tool("a_x").task(None)).await.unwrap();
    assert_eq!(task.id(), Some("a:t"));
    assert_eq!(deadline(task.result()).await.unwrap().text(), "done by one");
    assert_eq!(
        params(&one.sent("tasks/update")[0])["inputResponses"]["q"]["content"]["name"],
        "Ada"
    );
    assert!(about_tasks(&two).is_empty());

    let task = deadline(group.call_tool("b_x").task(None)).await.unwrap();
    assert_eq!(task.id(), Some("b:t"));
    assert_eq!(deadline(task).await.unwrap().text(), "done by two");
    assert_eq!(params(&two.sent("tasks/result")[0]), json!({"taskId": "t"}));
}

// spec: TASKX-06 TASKX-11 TASKX-18
#[tokio::test(start_paused = true)]
async fn a_task_is_found_again_by_its_id_and_cancelled_where_it_is() {
    let (one, two, group) = connected().await;
    let found = group.task("b:t").unwrap();
    assert_eq!(found.id(), "b:t");
    assert_eq!(deadline(found.status()).await.unwrap().status, TaskStatus::Completed);
    deadline(group.task("a:t").unwrap().cancel()).await.unwrap();
    assert_eq!(params(&one.sent("tasks/cancel")[0]), json!({"taskId": "t"}));
    assert!(two.sent("tasks/cancel").is_empty());
    let again = group.call_tool("b_x").resume_task("b:t").unwrap();
    assert_eq!(again.id(), Some("b:t"));
    assert_eq!(deadline(again).await.unwrap().text(), "done by two");

    let error = group.task("c:secret").unwrap_err();
    assert!(matches!(error, Error::InvalidParams(_)), "{error:?}");
    assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
    let closed = Group::clone(&group);
    deadline(group.close()).await;
    assert!(matches!(closed.task("a:t"), Err(Error::NotConnected)));
}

#[tokio::test(start_paused = true)]
async fn the_tasks_of_all_members_are_one_list() {
    let (_, _, group) = connected().await;
    assert_eq!(deadline(group.call_tool("a_x").task(None)).await.unwrap().id(), Some("a:t"));
    let listed = deadline(group.list_tasks(10)).await.unwrap();
    assert_eq!(listed.iter().map(|task| task.handle.id()).collect::<Vec<_>>(), ["a:t", "b:t"]);
    assert!(deadline(group.list_tasks(0)).await.unwrap().is_empty());
}

// spec: TASKX-06 TASKX-11
#[tokio::test(start_paused = true)]
async fn a_client_of_a_group_has_the_tasks_of_its_members() {
    for first_is_modern in [true, false] {
        // One group of stateless servers only, and one of both kinds.
        let (one, two) = (modern(), if first_is_modern { modern() } else { legacy() });
        let client = Client::new(group(&one, &two));
        let client = deadline(client.connect()).await.unwrap();
        let task = deadline(client.call_tool("a_x").task(None)).await.unwrap();
        assert_eq!(task.id(), Some("a:t"));
        let mut changes = std::pin::pin!(task.changes());
        let first = deadline(changes.try_next()).await.unwrap().unwrap();
        assert_eq!(first.status, TaskStatus::InputRequired);
        assert_eq!(deadline(task).await.unwrap().text(), "done by one");
        deadline(client.cancel_task("b:t")).await.unwrap();
        assert_eq!((one.sent("tasks/cancel").len(), two.sent("tasks/cancel").len()), (0, 1));
        let listed = deadline(client.list_tasks(None, 10)).await.unwrap();
        assert_eq!(listed.tasks[0].handle.id(), "a:t");
        let again = client.call_tool("a_x").resume_task("a:t").unwrap();
        assert_eq!(deadline(again).await.unwrap().text(), "done by one");
        let error = deadline(client.task_status("t")).await.unwrap_err();
        assert!(error.as_rpc().is_some(), "{error:?}");
        // A call that was not left to the server is followed by the member.
        assert_eq!(deadline(client.call_tool("a_x")).await.unwrap().text(), "done by one");
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_of_one_server_alone_has_the_id_that_it_has_there() {
    let group =
        Group::builder().naming(Naming::Bare).member("a", with_tasks(&legacy())).build().unwrap();
    let group = connect(&group).await;
    let task = deadline(group.call_tool("x").task(None)).await.unwrap();
    assert_eq!(task.id(), Some("t"));
    assert_eq!(
        deadline(group.task("t").unwrap().status()).await.unwrap().status,
        TaskStatus::Completed
    );
}
