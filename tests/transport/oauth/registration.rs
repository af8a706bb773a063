//! Client identifiers and their registration.

use super::{ErrorKind, app, connect, log_in, user, why, world};
use conformance::{
    http_server::Answer,
    oauth::{Client, World},
};
use mcp_transport::http::oauth::{MemoryStore, OAuth};
use serde_json::json;
use std::sync::Arc;

const DOCUMENT: &str = "https://app.example.com/client.json";

// spec: REG-01 REG-08 REG-15 FLOW-04
#[tokio::test]
async fn a_client_registers_once_and_is_known_from_then_on() {
    let world = world(|_| ()).await;
    let app = app();
    let connected = connect(&world, app).await;
    connected.call().await.unwrap();
    world.revoke_access();
    world.revoke_refresh();
    connected.call().await.unwrap();
    let registrations = world.asked("/register");
    assert_eq!(registrations.len(), 1);
    let request = registrations[0].json();
    assert_eq!(request["application_type"], "native");
    assert_eq!(request["grant_types"], json!(["authorization_code", "refresh_token"]));
    let ids: Vec<_> =
        world.authorization_requests().iter().map(|it| it["client_id"].clone()).collect();
    assert_eq!(ids.len(), 2);
    assert_eq!(ids[0], ids[1]);
}

// spec: REG-02 REG-03 REG-06
#[tokio::test]
async fn the_url_of_a_document_is_an_identifier_where_that_is_supported() {
    let world = world(|_| ()).await;
    log_in(&world, app().client_metadata_url(DOCUMENT)).await.unwrap();
    assert_ne!(world.authorization_requests()[0]["client_id"], DOCUMENT);
    world.change(|rules| {
        rules.servers[0].metadata = json!({ "client_id_metadata_document_supported": true });
    });
    log_in(&world, app().client_metadata_url(DOCUMENT)).await.unwrap();
    assert_eq!(world.authorization_requests()[1]["client_id"], DOCUMENT);
    assert_eq!(world.asked("/register").len(), 1);
}

// spec: REG-07 REG-16
// seed: 65
#[tokio::test]
async fn a_client_that_is_configured_is_never_registered() {
    for method in ["client_secret_basic", "client_secret_post", "none"] {
        let world = world(|rules| {
            let client = Client::with_secret(method, "pass:word+%");
            rules.servers[0].method = method.to_owned();
            rules.servers[0].clients.insert("my app".to_owned(), client);
        });
        let world = world.await;
        let app = app().client_id("my app");
        let app = if method == "none" { app } else { app.client_secret("pass:word+%") };
        log_in(&world, app).await.unwrap();
        assert!(world.asked("/register").is_empty());
        let request = &world.asked("/token")[0];
        assert_eq!(request.header("authorization").is_some(), method == "client_secret_basic");
        let form = &world.token_requests()[0];
        assert_eq!(form.contains_key("client_secret"), method == "client_secret_post");
    }
}

// seed: 65
#[tokio::test]
async fn a_client_that_is_configured_and_refused_is_not_tried_twice() {
    let world = world(|_| ()).await;
    let refused = json!({ "error": "invalid_client" });
    world.change(|rules| {
        rules.servers[0].clients.insert("mine".to_owned(), Client::public());
        rules.servers[0].always("/token", Answer::json(&refused).with_status(401));
    });
    let error = why(log_in(&world, app().client_id("mine")).await);
    assert_eq!((error.kind(), error.code()), (ErrorKind::Token, Some("invalid_client")));
    assert_eq!((world.asked("/authorize").len(), world.asked("/token").len()), (1, 1));
}

// seed: 65
#[tokio::test]
async fn a_registration_that_is_not_known_any_more_is_made_again() {
    let world = world(|_| ()).await;
    let connected = connect(&world, app()).await;
    connected.call().await.unwrap();
    world.revoke_access();
    world.revoke_refresh();
    let refused = json!({ "error": "invalid_client" });
    // Once for the refresh, once for the code.
    world.change(|rules| {
        let answer = Answer::json(&refused).with_status(401);
        rules.servers[0].once("/token", answer.clone());
        rules.servers[0].once("/token", answer);
    });
    connected.call().await.unwrap();
    assert_eq!(world.asked("/register").len(), 2);
    assert_eq!(world.asked("/authorize").len(), 3);
}

// spec: REG-10
#[tokio::test]
async fn a_registration_that_is_refused_says_why_and_what_to_do() {
    let world = world(|_| ()).await;
    let refused = json!({
        "error": "invalid_redirect_uri", "error_description": "loopback is for native apps",
    });
    world.change(|rules| {
        rules.servers[0].always("/register", Answer::json(&refused).with_status(400));
    });
    let error = why(log_in(&world, app()).await);
    assert_eq!(
        (error.kind(), error.code()),
        (ErrorKind::Registration, Some("invalid_redirect_uri"))
    );
    for part in ["loopback is for native apps", super::REDIRECT, "registered by hand"] {
        assert!(error.to_string().contains(part), "{error}");
    }
}

// spec: AUTH-09 REG-11 REG-12 REG-13 TOK-04
#[tokio::test]
async fn a_server_that_moves_to_another_authorization_server_is_registered_at_anew() {
    let world = World::start_with(2, |_| ()).await.unwrap();
    let connected = connect(&world, app()).await;
    connected.call().await.unwrap();
    world.change(|rules| rules.resource.servers = vec![1]);
    connected.call().await.unwrap();
    let of = |server: usize, path: &str| {
        let path = path.to_owned();
        world.server(server).matching(move |request| request.uri.path() == path)
    };
    assert_eq!((of(0, "/register").len(), of(1, "/register").len()), (1, 1));
    // What the first one issued is shown only to it, including the refresh token.
    assert_eq!((of(0, "/token").len(), of(1, "/token").len()), (1, 1));
    let first = of(0, "/register").len() + of(0, "/authorize").len();
    assert_eq!(first, 2);
    let secrets = world.secrets();
    let first_client = &world.authorization_requests()[0]["client_id"];
    for request in world.server(1).requests() {
        let text = format!("{} {}", request.uri, String::from_utf8_lossy(&request.body));
        assert!(!text.contains(first_client.as_str()), "{text} of {secrets:?}");
    }
}

// spec: REG-11 REG-12 REG-14
#[tokio::test]
async fn a_client_that_is_configured_stays_where_it_was_used_first() {
    let world = World::start_with(2, |rules| {
        for server in &mut rules.servers {
            server.clients.insert("mine".to_owned(), Client::public());
        }
    });
    let world = world.await.unwrap();
    let connected = connect(&world, app().client_id("mine")).await;
    connected.call().await.unwrap();
    world.change(|rules| rules.resource.servers = vec![1]);
    let error = why(connected.call().await);
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.to_string().contains(&world.issuer(1)), "{error}");
    assert!(
        world
            .server(1)
            .matching(|it| it.uri.path() != "/.well-known/oauth-authorization-server")
            .is_empty()
    );
}

// spec: REG-13 REG-05
#[tokio::test]
async fn an_identifier_that_is_a_url_goes_along_to_another_authorization_server() {
    let world = World::start_with(2, |rules| {
        for server in &mut rules.servers {
            server.metadata = json!({ "client_id_metadata_document_supported": true });
        }
    });
    let world = world.await.unwrap();
    let connected = connect(&world, app().client_metadata_url(DOCUMENT)).await;
    connected.call().await.unwrap();
    world.change(|rules| rules.resource.servers = vec![1]);
    connected.call().await.unwrap();
    assert!(world.asked("/register").is_empty());
    let ids = world.authorization_requests();
    assert!(ids.iter().all(|request| request["client_id"] == DOCUMENT) && ids.len() == 2);
}

// spec: REG-11
#[tokio::test]
async fn what_is_stored_is_there_at_the_next_start() {
    let world = world(|_| ()).await;
    let store = Arc::new(MemoryStore::new());
    let app = |store: &Arc<MemoryStore>| {
        OAuth::new("App").receiver(user()).shared_store(Arc::clone(store) as _)
    };
    log_in(&world, app(&store)).await.unwrap();
    log_in(&world, app(&store)).await.unwrap();
    assert_eq!((world.asked("/authorize").len(), world.served("tools/call").len()), (1, 2));
    assert_eq!(world.resource().matching(|it| it.rpc_method() == "tools/call").len(), 3);
}
