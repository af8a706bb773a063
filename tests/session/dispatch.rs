//! From calls to messages and back.

use crate::script::{Answer, Script, deadline, discovered, initialized};
use mcp_session::{Call, Error, Event, Events, Misbehavior, OnRequestId, Options, Session};
use mcp_transport::Binding;
use mcp_types::{
    RawJson, RequestId,
    rpc::{Message, Notification, Request, Response},
};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

/// Opens a session with a server that answers every call with these messages; `id` is the id of the call.
async fn session(
    legacy: bool,
    answer: impl Fn(&RequestId) -> Vec<Message> + Send + Sync + 'static,
) -> (Script, Session) {
    let script = Script::new(Binding::ByteStream, move |_, request| match &*request.method {
        "server/discover" if legacy => Answer::Refuse(-32601, Value::Null),
        "server/discover" => discovered(&["2026-07-28"]),
        "initialize" => initialized("2025-11-25"),
        _ => Answer::Say(answer(&request.id)),
    });
    let session = script.connect(Options::default()).await.unwrap();
    (script, session)
}

fn done(id: &RequestId) -> Message {
    Response::success(id.clone(), RawJson::EMPTY_OBJECT).into()
}

fn progress(id: &RequestId, progress: f64) -> Message {
    let params = RawJson::encode(&json!({"progressToken": id, "progress": progress})).unwrap();
    Notification::new("notifications/progress").with_params(params).into()
}

// spec: MSG-05 MSG-06 PROG-01 PROG-02
// seed: 12
#[tokio::test(start_paused = true)]
async fn ids_are_never_used_twice_and_are_the_progress_tokens() {
    deadline(async {
        let (script, session) = session(false, |id| vec![done(id)]).await;
        for _ in 0..3 {
            session.call_raw(Call::new("tools/list")).await.unwrap();
        }
        let lines = script.log();
        let calls = lines.iter().filter(|line| line.contains("tools/list"));
        let ids = calls.map(|line| {
            let mut words = line.splitn(4, ' ');
            let id = words.nth(2).unwrap().to_owned();
            let params: Value = serde_json::from_str(words.next().unwrap()).unwrap();
            assert_eq!(params["_meta"]["progressToken"].to_string(), id);
            id
        });
        assert_eq!(ids.collect::<Vec<_>>(), ["2", "3", "4"]);
    })
    .await;
}

// spec: PROG-05 PROG-06 HTTP-11
#[tokio::test(start_paused = true)]
async fn events_come_in_order_and_progress_that_does_not_grow_is_left_out() {
    deadline(async {
        let (_, session) = session(false, |id| {
            let log = Notification::new("notifications/message");
            let steps = [1.0, 2.5, 2.5, 1.0].map(|step| progress(id, step));
            steps.into_iter().chain([log.into(), progress(id, 3.0), done(id)]).collect()
        })
        .await;
        let seen = Arc::new(Mutex::new(Vec::new()));
        let listener = Arc::clone(&seen);
        let events = Events::listener(move |event| {
            listener.lock().unwrap().push(match event {
                Event::Progress(progress) => progress.progress.to_string(),
                Event::Notification(notification) => notification.method.clone().into_owned(),
                _ => unreachable!("no other events"),
            });
        });
        session.call_raw(Call::new("tools/call").with_events(events)).await.unwrap();
        assert_eq!(*seen.lock().unwrap(), ["1", "2.5", "notifications/message", "3"]);
    })
    .await;
}

// spec: MSG-17 PING-01 H25-09
#[tokio::test(start_paused = true)]
async fn a_legacy_servers_requests_are_answered_and_a_stateless_servers_are_not() {
    deadline(async {
        let ask = |id: &RequestId| {
            let questions = ["ping", "roots/list", "no/such"];
            let asked = questions.map(|method| Request::new(method, method).into());
            asked.into_iter().chain([progress(id, 1.0), done(id)]).collect::<Vec<Message>>()
        };
        let (script, session) = session(true, ask).await;
        let (sender, mut events) = tokio::sync::mpsc::channel(1);
        let call = Call::new("tools/call").with_events(Events::channel(sender));
        session.call_raw(call).await.unwrap();
        assert!(events.recv().await.is_some());
        let lines = script.log();
        let answers = lines.iter().filter(|line| line.contains(" response "));
        for answer in answers.clone() {
            let expected = if answer.contains("ping") { "{}" } else { "does not answer" };
            assert!(answer.contains(expected), "{answer}");
        }
        assert_eq!(answers.count(), 3);

        let (script, session) = crate::dispatch::session(false, ask).await;
        session.call_raw(Call::new("tools/call")).await.unwrap();
        assert!(!script.log().iter().any(|line| line.contains(" response ")));
    })
    .await;
}

// spec: MSG-07 MSG-08
#[tokio::test(start_paused = true)]
async fn replies_that_do_not_answer_the_call_fail_it_at_once() {
    deadline(async {
        let cases: [(fn(&RequestId) -> Vec<Message>, Misbehavior); 3] = [
            (|_| vec![], Misbehavior::NoResponse),
            (|id| vec![progress(id, 1.0)], Misbehavior::NoResponse),
            (|_| vec![done(&"1".into())], Misbehavior::ResponseForOtherId),
        ];
        for (answer, expected) in cases {
            let (_, session) = session(false, answer).await;
            match session.call_raw(Call::new("tools/call")).await.unwrap_err() {
                Error::Misbehaved { misbehavior, .. } => assert_eq!(misbehavior, expected),
                other => panic!("{other}"),
            }
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_panics_harms_neither_the_call_nor_the_next_listener() {
    deadline(async {
        let (_, session) = session(false, |id| vec![progress(id, 1.0), done(id)]).await;
        let seen = Arc::new(Mutex::new(0));
        let count = Arc::clone(&seen);
        let events = Events::listener(move |_| *count.lock().unwrap() += 1)
            .and_listener(|_| panic!("the listener is broken"));
        session.call_raw(Call::new("tools/call").with_events(events)).await.unwrap();
        assert_eq!(*seen.lock().unwrap(), 1);
    })
    .await;
}

// spec: PROG-04
#[tokio::test(start_paused = true)]
async fn a_flood_of_questions_is_refused_beyond_a_limit() {
    deadline(async {
        let flood = |id: &RequestId| {
            let ping = |_| Request::new("same", "ping").into();
            (0..1_000).map(ping).chain([done(id)]).collect::<Vec<Message>>()
        };
        let (script, session) = session(true, flood).await;
        session.call_raw(Call::new("tools/call")).await.unwrap();
        let answers = script.log().iter().filter(|line| line.contains(" response ")).count();
        assert_eq!(answers, 1_000, "each was answered or refused");
    })
    .await;
}

// spec: MSG-05
#[tokio::test(start_paused = true)]
async fn who_wants_to_know_is_told_the_id_of_a_request_before_it_is_sent() {
    deadline(async {
        let (script, session) = session(false, |id| vec![done(id)]).await;
        let told = Arc::new(Mutex::new(Vec::new()));
        let tell = Arc::clone(&told);
        let listener = OnRequestId::new(move |id| tell.lock().unwrap().push(id.to_string()));
        session.call_raw(Call::new("tools/list").with_extension(listener)).await.unwrap();
        let told = told.lock().unwrap().clone();
        let sent = script.log().into_iter().find(|line| line.contains("tools/list")).unwrap();
        assert_eq!(told, [sent.split(' ').nth(2).unwrap()]);
    })
    .await;
}
