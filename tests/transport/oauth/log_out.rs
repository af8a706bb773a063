//! Logging out: tokens are removed here, and revoked at their issuer.

use super::{app, connect, deadline, world};
use base64::{Engine, prelude::BASE64_STANDARD};
use conformance::{
    http_server::Answer,
    oauth::{Client, World, form},
};
use mcp_transport::http::{
    Endpoint,
    oauth::{Error, ErrorKind, FileStore, LoggedOut, MemoryStore, OAuth, SigningKey, Store},
};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use serde_json::json;
use std::sync::Arc;

/// A client whose tokens can be inspected.
fn sharing() -> (OAuth, Arc<MemoryStore>) {
    let store = Arc::new(MemoryStore::new());
    let shared: Arc<dyn Store> = store.clone();
    (app().shared_store(shared), store)
}

async fn log_out(world: &World, oauth: OAuth) -> Result<LoggedOut, Error> {
    deadline(Endpoint::parse(world.url()).unwrap().oauth(oauth).log_out()).await
}

/// Returns what was to be revoked, by kind.
fn revoked(world: &World) -> Vec<String> {
    let requests = world.asked("/revoke");
    requests.iter().map(|request| form(request)["token_type_hint"].clone()).collect()
}

#[tokio::test]
async fn tokens_are_forgotten_and_revoked_the_refresh_token_first() {
    let world = world(|rules| rules.servers[0].revokes = true).await;
    let (oauth, _) = sharing();
    let connected = connect(&world, oauth.clone()).await;
    connected.ask(1, "tools/call").await.unwrap();
    let tokens = world.secrets();
    let outcome = log_out(&world, oauth.clone()).await.unwrap();
    assert!(matches!(outcome, LoggedOut::Revoked), "{outcome:?}");
    assert_eq!(revoked(&world), ["refresh_token", "access_token"]);
    for request in world.asked("/revoke") {
        let form = form(&request);
        assert!(tokens.contains(&form["token"]), "{form:?}");
        assert!(form["client_id"].starts_with("client-"), "a public client says who it is");
    }
    let again = log_out(&world, oauth).await.unwrap();
    assert!(matches!(again, LoggedOut::NotLoggedIn), "{again:?}");
    assert_eq!(revoked(&world).len(), 2);
    // A client that is still connected notices, and logs in again.
    connected.ask(2, "tools/call").await.unwrap();
    assert_eq!(world.asked("/authorize").len(), 2);
}

#[tokio::test]
async fn a_client_with_a_secret_shows_it_as_at_the_token_endpoint() {
    let mut client = Client::public();
    (client.method, client.secret) = ("client_secret_basic".to_owned(), Some("s3cret".to_owned()));
    let world = world(|rules| {
        rules.servers[0].revokes = true;
        rules.servers[0].method = "client_secret_basic".to_owned();
        rules.servers[0].clients.insert("me".to_owned(), client);
    })
    .await;
    let (oauth, _) = sharing();
    let oauth = oauth.client_id("me").client_secret("s3cret");
    connect(&world, oauth.clone()).await.ask(1, "tools/call").await.unwrap();
    let outcome = log_out(&world, oauth).await.unwrap();
    assert!(matches!(outcome, LoggedOut::Revoked), "{outcome:?}");
    for request in world.asked("/revoke") {
        let header = request.header("authorization").unwrap();
        assert!(header.starts_with("Basic "), "{header}");
        assert_eq!(form(&request).len(), 2);
    }
}

// spec: CC-02
#[tokio::test]
async fn a_client_with_a_key_proves_itself_as_at_the_token_endpoint() {
    let random = SystemRandom::new();
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random);
    let client = Client::with_key(pair.unwrap().public_key().as_ref());
    let world = world(|rules| {
        rules.servers[0].revokes = true;
        rules.servers[0].method.clone_from(&client.method);
        rules.servers[0].clients.insert("me".to_owned(), client);
    })
    .await;
    let text = BASE64_STANDARD.encode(pkcs8);
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n");
    let (oauth, store) = sharing();
    let oauth = oauth.client_id("me");
    let with_key = oauth.clone().assert_client(SigningKey::from_pem(pem.as_bytes()).unwrap());
    connect(&world, with_key.clone()).await.ask(1, "tools/call").await.unwrap();
    let outcome = log_out(&world, with_key.clone()).await.unwrap();
    assert!(matches!(outcome, LoggedOut::Revoked), "{outcome:?}");
    let shown: Vec<_> = world.asked("/revoke").iter().map(form).collect();
    assert_eq!(revoked(&world), ["refresh_token", "access_token"]);
    // The world has verified them, and nothing else identifies the client.
    assert_ne!(shown[0]["client_assertion"], shown[1]["client_assertion"], "each is used once");
    assert!(world.asked("/revoke").iter().all(|it| it.header("authorization").is_none()));

    // Without the key nothing can be revoked, but the tokens are removed all the same.
    connect(&world, with_key).await.ask(2, "tools/call").await.unwrap();
    let outcome = log_out(&world, oauth).await.unwrap();
    let LoggedOut::NotRevoked(error) = outcome else { panic!("{outcome:?}") };
    assert!(error.to_string().contains("no key"), "{error}");
    let key = mcp_transport::http::oauth::Key::new(world.url(), Some("me"));
    assert_eq!(store.tokens(&key).await.unwrap(), None);
    assert_eq!(world.asked("/revoke").len(), 2);
}

#[tokio::test]
async fn where_nothing_can_be_revoked_it_is_said_and_the_tokens_are_gone_all_the_same() {
    let refused = Answer::json(&json!({"error": "unsupported_token_type"})).with_status(400);
    for (rule, answer, expected) in [
        ("no endpoint", None, None),
        ("it is refused", Some(refused), Some(ErrorKind::Token)),
        ("it is down", Some(Answer::status(503)), Some(ErrorKind::Token)),
        ("no metadata", Some(Answer::status(500)), Some(ErrorKind::Network)),
        ("an address of others", None, Some(ErrorKind::Metadata)),
    ] {
        let world = world(|rules| {
            let server = &mut rules.servers[0];
            server.revokes = rule != "no endpoint";
            if rule == "an address of others" {
                server.metadata = json!({"revocation_endpoint": "http://as.example.com/revoke"});
            }
        })
        .await;
        let (oauth, store) = sharing();
        connect(&world, oauth.clone()).await.ask(1, "tools/call").await.unwrap();
        world.change(|rules| {
            let server = &mut rules.servers[0];
            let path = match rule {
                "no metadata" => server.metadata_path.clone(),
                _ => "/revoke".to_owned(),
            };
            if let Some(answer) = answer {
                server.always(&path, answer);
            }
        });
        let outcome = log_out(&world, oauth.clone()).await.unwrap();
        match (outcome, expected) {
            (LoggedOut::NotRevocable, None) => {}
            (LoggedOut::NotRevoked(error), Some(kind)) => {
                assert_eq!(error.kind(), kind, "{rule}: {error}");
                let secrets = world.secrets();
                let is_told = secrets.iter().any(|secret| format!("{error:?}").contains(secret));
                assert!(!is_told, "{error:?}");
            }
            (outcome, _) => panic!("{rule}: {outcome:?}"),
        }
        let key = mcp_transport::http::oauth::Key::new(world.url(), None);
        assert_eq!(store.tokens(&key).await.unwrap(), None, "{rule}");
        let again = log_out(&world, oauth).await.unwrap();
        assert!(matches!(again, LoggedOut::NotLoggedIn), "{rule}: {again:?}");
    }
}

#[tokio::test]
async fn a_store_that_keeps_its_tokens_is_an_error() {
    let world = world(|rules| rules.servers[0].revokes = true).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens.json");
    let oauth = app().store(FileStore::new(&path));
    connect(&world, oauth.clone()).await.ask(1, "tools/call").await.unwrap();
    std::fs::write(&path, "no file of tokens").unwrap();
    let error = log_out(&world, oauth).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Store, "{error}");
    assert!(error.to_string().contains(world.url()), "{error}");
}
