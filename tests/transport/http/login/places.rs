//! URLs named by servers: they must not choose whom this machine talks to.

use super::*;
use conformance::http_server::Answer;
use std::time::Duration;

/// Returns why a login at a URL named by the server is refused.
async fn refused(
    change: impl FnOnce(&mut conformance::oauth::Rules),
) -> (World, ErrorKind, String) {
    let world = World::start(change).await.unwrap();
    let error = error_of(log_in(&world, willing()).await.send(modern_call(1)).await);
    let (kind, text) = reason(&error);
    (world, kind, text)
}

// spec: SBP-01 SBP-02 SBP-03 SBP-08
#[tokio::test]
async fn f75_hostile_places_are_not_asked() {
    deadline(async {
        for place in [
            "http://169.254.169.254/latest",
            "https://169.254.169.254",
            "http://10.0.0.1",
            "https://10.0.0.1",
            "http://as.example",
            "file:///etc/passwd",
            "javascript:alert(1)",
            "https://0x7f.1",
            "https://2130706433",
            "https://[::ffff:10.0.0.1]",
            "https://me:pw@as.example",
        ] {
            let (world, _, text) = refused(|rules| {
                rules.resource.metadata = json!({"authorization_servers": [place]});
            })
            .await;
            assert!(!text.is_empty() && world.server(0).requests().is_empty(), "{place}: {text}");
            let (world, _, text) = refused(|rules| {
                rules.servers[0].metadata = json!({"token_endpoint": place});
            })
            .await;
            assert!(world.asked("/token").is_empty(), "{place}: {text}");
            let (world, _, text) = refused(|rules| {
                rules.servers[0].metadata = json!({"authorization_endpoint": place});
            })
            .await;
            assert!(world.asked("/token").is_empty(), "{place}: {text}");
        }
    })
    .await;
}

// spec: SBP-03
#[tokio::test]
async fn s12_a_private_address_that_a_server_on_this_machine_names_is_refused_as_what_it_is() {
    deadline(async {
        let (_, kind, text) = refused(|rules| {
            rules.resource.metadata = json!({"authorization_servers": ["https://10.255.255.1"]});
        })
        .await;
        assert_eq!(kind, ErrorKind::Network, "{text}");
        assert!(text.contains("10.255.255.1 is in a private network"), "{text}");
    })
    .await;
}

// spec: SBP-04 TOK-04
#[tokio::test]
async fn s15_nothing_of_a_login_follows_a_redirect_elsewhere() {
    deadline(async {
        let canary = start(|_| Answer::json(&json!({}))).await;
        let to = canary.url().to_owned();
        for status in [301, 302, 303, 307, 308] {
            for path in ["/.well-known/oauth-authorization-server", "/register", "/token"] {
                let (_, _, text) = refused(|rules| {
                    let answer = Answer::status(status).header("location", &to);
                    rules.servers[0].always(path, answer);
                })
                .await;
                assert!(!text.is_empty());
            }
            let (_, _, text) = refused(|rules| {
                let answer = Answer::status(status).header("location", &to);
                rules.resource.always("/.well-known/oauth-protected-resource/mcp", answer);
            })
            .await;
            assert!(!text.is_empty());
        }
        assert!(canary.requests().is_empty());
    })
    .await;
}

// spec: SBP-01
#[tokio::test]
async fn f75_metadata_without_end_is_given_up() {
    deadline(async {
        let huge = format!(r#"{{"issuer":"{}"}}"#, "x".repeat(2 * 1024 * 1024));
        let (world, kind, text) = refused(|rules| {
            let answer = Answer::body("application/json", huge.clone());
            rules.servers[0].always("/.well-known/oauth-authorization-server", answer);
        })
        .await;
        assert!(kind == ErrorKind::Network && text.contains("larger than the limit"), "{text}");
        assert!(world.asked("/register").is_empty());
    })
    .await;
}

// spec: AUTH-08 AUTH-11
#[tokio::test]
async fn f75_metadata_of_somebody_else_ends_the_login_before_anything_is_sent() {
    deadline(async {
        for change in [
            json!({"issuer": "https://attacker.example"}),
            json!({"code_challenge_methods_supported": null}),
            json!({"code_challenge_methods_supported": ["plain"]}),
        ] {
            let (world, _, text) =
                refused(|rules| rules.servers[0].metadata = change.clone()).await;
            assert!(
                world.asked("/token").is_empty() && world.asked("/authorize").is_empty(),
                "{text}"
            );
        }
        let (world, kind, text) = refused(|rules| {
            rules.resource.metadata = json!({"resource": "https://evil.example/mcp"});
        })
        .await;
        assert!(kind == ErrorKind::Metadata && world.server(0).requests().is_empty(), "{text}");
    })
    .await;
}

#[tokio::test]
async fn a_login_that_nobody_waits_for_any_more_ends() {
    deadline(async {
        let world = World::start(|_| ()).await.unwrap();
        let never =
            ReceiverFn::new("http://127.0.0.1:9/", |_| async { std::future::pending().await });
        let client = log_in(&world, OAuth::new("Test").receiver(never)).await;
        let call = send(client.http.clone(), modern_call(1));
        assert!(tokio::time::timeout(Duration::from_millis(100), call).await.is_err());
        assert!(world.asked("/token").is_empty());
    })
    .await;
}
