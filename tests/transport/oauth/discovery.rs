//! Discovery of the authorization server.

use super::{ErrorKind, app, cause, kind, log_in, why, world};
use conformance::{
    http_server::Answer,
    oauth::{Rules, World},
};
use mcp_transport::http::oauth::OAuth;
use serde_json::json;

const ROOT: &str = "/.well-known/oauth-protected-resource";
const OAUTH: &str = "/.well-known/oauth-authorization-server";
const OPENID: &str = "/.well-known/openid-configuration";

/// Returns the paths of metadata requests: to the MCP server, and to the authorization server.
fn asked(world: &World) -> (Vec<String>, Vec<String>) {
    let paths = |server: &conformance::http_server::HttpServer| {
        let requests = server.matching(|request| request.uri.path().contains(".well-known"));
        requests.iter().map(|request| request.uri.path().to_owned()).collect()
    };
    (paths(world.resource()), paths(world.server(0)))
}

fn without_a_word(rules: &mut Rules) {
    rules.resource.challenges = vec!["Bearer".to_owned()];
}

// spec: AUTH-01 AUTH-02 AUTH-04 AUTH-05 AUTH-07 TOK-01
#[tokio::test]
async fn a_server_that_says_where_its_metadata_is_is_believed() {
    let world = world(|rules| {
        rules.resource.metadata_path = "/custom/metadata.json".to_owned();
        rules.resource.challenges = vec![
            "Basic realm=\"x, y\"".to_owned(),
            "Bearer resource_metadata={metadata}".to_owned(),
        ];
    });
    let world = world.await;
    log_in(&world, app()).await.unwrap();
    let metadata = world.resource().matching(|request| request.uri.path().ends_with(".json"));
    assert_eq!(metadata.len(), 1);
    assert_eq!(asked(&world), (vec![], vec![OAUTH.to_owned()]));
    assert_eq!(world.served("tools/call").len(), 1);
}

// spec: AUTH-05
#[tokio::test]
async fn without_a_word_the_metadata_is_looked_for_by_path_and_then_at_the_root() {
    let by_path = format!("{ROOT}/mcp");
    let world = world(without_a_word).await;
    log_in(&world, app()).await.unwrap();
    assert_eq!(asked(&world).0.join(" "), by_path);
    world.change(|rules| rules.resource.metadata_path = ROOT.to_owned());
    log_in(&world, app()).await.unwrap();
    assert_eq!(asked(&world).0, [by_path.clone(), by_path, ROOT.to_owned()]);
}

// spec: AUTH-03 AUTH-06
#[tokio::test]
async fn an_issuer_with_a_path_is_never_looked_for_at_the_root() {
    for found in 0..3 {
        let places =
            [format!("{OAUTH}/tenant"), format!("{OPENID}/tenant"), format!("/tenant{OPENID}")];
        let place = places[found].clone();
        let world = world(|rules| {
            rules.servers[0].issuer_path = "/tenant".to_owned();
            rules.servers[0].metadata_path = place;
        });
        let world = world.await;
        log_in(&world, app()).await.unwrap();
        assert_eq!(asked(&world).1, places[..=found]);
    }
    let world = world(|rules| rules.servers[0].metadata_path = OPENID.to_owned()).await;
    log_in(&world, app()).await.unwrap();
    assert_eq!(asked(&world).1, [OAUTH, OPENID]);
}

// spec: AUTH-08
#[tokio::test]
async fn metadata_of_another_issuer_is_not_used() {
    for issuer in ["https://attacker.example.com", ""] {
        let world = world(|rules| rules.servers[0].metadata = json!({ "issuer": issuer })).await;
        let error = why(log_in(&world, app()).await);
        assert_eq!(error.kind(), ErrorKind::Metadata);
        assert!(error.to_string().contains("issuer is another one"), "{error}");
        assert!(world.asked("/register").is_empty() && world.asked("/authorize").is_empty());
    }
}

// spec: AUTH-11 RSRC-02
#[tokio::test]
async fn metadata_of_another_server_is_rejected_before_anything_is_asked() {
    for metadata in [
        json!({ "resource": "https://evil.example.com/mcp" }),
        json!({ "resource": null }),
        json!({ "authorization_servers": null }),
        json!({ "authorization_servers": [] }),
        json!({ "authorization_servers": ["javascript:alert(1)"] }),
        json!({ "authorization_servers": ["http://as.example.com"] }),
    ] {
        let world = world(|rules| rules.resource.metadata = metadata.clone()).await;
        assert_eq!(kind(log_in(&world, app()).await), ErrorKind::Metadata, "{metadata}");
        assert!(world.server(0).requests().is_empty(), "{metadata}");
    }
}

// spec: AUTH-12 RSRC-03
#[tokio::test]
async fn without_metadata_nothing_is_guessed() {
    let world = world(|rules| {
        rules.resource.metadata_path = String::new();
        without_a_word(rules);
    });
    let world = world.await;
    let error = why(log_in(&world, app()).await);
    assert_eq!(error.kind(), ErrorKind::Metadata);
    let tried: Vec<_> = error.tried().iter().map(|line| line.rsplit_once(' ').unwrap().1).collect();
    assert_eq!(tried, ["(404)"; 4], "{error}");
    assert!(world.resource().matching(|it| it.uri.path() == "/authorize").is_empty());
    // Unless the host knows that the server implements the first revision.
    let error = why(log_in(&world, app().default_endpoints()).await);
    assert_eq!(error.kind(), ErrorKind::Registration);
    assert_eq!(world.resource().matching(|it| it.uri.path() == "/register").len(), 1);
    // Or which authorization server it uses.
    log_in(&world, app().issuer(world.issuer(0))).await.unwrap();
    assert_eq!(world.authorization_requests()[0]["resource"], world.url());
}

// spec: AUTH-10 REG-14
#[tokio::test]
async fn of_many_authorization_servers_the_first_is_taken_or_the_one_that_is_configured() {
    let world = World::start_with(2, |rules| rules.resource.servers = vec![1, 0]).await.unwrap();
    log_in(&world, app()).await.unwrap();
    assert!(world.server(0).requests().is_empty());
    log_in(&world, app().issuer(world.issuer(0))).await.unwrap();
    assert!(!world.server(0).requests().is_empty());
    let before = world.asked("").len();
    let elsewhere = app().client_id("mine").issuer("https://as.example.com");
    let error = why(log_in(&world, elsewhere).await);
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.to_string().contains("https://as.example.com"), "{error}");
    assert_eq!(world.asked("").len(), before);
}

// spec: SBP-04
#[tokio::test]
async fn metadata_may_move_within_its_origin() {
    let path = format!("{ROOT}/mcp");
    let world = world(|rules| rules.resource.metadata_path = "/moved".to_owned()).await;
    let moved = |to: &str| Answer::status(302).header("location", to);
    world.change(|rules| rules.resource.once(&path, moved("/moved")));
    log_in(&world, app().allow_foreign_metadata()).await.unwrap();
    let away = format!("{}/moved", world.issuer(0));
    world.change(|rules| {
        without_a_word(rules);
        rules.resource.metadata_path = String::new();
        rules.resource.always(&path, moved(&away));
    });
    assert_eq!(kind(log_in(&world, app()).await), ErrorKind::Metadata);
    assert!(world.asked("/moved").is_empty());
    // A redirect loop comes to an end.
    world.change(|rules| {
        rules.resource.answers.clear();
        rules.resource.always(&path, moved(&path));
    });
    assert_eq!(kind(log_in(&world, app()).await), ErrorKind::Metadata);
}

// spec: AUTH-04
#[tokio::test]
async fn f75_metadata_that_cannot_be_read_fails_the_login_and_tells_what_was_tried() {
    let path = format!("{ROOT}/mcp");
    for (answer, is_there) in [
        (Answer::status(503), true),
        (Answer::body("text/html", "<html>"), false),
        (Answer::body("application/json", "[]"), false),
        (Answer::body("application/json", format!("{{\"x\":\"{}\"}}", "x".repeat(2 << 20))), true),
    ] {
        let world = world(|rules| rules.resource.always(&path, answer)).await;
        let error = log_in(&world, app()).await.expect_err("there is no metadata");
        let error = cause(&error);
        let expected = if is_there { ErrorKind::Network } else { ErrorKind::Metadata };
        assert_eq!(error.kind(), expected, "{error}");
        assert!(error.tried()[0].contains(&path), "{error}");
        assert!(world.asked("/authorize").is_empty());
    }
}

// spec: AUTH-01
#[tokio::test]
async fn a_login_that_nobody_can_be_asked_for_says_so() {
    let world = world(|_| ()).await;
    let error = why(log_in(&world, OAuth::new("App")).await);
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.to_string().contains("configure a receiver"), "{error}");
}
