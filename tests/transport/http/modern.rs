//! Requests of the stateless revision.

use super::*;
use conformance::http_server::{Step, response};
use http::{HeaderValue, header};
use mcp_transport::{Delivery, MirroredParams};
use std::sync::Arc;
use tokio::sync::Semaphore;
use tower::util::MapRequestLayer;

// spec: HTTP-01 HTTP-02 HTTP-07 HTTP-08 HDR-01 HDR-02 HDR-21
#[tokio::test]
async fn a_request_is_one_post_with_the_headers_of_its_body() {
    deadline(async {
        let server = start(well_behaved).await;
        let mut peer = connect(&server).await;
        let response = peer.ask(modern_call(1)).await;
        assert_eq!(response.outcome.unwrap().as_str(), r#"{"ok":true}"#);
        let requests = server.requests();
        let [request] = requests.as_slice() else { panic!("{requests:?}") };
        assert_eq!(request.method, "POST");
        assert_eq!(request.header("accept"), Some("application/json, text/event-stream"));
        assert_eq!(request.header("content-type"), Some("application/json"));
        assert_eq!(request.header("mcp-protocol-version"), Some("2026-07-28"));
        assert_eq!(request.header("mcp-method"), Some("tools/call"));
        assert_eq!(request.header("mcp-name"), Some("echo"));
        assert_eq!(request.json()["params"]["name"], "echo");
    })
    .await;
}

// spec: HTTP-07 HTTP-08
#[tokio::test]
async fn without_an_extension_the_body_says_which_revision_it_is() {
    deadline(async {
        let server = start(well_behaved).await;
        let mut peer = connect(&server).await;
        let mut message = modern_call(1);
        message.extensions.clear();
        peer.ask(message).await;
        let bare = Request::new(2, "ping");
        peer.ask(ClientMessage::new(bare)).await;
        let requests = server.requests();
        assert_eq!(requests[0].header("mcp-protocol-version"), Some("2026-07-28"));
        assert_eq!(requests[1].header("mcp-protocol-version"), None, "nothing is known of it");
        assert_eq!(requests[1].header("mcp-method"), None);
    })
    .await;
}

// spec: HDR-04 HDR-05 HDR-17 HDR-20 HDR-24 HDR-25
#[tokio::test]
async fn mirrored_parameters_arrive_encoded_and_split_nothing() {
    deadline(async {
        let server = start(well_behaved).await;
        let mut peer = connect(&server).await;
        let params = [
            ("Region", "us-west1"),
            ("Greeting", "Hello, \u{4e16}\u{754c}"),
            ("Evil", "a\r\nX-Evil: 1"),
            ("Empty", ""),
            ("Method", "mine"),
        ];
        let params = params.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let call = modern(1, "tools/call", json!({ "name": "\u{fc}ber" }));
        peer.ask(call.with_extension(MirroredParams(params.into()))).await;
        let request = &server.requests()[0];
        assert_eq!(request.header("mcp-param-region"), Some("us-west1"));
        assert_eq!(request.header("mcp-param-greeting"), Some("=?base64?SGVsbG8sIOS4lueVjA==?="));
        assert_eq!(request.header("mcp-param-evil"), Some("=?base64?YQ0KWC1FdmlsOiAx?="));
        assert_eq!(request.header("mcp-param-empty"), Some(""));
        assert_eq!(request.header("mcp-param-method"), Some("mine"));
        assert_eq!(request.header("mcp-name"), Some("=?base64?w7xiZXI=?="));
        assert_eq!(request.header("x-evil"), None);
    })
    .await;
}

// spec: HDR-24
#[tokio::test]
async fn what_cannot_be_a_header_is_refused_before_anything_is_sent() {
    deadline(async {
        let server = start(well_behaved).await;
        let mut peer = connect(&server).await;
        let params = MirroredParams(vec![("a b".to_owned(), "x".to_owned())]);
        let error = error_of(peer.send(modern_call(1).with_extension(params)).await);
        assert_eq!(error.delivery(), Delivery::NotSent);
        let params = MirroredParams(vec![("a".to_owned(), "x".repeat(1024 * 1024))]);
        let error = error_of(peer.send(modern_call(2).with_extension(params)).await);
        assert!(error.is_too_large() && error.delivery() == Delivery::NotSent);
        assert!(server.requests().is_empty());
    })
    .await;
}

// spec: HTTP-03 MSG-15
#[tokio::test]
async fn a_stateless_server_gets_no_responses() {
    deadline(async {
        let server = start(well_behaved).await;
        let mut peer = connect(&server).await;
        let response = Response::success(1, RawJson::EMPTY_OBJECT);
        let message = ClientMessage::new(response).with_extension(ProtocolVersion::V2026_07_28);
        let error = error_of(peer.send(message).await);
        assert_eq!(error.delivery(), Delivery::NotSent);
        assert!(server.requests().is_empty());
    })
    .await;
}

// spec: HTTP-06
#[tokio::test]
async fn a_notification_is_handed_over_when_the_server_took_it() {
    deadline(async {
        let server = start(|request| match request.rpc_method().as_str() {
            "notifications/a" => Answer::status(202),
            "notifications/b" => Answer::body("text/plain", "thanks"),
            _ => Answer::status(400),
        })
        .await;
        let mut peer = connect(&server).await;
        let notify = |method| {
            ClientMessage::new(Notification::new(method))
                .with_extension(ProtocolVersion::V2026_07_28)
        };
        for method in ["notifications/a", "notifications/b"] {
            assert_eq!(peer.send(notify(method)).await.unwrap(), []);
        }
        let error = error_of(peer.send(notify("notifications/c")).await);
        assert_eq!(error.status().unwrap(), 400);
        assert_eq!(server.requests()[0].header("mcp-method"), Some("notifications/a"));
    })
    .await;
}

// spec: HTTP-13
// seed: 35
#[tokio::test]
async fn a_stateless_server_gets_no_session_no_get_and_no_delete() {
    deadline(async {
        let server =
            start(|request| well_behaved(request).header("mcp-session-id", "not-for-you")).await;
        let mut peer = connect(&server).await;
        for id in 1..4 {
            peer.ask(modern_call(id)).await;
        }
        let Connected { http, mut driver, .. } = peer;
        drop(http);
        driver.end().await.unwrap();
        let requests = server.requests();
        assert_eq!(requests.len(), 3);
        for request in requests {
            assert_eq!(request.method, "POST");
            assert_eq!(request.header("mcp-session-id"), None);
            assert_eq!(request.header("last-event-id"), None);
        }
    })
    .await;
}

// spec: HTTP-01
#[tokio::test]
async fn f55_many_calls_at_once_share_the_pool_and_each_has_its_own_answer() {
    deadline(async {
        for http2 in [false, true] {
            let server = start(|request| {
                let id = &request.json()["id"];
                Answer::result(request, &json!({ "echo": id }))
            })
            .await;
            let mut endpoint = Endpoint::parse(server.url()).unwrap();
            if http2 {
                endpoint = endpoint.http2_only();
            }
            let peer = connect_to(endpoint).await;
            let calls = (0..64).map(|id| send(peer.http.clone(), modern_call(id)));
            let replies = futures_util::future::join_all(calls).await;
            for (id, replies) in replies.into_iter().enumerate() {
                let replies = replies.unwrap();
                let [ServerMessage::Response(response)] = replies.as_slice() else { panic!() };
                let result = response.outcome.as_ref().unwrap().as_str();
                assert_eq!(result, format!(r#"{{"echo":{id}}}"#));
            }
            let requests = server.requests();
            assert!(requests.iter().all(|it| (it.version == http::Version::HTTP_2) == http2));
            if http2 {
                assert!(requests.iter().all(|request| request.connection == 0), "one connection");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn calls_one_after_another_use_one_connection() {
    deadline(async {
        let server = start(|request| {
            let response = response(request, &json!({}));
            match request.json()["id"].as_i64().unwrap() % 2 {
                0 => Answer::json(&response),
                _ => Answer::events(&[response]),
            }
        })
        .await;
        let mut peer = connect(&server).await;
        for id in 0..20 {
            peer.ask(modern_call(id)).await;
        }
        assert!(server.requests().iter().all(|request| request.connection == 0));
    })
    .await;
}

#[tokio::test]
async fn a_connection_is_used_again_even_if_the_stream_ends_later_than_its_response() {
    deadline(async {
        let gate = Arc::new(Semaphore::new(0));
        let wait = Arc::clone(&gate);
        let server = start(move |request| {
            let response = response(request, &json!({}));
            match request.json()["id"].as_i64() {
                Some(0) => Answer::events(&[response]).step(Step::Wait(Arc::clone(&wait))),
                _ => Answer::json(&response),
            }
        })
        .await;
        let mut peer = connect(&server).await;
        peer.ask(modern_call(0)).await;
        gate.add_permits(1);
        // One more concurrent call each time: soon they use all connections. A lost one would never come back.
        let mut at_once = 1;
        while server.matching(|request| request.connection == 0).len() < 2 {
            at_once += 1;
            let calls = (1..=at_once).map(|id| send(peer.http.clone(), modern_call(id)));
            for replies in futures_util::future::join_all(calls).await {
                assert_eq!(replies.unwrap().len(), 1);
            }
        }
    })
    .await;
}

// seed: 34
#[tokio::test]
async fn headers_of_the_user_are_on_every_request_and_those_of_the_protocol_win() {
    deadline(async {
        let server = start(well_behaved).await;
        let endpoint = Endpoint::parse(server.url())
            .unwrap()
            .header(header::AUTHORIZATION, HeaderValue::from_static("Bearer secret"))
            .header(header::ACCEPT, HeaderValue::from_static("text/html"));
        assert!(!format!("{endpoint:?}").contains("secret"));
        let mut peer = connect_to(endpoint).await;
        peer.ask(initialize(1)).await;
        peer.send(initialized()).await.unwrap();
        let get = server.wait_for(1, |request| request.method == "GET").await;
        assert_eq!(get[0].header("authorization"), Some("Bearer secret"));
        for request in server.matching(|request| request.method == "POST") {
            assert_eq!(request.header("authorization"), Some("Bearer secret"));
            assert_eq!(request.header("accept"), Some("application/json, text/event-stream"));
        }
    })
    .await;
}

#[tokio::test]
async fn a_layer_below_sees_the_http_request_with_the_extensions_of_the_message() {
    #[derive(Clone)]
    struct Tenant(&'static str);
    deadline(async {
        let server = start(well_behaved).await;
        let layer =
            MapRequestLayer::new(|mut request: http::Request<mcp_transport::http::RequestBody>| {
                if let Some(Tenant(name)) = request.extensions().get().cloned() {
                    request.headers_mut().insert("x-tenant", HeaderValue::from_static(name));
                }
                request
            });
        let mut peer = connect_to(Endpoint::parse(server.url()).unwrap().layer(layer)).await;
        peer.ask(modern_call(1).with_extension(Tenant("blue"))).await;
        assert_eq!(server.requests()[0].header("x-tenant"), Some("blue"));
    })
    .await;
}

// seed: 20
#[tokio::test]
async fn an_http_service_of_the_user_takes_the_place_of_the_client() {
    deadline(async {
        let service = tower::service_fn(
            |request: http::Request<mcp_transport::http::RequestBody>| async move {
                match request.uri().path() {
                    "/mcp" => {
                        let body = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#.to_owned();
                        let response = http::Response::builder()
                            .header("content-type", "application/json")
                            .body(body)
                            .unwrap();
                        Ok(response)
                    }
                    _ => Err(Error::other("told by the service", Delivery::NotSent)),
                }
            },
        );
        for (path, answered) in [("mcp", true), ("other", false)] {
            let url = format!("http://unreachable.invalid/{path}").parse().unwrap();
            let mut peer = connect_to(Endpoint::with_service(url, service).unwrap()).await;
            match peer.send(modern_call(1)).await {
                Ok(replies) => assert!(answered && replies.len() == 1),
                Err(error) => {
                    assert!(!answered);
                    assert_eq!(error.to_string(), "told by the service");
                    assert_eq!(error.delivery(), Delivery::NotSent);
                }
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_byte_order_mark_and_white_space_around_an_answer_are_tolerated() {
    let server = start(|request| {
        let response = conformance::http_server::response(request, &json!({"a": 1}));
        Answer::body("application/json", format!("\u{feff}\r\n {response}\r\n"))
    })
    .await;
    let mut peer = connect(&server).await;
    assert_eq!(peer.ask(modern_call(1)).await.outcome.unwrap().as_str(), r#"{"a":1}"#);
}
