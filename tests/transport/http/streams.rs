//! Event streams as answers.

use super::*;
use conformance::http_server::{Step, event, response};
use mcp_transport::{Delivery, Diagnostic, http::Limits};
use std::sync::Arc;
use tokio::sync::Semaphore;

fn progress(step: u32) -> Value {
    json!({
        "jsonrpc": "2.0",
        "method": "notifications/progress",
        "params": { "progressToken": 1, "progress": step },
    })
}

fn methods(messages: &[ServerMessage]) -> Vec<String> {
    let name = |message: &ServerMessage| match message {
        ServerMessage::Request(request) => format!("? {}", request.method),
        ServerMessage::Notification(notification) => notification.method.to_string(),
        ServerMessage::Response(response) => format!("= {}", response.id.as_ref().unwrap()),
    };
    messages.iter().map(name).collect()
}

// spec: HTTP-05 HTTP-11 HTTP-12
#[tokio::test]
async fn f79_a_stream_in_any_pieces_gives_notifications_then_the_response() {
    deadline(async {
        for size in [1, 2, 7, 4096] {
            let server = start(move |request| {
                let text = format!(
                    "\u{feff}: hello\r\n\r\nid: 1\r\ndata:\r\n\r\n{}event: ping\rdata: {{}}\r\r\n: x\n\
                     data: {{\"jsonrpc\":\"2.0\",\r\ndata: \"method\":\"notifications/message\"}}\n\n{}",
                    event(&progress(1)),
                    event(&response(request, &json!({}))),
                );
                let mut answer = Answer::body("Text/Event-Stream; charset=utf-8", "");
                for chunk in text.as_bytes().chunks(size) {
                    answer = answer.step(Step::Send(chunk.to_vec().into()));
                }
                answer
            })
            .await;
            let mut peer = connect(&server).await;
            let replies = peer.send(modern_call(1)).await.unwrap();
            let expected = ["notifications/progress", "notifications/message", "= 1"];
            assert_eq!(methods(&replies), expected, "chunks of {size}");
        }
    })
    .await;
}

// spec: HTTP-11
#[tokio::test]
async fn reading_stops_after_the_response_even_if_the_server_keeps_the_stream_open() {
    deadline(async {
        let server = start(|request| {
            Answer::events(&[response(request, &json!({})), progress(9)]).step(Step::Stall)
        })
        .await;
        let mut peer = connect(&server).await;
        let mut http = peer.http.clone();
        let mut replies = http.ready().await.unwrap().call(modern_call(1)).await.unwrap();
        assert!(matches!(replies.next().await, Some(Ok(ServerMessage::Response(_)))));
        server.wait_for_given_up(1).await;
        assert!(replies.next().await.is_none());
        drop(replies);
        drop(peer.http);
        drop(http);
        peer.driver.end().await.unwrap();
        assert_eq!(server.requests().len(), 1, "nothing is cancelled after the response");
    })
    .await;
}

#[tokio::test]
async fn a_message_is_there_before_the_next_one_is_sent() {
    deadline(async {
        let gate = Arc::new(Semaphore::new(0));
        let wait = Arc::clone(&gate);
        let server = start(move |request| {
            Answer::events(&[progress(1)])
                .step(Step::Wait(Arc::clone(&wait)))
                .step(Step::Send(event(&response(request, &json!({}))).into()))
        })
        .await;
        let peer = connect(&server).await;
        let mut http = peer.http.clone();
        let mut replies = http.ready().await.unwrap().call(modern_call(1)).await.unwrap();
        assert!(matches!(replies.next().await, Some(Ok(ServerMessage::Notification(_)))));
        gate.add_permits(1);
        assert!(matches!(replies.next().await, Some(Ok(ServerMessage::Response(_)))));
        assert!(replies.next().await.is_none());
    })
    .await;
}

// spec: MSG-16 H25-09
#[tokio::test]
async fn requests_of_the_server_are_replies_like_notifications() {
    deadline(async {
        let server = start(|request| {
            let ask = json!({ "jsonrpc": "2.0", "id": 1, "method": "roots/list" });
            Answer::events(&[ask, response(request, &json!({}))])
        })
        .await;
        let mut peer = connect(&server).await;
        let replies = peer.send(legacy_call(1)).await.unwrap();
        assert_eq!(methods(&replies), ["? roots/list", "= 1"]);
    })
    .await;
}

// spec: MSG-07
#[tokio::test]
async fn f31_a_response_to_something_else_fails_the_call_at_once() {
    deadline(async {
        let server = start(|request| {
            let other = match request.json()["id"].as_i64().unwrap() {
                7 => json!("7"),
                id => json!(id + 1),
            };
            let other = json!({ "jsonrpc": "2.0", "id": other, "result": { "wrong": true } });
            Answer::events(&[progress(1), other]).step(Step::Stall)
        })
        .await;
        let peer = connect(&server).await;
        for id in [7, 8] {
            let mut http = peer.http.clone();
            let mut replies = http.ready().await.unwrap().call(modern_call(id)).await.unwrap();
            assert!(matches!(replies.next().await, Some(Ok(ServerMessage::Notification(_)))));
            let error = replies.next().await.unwrap().unwrap_err();
            assert!(error.is_malformed() && error.to_string().contains("not to"), "{error:?}");
            assert_eq!(error.delivery(), Delivery::Delivered);
            assert!(replies.next().await.is_none());
        }
    })
    .await;
}

// spec: MSG-09
#[tokio::test]
async fn an_error_without_an_id_answers_the_post_that_it_came_with() {
    deadline(async {
        let error = json!({ "jsonrpc": "2.0", "error": { "code": -32600, "message": "no" } });
        let server = start(move |request| match request.json()["id"].as_i64() {
            Some(1) => Answer::json(&error),
            _ => Answer::events(std::slice::from_ref(&error)),
        })
        .await;
        let mut peer = connect(&server).await;
        for id in [1, 2] {
            let response = peer.ask(modern_call(id)).await;
            assert_eq!(response.id, Some(id.into()));
            assert_eq!(response.outcome.unwrap_err().code.0, -32600);
        }
    })
    .await;
}

// spec: MSG-08
#[tokio::test]
async fn f05_what_cannot_be_read_fails_the_call_that_it_answers_and_no_other() {
    deadline(async {
        let server = start(|request| {
            let id = &request.json()["id"];
            let bad: Vec<u8> = match id.as_i64() {
                Some(1) => format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{").into(),
                Some(2) => {
                    let mut text =
                        format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{\"a\":\"");
                    text.push('x');
                    let mut bytes = text.into_bytes();
                    bytes.extend_from_slice(b"\xff\xfe\"}}");
                    bytes
                }
                Some(3) => format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":7}}").into(),
                _ => b"hello \x1b[31m".to_vec(),
            };
            let bad = [b"data: ".as_slice(), &bad, b"\n\n"].concat();
            Answer::body("text/event-stream", bad)
                .step(Step::Send(event(&response(request, &json!({}))).into()))
        })
        .await;
        let mut peer = connect(&server).await;
        for id in [1, 2, 3] {
            let error = error_of(peer.send(modern_call(id)).await);
            assert!(error.is_malformed(), "{id}: {error:?}");
            assert_eq!(error.delivery(), Delivery::Delivered);
        }
        peer.ask(modern_call(4)).await;
        let Arrival::Diagnostic(Diagnostic::NotAMessage { excerpt, .. }) =
            peer.next_unsolicited().await
        else {
            panic!("the noise is shown")
        };
        assert_eq!(excerpt, "hello [31m");
    })
    .await;
}

// spec: HTTP-14 H25-20
#[tokio::test]
async fn f27_a_stream_that_ends_without_the_response_fails_the_call_at_once() {
    deadline(async {
        let server = start(|request| {
            let half = "data: {\"jsonrpc\":\"2.0\",";
            let stream = Answer::events(&[progress(1)]).step(Step::Send(half.into()));
            if request.json()["id"] == 1 { stream } else { stream.step(Step::Cut) }
        })
        .await;
        let mut peer = connect(&server).await;
        for id in [1, 2] {
            let mut http = peer.http.clone();
            let mut replies = http.ready().await.unwrap().call(modern_call(id)).await.unwrap();
            assert!(matches!(replies.next().await, Some(Ok(ServerMessage::Notification(_)))));
            let error = replies.next().await.unwrap().unwrap_err();
            assert!(error.is_closed(), "{error:?}");
            assert_eq!(error.delivery(), Delivery::Unknown);
            assert!(error.to_string().contains(server.url()), "{error}");
            assert!(replies.next().await.is_none());
        }
        peer.next_unsolicited_is_empty();
    })
    .await;
}

#[tokio::test]
async fn an_event_over_the_limit_fails_its_call() {
    deadline(async {
        let server = start(|request| {
            let length = request.json()["id"].as_i64().unwrap_or_default();
            let text = "x".repeat(usize::try_from(length).unwrap());
            Answer::events(&[response(request, &json!({ "text": text }))])
        })
        .await;
        let mut limits = Limits::default();
        limits.event = 1000;
        let mut peer = connect_to(Endpoint::parse(server.url()).unwrap().limits(limits)).await;
        peer.ask(modern_call(500)).await;
        let error = error_of(peer.send(modern_call(2000)).await);
        assert!(error.is_too_large(), "{error:?}");
        peer.ask(modern_call(501)).await;
    })
    .await;
}

// spec: HTTP-15 CAN-02 CAN-05 SUB-06
#[tokio::test]
async fn dropping_the_replies_closes_the_stream_and_posts_nothing() {
    deadline(async {
        for http2 in [false, true] {
            let server = start(|_| Answer::events(&[progress(1)]).step(Step::Stall)).await;
            let mut endpoint = Endpoint::parse(server.url()).unwrap();
            if http2 {
                endpoint = endpoint.http2_only();
            }
            let mut peer = connect_to(endpoint).await;
            let mut http = peer.http.clone();
            let mut replies = http.ready().await.unwrap().call(modern_call(1)).await.unwrap();
            assert!(matches!(replies.next().await, Some(Ok(ServerMessage::Notification(_)))));
            drop(replies);
            server.wait_for_given_up(1).await;
            drop((http, peer.http));
            peer.driver.end().await.unwrap();
            assert_eq!(server.requests().len(), 1);
        }
    })
    .await;
}

// spec: HTTP-15
#[tokio::test]
async fn f51_dropping_a_call_that_is_not_answered_is_seen_by_the_server() {
    deadline(async {
        for http2 in [false, true] {
            let server = start(|_| Answer::silence()).await;
            let mut endpoint = Endpoint::parse(server.url()).unwrap();
            if http2 {
                endpoint = endpoint.http2_only();
            }
            let mut peer = connect_to(endpoint).await;
            let call = peer.send(modern_call(1));
            tokio::select! {
                _ = call => panic!("there is no answer"),
                _ = server.wait_for(1, |_| true) => {}
            }
            server.wait_for_given_up(1).await;
            assert_eq!(server.requests().len(), 1);
        }
    })
    .await;
}

impl Connected {
    fn next_unsolicited_is_empty(&mut self) {
        use futures_util::FutureExt;
        assert!(self.unsolicited.next().now_or_never().is_none(), "nothing unasked came");
    }
}
