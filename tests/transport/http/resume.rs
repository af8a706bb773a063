//! Streams of calls to a server with a handshake that end or break before the response.

use super::{
    legacy::{begin, finish, told},
    *,
};
use conformance::http_server::{Step, event, response};
use mcp_transport::{Delivery, Diagnostic, http::Limits};
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

const LAST_EVENT_ID: &str = "last-event-id";

fn is_resume(request: &Recorded) -> bool {
    request.method == "GET" && request.headers.contains_key(LAST_EVENT_ID)
}

/// A server that answers calls with `first`, and resumed streams with `rest`, which gets the call, the request for the
/// rest, and the number of earlier ones.
async fn start_resumable(
    first: impl Fn(&Recorded) -> Answer + Send + Sync + 'static,
    rest: impl Fn(&Recorded, &Recorded, usize) -> Answer + Send + Sync + 'static,
) -> HttpServer {
    let call: Mutex<Option<Recorded>> = Mutex::default();
    let count = AtomicUsize::new(0);
    start(move |request| {
        if is_resume(request) {
            let call = call.lock().unwrap().clone().unwrap();
            return rest(&call, request, count.fetch_add(1, Ordering::Relaxed));
        }
        if request.rpc_method() != "tools/call" {
            return well_behaved(request);
        }
        *call.lock().unwrap() = Some(request.clone());
        first(request)
    })
    .await
}

fn with_id(id: &str, message: &Value) -> String {
    format!("id: {id}\n{}", event(message))
}

fn priming(id: &str) -> String {
    format!("retry: 100\nid: {id}\ndata:\n\n")
}

fn stream(text: impl Into<bytes::Bytes>) -> Answer {
    Answer::body("text/event-stream", text)
}

fn ids(server: &HttpServer) -> Vec<String> {
    let resumes = server.matching(is_resume);
    resumes.iter().map(|it| it.header(LAST_EVENT_ID).unwrap().to_owned()).collect()
}

// spec: H25-01 H25-03 H25-04 H25-09 H25-10
#[tokio::test]
async fn f26_a_stream_that_ends_or_breaks_after_an_event_id_is_asked_for_the_rest() {
    deadline(async {
        for cut in [false, true] {
            let server = start_resumable(
                move |_| {
                    let answer = stream(priming("e-0"))
                        .step(Step::Send(with_id("e-1", &told("a")).into()))
                        .step(Step::Send("id: e-2\ndata: {\"half".into()));
                    if cut { answer.step(Step::Cut) } else { answer }
                },
                |call, _, number| match number {
                    0 => stream(with_id("e-2", &told("b"))),
                    _ => stream(with_id("e-3", &response(call, &json!({ "late": true })))),
                },
            )
            .await;
            let mut peer = connect(&server).await;
            begin(&mut peer).await;
            let replies = peer.send(legacy_call(1)).await.unwrap();
            let methods = replies.iter().map(|reply| match reply {
                ServerMessage::Notification(it) => it.method.to_string(),
                ServerMessage::Response(it) => it.outcome.clone().unwrap().as_str().to_owned(),
                ServerMessage::Request(_) => panic!("no request"),
            });
            assert_eq!(methods.collect::<Vec<_>>(), ["a", "b", r#"{"late":true}"#]);
            assert_eq!(ids(&server), ["e-1", "e-2"]);
            for resume in server.matching(is_resume) {
                assert_eq!(resume.header("mcp-session-id"), Some("session-1"));
                assert_eq!(resume.header("accept"), Some("text/event-stream"));
                assert_eq!(resume.header("mcp-protocol-version"), Some("2025-11-25"));
            }
            finish(peer).await;
            assert_eq!(server.matching(|it| it.rpc_method() == "tools/call").len(), 1);
            assert!(server.matching(|it| it.rpc_method().ends_with("cancelled")).is_empty());
        }
    })
    .await;
}

// spec: H25-11
#[tokio::test]
async fn what_comes_again_after_a_resume_is_given_once() {
    deadline(async {
        let server = start_resumable(
            |_| stream(priming("e-0") + &with_id("e-1", &told("a")) + &with_id("e-2", &told("b"))),
            |call, _, _| {
                let again = with_id("e-1", &told("a")) + &with_id("e-2", &told("b"));
                stream(again + &with_id("e-3", &response(call, &json!({}))))
            },
        )
        .await;
        let mut peer = connect(&server).await;
        begin(&mut peer).await;
        assert_eq!(peer.send(legacy_call(1)).await.unwrap().len(), 3);
    })
    .await;
}

// spec: H25-20
#[tokio::test]
async fn f27_a_stream_that_brings_nothing_new_is_given_up_after_a_few_tries() {
    deadline(async {
        let server = start_resumable(
            |_| stream(priming("e-0")),
            |_, _, number| match number {
                0 => Answer::status(503),
                1 => stream("").step(Step::Cut),
                _ => stream(priming("e-0")),
            },
        )
        .await;
        let mut peer = connect(&server).await;
        begin(&mut peer).await;
        let error = error_of(peer.send(legacy_call(1)).await);
        assert!(error.is_closed(), "{error:?}");
        assert_eq!((error.delivery(), error.status()), (Delivery::Unknown, None));
        assert_eq!(ids(&server).len(), 5);
        peer.ask(initialize(2)).await;
    })
    .await;
}

// spec: H25-20 OLD-01
#[tokio::test]
async fn the_tries_and_the_messages_of_a_batch_have_limits_of_ones_own() {
    deadline(async {
        let server = start_resumable(
            |request| match request.json()["id"].as_i64() {
                Some(1) => stream(priming("e-0")),
                _ => Answer::json(&json!([told("a"), told("b"), response(request, &json!({}))])),
            },
            |_, _, _| Answer::status(503),
        )
        .await;
        let mut limits = Limits::default();
        limits.resumes = 2;
        limits.batch = 2;
        let mut peer = connect_to(Endpoint::parse(server.url()).unwrap().limits(limits)).await;
        begin(&mut peer).await;
        let error = error_of(peer.send(legacy_call(1)).await);
        assert!(error.is_closed(), "{error:?}");
        assert_eq!(ids(&server).len(), 2);
        let error = error_of(peer.send(legacy_call(2)).await);
        assert!(error.is_malformed(), "{error:?}");
    })
    .await;
}

// spec: H25-02 H25-11
#[tokio::test]
async fn waits_and_event_ids_have_limits_of_ones_own() {
    deadline(async {
        let server = start_resumable(
            |_| {
                let begin = "retry: 600000\n".to_owned() + &with_id("e-1", &told("a"));
                stream(begin + &with_id("e-2", &told("b")) + &with_id("e-1000", &told("c")))
            },
            |call, _, number| {
                let again = with_id("e-1", &told("a")) + &with_id("e-2", &told("b"));
                let done = with_id("e-3", &response(call, &json!({})));
                stream(if number == 0 { again } else { done })
            },
        )
        .await;
        let mut limits = Limits::default();
        limits.resume_wait = Duration::from_millis(1);
        limits.event_id = 3;
        limits.event_ids = 1;
        let mut peer = connect_to(Endpoint::parse(server.url()).unwrap().limits(limits)).await;
        begin(&mut peer).await;
        // The first event is no longer remembered when it is repeated, and because of that neither is the second.
        assert_eq!(peer.send(legacy_call(1)).await.unwrap().len(), 6);
        assert_eq!(ids(&server), ["e-2", "e-2"], "the long id is never sent back");
    })
    .await;
}

// spec: H25-20
#[tokio::test]
async fn f27_a_server_that_cannot_resume_fails_the_call_at_once() {
    deadline(async {
        for status in [400, 405, 200] {
            let server =
                start_resumable(|_| stream(priming("e-0")), move |_, _, _| Answer::status(status))
                    .await;
            let mut peer = connect(&server).await;
            begin(&mut peer).await;
            let error = error_of(peer.send(legacy_call(1)).await);
            assert!(error.is_closed() && error.status().is_none(), "{error:?}");
            assert_eq!(error.delivery(), Delivery::Unknown);
            assert_eq!(ids(&server).len(), 1);
        }
    })
    .await;
}

// spec: H25-15 H25-16
#[tokio::test]
async fn f35_a_session_that_expired_under_a_stream_is_named() {
    deadline(async {
        let server =
            start_resumable(|_| stream(priming("e-0")), |_, _, _| Answer::status(404)).await;
        let mut peer = connect(&server).await;
        begin(&mut peer).await;
        let error = error_of(peer.send(legacy_call(1)).await);
        assert!(error.is_closed() && error.status().unwrap() == 404, "{error:?}");
        assert_eq!(error.delivery(), Delivery::Unknown, "the server had the call");
        let error = error_of(peer.send(legacy_call(2)).await);
        assert!(error.is_closed() && error.status().unwrap() == 404, "{error:?}");
        assert_eq!(error.delivery(), Delivery::NotSent);
        assert_eq!(server.matching(|it| it.rpc_method() == "tools/call").len(), 1);
    })
    .await;
}

// spec: HTTP-13 HTTP-14
#[tokio::test]
async fn f26_the_stream_of_a_stateless_server_is_never_resumed() {
    deadline(async {
        let server = start(|_| stream(priming("e-0"))).await;
        let mut peer = connect(&server).await;
        let error = error_of(peer.send(modern_call(1)).await);
        assert!(error.is_closed() && error.delivery() == Delivery::Unknown, "{error:?}");
        assert_eq!(server.requests().len(), 1);
    })
    .await;
}

// spec: H25-05 H25-06 CAN-05
#[tokio::test]
async fn a_call_that_is_dropped_while_its_stream_is_resumed_is_cancelled() {
    deadline(async {
        let server = start_resumable(|_| stream(priming("e-0")), |_, _, _| Answer::silence()).await;
        let mut peer = connect(&server).await;
        begin(&mut peer).await;
        tokio::select! {
            _ = peer.send(legacy_call(1)) => panic!("there is no answer"),
            _ = server.wait_for(1, is_resume) => {}
        }
        let cancels = server.wait_for(1, |it| it.rpc_method() == "notifications/cancelled").await;
        assert_eq!(cancels[0].json()["params"]["requestId"], 1);
        server.wait_for_given_up(1).await;
    })
    .await;
}

// spec: OLD-01
#[tokio::test]
async fn a_server_with_a_handshake_may_answer_with_batches() {
    deadline(async {
        let seen = Arc::new(AtomicUsize::new(0));
        let server = start(move |request| {
            if request.method == "GET" {
                return Answer::events(&[json!([told("c"), told("d")])]).step(Step::Stall);
            }
            if request.rpc_method() != "tools/call" {
                return well_behaved(request);
            }
            let done = response(request, &json!({}));
            match seen.fetch_add(1, Ordering::Relaxed) {
                0 => Answer::json(&json!([told("a"), told("b"), done])),
                1 => Answer::events(&[json!([told("a"), told("b")]), json!([done])]),
                2 => Answer::json(&json!([told("a")])),
                _ => Answer::json(&json!([])),
            }
        })
        .await;
        let mut peer = connect(&server).await;
        begin(&mut peer).await;
        for id in [1, 2] {
            assert_eq!(peer.send(legacy_call(id)).await.unwrap().len(), 3);
        }
        for id in [3, 4] {
            let error = error_of(peer.send(legacy_call(id)).await);
            assert!(error.is_malformed(), "{error:?}");
        }
        // The batches in answers and in the stream are reported; their messages belong to their calls.
        let (mut names, mut batches) = (Vec::new(), 0);
        while names.len() < 2 {
            match peer.next_unsolicited().await {
                Arrival::Message(ServerMessage::Notification(it)) => names.push(it.method),
                Arrival::Diagnostic(Diagnostic::Batch) => batches += 1,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!((names, batches >= 1), (vec!["c".into(), "d".into()], true));
    })
    .await;
}
