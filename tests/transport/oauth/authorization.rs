//! The user's consent, and who may have given it.

use super::{ErrorKind, REDIRECT, app, connect, kind, log_in, user_who, why, world};
use conformance::{
    http_server::Answer,
    oauth::{Iss, World, redirect_of},
};
use mcp_transport::http::oauth::{OAuth, ReceiverFn};
use serde_json::json;

// spec: HTTP-20 FLOW-01 FLOW-02 FLOW-06 FLOW-07 RSRC-01 RSRC-02 RSRC-04 TOK-02 TOK-03
#[tokio::test]
async fn a_code_is_asked_for_and_exchanged_as_the_rules_have_it() {
    let origin_alone = |rules: &mut conformance::oauth::Rules| {
        rules.resource.metadata_path = "/.well-known/oauth-protected-resource".to_owned();
    };
    let world = world(origin_alone).await;
    let origin = world.origin().to_owned();
    world.change(|rules| rules.resource.metadata = json!({ "resource": origin }));
    let connected = connect(&world, app()).await;
    connected.call().await.unwrap();
    connected.ask(2, "tools/list").await.unwrap();
    let asked = &world.authorization_requests()[0];
    assert_eq!((&*asked["response_type"], &*asked["code_challenge_method"]), ("code", "S256"));
    // Byte for byte the server's own identifier: no slash is added.
    assert_eq!(asked["resource"], origin);
    assert_eq!(asked["redirect_uri"], REDIRECT);
    assert!(asked["state"].len() >= 43 && asked["code_challenge"].len() == 43);
    let form = &world.token_requests()[0];
    assert_eq!((&*form["grant_type"], &form["resource"]), ("authorization_code", &origin));
    assert_eq!((&*form["redirect_uri"], form["code_verifier"].len()), (REDIRECT, 43));
    assert_ne!(form["code_verifier"], asked["code_challenge"]);
    let requests = world.resource().matching(|request| request.uri.path() == "/mcp");
    assert!(
        requests[1..].iter().all(|it| it.header("authorization").unwrap().starts_with("Bearer "))
    );
    assert!(requests.iter().all(|request| request.uri.query().is_none()));
}

// spec: FLOW-01 FLOW-03
#[tokio::test]
async fn a_server_that_does_not_say_that_it_has_pkce_is_refused() {
    for methods in [json!(null), json!(["plain"])] {
        let change = json!({ "code_challenge_methods_supported": methods });
        let world = world(|rules| rules.servers[0].metadata = change).await;
        let error = why(log_in(&world, app()).await);
        assert_eq!(error.kind(), ErrorKind::Metadata);
        assert!(error.to_string().contains("PKCE"), "{error}");
        assert!(world.asked("/authorize").is_empty());
    }
}

// spec: FLOW-08 FLOW-09 FLOW-10
#[tokio::test]
async fn a_code_of_another_issuer_goes_nowhere() {
    for (says, iss, is_taken) in [
        (true, "", true),
        (true, "/", false),
        (false, "", true),
        (false, "/", false),
        (true, "x", false),
    ] {
        let world = world(|_| ()).await;
        let iss = Iss::Is(format!("{}{iss}", world.issuer(0)));
        world.change(|rules| {
            rules.servers[0].iss = iss;
            rules.servers[0].metadata =
                json!({ "authorization_response_iss_parameter_supported": says });
        });
        let outcome = log_in(&world, app()).await;
        assert_eq!(outcome.is_ok(), is_taken);
        assert_eq!(world.token_requests().len(), usize::from(is_taken));
        if !is_taken {
            assert_eq!(kind(outcome), ErrorKind::MixUp);
        }
    }
    let silent = world(|rules| rules.servers[0].iss = Iss::Absent).await;
    log_in(&silent, app()).await.unwrap();
    silent.change(|rules| {
        rules.servers[0].metadata =
            json!({ "authorization_response_iss_parameter_supported": true });
    });
    assert_eq!(kind(log_in(&silent, app()).await), ErrorKind::MixUp);
}

// spec: FLOW-06 FLOW-08
#[tokio::test]
async fn an_answer_to_another_request_goes_nowhere() {
    let world = world(|_| ()).await;
    let forged = user_who(|request| async move {
        let answer = redirect_of(request.url.as_str()).await?;
        Ok(answer.replace("state=", "state=x"))
    });
    assert_eq!(kind(log_in(&world, OAuth::new("App").receiver(forged)).await), ErrorKind::MixUp);
    let twice = user_who(|request| async move {
        let answer = redirect_of(request.url.as_str()).await?;
        Ok(format!("{answer}&code=other"))
    });
    assert_eq!(kind(log_in(&world, OAuth::new("App").receiver(twice)).await), ErrorKind::MixUp);
    assert!(world.token_requests().is_empty());
}

// spec: FLOW-10
#[tokio::test]
async fn a_user_who_says_no_is_quoted_only_if_it_was_asked() {
    let world = world(|rules| rules.servers[0].denies = Some("access_denied".to_owned())).await;
    let error = why(log_in(&world, app()).await);
    assert_eq!((error.kind(), error.code()), (ErrorKind::Denied, Some("access_denied")));
    assert!(error.to_string().contains("said"), "{error}");
    world.change(|rules| rules.servers[0].iss = Iss::Is("https://evil.example.com".to_owned()));
    let error = why(log_in(&world, app()).await);
    assert_eq!((error.kind(), error.code()), (ErrorKind::MixUp, None));
    assert!(!format!("{error}{error:?}").contains("said"), "{error}");
}

// spec: FLOW-05
#[tokio::test]
async fn users_come_back_over_https_or_to_this_machine() {
    let world = world(|_| ()).await;
    let insecure =
        ReceiverFn::new("http://app.example.com/callback", |_| async { Ok(String::new()) });
    let error = why(log_in(&world, OAuth::new("App").receiver(insecure)).await);
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(world.asked("/register").is_empty());
}

// spec: FLOW-11 FLOW-12
#[tokio::test]
async fn an_endpoint_that_is_not_safe_is_not_used() {
    for endpoint in ["authorization_endpoint", "token_endpoint", "registration_endpoint"] {
        for place in ["http://as.example.com/x", "javascript:alert(1)", "ftp://localhost/x"] {
            let change = json!({ endpoint: place });
            let world = world(|rules| rules.servers[0].metadata = change).await;
            assert_eq!(
                kind(log_in(&world, app()).await),
                ErrorKind::Metadata,
                "{endpoint} {place}"
            );
            assert!(world.asked("/register").is_empty() && world.asked("/authorize").is_empty());
        }
    }
}

// spec: FLOW-08 AUTH-09
#[tokio::test]
async fn a_code_of_another_authorization_server_is_sent_to_neither() {
    let world = World::start_with(2, |_| ()).await.unwrap();
    let honest = world.issuer(0);
    let other = world.issuer(1);
    let mixed_up = user_who(move |request| {
        let (honest, other) = (honest.clone(), other.clone());
        async move {
            // The other server answers under its own name, to a request that it has obtained.
            let answer = redirect_of(request.url.as_str()).await?;
            let encode = |text: &str| text.replace(':', "%3A").replace('/', "%2F");
            Ok(answer.replace(&encode(&honest), &encode(&other)))
        }
    });
    assert_eq!(kind(log_in(&world, OAuth::new("App").receiver(mixed_up)).await), ErrorKind::MixUp);
    assert!(world.token_requests().is_empty());
}

// spec: TOK-10
#[tokio::test]
async fn f71_a_fresh_token_that_is_refused_is_the_end() {
    let world = world(|_| ()).await;
    let granted = json!({ "access_token": "worthless", "token_type": "Bearer" });
    world.change(|rules| rules.servers[0].always("/token", Answer::json(&granted)));
    let connected = connect(&world, app()).await;
    assert_eq!(kind(connected.call().await), ErrorKind::Rejected);
    // And the user is not asked for the next request.
    assert_eq!(kind(connected.call().await), ErrorKind::Rejected);
    assert_eq!(world.asked("/authorize").len(), 1);
}
