//! Services, workloads and enterprises: logins without a user.

use super::*;
use base64::{Engine, prelude::BASE64_STANDARD};
use conformance::oauth::Client;
use mcp_transport::http::oauth::{
    AuthenticationMethod, ClientCredentials, EnterpriseManaged, FileStore, JwtBearer, SigningKey,
};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use std::collections::BTreeMap;

fn service(client_id: &str) -> OAuth {
    OAuth::new("Service").client_id(client_id).grant(ClientCredentials)
}

/// A world with this client as the only registered one.
async fn world_of(id: &str, client: Client) -> World {
    World::start(|rules| {
        let server = &mut rules.servers[0];
        server.method.clone_from(&client.method);
        server.metadata = json!({"registration_endpoint": null, "authorization_endpoint": null});
        server.clients = BTreeMap::from([(id.to_owned(), client)]);
    })
    .await
    .unwrap()
}

// spec: CC-02 CC-03
// seed: 66
#[tokio::test]
async fn a_service_logs_in_for_itself_with_a_secret() {
    deadline(async {
        for method in ["client_secret_basic", "client_secret_post"] {
            let world = world_of("me:1", Client::with_secret(method, "s3cret &%")).await;
            let oauth = service("me:1").client_secret("s3cret &%");
            log_in(&world, oauth).await.ask(modern_call(1)).await;
            let [form] = &world.token_requests()[..] else { panic!("one request") };
            assert_eq!(form["grant_type"], "client_credentials");
            assert_eq!(form["resource"], world.url());
            assert_eq!(form.contains_key("client_secret"), method == "client_secret_post");
            assert!(world.asked("/authorize").is_empty() && world.asked("/register").is_empty());
            assert_eq!(world.served("tools/call").len(), 1);
        }
    })
    .await;
}

// spec: CC-02 CC-03
// seed: 66
#[tokio::test]
async fn a_service_logs_in_for_itself_with_a_key() {
    deadline(async {
        let random = SystemRandom::new();
        let pkcs8 =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random);
        let world = world_of("me", Client::with_key(pair.unwrap().public_key().as_ref())).await;
        let text = BASE64_STANDARD.encode(pkcs8);
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n");
        let key = SigningKey::from_pem(pem.as_bytes()).unwrap();
        let mut client = log_in(&world, service("me").assert_client(key)).await;
        client.ask(modern_call(1)).await;
        world.revoke_access();
        client.ask(modern_call(2)).await;
        let requests = world.token_requests();
        assert_eq!(requests.len(), 2, "there is no refresh token: the grant is made again");
        assert_ne!(requests[0]["client_assertion"], requests[1]["client_assertion"]);
        // Another key does not authenticate this client.
        world.change(|rules| {
            rules.servers[0].clients.get_mut("me").unwrap().key = Some(vec![4; 65])
        });
        world.revoke_access();
        let error = error_of(client.send(modern_call(3)).await);
        let (kind, text) = reason(&error);
        assert!(kind == ErrorKind::Token && text.contains("invalid_client"), "{text}");
    })
    .await;
}

// spec: SCOPE-05 CC-03
// seed: 66
#[tokio::test]
async fn a_service_asks_for_the_scopes_it_was_told_and_for_more_when_they_do_not_suffice() {
    deadline(async {
        let world = world_of("me", Client::with_secret("client_secret_basic", "s")).await;
        world.change(|rules| {
            rules.resource.metadata = json!({"scopes_supported": ["all", "else"]});
            rules.resource.needs = BTreeMap::from([("tools/call".to_owned(), "write".to_owned())]);
        });
        let oauth = service("me").client_secret("s").scopes(["read", "list"]);
        let mut client = log_in(&world, oauth).await;
        client.ask(modern(1, "tools/list", json!({}))).await;
        client.ask(modern_call(2)).await;
        let scopes: Vec<_> =
            world.token_requests().iter().map(|form| form["scope"].clone()).collect();
        assert_eq!(
            scopes,
            ["read list", "read list write"],
            "what was said goes first, then the union"
        );
    })
    .await;
}

// spec: AUTH-09 TOK-04
// seed: 66
#[tokio::test]
async fn services_that_share_a_store_have_their_own_tokens_and_find_them_again() {
    deadline(async {
        let world = world_of("one", Client::with_secret("client_secret_basic", "1")).await;
        world.change(|rules| {
            let other = Client::with_secret("client_secret_basic", "2");
            rules.servers[0].clients.insert("two".to_owned(), other);
        });
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens.json");
        let of =
            |id: &str, secret: &str| service(id).client_secret(secret).store(FileStore::new(&path));
        for _ in 0..2 {
            log_in(&world, of("one", "1")).await.ask(modern_call(1)).await;
            log_in(&world, of("two", "2")).await.ask(modern_call(1)).await;
        }
        assert_eq!(world.token_requests().len(), 2, "each once; later ones find what is stored");
        let shown: std::collections::BTreeSet<_> = world
            .served("tools/call")
            .iter()
            .map(|request| request.header("authorization").unwrap().to_owned())
            .collect();
        assert_eq!(shown.len(), 2);
    })
    .await;
}

// spec: TOK-10
#[tokio::test]
async fn an_assertion_of_a_workload_is_sent_once_and_nothing_is_tried_in_its_place() {
    deadline(async {
        let world = world_of("worker", Client::public()).await;
        world.change(|rules| _ = rules.servers[0].assertions.insert("good".to_owned()));
        let worker = |assertion: &str| {
            OAuth::new("Worker").client_id("worker").grant(JwtBearer::new(assertion))
        };
        log_in(&world, worker("good")).await.ask(modern_call(1)).await;
        let form = &world.token_requests()[0];
        assert_eq!(form["grant_type"], "urn:ietf:params:oauth:grant-type:jwt-bearer");
        assert_eq!((&*form["assertion"], &*form["client_id"]), ("good", "worker"));
        assert!(!form.contains_key("scope"));

        let error = error_of(log_in(&world, worker("bad-s3cret")).await.send(modern_call(1)).await);
        let (kind, text) = reason(&error);
        assert!(kind == ErrorKind::Token && text.contains("invalid_grant"), "{text}");
        assert!(!format!("{error:?}{text}").contains("s3cret"), "{error:?}");
        assert_eq!(world.token_requests().len(), 2);
        assert!(world.asked("/authorize").is_empty());

        let nobody = JwtBearer::from_fn(|_| async { Err("the platform has none".into()) });
        let nobody = OAuth::new("Worker").client_id("worker").grant(nobody);
        let error = error_of(log_in(&world, nobody).await.send(modern_call(1)).await);
        assert!(reason(&error).1.contains("the platform has none"), "{error:?}");
        assert_eq!(world.token_requests().len(), 2);
    })
    .await;
}

// spec: EMA-01 EMA-02 EMA-03 TOK-04
#[tokio::test]
async fn a_company_vouches_for_its_user_and_each_server_sees_its_own_secrets_alone() {
    deadline(async {
        let world = World::start_with(2, |rules| {
            let method = "client_secret_basic";
            rules.servers[0].method = method.to_owned();
            rules.servers[0].clients =
                BTreeMap::from([("agent".to_owned(), Client::with_secret(method, "as-s3cret"))]);
            rules.servers[1].subjects.insert("id-token".to_owned());
        })
        .await
        .unwrap();
        let idp = format!("{}/token", world.issuer(1));
        let issuer = world.issuer(0);
        let agent = |token: &'static str| {
            let issuer = issuer.clone();
            let grant =
                EnterpriseManaged::new(idp.parse().unwrap(), "agent-at-idp", move |audience| {
                    assert_eq!(audience.issuer, issuer);
                    std::future::ready(Ok(token.into()))
                });
            let oauth = OAuth::new("Agent").client_id("agent").client_secret("as-s3cret");
            oauth
                .authentication_method(AuthenticationMethod::ClientSecretBasic)
                .grant(grant.unwrap().client_secret("idp-s3cret"))
        };
        log_in(&world, agent("id-token").scopes(["read"])).await.ask(modern_call(1)).await;
        let [exchange] = &world.server(1).requests()[..] else { panic!("one exchange") };
        let exchange = conformance::oauth::form(exchange);
        for (name, value) in [
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            ("requested_token_type", "urn:ietf:params:oauth:token-type:id-jag"),
            ("audience", &*world.issuer(0)),
            ("resource", world.url()),
            ("subject_token", "id-token"),
            ("subject_token_type", "urn:ietf:params:oauth:token-type:id_token"),
            ("client_id", "agent-at-idp"),
            ("client_secret", "idp-s3cret"),
            ("scope", "read"),
        ] {
            assert_eq!(exchange[name], value);
        }
        let bearer =
            conformance::oauth::form(&world.server(0).matching(|it| it.uri.path() == "/token")[0]);
        assert_eq!(bearer["grant_type"], "urn:ietf:params:oauth:grant-type:jwt-bearer");
        assert!(!bearer.values().any(|value| value == "id-token" || value == "idp-s3cret"));
        assert!(!exchange.values().any(|value| value == "as-s3cret"));
        assert!(world.asked("/authorize").is_empty(), "the user is not sent anywhere");

        // A user unknown to the company is refused.
        let error = error_of(log_in(&world, agent("of-nobody")).await.send(modern_call(1)).await);
        let (kind, text) = reason(&error);
        assert!(kind == ErrorKind::Token && text.contains("invalid_grant"), "{text}");
        assert_eq!(world.asked("/token").len(), 3);
        assert!(
            EnterpriseManaged::new("http://idp.example/".parse().unwrap(), "x", |_| {
                std::future::ready(Ok("y".into()))
            })
            .is_err()
        );
    })
    .await;
}
