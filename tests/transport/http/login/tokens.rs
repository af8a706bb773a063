//! Tokens: who sees them, how long they last, and what happens when they expire.

use super::*;
use conformance::{http_server::Answer, log::Log};
use mcp_transport::http::oauth::{FileStore, MemoryStore};

// spec: TOK-01 TOK-02 TOK-03
#[tokio::test]
async fn every_request_shows_the_token_in_its_header_and_nowhere_else() {
    deadline(async {
        let world = World::start(|rules| rules.resource.is_legacy = true).await.unwrap();
        let mut client = log_in(&world, willing()).await;
        client.ask(initialize(1)).await;
        client.send(initialized()).await.unwrap();
        client.ask(legacy_call(2)).await;
        let Connected { http, driver: mut background, .. } = client;
        drop(http);
        background.end().await.unwrap();
        let requests = world.resource().matching(|request| request.uri.path() == "/mcp");
        let methods: Vec<_> = requests.iter().map(|request| request.method.as_str()).collect();
        assert!(methods.contains(&"GET") && methods.contains(&"DELETE"), "{methods:?}");
        let secrets = world.secrets();
        for request in &requests[1..] {
            let shown = request.header("authorization").unwrap();
            let token = shown.strip_prefix("Bearer ").unwrap();
            assert!(secrets.iter().any(|secret| secret == token));
            assert!(!secrets.iter().any(|secret| request.uri.to_string().contains(secret)));
        }
    })
    .await;
}

// spec: TOK-04 AUTH-09
#[tokio::test]
async fn a_token_is_for_one_server_whatever_store_it_is_in() {
    deadline(async {
        let (one, other) =
            (World::start(|_| ()).await.unwrap(), World::start(|_| ()).await.unwrap());
        let oauth = willing();
        for world in [&one, &other, &one, &other] {
            log_in(world, oauth.clone()).await.ask(modern_call(1)).await;
        }
        for (world, foreign) in [(&one, &other), (&other, &one)] {
            assert_eq!(world.asked("/token").len(), 1);
            let foreign = foreign.secrets();
            let requests =
                world.resource().requests().into_iter().chain(world.server(0).requests());
            for request in requests {
                let text = format!("{:?} {:?}", request.headers, request.body);
                assert!(!foreign.iter().any(|secret| text.contains(secret)), "{text}");
            }
        }
    })
    .await;
}

// spec: TOK-09
#[tokio::test]
async fn f69_a_hundred_calls_that_are_refused_share_one_refresh() {
    deadline(async {
        let world = World::start(|_| ()).await.unwrap();
        let mut client = log_in(&world, willing()).await;
        client.ask(modern_call(0)).await;
        world.revoke_access();
        let mut calls = JoinSet::new();
        for id in 1..=100 {
            calls.spawn(send(client.http.clone(), modern_call(id)));
        }
        while let Some(call) = calls.join_next().await {
            assert_eq!(call.unwrap().unwrap().len(), 1);
        }
        let kinds: Vec<_> =
            world.token_requests().iter().map(|form| form["grant_type"].clone()).collect();
        assert_eq!(kinds, ["authorization_code", "refresh_token"]);
        assert_eq!(world.asked("/authorize").len(), 1);
    })
    .await;
}

// spec: TOK-09
#[tokio::test]
async fn s17_clients_that_share_a_file_do_not_use_up_each_others_refresh_token() {
    deadline(async {
        let world = World::start(|_| ()).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let store = || FileStore::new(folder.path().join("tokens.json"));
        let mut one = log_in(&world, willing().store(store())).await;
        one.ask(modern_call(1)).await;
        let mut other = log_in(&world, willing().store(store())).await;
        other.ask(modern_call(2)).await;
        for round in 0..3 {
            world.revoke_access();
            let (one, other) = tokio::join!(
                send(one.http.clone(), modern_call(10 + round)),
                send(other.http.clone(), modern_call(20 + round)),
            );
            assert!(one.is_ok() && other.is_ok());
        }
        assert_eq!(world.asked("/authorize").len(), 1, "the user was asked once");
        assert_eq!(world.asked("/token").len(), 4, "one refresh a round, by one of the two");
    })
    .await;
}

// spec: TOK-07 TOK-10
#[tokio::test]
async fn without_a_refresh_token_the_user_is_asked_again() {
    deadline(async {
        let world = World::start(|rules| rules.servers[0].gives_refresh = false).await.unwrap();
        let mut client = log_in(&world, willing()).await;
        client.ask(modern_call(1)).await;
        world.revoke_access();
        client.ask(modern_call(2)).await;
        assert_eq!(world.asked("/authorize").len(), 2);
        assert_eq!(world.asked("/register").len(), 1, "the registration is still good");
    })
    .await;
}

// spec: TOK-07
#[tokio::test]
async fn a_refresh_token_is_not_kept_beside_tokens_that_the_user_granted_without_one() {
    deadline(async {
        let world = World::start(|_| ()).await.unwrap();
        let mut client = log_in(&world, willing()).await;
        client.ask(modern_call(1)).await;
        world.change(|rules| rules.servers[0].gives_refresh = false);
        world.revoke_refresh();
        for id in [2, 3] {
            world.revoke_access();
            client.ask(modern_call(id)).await;
        }
        let kinds: Vec<_> =
            world.token_requests().iter().map(|form| form["grant_type"].clone()).collect();
        let code = "authorization_code";
        assert_eq!(kinds, [code, "refresh_token", code, code], "what was refused is gone");
    })
    .await;
}

// spec: AUTH-05 TOK-09
#[tokio::test]
async fn tokens_are_renewed_before_their_end_where_the_server_has_said_that_its_metadata_is() {
    deadline(async {
        let world = World::start(|rules| {
            rules.resource.metadata_path = "/elsewhere".to_owned();
            rules.servers[0].lifetime = json!(1);
        })
        .await
        .unwrap();
        let mut client = log_in(&world, willing()).await;
        client.ask(modern_call(1)).await;
        let refused = || {
            let requests = world.resource().matching(|request| request.uri.path() == "/mcp");
            requests.len() - world.served("tools/call").len()
        };
        assert_eq!(refused(), 1, "the first, without a token");
        world.change(|rules| rules.servers[0].lifetime = json!(3600));
        tokio::time::sleep(Duration::from_millis(1001)).await;
        client.ask(modern_call(2)).await;
        assert_eq!(world.token_requests().last().unwrap()["grant_type"], "refresh_token");
        assert_eq!(refused(), 1, "the token was renewed before");
    })
    .await;
}

// spec: TOK-10
#[tokio::test]
async fn f71_a_server_that_refuses_fresh_tokens_is_given_up() {
    deadline(async {
        let world = World::start(|rules| {
            let challenge = "Bearer error=\"invalid_token\"";
            rules
                .resource
                .always("/mcp", Answer::status(401).header("www-authenticate", challenge));
        })
        .await
        .unwrap();
        let error = error_of(log_in(&world, willing()).await.send(modern_call(1)).await);
        assert_eq!(reason(&error).0, ErrorKind::Rejected, "{error:?}");
        assert_eq!(error.status().unwrap(), 401);
        assert!(world.asked("/authorize").len() <= 1 && world.asked("/token").len() <= 2);
    })
    .await;
}

// spec: SCOPE-06 SCOPE-07 SBP-15
#[tokio::test]
async fn f72_a_server_that_wants_more_scopes_without_end_is_given_up() {
    deadline(async {
        let world = World::start(|_| ()).await.unwrap();
        let mut client = log_in(&world, willing()).await;
        client.ask(modern_call(1)).await;
        for scope in 0..20 {
            let challenge = format!("Bearer error=\"insufficient_scope\", scope=\"more-{scope}\"");
            let answer = Answer::status(403).header("www-authenticate", &challenge);
            world.change(|rules| rules.resource.once("/mcp", answer));
        }
        let error = error_of(client.send(modern_call(2)).await);
        assert_eq!(reason(&error).0, ErrorKind::InsufficientScope, "{error:?}");
        let asked = world.authorization_requests();
        assert!(asked.len() <= 4, "{}", asked.len());
        assert_eq!(asked[2]["scope"], "more-0 more-1", "the union");
    })
    .await;
}

#[tokio::test]
async fn f70_a_token_endpoint_that_fails_costs_no_refresh_token() {
    deadline(async {
        let html = || Answer::body("text/html", "<html>down</html>");
        for failure in [
            html().with_status(503),
            html(),
            Answer::status(500),
            Answer::status(307).header("location", "https://elsewhere.example/"),
            Answer::body("application/json", "x".repeat(2 * 1024 * 1024)),
        ] {
            let world = World::start(|_| ()).await.unwrap();
            let mut client = log_in(&world, willing()).await;
            client.ask(modern_call(1)).await;
            world.revoke_access();
            world.change(|rules| rules.servers[0].always("/token", failure.clone()));
            let error = error_of(client.send(modern_call(2)).await);
            let (kind, text) = reason(&error);
            assert!(matches!(kind, ErrorKind::Token | ErrorKind::Network), "{text}");
            world.change(|rules| rules.servers[0].answers.clear());
            client.ask(modern_call(3)).await;
            assert_eq!(world.asked("/authorize").len(), 1, "the refresh token was kept: {text}");
        }
    })
    .await;
}

#[tokio::test]
async fn f68_a_lifetime_that_is_none_does_not_make_a_loop() {
    deadline(async {
        for lifetime in
            [json!(0), json!(-5), json!(null), json!(1e18), json!("soon"), json!("3600"), json!(1)]
        {
            let world =
                World::start(|rules| rules.servers[0].lifetime = lifetime.clone()).await.unwrap();
            let mut client = log_in(&world, willing()).await;
            for id in 1..=5 {
                client.ask(modern_call(id)).await;
            }
            assert!(world.asked("/token").len() <= 5, "{lifetime}: at most one for a call");
            assert_eq!(world.asked("/authorize").len(), 1, "{lifetime}");
        }
    })
    .await;
}

#[tokio::test]
async fn f74_a_store_that_fails_costs_no_login() {
    deadline(async {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens.json");
        std::fs::write(&path, "no tokens at all").unwrap();
        let world = World::start(|_| ()).await.unwrap();
        let mut client = log_in(&world, willing().store(FileStore::new(&path))).await;
        client.ask(modern_call(1)).await;
        world.revoke_access();
        client.ask(modern_call(2)).await;
        assert_eq!(world.asked("/authorize").len(), 1, "what was got is in memory");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "no tokens at all");
    })
    .await;
}

// spec: TOK-05 TOK-06 CC-04
#[tokio::test]
async fn s35_no_secret_of_a_login_is_in_a_log_an_error_or_what_is_shown_for_debugging() {
    deadline(async {
        let log = Log::default();
        let _recording = log.record(tracing::Level::TRACE);
        let world = World::start(|rules| {
            rules.servers[0].method = "client_secret_post".to_owned();
        })
        .await
        .unwrap();
        let oauth = willing().store(MemoryStore::new());
        let mut shown = format!("{oauth:?}");
        let mut client = log_in(&world, oauth).await;
        client.ask(modern_call(1)).await;
        shown += &format!("{:?}", client.http);
        let mut secrets = world.secrets();
        // Everything that can fail after that.
        world.revoke_access();
        world.revoke_refresh();
        world.change(|rules| rules.servers[0].denies = Some("access_denied".to_owned()));
        let error = error_of(client.send(modern_call(2)).await);
        shown += &format!("{error:?} {}", reason(&error).1);
        secrets.extend(world.secrets());
        let log = log.text();
        assert!(log.contains("refresh token is no good"), "the log is that of the login: {log}");
        assert!(secrets.len() >= 3, "{secrets:?}");
        for secret in secrets {
            assert!(!shown.contains(&secret) && !log.contains(&secret), "{secret}\n{shown}\n{log}");
        }
    })
    .await;
}
