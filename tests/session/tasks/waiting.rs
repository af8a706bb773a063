//! Waiting for a task: for its end, for a state, for changes; and what ends the waiting.

use super::{connect, handle::start, server, task};
use crate::{
    script::{Answer, Script, deadline, discovered},
    wire,
};
use futures_util::{StreamExt, TryStreamExt};
use mcp_session::{Call, Error, Event, Events, Misbehavior, Options, Started, Tasks};
use mcp_transport::Binding;
use mcp_types::tasks_extension::TaskStatus;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tokio::time::Instant;

// seed: 59
#[tokio::test(start_paused = true)]
async fn a_state_is_waited_for_and_one_that_cannot_come_any_more_is_an_error() {
    deadline(async {
        let asks = json!({"inputRequests": {"a": {"method": "sampling/createMessage"}}});
        let states = vec![
            task("working", json!({})),
            task("input_required", asks),
            task("completed", json!({"result": {}})),
        ];
        let session = connect(&server(states)).await;
        let handle = start(&session).await;
        let state = handle.wait_for(TaskStatus::InputRequired).await.unwrap();
        assert_eq!(state.status, TaskStatus::InputRequired, "it is not answered");
        handle.wait_for(TaskStatus::Completed).await.unwrap();
        let error = handle.wait_for(TaskStatus::InputRequired).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "the task of tools/call has ended as completed: it does not become input_required"
        );
        let error = handle.cancel().await.unwrap_err();
        assert!(matches!(error, Error::TaskEnded { .. }), "{error}");
    })
    .await;
}

// spec: TASKX-14
#[tokio::test(start_paused = true)]
async fn a_task_that_outlives_its_time_is_asked_for_once_more_and_given_up() {
    deadline(async {
        // By the server's clock, it was created long ago.
        let working = || task("working", json!({"ttlMs": 5_000}));
        let done = task("completed", json!({"ttlMs": 5_000, "result": {"late": true}}));
        let session = connect(&server(vec![working(), working(), done])).await;
        let reply = session.call_raw(Call::new("tools/call")).await.unwrap();
        assert_eq!(reply.result.as_str(), r#"{"late":true}"#);

        let script = server(vec![working()]);
        let session = connect(&script).await;
        let begun = Instant::now();
        let error = session.call_raw(Call::new("tools/call")).await.unwrap_err();
        assert!(matches!(&error, Error::Timeout { after, .. } if after.as_secs() == 5), "{error}");
        assert_eq!(begun.elapsed().as_secs(), 6, "at 2 s, 4 s and 6 s");
        let handle = start(&session).await;
        assert!(matches!(handle.wait().await, Err(Error::Timeout { .. })));
        assert_eq!(
            handle.status().await.unwrap().status,
            TaskStatus::Working,
            "it can be asked for"
        );
    })
    .await;
}

// spec: TASKX-08
// seed: 59
#[tokio::test(start_paused = true)]
async fn a_question_that_nobody_answers_ends_the_waiting_each_time() {
    deadline(async {
        let asks = json!({"inputRequests": {"a": {"method": "sampling/createMessage"}}});
        let session = connect(&server(vec![task("input_required", asks)])).await;
        let handle = start(&session).await;
        for _ in 0..2 {
            let error = handle.wait().await.unwrap_err();
            let Error::Misbehaved { misbehavior, .. } = error else { panic!("{error}") };
            assert_eq!(misbehavior, Misbehavior::UndeclaredInputRequest);
        }

        let (session, _driver, mut peer) = wire::open(wire::legacy()).await;
        let served = async {
            let request = peer.expect("tasks/get").await;
            peer.answer(request["id"].clone(), json!({"taskId": "t", "status": "input_required"}))
                .await;
        };
        let handle = session.task("t");
        let (error, ()) = tokio::join!(handle.result(), served);
        assert_eq!(
            error.unwrap_err().to_string(),
            "tools/call needs input that was not given: its task asks something, and nobody is there to answer"
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn each_change_is_told_once_from_the_present_state_to_the_last() {
    deadline(async {
        let says = |status, message: &str| task(status, json!({"statusMessage": message}));
        let states = vec![
            says("working", "begun"),
            says("working", "begun"),
            says("working", "half"),
            says("failed", "broken"),
        ];
        let session = connect(&server(states)).await;
        let handle = start(&session).await;
        let changes: Vec<_> = handle.changes().try_collect().await.unwrap();
        let told: Vec<_> = changes
            .iter()
            .map(|state| (state.status.as_str(), state.message.as_deref().unwrap()))
            .collect();
        assert_eq!(told, [("working", "begun"), ("working", "half"), ("failed", "broken")]);
        let last = changes.last().unwrap();
        assert_eq!(last.created_at.as_deref(), Some("2026-07-28T00:00:00Z"));
        assert_eq!(last.poll_interval.unwrap().as_millis(), 2_000);
        assert!(last.ttl.is_none() && last.is_terminal());
        let again: Vec<_> = handle.changes().collect().await;
        assert_eq!(again.len(), 1, "what is over is known");
    })
    .await;
}

// spec: TASKX-15
#[tokio::test(start_paused = true)]
async fn a_task_that_the_server_does_not_know_is_an_error_and_not_waited_for() {
    deadline(async {
        let script = Script::new(Binding::ByteStream, |_, request| match &*request.method {
            "server/discover" => discovered(&["2026-07-28"]),
            _ => Answer::Refuse(-32602, json!("unknown task")),
        });
        let session = connect(&script).await;
        let handle = session.task("gone");
        for error in [
            handle.status().await.unwrap_err(),
            handle.wait().await.unwrap_err(),
            handle.result().await.unwrap_err(),
            handle.cancel().await.unwrap_err(),
        ] {
            assert_eq!(error.as_rpc().unwrap().code.0, -32602, "{error}");
        }
        let changes: Vec<_> = handle.changes().collect().await;
        assert!(changes.len() == 1 && changes[0].is_err());
        assert_eq!(script.methods().iter().filter(|line| line.ends_with("tasks/get")).count(), 4);
    })
    .await;
}

// seed: 59
#[tokio::test(start_paused = true)]
async fn a_handle_keeps_no_session_open_and_what_is_known_stays_known() {
    deadline(async {
        let states = vec![task("completed", json!({"result": {"n": 7}}))];
        let script = server(states);
        let mut options = Options::default();
        options.extensions.push(Arc::new(Tasks::new()));
        let (session, driver) =
            mcp_session::Session::builder(script.clone()).options(options).connect().await.unwrap();
        let driver = conformance::script::Background::run(driver);
        let (known, unknown) = (start(&session).await, session.task("other"));
        assert_eq!(known.result().await.unwrap().decode::<Value>().unwrap()["n"], 7);
        let asked = script.log().len();
        assert_eq!(known.status().await.unwrap().status, TaskStatus::Completed);
        assert_eq!(known.clone().result().await.unwrap().decode::<Value>().unwrap()["n"], 7);
        assert_eq!(script.log().len(), asked, "it is not asked twice");
        drop(session);
        driver.cut().await;
        assert!(known.result().await.is_ok());
        for error in [unknown.wait().await.unwrap_err(), unknown.cancel().await.unwrap_err()] {
            assert!(matches!(error, Error::NotConnected), "{error}");
        }
    })
    .await;
}

// spec: TASK25-07 TASK25-18 PROG-02 PROG-08
// seed: 59
#[tokio::test(start_paused = true)]
async fn what_a_legacy_server_tells_of_a_task_is_heard_at_once() {
    deadline(async {
        let (session, _driver, mut peer) = wire::open(wire::legacy()).await;
        let progress = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&progress);
        let events = Events::listener(move |event| {
            if let Event::Progress(progress) = event {
                heard.lock().unwrap().push(progress.progress);
            }
        });
        let start = Instant::now();
        let served = async {
            let request = peer.expect("tools/list").await;
            let execution = json!({"taskSupport": "optional"});
            let tool = json!({"name": "slow", "inputSchema": {}, "execution": execution});
            peer.answer(request["id"].clone(), json!({"tools": [tool]})).await;
            let request = peer.expect("tools/call").await;
            let token = request["params"]["_meta"]["progressToken"].clone();
            let task = json!({"taskId": "t", "status": "working", "pollInterval": 60_000});
            peer.answer(request["id"].clone(), json!({"task": task})).await;
            for (token, progress) in [(token.clone(), 1), (json!("other"), 2), (token.clone(), 3)] {
                let params = json!({"progressToken": token, "progress": progress});
                peer.notify("notifications/progress", params).await;
            }
            // What comes after the end is ignored.
            for (id, status) in
                [("other", "failed"), ("t", "working"), ("t", "completed"), ("t", "working")]
            {
                let params = json!({"taskId": id, "status": status, "statusMessage": status});
                peer.notify("notifications/tasks/status", params).await;
            }
            // So is progress: the token was valid until the end.
            let params = json!({"progressToken": token, "progress": 4});
            peer.notify("notifications/progress", params).await;
            let request = peer.expect("tasks/result").await;
            peer.answer(request["id"].clone(), json!({"content": []})).await;
        };
        let called = async {
            let call = super::handle::named("slow").with_events(events);
            let Started::Task(handle) = session.call_as_task(call, None).await.unwrap() else {
                panic!("no task");
            };
            handle.result().await.unwrap();
        };
        tokio::join!(called, served);
        assert_eq!(*progress.lock().unwrap(), [1.0, 3.0]);
        assert!(start.elapsed().as_secs() < 60, "nobody asked");
    })
    .await;
}

// spec: PROG-08 TASK25-04
#[tokio::test(start_paused = true)]
async fn the_token_of_a_call_is_good_for_as_long_as_the_task_that_was_made_of_it() {
    deadline(async {
        let (session, _driver, mut peer) = wire::open(wire::legacy()).await;
        let (sender, mut heard) = tokio::sync::mpsc::channel(8);
        let call = super::handle::named("slow").with_events(Events::channel(sender));
        let served = async {
            let request = peer.expect("tools/list").await;
            let execution = json!({"taskSupport": "required"});
            let tool = json!({"name": "slow", "inputSchema": {}, "execution": execution});
            peer.answer(request["id"].clone(), json!({"tools": [tool]})).await;
            let request = peer.expect("tools/call").await;
            let token = request["params"]["_meta"]["progressToken"].clone();
            let working = json!({"taskId": "t", "status": "working", "pollInterval": 1000});
            peer.answer(request["id"].clone(), json!({"task": working})).await;
            for progress in [1, 2] {
                let params = json!({"progressToken": token, "progress": progress});
                peer.notify("notifications/progress", params).await;
                let request = peer.expect("tasks/get").await;
                peer.answer(request["id"].clone(), working.clone()).await;
            }
            let request = peer.expect("tasks/get").await;
            let completed = json!({"taskId": "t", "status": "completed"});
            peer.answer(request["id"].clone(), completed).await;
            let request = peer.expect("tasks/result").await;
            peer.answer(request["id"].clone(), json!({"content": []})).await;
        };
        let called = async {
            session.call_raw(Call::new("tools/list")).await.unwrap();
            session.call_raw(call).await.unwrap();
        };
        tokio::join!(called, served);
        for expected in [1.0, 2.0] {
            let Some(Event::Progress(progress)) = heard.recv().await else { panic!("no progress") };
            assert_eq!(progress.progress, expected);
        }
        assert!(heard.recv().await.is_none(), "nobody says more");
    })
    .await;
}

// spec: TASKX-16
// seed: 59
#[tokio::test(start_paused = true)]
async fn tasks_of_a_session_are_found_where_the_server_keeps_no_list() {
    deadline(async {
        let script = Script::new(Binding::ByteStream, |_, request| match &*request.method {
            "server/discover" => discovered(&["2026-07-28"]),
            "tools/call" => {
                let id = format!("t-{}", request.id);
                let mut task = task("working", json!({"resultType": "task"}));
                task["taskId"] = id.into();
                Answer::Result(task)
            }
            _ => {
                let params: Value = request.params.as_ref().unwrap().decode().unwrap();
                match params["taskId"].as_str().unwrap() {
                    "t-3" => Answer::Refuse(-32602, Value::Null),
                    _ => Answer::Result(task("working", json!({}))),
                }
            }
        });
        let session = connect(&script).await;
        let mut ids = Vec::new();
        for _ in 0..4 {
            ids.push(start(&session).await.id().to_owned());
        }
        assert_eq!(ids, ["t-2", "t-3", "t-4", "t-5"]);
        let found = |limit| {
            let session = session.clone();
            async move {
                let found = session.started_tasks(limit).await.unwrap();
                found.iter().map(|task| task.handle.id().to_owned()).collect::<Vec<_>>()
            }
        };
        assert_eq!(found(9).await, ["t-5", "t-4", "t-2"], "one is gone, and harms no other");
        assert_eq!(found(1).await, ["t-5"]);
    })
    .await;
}
