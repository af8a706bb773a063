//! The session of a server with a handshake.

use super::*;
use conformance::http_server::{Step, event, response};
use mcp_transport::{
    Delivery, Diagnostic,
    http::{HttpService, Limits},
};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tokio::sync::Semaphore;

pub(super) const SESSION: &str = "mcp-session-id";

fn is_get(request: &Recorded) -> bool {
    request.method == "GET"
}

/// Creates a notification of the GET stream.
pub(super) fn told(name: &str) -> Value {
    json!({ "jsonrpc": "2.0", "method": name })
}

pub(super) async fn begin<S: HttpService>(peer: &mut Connected<S>) {
    peer.ask(initialize(0)).await;
    assert_eq!(peer.send(initialized()).await.unwrap(), []);
}

/// Ends the connection, and waits for its end.
pub(super) async fn finish<S: HttpService>(peer: Connected<S>) {
    let Connected { http, mut driver, .. } = peer;
    drop(http);
    driver.end().await.unwrap();
}

// spec: H25-08 H25-13 H25-18 HTTP-09 HTTP-10 HTTP-04
// seed: 34
#[tokio::test]
async fn the_session_is_on_every_request_from_the_handshake_to_the_delete() {
    deadline(async {
        let server = start(well_behaved).await;
        let mut peer = connect(&server).await;
        begin(&mut peer).await;
        server.wait_for(1, is_get).await;
        peer.ask(legacy_call(1)).await;
        let response = legacy(Response::success(5, RawJson::EMPTY_OBJECT));
        assert_eq!(peer.send(response).await.unwrap(), []);
        finish(peer).await;

        let requests = server.requests();
        let (first, later) = requests.split_first().unwrap();
        assert_eq!((first.header(SESSION), first.header("mcp-protocol-version")), (None, None));
        assert_eq!(later.len(), 5, "{later:?}");
        for request in later {
            assert_eq!(request.header(SESSION), Some("session-1"), "{request:?}");
            assert_eq!(request.header("mcp-protocol-version"), Some("2025-11-25"));
            assert_eq!(request.header("mcp-method"), None, "not of this era");
            assert!(request.method != "POST" || request.json().is_object(), "{request:?}");
        }
        let get = &server.matching(is_get)[0];
        assert_eq!(get.header("accept"), Some("text/event-stream"));
        assert_eq!(get.header("last-event-id"), None);
        assert_eq!(requests.last().unwrap().method, "DELETE");
    })
    .await;
}

// spec: H25-07
#[tokio::test]
async fn the_stream_for_what_is_said_unasked_is_open_when_the_handshake_is_over() {
    deadline(async {
        for get in [Answer::status(405), Answer::events(&[]).step(Step::Stall)] {
            let server = start(
                move |request| {
                    if is_get(request) { get.clone() } else { well_behaved(request) }
                },
            )
            .await;
            let mut peer = connect(&server).await;
            begin(&mut peer).await;
            assert_eq!(server.matching(is_get).len(), 1);
            finish(peer).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_server_that_does_not_answer_the_get_holds_the_handshake_up_for_a_moment_only() {
    deadline(async {
        let server = start(
            |request| {
                if is_get(request) { Answer::silence() } else { well_behaved(request) }
            },
        )
        .await;
        let mut peer = connect(&server).await;
        begin(&mut peer).await;
        peer.ask(legacy_call(1)).await;
        finish(peer).await;
    })
    .await;
}

// spec: HTTP-10 LIFE-07
#[tokio::test]
async fn the_version_is_the_one_that_the_layer_above_says_was_negotiated() {
    deadline(async {
        let server = start(|request| match request.rpc_method().as_str() {
            "initialize" => Answer::result(request, &json!({ "protocolVersion": "2025-06-18" })),
            _ => well_behaved(request),
        })
        .await;
        let mut peer = connect(&server).await;
        peer.ask(initialize(0)).await;
        let told = Notification::new("notifications/initialized");
        peer.send(ClientMessage::new(told).with_extension(ProtocolVersion::V2025_06_18))
            .await
            .unwrap();
        server.wait_for(1, is_get).await;
        finish(peer).await;
        let requests = server.requests();
        assert_eq!(requests.len(), 3, "no DELETE without a session id");
        for request in &requests[1..] {
            assert_eq!(request.header("mcp-protocol-version"), Some("2025-06-18"));
            assert_eq!(request.header(SESSION), None);
        }
    })
    .await;
}

#[tokio::test]
async fn a_handshake_answered_by_an_event_stream_begins_the_session_too() {
    deadline(async {
        let server = start(|request| match request.rpc_method().as_str() {
            "initialize" => Answer::events(&[
                told("notifications/message"),
                response(request, &json!({ "protocolVersion": "2025-11-25" })),
            ])
            .header(SESSION, "from-a-stream"),
            _ => well_behaved(request),
        })
        .await;
        let mut peer = connect(&server).await;
        assert_eq!(peer.send(initialize(0)).await.unwrap().len(), 2);
        peer.ask(legacy_call(1)).await;
        assert_eq!(server.requests()[1].header(SESSION), Some("from-a-stream"));
    })
    .await;
}

// spec: H25-14
#[tokio::test]
async fn a_session_id_is_visible_ascii_and_never_shown() {
    deadline(async {
        let server = start(|request| {
            let answer = Answer::result(request, &json!({ "protocolVersion": "2025-11-25" }));
            let bad = request.json()["id"] == 1;
            answer.header(SESSION, if bad { "a b" } else { "tell-nobody" })
        })
        .await;
        let mut peer = connect(&server).await;
        let error = error_of(peer.send(initialize(1)).await);
        assert!(error.is_malformed(), "{error:?}");
        peer.ask(initialize(2)).await;
        assert!(!format!("{:?} {:?}", peer.http, peer.unsolicited).contains("tell-nobody"));
    })
    .await;
}

#[tokio::test]
async fn a_handshake_that_the_server_refused_begins_no_session() {
    deadline(async {
        let server = start(|request| {
            let error = json!({ "code": -32602, "message": "no" });
            let body = json!({ "jsonrpc": "2.0", "id": request.json()["id"], "error": error });
            Answer::json(&body).header(SESSION, "none")
        })
        .await;
        let mut peer = connect(&server).await;
        assert!(peer.ask(initialize(0)).await.outcome.is_err());
        peer.ask(legacy_call(1)).await;
        finish(peer).await;
        let requests = server.requests();
        assert_eq!(requests.len(), 2);
        assert_eq!(requests[1].header(SESSION), None);
    })
    .await;
}

// spec: H25-07 H25-09 HTTP-16
#[tokio::test]
async fn what_the_server_says_unasked_comes_from_the_get_stream() {
    deadline(async {
        let server = start(|request| {
            if is_get(request) {
                let ask = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" });
                return Answer::events(&[told("notifications/tools/list_changed"), ask])
                    .step(Step::Send("data: nonsense\n\n".into()))
                    .step(Step::Stall);
            }
            well_behaved(request)
        })
        .await;
        let mut peer = connect(&server).await;
        begin(&mut peer).await;
        assert!(matches!(
            peer.next_unsolicited().await,
            Arrival::Message(ServerMessage::Notification(it)) if it.method.ends_with("list_changed")
        ));
        let Arrival::Message(ServerMessage::Request(ping)) = peer.next_unsolicited().await else {
            panic!("a request")
        };
        let pong = Response::success(ping.id, RawJson::EMPTY_OBJECT);
        peer.send(legacy(pong)).await.unwrap();
        assert!(matches!(
            peer.next_unsolicited().await,
            Arrival::Diagnostic(Diagnostic::NotAMessage { .. })
        ));
        let mut unsolicited = std::mem::replace(&mut peer.unsolicited, Unsolicited::empty());
        finish(peer).await;
        assert!(unsolicited.next().await.is_none(), "it ends with the connection");
        server.wait_for_given_up(1).await;
    })
    .await;
}

// spec: H25-01 H25-02 H25-03 H25-12
#[tokio::test]
async fn f26_a_get_stream_that_is_lost_is_opened_again_where_it_ended() {
    deadline(async {
        let opened = AtomicUsize::new(0);
        let server = start(move |request| {
            if !is_get(request) {
                return well_behaved(request);
            }
            match opened.fetch_add(1, Ordering::Relaxed) {
                0 => Answer::body("text/event-stream", "retry: 100\nid: e-1\ndata:\n\n"),
                1 => Answer::status(503),
                2 => Answer::body("text/event-stream", format!("id: e-2\n{}", event(&told("a"))))
                    .step(Step::Cut),
                _ => Answer::events(&[told("b")]).step(Step::Stall),
            }
        })
        .await;
        let mut peer = connect(&server).await;
        begin(&mut peer).await;
        for name in ["a", "b"] {
            assert!(matches!(
                peer.next_unsolicited().await,
                Arrival::Message(ServerMessage::Notification(it)) if it.method == name
            ));
        }
        let gets = server.wait_for(4, is_get).await;
        let ids: Vec<_> = gets.iter().map(|get| get.header("last-event-id")).collect();
        assert_eq!(ids, [None, Some("e-1"), Some("e-1"), Some("e-2")]);
    })
    .await;
}

#[tokio::test]
async fn f22_what_nobody_reads_is_dropped_and_counted() {
    deadline(async {
        let gate = Arc::new(Semaphore::new(0));
        let wait = Arc::clone(&gate);
        let server = start(move |request| {
            if is_get(request) {
                let flood: Vec<Value> = (0..50).map(|n| told(&format!("n{n}"))).collect();
                return Answer::events(&flood)
                    .step(Step::Send(format!("data: {}\n\n", "x".repeat(2000)).into()))
                    .step(Step::Wait(Arc::clone(&wait)))
                    .step(Step::Stall);
            }
            well_behaved(request)
        })
        .await;
        let mut limits = Limits::default();
        limits.unsolicited = 3;
        limits.event = 1000;
        let mut peer = connect_to(Endpoint::parse(server.url()).unwrap().limits(limits)).await;
        begin(&mut peer).await;
        // Once the permit is used, everything before it has been sent; a call shows that the client continues.
        gate.add_permits(1);
        while gate.available_permits() > 0 {
            peer.ask(legacy_call(1)).await;
        }
        let mut arrivals = Vec::new();
        loop {
            let arrival = peer.next_unsolicited().await;
            let last = matches!(arrival, Arrival::Diagnostic(Diagnostic::TooLarge { limit: 1000 }));
            arrivals.push(arrival);
            if last {
                break;
            }
        }
        let dropped = |arrival: &Arrival| match arrival {
            Arrival::Diagnostic(Diagnostic::Dropped { count }) => *count,
            _ => 0,
        };
        let count: u64 = arrivals.iter().map(dropped).sum();
        let messages = arrivals.iter().filter(|it| matches!(it, Arrival::Message(_))).count();
        assert_eq!(count + messages as u64, 50, "{arrivals:?}");
    })
    .await;
}

// spec: H25-15
#[tokio::test]
async fn f35_a_404_in_a_session_says_that_it_has_expired_and_a_new_one_can_begin() {
    deadline(async {
        let sessions = AtomicUsize::new(0);
        let server = start(move |request| match request.rpc_method().as_str() {
            "initialize" => {
                let number = sessions.fetch_add(1, Ordering::Relaxed);
                Answer::result(request, &json!({ "protocolVersion": "2025-11-25" }))
                    .header(SESSION, &format!("session-{number}"))
            }
            "tools/call" if request.header(SESSION) == Some("session-0") => {
                let error = json!({ "code": -32001, "message": "Session not found" });
                Answer::json(&json!({ "jsonrpc": "2.0", "id": null, "error": error }))
                    .with_status(404)
            }
            _ => well_behaved(request),
        })
        .await;
        let mut peer = connect(&server).await;
        begin(&mut peer).await;
        let error = error_of(peer.send(legacy_call(1)).await);
        assert!(error.is_closed() && error.to_string().contains("expired"), "{error:?}");
        assert_eq!(error.status().unwrap(), 404);
        assert_eq!(error.delivery(), Delivery::NotSent, "it can be sent in a new session");
        assert_eq!(error.peer_error().unwrap().message, "Session not found");
        let sent = server.requests().len();
        let told = legacy(Notification::new("notifications/roots/list_changed"));
        for message in [legacy_call(3), told] {
            let error = error_of(peer.send(message).await);
            assert!(error.is_closed() && error.status().unwrap() == 404, "{error:?}");
            assert_eq!(error.delivery(), Delivery::NotSent);
        }
        assert_eq!(server.requests().len(), sent, "the session is known to be gone");
        begin(&mut peer).await;
        peer.ask(legacy_call(2)).await;
        server.wait_for(1, |it| is_get(it) && it.header(SESSION) == Some("session-1")).await;
        finish(peer).await;
        let again = &server.matching(|it| it.rpc_method() == "initialize")[1];
        assert_eq!(again.header(SESSION), None);
        let deletes = server.matching(|it| it.method == "DELETE");
        assert_eq!(deletes.len(), 1, "the expired session needs none");
        assert_eq!(deletes[0].header(SESSION), Some("session-1"));
    })
    .await;
}

// spec: H25-18
// seed: 7
#[tokio::test]
async fn the_end_does_not_wait_for_a_server_that_never_answers_the_delete() {
    deadline(async {
        let server = start(|request| {
            if request.method == "DELETE" { Answer::silence() } else { well_behaved(request) }
        })
        .await;
        let mut peer = connect(&server).await;
        begin(&mut peer).await;
        finish(peer).await;
        assert_eq!(server.matching(|request| request.method == "DELETE").len(), 1);
    })
    .await;
}
