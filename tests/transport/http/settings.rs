//! Ways to reach a server, and time limits.

use super::{
    legacy::{begin, told},
    *,
};
use conformance::{
    alone::succeeds_alone,
    clean::Baseline,
    http_server::{Step, event, response},
};
use http::{HeaderMap, HeaderValue, header};
use mcp_transport::{
    Delivery,
    http::{AddBearerLayer, AddHeadersLayer, RequestBody, RequestHeaders},
};
use std::{
    error::Error as _,
    sync::atomic::{AtomicUsize, Ordering},
};
use tower::util::MapRequestLayer;

const SHORT: Duration = Duration::from_millis(60);

fn ok(request: &Recorded) -> Answer {
    Answer::json(&response(request, &json!({})))
}

// seed: 19 34
#[tokio::test]
async fn a_bearer_token_is_known_or_asked_for_each_time() {
    deadline(async {
        let server = start(well_behaved).await;
        let endpoint = Endpoint::parse(server.url()).unwrap();
        let fixed = endpoint.clone().layer(AddBearerLayer::new("one").unwrap());
        assert!(!format!("{fixed:?}").contains("one\""), "{fixed:?}");
        connect_to(fixed).await.ask(modern_call(1)).await;
        let count = AtomicUsize::new(0);
        let asked = endpoint.layer(AddBearerLayer::from_fn(move || {
            let number = count.fetch_add(1, Ordering::Relaxed);
            async move { Ok(format!("token-{number}")) }
        }));
        let mut peer = connect_to(asked).await;
        begin(&mut peer).await;
        peer.ask(legacy_call(2)).await;
        let requests = server.requests();
        let tokens: Vec<_> =
            requests.iter().map(|it| it.header("authorization").unwrap()).collect();
        let expected =
            ["Bearer one", "Bearer token-0", "Bearer token-1", "Bearer token-2", "Bearer token-3"];
        assert_eq!(tokens, expected, "the stream of the session has one too");
    })
    .await;
}

#[tokio::test]
async fn a_request_without_its_token_is_not_sent() {
    deadline(async {
        let server = start(ok).await;
        let endpoint = Endpoint::parse(server.url()).unwrap();
        let layer = AddBearerLayer::from_fn(|| async { Err("the key store is locked".into()) });
        let error =
            error_of(connect_to(endpoint.clone().layer(layer)).await.send(modern_call(1)).await);
        assert_eq!(error.delivery(), Delivery::NotSent);
        assert_eq!(error.source().unwrap().to_string(), "the key store is locked");
        let layer = AddBearerLayer::from_fn(|| async { Ok("a\nb".to_owned()) });
        let error = error_of(connect_to(endpoint.layer(layer)).await.send(modern_call(1)).await);
        assert_eq!(error.delivery(), Delivery::NotSent);
        assert!(AddBearerLayer::new("a\r\nb").is_err());
        assert!(server.requests().is_empty());
    })
    .await;
}

// seed: 34
#[tokio::test]
async fn headers_are_asked_for_each_time_and_cannot_forge_those_of_the_protocol() {
    deadline(async {
        let server = start(ok).await;
        let endpoint = Endpoint::parse(server.url()).unwrap();
        let count = AtomicUsize::new(0);
        let asked = endpoint.clone().layer(AddHeadersLayer::from_fn(move || {
            let number = count.fetch_add(1, Ordering::Relaxed);
            async move {
                let mut headers = HeaderMap::new();
                headers.insert("x-key", HeaderValue::from(number));
                headers.insert("mcp-method", HeaderValue::from_static("forged"));
                headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("forged"));
                Ok(headers)
            }
        }));
        let mut peer = connect_to(asked).await;
        peer.ask(modern_call(1)).await;
        peer.ask(modern_call(2)).await;
        let requests = server.requests();
        let keys: Vec<_> = requests.iter().map(|it| it.header("x-key").unwrap()).collect();
        assert_eq!(keys, ["0", "1"]);
        assert!(!format!("{requests:?}").contains("forged"), "{requests:?}");
        let locked = AddHeadersLayer::from_fn(|| async { Err("the key store is locked".into()) });
        let mut peer = connect_to(endpoint.layer(locked)).await;
        let error = error_of(peer.send(modern_call(3)).await);
        assert_eq!(error.delivery(), Delivery::NotSent);
        assert_eq!(error.source().unwrap().to_string(), "the key store is locked");
        assert_eq!(server.requests().len(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_message_has_headers_of_its_own_and_cannot_forge_those_of_the_protocol() {
    deadline(async {
        let server = start(well_behaved).await;
        let endpoint = Endpoint::parse(server.url())
            .unwrap()
            .header("x-tenant".parse().unwrap(), HeaderValue::from_static("red"))
            .layer(MapRequestLayer::new(|mut request: http::Request<RequestBody>| {
                request.headers_mut().insert("x-trace", HeaderValue::from_static("7"));
                request
            }));
        let mut peer = connect_to(endpoint).await;
        let mut own = HeaderMap::new();
        for (name, value) in [
            ("x-tenant", "blue"),
            ("mcp-method", "forged"),
            ("mcp-session-id", "forged"),
            ("content-type", "text/plain"),
            ("accept", "text/plain"),
            ("host", "forged"),
            ("content-length", "1"),
        ] {
            own.insert(name, HeaderValue::from_static(value));
        }
        peer.ask(modern_call(1).with_extension(RequestHeaders(own.clone()))).await;
        peer.ask(legacy_call(2).with_extension(RequestHeaders(own))).await;
        peer.ask(modern_call(3)).await;
        let requests = server.requests();
        for request in &requests {
            let tenant = if request.json()["id"] == 3 { "red" } else { "blue" };
            assert_eq!(request.header("x-tenant"), Some(tenant));
            assert_eq!(request.header("x-trace"), Some("7"));
            assert_eq!(request.header("content-type"), Some("application/json"));
            assert!(!request.headers.values().any(|value| value == "forged"), "{request:?}");
        }
        assert_eq!(requests[0].header(header::ACCEPT.as_str()), requests[2].header("accept"));
    })
    .await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_server_behind_a_unix_socket_is_reached_by_its_path() {
    deadline(async {
        let directory = std::env::temp_dir().join(format!("mcp-http-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let path = directory.join("server.sock");
        let _ = std::fs::remove_file(&path);
        let server = HttpServer::start_unix(&path, well_behaved).unwrap();
        let endpoint = Endpoint::parse("http://tools/mcp?x=1").unwrap();
        let mut peer = connect_to(endpoint.clone().unix_socket(&path)).await;
        begin(&mut peer).await;
        peer.ask(legacy_call(1)).await;
        assert_eq!(server.requests()[0].uri, "/mcp?x=1");
        assert_eq!(server.requests()[0].header("host"), Some("tools"));
        std::fs::remove_dir_all(&directory).unwrap();
        let nowhere = endpoint.unix_socket(&path);
        let error = error_of(connect_to(nowhere).await.send(modern_call(1)).await);
        assert!(error.is_connect() && error.delivery() == Delivery::NotSent, "{error:?}");
    })
    .await;
}

// spec: HTTP-12 CAN-02
#[tokio::test]
async fn f28_a_stream_that_falls_silent_fails_at_the_limit_and_is_cancelled() {
    deadline(async {
        let server = start(|request| match request.rpc_method().as_str() {
            "tools/call" => Answer::events(&[told("a")]).step(Step::Stall),
            "prompts/list" => Answer::body("application/json", "{").step(Step::Stall),
            _ => well_behaved(request),
        })
        .await;
        let endpoint = Endpoint::parse(server.url()).unwrap().idle_timeout(SHORT);
        let mut peer = connect_to(endpoint).await;
        let list = modern(1, "prompts/list", json!({}));
        for message in [modern_call(2), list, legacy_call(3)] {
            let error = error_of(peer.send(message).await);
            assert!(error.is_timeout() && error.delivery() == Delivery::Unknown, "{error:?}");
        }
        let cancels = server.wait_for(1, |it| it.rpc_method() == "notifications/cancelled").await;
        assert_eq!(cancels[0].json()["params"]["requestId"], 3);
        server.wait_for_given_up(3).await;
    })
    .await;
}

// spec: HTTP-12 CAN-04
#[tokio::test]
async fn f28_what_keeps_a_stream_alive_does_not_make_it_endless() {
    deadline(async {
        let server = start(|request| {
            if request.rpc_method() == "subscriptions/listen" {
                return Answer::events(&[told("a")])
                    .step(Step::Pause(4 * SHORT))
                    .step(Step::Send(event(&response(request, &json!({}))).into()));
            }
            let mut answer = Answer::events(&[told("a")]);
            for _ in 0..40 {
                answer = answer.step(Step::Pause(SHORT / 4)).step(Step::Send(": alive\n\n".into()));
            }
            answer.step(Step::Stall)
        })
        .await;
        let endpoint = Endpoint::parse(server.url()).unwrap().total_timeout(2 * SHORT);
        let mut peer = connect_to(endpoint).await;
        let error = error_of(peer.send(modern_call(1)).await);
        assert!(error.is_timeout() && error.to_string().contains("did not answer"), "{error:?}");
        let listen = modern(2, "subscriptions/listen", json!({}));
        assert_eq!(
            peer.send(listen).await.unwrap().len(),
            2,
            "a subscription has no end of its own"
        );
    })
    .await;
}

// In a separate process, so that descriptors and threads can be counted.
#[test]
fn many_connections_leave_nothing_behind() {
    let name = "http::settings::many_connections_leave_nothing_behind";
    succeeds_alone(name, "", || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let server = deadline(start(well_behaved)).await;
            // What the first connection opens for all of them is not a leak.
            deadline(async { drop(connect(&server).await.ask(modern_call(1)).await) }).await;
            let baseline = Baseline::take();
            deadline(async {
                for round in 0..200 {
                    let mut peer = connect(&server).await;
                    begin(&mut peer).await;
                    peer.ask(legacy_call(1)).await;
                    if round % 2 == 0 {
                        super::legacy::finish(peer).await;
                    }
                }
            })
            .await;
            baseline.assert_clean().await;
        });
    });
}
