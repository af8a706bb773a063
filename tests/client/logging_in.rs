//! Servers that want a login, through the facade.

use crate::deadline;
use conformance::oauth::{Client as Registered, World, redirect_of};
use mcp_client::{
    Client, Config, Target,
    config::{Auth, ServerTransport},
    oauth::{self, ClientCredentials, ErrorKind, OAuth, ReceiverFn},
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, error::Error as _};

fn willing() -> OAuth {
    OAuth::new("Test")
        .receiver(ReceiverFn::new("http://127.0.0.1:9/callback", |request| async move {
            redirect_of(request.url.as_str()).await
        }))
}

// spec: AUTH-01 AUTH-04
// seed: 19 63
#[tokio::test]
async fn a_server_that_asks_for_a_login_is_logged_in_to_in_the_middle_of_connecting() {
    deadline(async {
        let world = World::start(|_| ()).await.unwrap();
        let client = Client::connect_to(Target::oauth(world.url(), willing())).await.unwrap();
        assert!(client.call_tool("echo").await.unwrap().text().contains("done"));
        world.revoke_access();
        client.call_tool("echo").await.unwrap();
        client.close().await;
        assert_eq!(world.asked("/authorize").len(), 1);
        assert_eq!(world.asked("/token").len(), 2);
    })
    .await;
}

// spec: CC-01
// seed: 66
#[tokio::test]
async fn a_service_says_with_each_request_that_it_logs_in_for_itself() {
    deadline(async {
        let world = World::start(|rules| {
            let method = "client_secret_basic".to_owned();
            let client = Registered::with_secret(&method, "s");
            rules.servers[0].method = method;
            rules.servers[0].clients = BTreeMap::from([("me".to_owned(), client)]);
        })
        .await
        .unwrap();
        let oauth =
            OAuth::new("Service").client_id("me").client_secret("s").grant(ClientCredentials);
        let client = Client::connect_to(Target::oauth(world.url(), oauth)).await.unwrap();
        client.list_tools().await.unwrap();
        client.close().await;
        let requests = world.resource().matching(|request| request.uri.path() == "/mcp");
        assert!(requests.len() >= 2);
        for request in requests {
            let capabilities =
                request.json()["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"]
                    .clone();
            let declared =
                &capabilities["extensions"]["io.modelcontextprotocol/oauth-client-credentials"];
            assert_eq!(*declared, json!({}), "{capabilities}");
        }
    })
    .await;
}

// spec: FLOW-10
#[tokio::test]
async fn a_user_who_says_no_is_told_so_and_the_cause_is_at_hand() {
    deadline(async {
        let denied = Some("access_denied".to_owned());
        let world = World::start(|rules| rules.servers[0].denies = denied).await.unwrap();
        let error = Client::connect_to(Target::oauth(world.url(), willing())).await.unwrap_err();
        let found = oauth::Error::find(&error).expect("the cause is a login");
        assert_eq!((found.kind(), found.code()), (ErrorKind::Denied, Some("access_denied")));
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        assert!(text.contains("cannot log in to") && text.contains("refused access"), "{text}");
    })
    .await;
}

// seed: 60 65
#[test]
fn a_config_says_as_much_of_a_login_as_is_known() {
    let text = r#"{"mcpServers": {
        "plain": {"url": "https://a.example/mcp", "auth": "oauth"},
        "known": {"url": "https://a.example/mcp", "oauth": {
            "clientId": "me", "clientSecret": "s3cret", "scopes": ["a", "b"], "callbackPort": 8400,
            "tokenFile": "${HOME}/tokens.json"
        }},
        "text": {"url": "https://a.example/mcp", "oauth": {"scope": "a b", "authorizationUrl": "x"}},
        "cursor": {"url": "https://a.example/mcp", "auth": {
            "CLIENT_ID": "me", "CLIENT_SECRET": "s3cret", "scopes": ["a", "b"]
        }},
        "none": {"url": "https://a.example/mcp", "oauth": false}
    }}"#;
    let config = Config::parse(text).unwrap();
    let remote = |name: &str| match &config.server(name).unwrap().transport {
        ServerTransport::Remote(remote) => remote.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(remote("plain").auth, Some(Auth::OAuth));
    let known = remote("known");
    assert_eq!(known.auth, Some(Auth::OAuth));
    assert_eq!(known.oauth.client_id.as_deref(), Some("me"));
    assert_eq!((known.oauth.callback_port, known.oauth.scopes.len()), (Some(8400), 2));
    assert_eq!(known.oauth.token_file.as_deref(), Some("${HOME}/tokens.json"));
    let cursor = remote("cursor");
    assert_eq!(cursor.auth, Some(Auth::OAuth));
    assert_eq!(
        (&cursor.oauth.client_id, &cursor.oauth.client_secret, &cursor.oauth.scopes),
        (&known.oauth.client_id, &known.oauth.client_secret, &known.oauth.scopes)
    );
    assert!(!format!("{known:?}{cursor:?}").contains("s3cret"));
    assert_eq!(remote("text").oauth.scopes, ["a", "b"]);
    assert_eq!(remote("none").auth, None);
    let told: Vec<_> = config.problems().iter().map(ToString::to_string).collect();
    assert!(
        told.len() == 1 && told[0].contains("text.oauth.authorizationUrl: is not known"),
        "{told:?}"
    );
    for broken in
        [r#""oauth": 1"#, r#""oauth": {"callbackPort": 70000}"#, r#""oauth": {"clientId": 1}"#]
    {
        let text =
            format!(r#"{{"mcpServers": {{"a": {{"url": "https://a.example/", {broken}}}}}}}"#);
        assert!(Config::parse(&text).is_err(), "{broken}");
    }
    let mut written = Config::parse("{\"mcpServers\": {}}").unwrap();
    written.add_server("known", config.server("known").unwrap()).unwrap();
    let value: Value = serde_json::from_str(written.text()).unwrap();
    let oauth = json!({"clientId": "me", "clientSecret": "s3cret", "scopes": ["a", "b"],
        "callbackPort": 8400, "tokenFile": "${HOME}/tokens.json"});
    assert_eq!(value["mcpServers"]["known"]["oauth"], oauth);
    assert_eq!(value["mcpServers"]["known"]["auth"], "oauth");
}
