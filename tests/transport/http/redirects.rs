//! Redirects.

use super::*;
use conformance::http_server::{Step, response};
use mcp_transport::http::Redirects;

fn ok(request: &Recorded) -> Answer {
    Answer::json(&response(request, &json!({})))
}

/// A server that redirects from `/mcp` to `to`, and answers there.
async fn leading(status: u16, to: &'static str) -> HttpServer {
    start(move |request| {
        if request.uri.path() == "/mcp" {
            Answer::status(status).header("location", to)
        } else {
            ok(request)
        }
    })
    .await
}

// seed: 21 36
#[tokio::test]
async fn f34_a_redirect_within_the_origin_is_followed_with_method_body_and_headers() {
    deadline(async {
        for status in [307, 308] {
            let server = leading(status, "/v2/mcp?x=1").await;
            let endpoint = Endpoint::parse(server.url())
                .unwrap()
                .header(http::header::AUTHORIZATION, "Bearer secret".parse().unwrap());
            connect_to(endpoint).await.ask(modern_call(1)).await;
            let requests = server.requests();
            assert_eq!(requests.len(), 2);
            assert_eq!(requests[1].uri, "/v2/mcp?x=1");
            assert_eq!(requests[0].method, requests[1].method);
            assert_eq!(requests[0].body, requests[1].body);
            assert_eq!(requests[1].header("authorization"), Some("Bearer secret"));
        }
    })
    .await;
}

#[tokio::test]
async fn f34_a_post_never_becomes_a_get() {
    deadline(async {
        for status in [300, 301, 302, 303] {
            let server = leading(status, "/v2/mcp").await;
            let error = error_of(connect(&server).await.send(modern_call(1)).await);
            assert_eq!(error.status().unwrap(), status);
            assert!(error.to_string().contains("/v2/mcp"), "{error}");
            assert_eq!(server.requests().len(), 1);
        }
    })
    .await;
}

#[tokio::test]
async fn f34_redirects_have_an_end() {
    deadline(async {
        let server = start(|_| Answer::status(307).header("location", "/mcp")).await;
        let error = error_of(connect(&server).await.send(modern_call(1)).await);
        assert_eq!(error.status().unwrap(), 307);
        assert_eq!(server.requests().len(), 6, "the first, and five more");
        let never = Endpoint::parse(server.url()).unwrap().redirects(Redirects::Never);
        error_of(connect_to(never).await.send(modern_call(1)).await);
        assert_eq!(server.requests().len(), 7);
    })
    .await;
}

// seed: 21
#[tokio::test]
async fn f34_another_origin_is_gone_to_on_request_alone_and_sees_no_secret() {
    deadline(async {
        let canary = start(ok).await;
        let to = canary.url().to_owned();
        let server = start(move |_| Answer::status(308).header("location", &to)).await;
        let endpoint = Endpoint::parse(&server.url().replace("http://", "http://me:pw@"))
            .unwrap()
            .header("x-api-key".parse().unwrap(), "secret".parse().unwrap())
            // Without the platform's roots, which a redirect could need.
            .redirects(Redirects::SameOrigin);
        error_of(connect_to(endpoint.clone()).await.send(modern_call(1)).await);
        assert!(canary.requests().is_empty());
        let Ok(link) = endpoint.redirects(Redirects::Anywhere).connect().await else {
            return; // A machine without root certificates says so before.
        };
        let mut own = http::HeaderMap::new();
        own.insert("x-tenant", "secret".parse().unwrap());
        let call = modern_call(2).with_extension(mcp_transport::http::RequestHeaders(own));
        send(link.transport, call).await.unwrap();
        let request = &canary.requests()[0];
        assert_eq!(request.json()["id"], 2);
        for name in ["authorization", "x-api-key", "x-tenant", "cookie"] {
            assert_eq!(request.header(name), None, "{name}");
        }
        let request = &server.requests()[1];
        for name in ["x-api-key", "x-tenant"] {
            assert_eq!(request.header(name), Some("secret"));
        }
    })
    .await;
}

#[tokio::test]
async fn a_redirect_to_a_stream_gives_the_stream() {
    deadline(async {
        let server = start(|request| {
            if request.uri.path() == "/mcp" {
                return Answer::status(307)
                    .header("location", "other")
                    .step(Step::Send("x".into()));
            }
            Answer::events(&[response(request, &json!({}))])
        })
        .await;
        connect(&server).await.ask(modern_call(1)).await;
    })
    .await;
}
