//! Refusals and unexpected answers.

use super::*;
use conformance::http_server::{Step, response};
use mcp_transport::{Delivery, http::Limits};

/// An answer with an error response in its body.
fn rpc_error(status: u16, id: &Value, code: i64) -> Answer {
    let error = json!({ "code": code, "message": "because" });
    Answer::json(&json!({ "jsonrpc": "2.0", "id": id, "error": error })).with_status(status)
}

// spec: HTTP-17 VER-09 VER-10 HDR-23
#[tokio::test]
async fn f36_a_refusal_with_an_error_response_is_the_response() {
    deadline(async {
        let server = start(|request| {
            let id = request.json()["id"].clone();
            match id.as_u64().unwrap_or_default() {
                status @ 400..=499 => rpc_error(u16::try_from(status).unwrap(), &id, -32601),
                1 => rpc_error(400, &Value::Null, -32022),
                _ => rpc_error(400, &json!("server-error"), -32600),
            }
        })
        .await;
        let mut peer = connect(&server).await;
        for status in [400, 404, 405, 406, 409, 413, 415, 422, 431] {
            let response = peer.ask(modern_call(status)).await;
            assert_eq!(response.id, Some(status.into()));
            assert_eq!(response.outcome.unwrap_err().code.0, -32601);
        }
        let response = peer.ask(modern_call(1)).await;
        assert_eq!(response.outcome.unwrap_err().code.0, -32022, "without an id it is ours");
        let error = error_of(peer.send(modern_call(2)).await);
        assert_eq!(error.status().unwrap(), 400);
        assert_eq!(error.peer_error().unwrap().code.0, -32600, "with another id it is a hint");
    })
    .await;
}

#[tokio::test]
async fn a_refusal_says_what_a_person_may_do_about_it() {
    deadline(async {
        let server = start(|request| {
            let status = u16::try_from(request.json()["id"].as_u64().unwrap()).unwrap();
            Answer::json(&json!("see the manual")).with_status(status)
        })
        .await;
        let mut peer = connect(&server).await;
        for (status, told) in [
            (401, " wants a login or a valid token: "),
            (404, " is not there (is the path right?): "),
            (405, " takes no messages (is it the address of an MCP server?): "),
            (429, " wants fewer requests: "),
            (503, " refused the message: "),
        ] {
            let error = error_of(peer.send(modern_call(status)).await).to_string();
            assert!(error.contains(told) && error.contains("see the manual"), "{error}");
            assert!(error.contains(&format!("(HTTP status {status} ")), "{error}");
        }
    })
    .await;
}

// spec: HTTP-21 VER-11
#[tokio::test]
async fn f32_statuses_about_rights_and_moments_are_errors_with_what_the_server_said() {
    deadline(async {
        let server = start(|request| {
            let id = request.json()["id"].clone();
            let status = u16::try_from(id.as_u64().unwrap()).unwrap();
            rpc_error(status, &id, -32000)
                .header("www-authenticate", "Bearer realm=\"a\"")
                .header("www-authenticate", "DPoP")
                .header("retry-after", "7")
        })
        .await;
        let mut peer = connect(&server).await;
        for status in [401, 403, 407, 408, 429, 500, 502, 503, 504] {
            let error = error_of(peer.send(modern_call(status)).await);
            assert_eq!(i64::from(error.status().unwrap().as_u16()), status);
            assert_eq!(error.peer_error().unwrap().message, "because");
            assert_eq!(error.challenge(), Some("Bearer realm=\"a\", DPoP"));
            assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
            let acted = if status < 500 { Delivery::Delivered } else { Delivery::Unknown };
            assert_eq!(error.delivery(), acted, "{status}");
        }
    })
    .await;
}

// spec: HTTP-18
#[tokio::test]
async fn f32_a_refusal_in_words_is_shown_short_and_harmless() {
    deadline(async {
        let page = format!("<h1>\x1b[31mNo\u{202e}</h1>{}", "x".repeat(100_000));
        let server = start(move |_| Answer::body("text/html", page.clone()).with_status(413)).await;
        let url = server.url().replace("http://", "http://me:secret@") + "?key=secret";
        let mut peer = connect_to(Endpoint::parse(&url).unwrap()).await;
        let error = error_of(peer.send(modern_call(1)).await);
        let text = error.to_string();
        assert!(text.contains(server.url()) && text.contains("413"), "{text}");
        assert!(text.contains("<h1>[31mNo</h1>xxx") && text.len() < 500, "{text}");
        assert!(!text.contains("secret") && !format!("{error:?}").contains("secret"));
        assert!(!text.contains(char::is_control), "{text}");
        let request = &server.requests()[0];
        assert_eq!(request.header("authorization"), Some("Basic bWU6c2VjcmV0"));
        assert_eq!(request.uri, "/mcp?key=secret");
    })
    .await;
}

// spec: HTTP-18
#[tokio::test]
async fn a_refusal_over_its_limit_still_has_its_status() {
    deadline(async {
        let server = start(|request| rpc_error(400, &request.json()["id"], -32601)).await;
        let mut limits = Limits::default();
        limits.refusal = 20;
        let mut peer = connect_to(Endpoint::parse(server.url()).unwrap().limits(limits)).await;
        let error = error_of(peer.send(modern_call(1)).await);
        assert_eq!(error.status().unwrap(), 400);
        assert!(error.peer_error().is_none() && !error.to_string().contains("because"), "{error}");
        connect(&server).await.ask(modern_call(2)).await.outcome.unwrap_err();
    })
    .await;
}

#[tokio::test]
async fn a_refusal_whose_body_never_ends_still_has_its_status() {
    deadline(async {
        let server =
            start(|_| Answer::body("text/plain", "wait").with_status(500).step(Step::Stall)).await;
        let mut peer = connect(&server).await;
        let error = error_of(peer.send(modern_call(1)).await);
        assert_eq!(error.status().unwrap(), 500);
    })
    .await;
}

#[tokio::test]
async fn f34_a_redirect_is_named_and_not_followed() {
    deadline(async {
        let canary = start(|_| Answer::status(200)).await;
        for status in [301, 302, 303, 307, 308] {
            let to = format!("{}?token=secret", canary.url());
            let server = start(move |_| Answer::status(status).header("location", &to)).await;
            let mut peer = connect(&server).await;
            let error = error_of(peer.send(modern_call(1)).await);
            assert_eq!(error.status().unwrap(), status);
            assert!(error.to_string().contains(canary.url()), "{error}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
        assert!(canary.requests().is_empty());
    })
    .await;
}

// spec: HTTP-05 MSG-08
#[tokio::test]
async fn f30_an_answer_that_is_no_response_fails_at_once() {
    deadline(async {
        let server = start(|request| match request.json()["id"].as_i64().unwrap() {
            1 => Answer::status(202),
            2 => Answer::status(204),
            3 => Answer::body("text/html", "<p>hello</p>"),
            4 => Answer::status(200),
            5 => Answer::body("application/json", ""),
            6 => Answer::body("application/json", "<p>"),
            7 => Answer::json(&json!({ "jsonrpc": "2.0", "method": "notifications/message" })),
            8 => Answer::json(&json!({ "jsonrpc": "2.0", "id": "8", "result": {} })),
            9 => Answer::json(&json!([response(request, &json!({}))])),
            10 => Answer::json(&json!({ "jsonrpc": "2.0", "id": 10, "result": 3 })),
            _ => Answer::body("application/jsonish", "{}"),
        })
        .await;
        let mut peer = connect(&server).await;
        for id in 1..12 {
            let error = error_of(peer.send(modern_call(id)).await);
            assert!(error.is_malformed(), "{id}: {error:?}");
            assert_eq!(error.delivery(), Delivery::Delivered, "{id}");
            assert!(error.to_string().contains(server.url()), "{error}");
            let status = [202, 204].get(usize::try_from(id - 1).unwrap());
            assert!(status.is_none_or(|status| error.status().unwrap() == *status), "{error}");
        }
    })
    .await;
}

#[tokio::test]
async fn f39_an_encoding_that_nobody_asked_for_is_named() {
    deadline(async {
        let server =
            start(|request| Answer::result(request, &json!({})).header("content-encoding", "br"))
                .await;
        let mut peer = connect(&server).await;
        let error = error_of(peer.send(modern_call(1)).await);
        assert!(error.is_malformed() && error.to_string().contains("\"br\""), "{error}");
        assert_eq!(server.requests()[0].header("accept-encoding"), None);
    })
    .await;
}

#[tokio::test]
async fn a_body_over_the_limit_fails_its_call_whether_its_length_is_told_or_not() {
    deadline(async {
        let server = start(|request| {
            let id = request.json()["id"].as_i64().unwrap();
            let text = "x".repeat(usize::try_from(id / 10).unwrap());
            let whole = response(request, &json!({ "text": text })).to_string();
            if id % 2 == 0 {
                return Answer::body("application/json", whole);
            }
            let mut answer = Answer::body("application/json", "");
            for chunk in whole.as_bytes().chunks(100) {
                answer = answer.step(Step::Send(chunk.to_vec().into()));
            }
            answer
        })
        .await;
        let mut limits = Limits::default();
        limits.body = 1000;
        let mut peer = connect_to(Endpoint::parse(server.url()).unwrap().limits(limits)).await;
        for id in [5000, 5001] {
            let response = peer.ask(modern_call(id)).await;
            assert!(response.outcome.unwrap().as_str().len() > 500);
        }
        for id in [20_000, 20_001] {
            let error = error_of(peer.send(modern_call(id)).await);
            assert!(error.is_too_large(), "{error:?}");
        }
        peer.ask(modern_call(10)).await;
    })
    .await;
}

// spec: H25-17 H25-19
#[tokio::test]
async fn f35_a_404_without_a_session_is_not_an_expired_session() {
    deadline(async {
        let server = start(|_| Answer::status(404)).await;
        let mut peer = connect(&server).await;
        for message in [modern_call(1), legacy_call(2), initialize(3)] {
            let error = error_of(peer.send(message).await);
            assert_eq!(error.status().unwrap(), 404);
            assert!(!error.is_closed(), "{error:?}");
        }
    })
    .await;
}
