//! Tokens that are bound to a key of the client (RFC 9449).

use super::*;
use conformance::http_server::Answer;
use std::collections::BTreeSet;

fn bound(rules: &mut conformance::oauth::Rules) {
    rules.resource.wants_proof = true;
    rules.resource.challenges =
        vec![r#"DPoP resource_metadata="{metadata}", algs="ES256""#.to_owned()];
    rules.servers[0].wants_proof = true;
}

/// Returns the proofs of all requests to the MCP server.
fn proofs(world: &World) -> Vec<String> {
    let requests = world.resource().requests();
    requests.iter().filter_map(|request| request.header("dpop").map(str::to_owned)).collect()
}

#[tokio::test]
async fn every_request_proves_that_the_token_is_the_clients_own() {
    deadline(async {
        let world = World::start(bound).await.unwrap();
        let mut client = log_in(&world, willing()).await;
        for id in 1..=3 {
            client.ask(modern_call(id)).await;
        }
        assert_eq!(world.served("tools/call").len(), 3);
        let proofs = proofs(&world);
        assert_eq!(proofs.iter().collect::<BTreeSet<_>>().len(), 3, "each is used once");
        world.revoke_access();
        client.ask(modern_call(4)).await;
        assert_eq!(world.token_requests()[1]["grant_type"], "refresh_token");
        assert_eq!(world.asked("/authorize").len(), 1, "the key of the login is still the same");
        let tokens = world.asked("/token");
        assert!(tokens.iter().all(|request| request.headers.get_all("dpop").iter().count() == 1));
    })
    .await;
}

#[tokio::test]
async fn nonces_are_learned_from_each_server_and_no_login_is_made_for_them() {
    deadline(async {
        let world = World::start(|rules| {
            bound(rules);
            rules.resource.nonce = Some("of-the-resource".to_owned());
            rules.servers[0].nonce = Some("of-the-issuer".to_owned());
        })
        .await
        .unwrap();
        let mut client = log_in(&world, willing()).await;
        client.ask(modern_call(1)).await;
        client.ask(modern_call(2)).await;
        assert_eq!(world.asked("/token").len(), 2, "once without the nonce, once with it");
        assert_eq!(proofs(&world).len(), 3, "once without, then always with it");
        world.change(|rules| rules.resource.nonce = Some("another".to_owned()));
        client.ask(modern_call(3)).await;
        assert_eq!(proofs(&world).len(), 5);
        world.revoke_access();
        client.ask(modern_call(4)).await;
        assert_eq!(world.asked("/token").len(), 3, "the nonce of the issuer is known by now");
        assert_eq!(world.asked("/authorize").len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_server_that_is_never_content_with_a_nonce_ends() {
    deadline(async {
        let world = World::start(bound).await.unwrap();
        let mut client = log_in(&world, willing()).await;
        client.ask(modern_call(1)).await;
        let count = std::sync::atomic::AtomicUsize::new(0);
        let never = |nonce: &str| {
            Answer::status(401)
                .header("www-authenticate", "DPoP error=\"use_dpop_nonce\"")
                .header("dpop-nonce", nonce)
        };
        for _ in 0..40 {
            let nonce = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed).to_string();
            world.change(|rules| rules.resource.once("/mcp", never(&nonce)));
        }
        error_of(client.send(modern_call(2)).await);
        assert!(world.resource().requests().len() < 20, "{}", world.resource().requests().len());
    })
    .await;
}

// spec: TOK-05
#[tokio::test]
async fn the_key_is_kept_with_the_tokens() {
    deadline(async {
        let world = World::start(bound).await.unwrap();
        let oauth = willing();
        log_in(&world, oauth.clone()).await.ask(modern_call(1)).await;
        log_in(&world, oauth).await.ask(modern_call(2)).await;
        assert_eq!(world.asked("/token").len(), 1, "the second one finds both in the store");
        assert_eq!(world.served("tools/call").len(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_key_that_the_authorization_server_cannot_read_is_an_error_before_anybody_is_asked() {
    deadline(async {
        let world = World::start(|rules| {
            bound(rules);
            rules.servers[0].metadata = json!({"dpop_signing_alg_values_supported": ["RS512"]});
        })
        .await
        .unwrap();
        let error = error_of(log_in(&world, willing()).await.send(modern_call(1)).await);
        let (kind, text) = reason(&error);
        assert!(kind == ErrorKind::Metadata && text.contains("ES256"), "{text}");
        assert!(world.asked("/token").is_empty());
    })
    .await;
}
