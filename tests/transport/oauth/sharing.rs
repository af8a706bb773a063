//! Many calls, one login.

use super::{app, connect, log_in, user_who, world};
use bytes::Bytes;
use conformance::{
    http_server::Answer,
    oauth::redirect_of,
    script::{Background, deadline},
};
use futures_util::future::{join, join_all};
use http_body_util::{BodyExt, Full};
use mcp_transport::{
    ClientMessage, Connector,
    http::{
        Endpoint, RequestBody,
        oauth::{MemoryStore, OAuth, Store},
    },
};
use mcp_types::rpc::Request;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tokio::sync::Notify;
use tower::ServiceExt;

/// A user who is asked, and agrees when told to.
fn slow_user() -> (OAuth, Arc<AtomicUsize>, Arc<Notify>) {
    let (asked, go) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
    let (seen, told) = (Arc::clone(&asked), Arc::clone(&go));
    let user = user_who(move |request| {
        seen.fetch_add(1, Ordering::SeqCst);
        let told = Arc::clone(&told);
        async move {
            told.notified().await;
            match request.issuer.as_str() {
                // The in-process world has no page.
                "http://localhost:1" => {
                    let query = request.url.query().unwrap_or_default();
                    Ok(format!("/callback?code=x&{query}"))
                }
                _ => redirect_of(request.url.as_str()).await,
            }
        }
    });
    (OAuth::new("App").receiver(user), asked, go)
}

async fn until(is: impl Fn() -> bool) {
    deadline(async {
        while !is() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

// spec: TOK-09 TOK-10
#[tokio::test]
async fn f69_a_hundred_calls_that_are_refused_share_one_login_and_one_refresh() {
    let world = world(|_| ()).await;
    let connected = connect(&world, app()).await;
    let all = || join_all((0..100).map(|id| connected.ask(id, "tools/call")));
    assert!(all().await.iter().all(Result::is_ok));
    assert_eq!((world.asked("/authorize").len(), world.asked("/token").len()), (1, 1));
    world.revoke_access();
    assert!(all().await.iter().all(Result::is_ok));
    assert_eq!((world.asked("/authorize").len(), world.asked("/token").len()), (1, 2));
    assert_eq!(world.token_requests()[1]["grant_type"], "refresh_token");
    assert_eq!(world.token_requests()[1]["resource"], world.url());
}

// spec: TOK-09
#[tokio::test]
async fn f70_a_waiter_that_gives_up_takes_no_login_with_it() {
    let (app, asked, go) = slow_user();
    let url = "http://localhost:1/mcp".parse().unwrap();
    let server =
        tower::service_fn(|request| async move { Ok::<_, Infallible>(at_once(request).await) });
    let link = Endpoint::with_service(url, server).unwrap().oauth(app).connect().await.unwrap();
    let _driver = Background::run(link.driver);
    let call = |id| {
        let message = ClientMessage::new(Request::new(id, "tools/list"));
        let calling = link.transport.clone().oneshot(message);
        Background::run(async move { calling.await.map(drop) })
    };
    let first = call(1);
    until(|| asked.load(Ordering::SeqCst) == 1).await;
    // Without IO in between, a call that has had its turns waits for the login.
    let mut second = call(2);
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    first.cut().await;
    go.notify_one();
    second.end().await.unwrap();
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

/// Answers of the in-process world.
async fn at_once(request: http::Request<RequestBody>) -> http::Response<Full<Bytes>> {
    let origin = "http://localhost:1";
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let id = serde_json::from_slice::<Value>(&body).unwrap_or_default()["id"].clone();
    let answer = match head.uri.path() {
        "/mcp" if !head.headers.contains_key("authorization") => {
            return http::Response::builder().status(401).body(Full::default()).unwrap();
        }
        "/mcp" => json!({ "jsonrpc": "2.0", "id": id, "result": {} }),
        "/token" => json!({ "access_token": "a", "token_type": "Bearer" }),
        "/register" => json!({ "client_id": "id" }),
        path if path.contains("protected-resource") => {
            json!({ "resource": format!("{origin}/mcp"), "authorization_servers": [origin] })
        }
        _ => json!({
            "issuer": origin,
            "authorization_endpoint": format!("{origin}/authorize"),
            "token_endpoint": format!("{origin}/token"),
            "registration_endpoint": format!("{origin}/register"),
            "code_challenge_methods_supported": ["S256"],
        }),
    };
    let response = http::Response::builder().header("content-type", "application/json");
    response.body(Full::from(answer.to_string())).unwrap()
}

#[tokio::test]
async fn a_login_that_nobody_waits_for_ends_and_the_next_call_begins_another() {
    let world = world(|_| ()).await;
    let (app, asked, go) = slow_user();
    let connected = Arc::new(connect(&world, app).await);
    let call = |id| {
        let connected = Arc::clone(&connected);
        Background::run(async move { connected.ask(id, "tools/call").await })
    };
    let first = call(1);
    until(|| asked.load(Ordering::SeqCst) == 1).await;
    first.cut().await;
    let mut second = call(2);
    until(|| asked.load(Ordering::SeqCst) == 2).await;
    go.notify_one();
    second.end().await.unwrap();
    assert_eq!(world.token_requests().len(), 1);
}

// spec: TOK-09
#[tokio::test]
async fn f70_a_token_endpoint_that_fails_costs_no_refresh_token() {
    let world = world(|_| ()).await;
    let connected = connect(&world, app()).await;
    connected.call().await.unwrap();
    world.revoke_access();
    for answer in [
        Answer::status(503),
        Answer::body("text/html", "<html>"),
        Answer::status(307).header("location", "/elsewhere"),
        Answer::body("application/json", "x".repeat(2 << 20)),
    ] {
        world.change(|rules| rules.servers[0].once("/token", answer));
        assert!(connected.call().await.is_err());
    }
    assert!(world.asked("/elsewhere").is_empty());
    connected.call().await.unwrap();
    assert_eq!(world.asked("/authorize").len(), 1);
}

// spec: TOK-09
#[tokio::test]
async fn endpoints_that_share_a_store_use_a_refresh_token_once() {
    let world = world(|_| ()).await;
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let oauth = app().shared_store(store);
    let (one, two) = (connect(&world, oauth.clone()).await, connect(&world, oauth).await);
    one.call().await.unwrap();
    two.call().await.unwrap();
    world.revoke_access();
    let (first, second) = join(one.call(), two.call()).await;
    first.unwrap();
    second.unwrap();
    assert_eq!((world.asked("/authorize").len(), world.asked("/token").len()), (1, 2));
}

// spec: TOK-09 TOK-10
#[tokio::test]
async fn a_refresh_token_that_is_worthless_leads_to_a_new_login() {
    let world = world(|_| ()).await;
    let connected = connect(&world, app()).await;
    connected.call().await.unwrap();
    world.revoke_access();
    world.revoke_refresh();
    connected.call().await.unwrap();
    assert_eq!(world.asked("/authorize").len(), 2);
}

// spec: TOK-04
#[tokio::test]
async fn two_servers_never_see_the_tokens_of_each_other() {
    let (first, second) = (world(|_| ()).await, world(|_| ()).await);
    let app = app();
    log_in(&first, app.clone()).await.unwrap();
    log_in(&second, app).await.unwrap();
    for world in [&first, &second] {
        let shown = world.resource().matching(|it| it.headers.contains_key("authorization"));
        assert_eq!((shown.len(), world.served("tools/call").len()), (1, 1));
    }
}

// spec: TOK-07
#[tokio::test]
async fn a_token_is_renewed_before_its_end() {
    let world = world(|rules| rules.servers[0].lifetime = json!(1)).await;
    let connected = connect(&world, app()).await;
    let mut calls = 0;
    deadline(async {
        while world.token_requests().len() < 2 {
            connected.call().await.unwrap();
            calls += 1;
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    })
    .await;
    assert_eq!(world.token_requests()[1]["grant_type"], "refresh_token");
    // Only the first call was refused.
    let requests = world.resource().matching(|request| request.uri.path() == "/mcp");
    assert_eq!(requests.len(), calls + 1);
    assert_eq!(world.asked("/authorize").len(), 1);
}
