//! Requests that are refused before the message is looked at, and the limits.

use super::*;
use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tower::Service;

const HEADERS: [(&str, &str); 2] = [("mcp-protocol-version", MODERN), ("mcp-method", "echo")];

fn echo() -> Value {
    modern_body(1, "echo", json!({}))
}

// spec: HTTP-21
#[tokio::test]
async fn a_page_of_another_origin_or_a_rebound_name_is_refused() {
    let endpoint = endpoint(Scripted::modern().server.transport());
    for (name, value, status) in [
        ("host", "evil.example:8080", 403),
        ("host", "", 403),
        ("origin", "https://evil.example", 403),
        ("origin", "null", 403),
        ("origin", "http://localhost:3000", 200),
    ] {
        let headers: Vec<_> = HEADERS.into_iter().chain([(name, value)]).collect();
        let response = post(&endpoint, &headers, &echo()).await;
        assert_eq!(response.status().as_u16(), status, "{name}: {value}");
        assert_eq!(read_json(response).await.get("id").is_some(), status == 200);
    }
}

// spec: HTTP-02
#[tokio::test]
async fn media_types_are_checked() {
    let endpoint = endpoint(Scripted::modern().server.transport());
    for (name, value, status) in [
        ("content-type", "text/plain", 415),
        ("content-type", "", 415),
        ("content-type", "application/json; charset=utf-8", 200),
        ("accept", "application/json", 406),
        ("accept", "text/event-stream", 406),
        ("accept", "*/*", 200),
    ] {
        let headers: Vec<_> = HEADERS.into_iter().chain([(name, value)]).collect();
        let response = post(&endpoint, &headers, &echo()).await;
        assert_eq!(response.status().as_u16(), status, "{name}: {value}");
    }
}

// spec: MSG-01 HTTP-03
#[tokio::test]
async fn a_body_that_is_not_a_message_is_refused() {
    let endpoint = endpoint(Scripted::modern().server.transport());
    for (body, code, id) in [
        ("", -32700, Value::Null),
        ("garbage", -32700, Value::Null),
        ("{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"echo\"", -32700, json!(7)),
        ("[]", -32600, Value::Null),
        ("{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":3}", -32600, Value::Null),
        ("{\"id\":7,\"method\":\"echo\"}", -32600, json!(7)),
    ] {
        let response = send(&endpoint, http_request("POST", &HEADERS, body.into())).await;
        assert_eq!(response.status(), 400, "{body}");
        let error = read_json(response).await;
        assert_eq!((error_code(&error), &error["id"]), (code, &id), "{body}");
    }
}

#[tokio::test]
async fn f09_a_body_over_the_limit_is_refused() {
    let body = echo().to_string();
    let limit = body.len();
    for (limit, status) in [(limit, 200), (limit - 1, 413)] {
        let service = Scripted::modern().server.transport();
        let endpoint = serve::http(service, options(|limits| limits.body = limit));
        let response = post(&endpoint, &HEADERS, &echo()).await;
        assert_eq!(response.status(), status);
        // A body of unknown length.
        let (head, _) = http_request("POST", &HEADERS, Bytes::new()).into_parts();
        let request = HttpRequest::from_parts(head, Pieces(body.clone().into_bytes(), false));
        let response = deadline(endpoint.clone().call(request)).await.unwrap();
        assert_eq!(response.status(), status);
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_arrive_is_refused() {
    let service = Scripted::modern().server.transport();
    let options = options(|limits| limits.body_timeout = Duration::from_secs(1));
    let mut endpoint = serve::http(service, options);
    let (head, _) = http_request("POST", &HEADERS, Bytes::new()).into_parts();
    let request = HttpRequest::from_parts(head, Pieces(b"{".to_vec(), true));
    let response = deadline(endpoint.call(request)).await.unwrap();
    assert_eq!(refusal(response).await, (408, -32600));
}

/// A body of single bytes, which may be endless.
struct Pieces(Vec<u8>, bool);

impl hyper::body::Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<hyper::body::Frame<Bytes>, Infallible>>> {
        if self.0.is_empty() {
            return if self.1 { Poll::Pending } else { Poll::Ready(None) };
        }
        let first = self.0.remove(0);
        Poll::Ready(Some(Ok(hyper::body::Frame::data(vec![first].into()))))
    }
}

#[tokio::test]
async fn requests_over_the_limit_are_refused() {
    let server = Scripted::modern();
    let service = server.server.transport();
    let endpoint = serve::http(service, options(|limits| limits.requests = 1));
    let mut response = ask(&endpoint, 1, "hang").await;
    event(&mut response).await.unwrap();
    assert_eq!(refusal(ask(&endpoint, 2, "echo").await).await, (503, -32603));
    drop(response);
    assert_eq!(refusal(ask(&endpoint, 2, "echo").await).await, (200, 0));
}
