//! Requested scopes, and step-up requests.

use super::{ErrorKind, app, cause, connect, log_in, user_who, world};
use conformance::oauth::{World, redirect_of};
use serde_json::json;

/// Returns the scopes of each authorization request.
fn asked(world: &World) -> Vec<String> {
    let requests = world.authorization_requests();
    requests.iter().map(|it| it.get("scope").cloned().unwrap_or_default()).collect()
}

// spec: SCOPE-01 SCOPE-02 SCOPE-03
#[tokio::test]
async fn the_challenge_says_what_to_ask_for_then_the_metadata_then_nobody() {
    let world = world(|_| ()).await;
    log_in(&world, app()).await.unwrap();
    let listed = json!({ "scopes_supported": ["read", "write"] });
    world.change(|rules| rules.resource.metadata = listed);
    log_in(&world, app()).await.unwrap();
    world.change(|rules| {
        let challenge = r#"Bearer scope="other", resource_metadata="{metadata}""#;
        rules.resource.challenges = vec![challenge.to_owned()];
    });
    log_in(&world, app()).await.unwrap();
    log_in(&world, app().scopes(["mine"])).await.unwrap();
    assert_eq!(asked(&world), ["", "read write", "other", "mine other"]);
    assert!(!world.authorization_requests()[0].contains_key("scope"));
}

// spec: TOK-08 TOK-07
#[tokio::test]
async fn refresh_tokens_are_asked_for_where_there_are_some() {
    let world = world(|rules| {
        rules.resource.metadata = json!({ "scopes_supported": ["read"] });
        rules.servers[0].metadata = json!({ "scopes_supported": ["read", "offline_access"] });
    });
    let world = world.await;
    log_in(&world, app()).await.unwrap();
    log_in(&world, app().online_only()).await.unwrap();
    world.change(|rules| rules.servers[0].metadata = json!({ "scopes_supported": ["read"] }));
    log_in(&world, app()).await.unwrap();
    assert_eq!(asked(&world), ["read offline_access", "read", "read"]);
}

// spec: SCOPE-02 SCOPE-04 SCOPE-05
#[tokio::test]
async fn a_call_that_needs_more_asks_for_more_and_keeps_what_there_was() {
    let world = world(|rules| {
        rules.resource.metadata = json!({ "scopes_supported": ["read"] });
        rules.resource.needs.insert("tools/call".to_owned(), "write".to_owned());
        rules.resource.needs.insert("tools/list".to_owned(), "read".to_owned());
    });
    let world = world.await;
    let connected = connect(&world, app()).await;
    connected.ask(1, "tools/list").await.unwrap();
    connected.ask(2, "tools/call").await.unwrap();
    connected.ask(3, "tools/list").await.unwrap();
    assert_eq!(asked(&world), ["read", "read write"]);
    assert_eq!(world.served("tools/call").len(), 1);
}

// spec: SCOPE-05 SCOPE-06 SCOPE-07 SBP-15
#[tokio::test]
async fn f72_a_scope_that_is_not_granted_is_asked_for_once() {
    let world = world(|rules| {
        rules.resource.needs.insert("tools/call".to_owned(), "admin".to_owned());
    });
    let world = world.await;
    // The authorization server grants what it likes.
    let narrow = user_who(|request| async move {
        redirect_of(&request.url.as_str().replace("scope=admin", "scope=other")).await
    });
    let connected = connect(&world, app().receiver(narrow)).await;
    for _ in 0..3 {
        let error = connected.call().await.expect_err("it is not granted");
        assert_eq!(error.status().map(|status| status.as_u16()), Some(403));
        assert!(error.challenge().is_some_and(|challenge| challenge.contains("admin")));
        assert_eq!(cause(&error).kind(), ErrorKind::InsufficientScope);
    }
    assert_eq!(world.asked("/authorize").len(), 2);
    // Requests that need fewer scopes still work.
    connected.ask(9, "tools/list").await.unwrap();
}
