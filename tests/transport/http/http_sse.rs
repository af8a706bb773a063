//! Servers of revision 2024-11-05: one event stream, and POSTs to the endpoint that it names.

use super::{
    legacy::{begin, finish, told},
    *,
};
use conformance::http_server::{Step, event};
use mcp_transport::{Delivery, Diagnostic, http::Limits};
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};
use tokio::sync::Semaphore;

/// A server of that revision at `/mcp`, which sends over its stream what `says` returns for each message.
///
/// The stream is a row of slots: a message fills one and opens it. The content of a slot is fixed when the server
/// starts, so `says` gets the number of the message.
struct Older {
    server: HttpServer,
    slots: Arc<Vec<Arc<Semaphore>>>,
}

impl Older {
    async fn start(endpoint: &'static str, says: &[String]) -> Self {
        Self::start_with(endpoint, says, |_| None).await
    }

    /// The same, where `answers` may answer a POST with something other than 202.
    async fn start_with(
        endpoint: &'static str,
        says: &[String],
        answers: impl Fn(&Recorded) -> Option<Answer> + Send + Sync + 'static,
    ) -> Self {
        let slots: Arc<Vec<_>> =
            Arc::new(says.iter().map(|_| Arc::new(Semaphore::new(0))).collect());
        let (gates, says) = (Arc::clone(&slots), says.to_vec());
        let posted = AtomicUsize::new(0);
        let server = start(move |request| {
            if request.method == "GET" {
                let first = format!(": hello\n\nevent: endpoint\ndata: {endpoint}\n\n");
                let mut answer = Answer::body("text/event-stream", first);
                for (gate, text) in gates.iter().zip(&says) {
                    answer = answer
                        .step(Step::Wait(Arc::clone(gate)))
                        .step(Step::Send(text.clone().into()));
                }
                return answer.step(Step::Stall);
            }
            if request.uri.path() == "/mcp" {
                return Answer::status(405);
            }
            let answer = answers(request).unwrap_or_else(|| Answer::status(202));
            if !request.json()["id"].is_null() {
                let number = posted.fetch_add(1, Ordering::Relaxed);
                if let Some(gate) = gates.get(number) {
                    gate.add_permits(1);
                }
            }
            answer
        })
        .await;
        Self { server, slots }
    }

    fn posts(&self) -> Vec<Recorded> {
        self.server.matching(|it| it.method == "POST" && it.uri.path() != "/mcp")
    }
}

fn answer_to(id: i64) -> String {
    event(&json!({ "jsonrpc": "2.0", "id": id, "result": { "protocolVersion": "2024-11-05" } }))
}

fn progress(token: i64) -> String {
    event(&json!({
        "jsonrpc": "2.0",
        "method": "notifications/progress",
        "params": { "progressToken": token, "progress": 1 },
    }))
}

// spec: SSE24-01
#[tokio::test]
async fn a_handshake_that_is_given_up_is_not_in_the_way_of_the_next() {
    deadline(async {
        let (streams, posted) = (AtomicUsize::new(0), Arc::new(Semaphore::new(0)));
        let server = start(move |request| {
            if request.method == "POST" {
                posted.add_permits(1);
                return Answer::status(202);
            }
            if streams.fetch_add(1, Ordering::Relaxed) == 0 {
                // It never names the message endpoint.
                return Answer::body("text/event-stream", ": hello\n\n").step(Step::Stall);
            }
            Answer::body("text/event-stream", "event: endpoint\ndata: /messages\n\n")
                .step(Step::Wait(Arc::clone(&posted)))
                .step(Step::Send(answer_to(2).into()))
                .step(Step::Stall)
        })
        .await;
        let endpoint = Endpoint::parse(server.url()).unwrap().http_sse();
        let mut peer = connect_to(endpoint).await;
        let short = Duration::from_millis(200);
        assert!(tokio::time::timeout(short, peer.send(initialize(1))).await.is_err());
        assert!(peer.ask(initialize(2)).await.outcome.is_ok());
        assert_eq!(server.matching(|it| it.method == "GET").len(), 2);
    })
    .await;
}

// spec: SSE24-01 SSE24-02 VER-10 H25-17
#[tokio::test]
async fn a_server_that_refuses_the_post_is_found_by_its_stream() {
    deadline(async {
        for known in [false, true] {
            let says = [
                answer_to(0),
                event(&told("notifications/tools/list_changed")) + &progress(1) + &answer_to(1),
            ];
            let older = Older::start("/messages?session=secret", &says).await;
            let mut endpoint = Endpoint::parse(older.server.url()).unwrap();
            if known {
                endpoint = endpoint.http_sse();
            }
            let mut peer = connect_to(endpoint).await;
            begin(&mut peer).await;
            assert_eq!(peer.send(legacy_call(1)).await.unwrap().len(), 2, "progress, and a result");
            assert!(matches!(
                peer.next_unsolicited().await,
                Arrival::Message(ServerMessage::Notification(it)) if it.method.ends_with("changed")
            ));
            assert!(!format!("{:?}", peer.http).contains("secret"));
            finish(peer).await;
            let refused =
                older.server.matching(|it| it.method == "POST" && it.uri.path() == "/mcp");
            assert_eq!(refused.len(), usize::from(!known));
            let posts = older.posts();
            assert_eq!(posts.len(), 3);
            assert!(posts.iter().all(|it| it.uri == "/messages?session=secret"));
            assert_eq!(older.server.matching(|it| it.method == "GET").len(), 1);
            assert!(older.server.matching(|it| it.method == "DELETE").is_empty());
            older.server.wait_for_given_up(1).await;
        }
    })
    .await;
}

// spec: SSE24-01 VER-09 VER-11
#[tokio::test]
async fn what_is_no_such_server_fails_with_its_own_refusal() {
    deadline(async {
        for status in [400, 404, 405] {
            for get in [
                Answer::status(405),
                Answer::body("text/html", "<p>"),
                Answer::events(&[told("first")]).step(Step::Stall),
                Answer::body("text/event-stream", ""),
            ] {
                let server = start(move |request| match request.method.as_str() {
                    "GET" => get.clone(),
                    _ => Answer::body("text/plain", "not here").with_status(status),
                })
                .await;
                let mut peer = connect(&server).await;
                let error = error_of(peer.send(initialize(1)).await);
                assert_eq!(error.status().unwrap(), status);
                assert!(error.to_string().contains("not here"), "{error}");
                // The connection is unaffected.
                let error = error_of(peer.send(legacy_call(2)).await);
                assert_eq!(error.status().unwrap(), status);
            }
        }
        for status in [401, 403, 429, 500, 503] {
            let server = start(move |_| Answer::status(status)).await;
            error_of(connect(&server).await.send(initialize(1)).await);
            assert_eq!(server.requests().len(), 1, "{status} says nothing of the revision");
        }
    })
    .await;
}

// spec: SSE24-03
#[tokio::test]
async fn messages_are_never_sent_to_another_origin() {
    deadline(async {
        let canary = start(|_| Answer::status(202)).await;
        let to: &'static str = canary.url().to_owned().leak();
        let older = Older::start(to, &[]).await;
        let mut peer = connect_to(Endpoint::parse(older.server.url()).unwrap().http_sse()).await;
        let error = error_of(peer.send(initialize(1)).await);
        assert!(error.is_malformed() && error.delivery() == Delivery::NotSent, "{error:?}");
        assert!(canary.requests().is_empty() && older.posts().is_empty());
    })
    .await;
}

// spec: SSE24-03
#[tokio::test]
async fn only_the_first_endpoint_counts() {
    deadline(async {
        let says =
            ["event: endpoint\ndata: /elsewhere\n\n".to_owned() + &answer_to(0), answer_to(1)];
        let older = Older::start("/messages", &says).await;
        let mut peer = connect_to(Endpoint::parse(older.server.url()).unwrap().http_sse()).await;
        begin(&mut peer).await;
        peer.ask(legacy_call(1)).await;
        assert!(older.posts().iter().all(|it| it.uri == "/messages"));
    })
    .await;
}

// spec: CAN-05 CAN-07 SSE24-02
#[tokio::test]
async fn a_dropped_call_is_cancelled_where_messages_go() {
    deadline(async {
        let says = [answer_to(0), String::new(), answer_to(1) + &answer_to(2)];
        let older = Older::start("/messages", &says).await;
        let mut peer = connect_to(Endpoint::parse(older.server.url()).unwrap().http_sse()).await;
        begin(&mut peer).await;
        let is_call = |it: &Recorded| it.json()["id"] == 1;
        tokio::select! {
            _ = peer.send(legacy_call(1)) => panic!("there is no answer"),
            _ = older.server.wait_for(1, is_call) => {}
        }
        let cancels =
            older.server.wait_for(1, |it| it.rpc_method() == "notifications/cancelled").await;
        assert_eq!(cancels[0].json()["params"]["requestId"], 1);
        assert_eq!(cancels[0].uri, "/messages");
        peer.ask(legacy_call(2)).await;
    })
    .await;
}

#[tokio::test]
async fn f32_a_refused_post_fails_its_call_and_no_other() {
    deadline(async {
        let says = [answer_to(0), String::new(), answer_to(2)];
        let older = Older::start_with("/messages", &says, |request| {
            let refused = request.json()["id"] == 1;
            refused.then(|| Answer::body("text/plain", "busy").with_status(503))
        })
        .await;
        let mut peer = connect_to(Endpoint::parse(older.server.url()).unwrap().http_sse()).await;
        begin(&mut peer).await;
        let error = error_of(peer.send(legacy_call(1)).await);
        assert_eq!(error.status().unwrap(), 503);
        peer.ask(legacy_call(2)).await;
        let told = legacy(Notification::new("notifications/roots/list_changed"));
        assert_eq!(peer.send(told).await.unwrap(), []);
    })
    .await;
}

// spec: H25-20 SSE24-02
#[tokio::test]
async fn f26_when_the_stream_is_lost_every_call_fails_and_the_driver_says_why() {
    deadline(async {
        for cut in [false, true] {
            let ended = Arc::new(Semaphore::new(0));
            let gate = Arc::clone(&ended);
            let is_post = |it: &Recorded| it.method == "POST";
            let answered = AtomicBool::new(false);
            let first = Arc::new(Semaphore::new(0));
            let open = Arc::clone(&first);
            let server = start(move |request| {
                if request.method == "GET" {
                    let text = "event: endpoint\ndata: /messages\n\n";
                    let answer = Answer::body("text/event-stream", text)
                        .step(Step::Wait(Arc::clone(&first)))
                        .step(Step::Send(answer_to(0).into()))
                        .step(Step::Wait(Arc::clone(&gate)));
                    return if cut { answer.step(Step::Cut) } else { answer };
                }
                if !answered.swap(true, Ordering::Relaxed) {
                    open.add_permits(1);
                }
                Answer::status(202)
            })
            .await;
            let mut peer = connect_to(Endpoint::parse(server.url()).unwrap().http_sse()).await;
            begin(&mut peer).await;
            let mut calls = JoinSet::new();
            for id in 1..=3 {
                calls.spawn(send(peer.http.clone(), legacy_call(id)));
            }
            server.wait_for(5, is_post).await;
            ended.add_permits(1);
            while let Some(result) = calls.join_next().await {
                let error = error_of(result.unwrap());
                assert!(error.is_closed() && error.delivery() == Delivery::Unknown, "{error:?}");
            }
            let error = peer.driver.end().await.unwrap_err();
            assert!(error.is_closed(), "{error:?}");
            let error = error_of(peer.send(legacy_call(4)).await);
            assert!(error.is_closed() && error.delivery() == Delivery::NotSent, "{error:?}");
            assert!(peer.unsolicited.next().await.is_none());
            assert_eq!(server.matching(is_post).len(), 5);
        }
    })
    .await;
}

// spec: MSG-07 MSG-08
#[tokio::test]
async fn f05_what_cannot_be_read_fails_the_call_that_it_answers() {
    deadline(async {
        let says = [
            answer_to(0),
            "data: noise\n\ndata: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":7}\n\n".to_owned(),
            format!("{}{}", answer_to(77), answer_to(2)),
            format!("data: {}\n\n", "x".repeat(3000)),
            answer_to(4),
        ];
        let older = Older::start("/messages", &says).await;
        let mut limits = Limits::default();
        limits.event = 2000;
        let endpoint = Endpoint::parse(older.server.url()).unwrap().http_sse().limits(limits);
        let mut peer = connect_to(endpoint).await;
        begin(&mut peer).await;
        let error = error_of(peer.send(legacy_call(1)).await);
        assert!(error.is_malformed(), "{error:?}");
        peer.ask(legacy_call(2)).await;
        let error = error_of(peer.send(legacy_call(3)).await);
        assert!(error.is_too_large(), "{error:?}");
        peer.ask(legacy_call(4)).await;
        assert!(matches!(
            peer.next_unsolicited().await,
            Arrival::Diagnostic(Diagnostic::NotAMessage { .. })
        ));
    })
    .await;
}

#[tokio::test]
async fn f22_a_call_that_does_not_read_its_replies_is_failed_and_no_other() {
    deadline(async {
        let says = [answer_to(0), progress(1).repeat(9), answer_to(2)];
        let older = Older::start("/messages", &says).await;
        let mut limits = Limits::default();
        limits.replies = 3;
        let endpoint = Endpoint::parse(older.server.url()).unwrap().http_sse().limits(limits);
        let mut peer = connect_to(endpoint).await;
        begin(&mut peer).await;
        let mut http = peer.http.clone();
        let mut slow = http.ready().await.unwrap().call(legacy_call(1)).await.unwrap();
        peer.ask(legacy_call(2)).await;
        let mut count = 0;
        let error = loop {
            match slow.next().await.unwrap() {
                Ok(_) => count += 1,
                Err(error) => break error,
            }
        };
        assert!(error.is_overflow(), "{error:?}");
        assert!((3..9).contains(&count), "{count}");
        assert!(slow.next().await.is_none());
    })
    .await;
}

// spec: SSE24-04
#[tokio::test]
async fn f28_a_server_that_never_says_where_messages_go_is_not_waited_for() {
    deadline(async {
        let server =
            start(|_| Answer::body("text/event-stream", ": hello\n\n").step(Step::Stall)).await;
        let limit = Duration::from_millis(50);
        let endpoint = Endpoint::parse(server.url()).unwrap().http_sse().response_timeout(limit);
        let mut peer = connect_to(endpoint).await;
        let error = error_of(peer.send(initialize(1)).await);
        assert!(error.is_timeout() && error.delivery() == Delivery::NotSent, "{error:?}");
        server.wait_for_given_up(1).await;
        assert!(server.matching(|it| it.method == "POST").is_empty(), "no message without a place");
    })
    .await;
}

#[tokio::test]
async fn a_response_that_comes_before_the_post_is_answered_counts() {
    deadline(async {
        let says = [answer_to(0), progress(1) + &answer_to(1)];
        let older = Older::start_with("/messages", &says, |request| {
            (!request.json()["id"].is_null()).then(Answer::silence)
        })
        .await;
        let mut peer = connect_to(Endpoint::parse(older.server.url()).unwrap().http_sse()).await;
        begin(&mut peer).await;
        assert_eq!(peer.send(legacy_call(1)).await.unwrap().len(), 2);
        assert_eq!(older.slots.len(), 2);
    })
    .await;
}

// spec: CAN-02
#[tokio::test]
async fn f28_a_call_that_is_never_answered_ends_at_the_limit_and_is_cancelled() {
    deadline(async {
        let older = Older::start("/messages", &[answer_to(0)]).await;
        let limit = Duration::from_millis(500);
        let endpoint = Endpoint::parse(older.server.url()).unwrap().http_sse().total_timeout(limit);
        let mut peer = connect_to(endpoint).await;
        begin(&mut peer).await;
        let error = error_of(peer.send(legacy_call(1)).await);
        assert!(error.is_timeout() && error.delivery() == Delivery::Unknown, "{error:?}");
        older.server.wait_for(1, |it| it.rpc_method() == "notifications/cancelled").await;
    })
    .await;
}

#[tokio::test]
async fn f52_dropping_the_driver_fails_the_calls() {
    deadline(async {
        let older = Older::start("/messages", &[answer_to(0)]).await;
        let mut peer = connect_to(Endpoint::parse(older.server.url()).unwrap().http_sse()).await;
        begin(&mut peer).await;
        let waiting: Mutex<JoinSet<_>> = Mutex::default();
        waiting.lock().unwrap().spawn(send(peer.http.clone(), legacy_call(1)));
        older.server.wait_for(1, |it| it.json()["id"] == 1).await;
        peer.driver.cut().await;
        let mut waiting = waiting.into_inner().unwrap();
        let error = error_of(waiting.join_next().await.unwrap().unwrap());
        assert!(error.is_closed() && error.delivery() == Delivery::Unknown, "{error:?}");
        older.server.wait_for_given_up(1).await;
    })
    .await;
}
