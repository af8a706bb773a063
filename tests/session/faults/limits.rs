//! Calls that would not end by themselves.

use super::{modern, shake};
use crate::roots;
use crate::script::{Answer, deadline};
use futures_util::stream;
use mcp_session::{Call, Deadlines, Error, Misbehavior, Options, Phase, Tasks};
use mcp_transport::Replies;
use mcp_types::{
    RawJson,
    rpc::{Message, Notification, Request, Response},
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

// spec: CAN-01 CAN-02
#[tokio::test(start_paused = true)]
async fn f17_a_call_that_is_never_answered_times_out_and_is_given_up_once() {
    deadline(async {
        let silent = modern(|_| Answer::Silence);
        let session = silent.connect(Options::default()).await.unwrap();
        let error = session.call_raw(Call::new("tools/call")).await.unwrap_err();
        assert!(matches!(error, Error::Timeout { phase: Phase::Idle, .. }), "{error}");
        let given_up = silent.log().iter().filter(|line| line.contains("dropped")).count();
        assert_eq!(given_up, 1);
        assert_eq!(silent.methods().len(), 4, "and it is not sent again");
    })
    .await;
}

// spec: CAN-04
#[tokio::test(start_paused = true)]
async fn f23_progress_without_end_does_not_hold_the_total_deadline_off() {
    deadline(async {
        let script = modern(|request| {
            let token = serde_json::to_value(&request.id).unwrap();
            let steps = stream::unfold(1_u32, move |step| {
                let params = json!({"progressToken": token, "progress": step});
                let params = RawJson::encode(&params).unwrap();
                async move {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    let progress = Notification::new("notifications/progress");
                    Some((Ok(Message::from(progress.with_params(params))), step + 1))
                }
            });
            Answer::Stream(Replies::new(steps))
        });
        let session = script.connect(Options::default()).await.unwrap();
        let mut limits = Deadlines::default();
        limits.idle = Some(Duration::from_secs(5));
        limits.total = Some(Duration::from_secs(100));
        let start = Instant::now();
        let call = Call::new("tools/call").with_extension(limits);
        let error = session.call_raw(call).await.unwrap_err();
        assert!(matches!(error, Error::Timeout { phase: Phase::Total, .. }), "{error}");
        assert_eq!(start.elapsed().as_secs(), 100);
    })
    .await;
}

fn state_of(request: &Request) -> Value {
    let params: Value = request.params.as_ref().unwrap().decode().unwrap();
    params["requestState"].clone()
}

// spec: MRTR-03 MRTR-10 SAMP-13
#[tokio::test(start_paused = true)]
async fn f61_questions_without_end_are_given_up_and_the_next_call_works() {
    deadline(async {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let script = modern(move |request| {
            if request.method == "tools/list" {
                return Answer::Result(json!({"resultType": "complete", "tools": []}));
            }
            let round = count.fetch_add(1, Relaxed);
            let state = format!("{round}{}", "s".repeat(10 * 1024 * 1024));
            if round > 0 {
                assert_eq!(
                    state_of(request),
                    format!("{}{}", round - 1, &state[state.len() - 10 * 1024 * 1024..])
                );
            }
            Answer::Result(json!({"resultType": "input_required", "requestState": state,
                "inputRequests": {"q": {"method": "roots/list"}}}))
        });
        let mut options = Options::default();
        options.input = roots::none();
        options.input_rounds = 3;
        let session = script.connect(options).await.unwrap();
        let error = session.call_raw(Call::new("tools/call")).await.unwrap_err();
        assert!(error.to_string().contains("more than 3 times"), "{error}");
        assert_eq!(asked.load(Relaxed), 4);
        session.call_raw(Call::new("tools/list")).await.unwrap();
    })
    .await;
}

// spec: MRTR-02 MRTR-09 MRTR-10
#[tokio::test(start_paused = true)]
async fn f61_a_server_that_only_wants_to_be_asked_again_is_not_hammered() {
    deadline(async {
        let script = modern(|_| {
            Answer::Result(json!({"resultType": "input_required", "requestState": "again"}))
        });
        let session = script.connect(Options::default()).await.unwrap();
        let start = Instant::now();
        assert!(session.call_raw(Call::new("tools/call")).await.is_err());
        assert!(start.elapsed() >= Duration::from_secs(2), "ten tries, and waits between them");
        assert_eq!(script.methods().len(), 2 + 11);

        let unknown =
            json!({"resultType": "input_required", "inputRequests": {"q": {"method": "x/y"}}});
        let script = modern(move |_| Answer::Result(unknown.clone()));
        let session = script.connect(Options::default()).await.unwrap();
        match session.call_raw(Call::new("tools/call")).await.unwrap_err() {
            Error::Misbehaved { misbehavior, .. } => {
                assert_eq!(misbehavior, Misbehavior::UndeclaredInputRequest);
            }
            other => panic!("{other}"),
        }
    })
    .await;
}

// spec: TASKX-05 CAN-04
#[tokio::test(start_paused = true)]
async fn f66_a_task_without_end_is_asked_for_at_a_sane_pace_until_the_limit() {
    deadline(async {
        for (interval, most) in
            [(json!(0), 606), (json!(-5), 606), (json!(1e12), 11), (json!("x"), 606)]
        {
            let task = move |kind: &str| {
                json!({"taskId": "t", "status": "working", "createdAt": "", "lastUpdatedAt": "",
                    "ttlMs": null, "resultType": kind, "pollIntervalMs": interval})
            };
            let (created, state) = (task("task"), task("complete"));
            let script = modern(move |request| match &*request.method {
                "tools/call" => Answer::Result(created.clone()),
                "tasks/get" => Answer::Result(state.clone()),
                _ => Answer::Result(json!({"resultType": "complete"})),
            });
            let mut options = Options::default();
            options.extensions.push(Arc::new(Tasks::new()));
            let session = script.connect(options).await.unwrap();
            let limit = Deadlines::total(Duration::from_secs(600));
            let call = Call::new("tools/call").with_extension(limit);
            let error = session.call_raw(call).await.unwrap_err();
            assert!(matches!(error, Error::Timeout { phase: Phase::Total, .. }), "{error}");
            tokio::time::sleep(Duration::from_secs(1)).await;
            let methods = script.methods();
            let count = |name| methods.iter().filter(|method| method.ends_with(name)).count();
            assert!((1..=most).contains(&count("tasks/get")), "{} of {most}", count("tasks/get"));
            assert_eq!(count("tasks/cancel"), 1);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn f66_what_a_task_says_after_its_end_is_not_asked_for() {
    deadline(async {
        let asked = AtomicUsize::new(0);
        let script = modern(move |request| {
            let status = match asked.fetch_add(1, Relaxed) {
                0 => "working",
                1 => "completed",
                _ => "failed",
            };
            let kind = if request.method == "tools/call" { "task" } else { "complete" };
            Answer::Result(
                json!({"taskId": "t", "status": status, "createdAt": "", "lastUpdatedAt": "",
                "ttlMs": null, "resultType": kind, "result": {"content": []}}),
            )
        });
        let mut options = Options::default();
        options.extensions.push(Arc::new(Tasks::new()));
        let session = script.connect(options).await.unwrap();
        session.call_raw(Call::new("tools/call")).await.unwrap();
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(script.methods().len(), 4, "{:?}", script.methods());
    })
    .await;
}

// spec: PING-05
#[tokio::test(start_paused = true)]
async fn f16_a_question_of_no_known_kind_is_refused_in_the_old_era_and_ignored_in_the_new_one() {
    deadline(async {
        let ask = |request: &Request| {
            let unknown = Request::new("q", "no/such").into();
            let done = Response::success(request.id.clone(), RawJson::EMPTY_OBJECT).into();
            Answer::Say(vec![unknown, done])
        };
        let script = super::legacy(ask);
        let session = shake(&script, Options::default()).await;
        session.call_raw(Call::new("tools/call")).await.unwrap();
        let refused = |line: &&String| line.contains(" response ");
        let lines = script.log();
        assert!(lines.iter().find(refused).unwrap().contains("-32601"));

        let script = modern(ask);
        let session = script.connect(Options::default()).await.unwrap();
        session.call_raw(Call::new("tools/call")).await.unwrap();
        assert_eq!(script.log().iter().find(refused), None);
    })
    .await;
}

/// Sends progress without a pause, until a test must have failed.
fn torrent(request: &Request) -> Answer {
    let token = serde_json::to_value(&request.id).unwrap();
    let end = std::time::Instant::now() + Duration::from_secs(20);
    let steps = stream::unfold(1_u32, move |step| {
        let params = json!({"progressToken": token, "progress": step});
        let progress = Notification::new("notifications/progress")
            .with_params(RawJson::encode(&params).unwrap());
        let is_over = std::time::Instant::now() > end;
        async move { (!is_over).then(|| (Ok(Message::from(progress)), step + 1)) }
    });
    Answer::Stream(Replies::new(steps))
}

// spec: CAN-04
#[tokio::test]
async fn f23_progress_without_a_pause_holds_neither_the_deadline_off_nor_others_who_share_the_task()
{
    let session = modern(torrent).connect(Options::default()).await.unwrap();
    let call = Call::new("tools/call").with_extension(Deadlines::total(Duration::from_millis(50)));
    let error = session.call_raw(call).await.unwrap_err();
    assert!(matches!(error, Error::Timeout { phase: Phase::Total, .. }), "{error}");
    let call = session.call_raw(Call::new("tools/call"));
    assert!(tokio::time::timeout(Duration::from_millis(50), call).await.is_err());
}
