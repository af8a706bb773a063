//! Calls that run as tasks on a real server, with questions on the way.

use crate::run::{client, within_deadline};
use mcp_client::{Error, Target, TaskStatus, elicit};
use serde_json::json;
use std::time::Duration;

const TOOL: &str = "simulate-research-query";

/// A task asks a question, is found again by its id, and returns what the call would have returned.
// spec: TASK25-05 TASK25-06 TASK25-08 TASK25-10
#[track_caller]
pub(crate) fn a_call_is_left_to_the_server_and_its_question_answered(target: Option<Target>) {
    let Some(target) = target else { return };
    let client =
        client(target).on_elicit_form(async |_| elicit::accept(json!({"interpretation": "snake"})));
    let client = client.build();
    within_deadline(async {
        let connection = client.connect().await.unwrap();
        let call =
            || connection.call_tool(TOOL).argument("topic", "python").argument("ambiguous", true);
        let task = call().task(Some(Duration::from_secs(60))).await.unwrap();
        let id = task.id().unwrap().to_owned();
        assert_eq!(connection.task_status(&id).await.unwrap().status, TaskStatus::Working);
        task.wait_for(TaskStatus::InputRequired).await.unwrap();
        let list = connection.list_tasks(None, 50).await.unwrap();
        assert!(list.tasks.iter().any(|task| task.handle.id() == id), "{list:?}");
        drop(task);
        let again = call().resume_task(&id).unwrap();
        let report = again.result().await.unwrap();
        assert!(report.text().contains("# Research Report: python (snake)"), "{}", report.text());
        assert_eq!(again.status().await.unwrap().status, TaskStatus::Completed);
        connection.close().await;
    });
}

/// A cancelled task says so, and an unknown one is an error.
// spec: TASK25-12 CAN-14
#[track_caller]
pub(crate) fn a_task_is_cancelled(target: Option<Target>) {
    let Some(target) = target else { return };
    let client = client(target).build();
    within_deadline(async {
        let connection = client.connect().await.unwrap();
        let task = connection.call_tool(TOOL).argument("topic", "fish").task(None).await.unwrap();
        task.cancel().await.unwrap();
        assert_eq!(task.wait().await.unwrap().status, TaskStatus::Cancelled);
        let error = task.result().await.unwrap_err();
        assert!(matches!(error, Error::TaskCancelled { .. }), "{error}");
        let error = connection.task_status("no-such-task").await.unwrap_err();
        assert!(error.as_rpc().is_some(), "{error}");
        connection.close().await;
    });
}
