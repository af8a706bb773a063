//! From a config to a connection.

use super::parse;
use crate::deadline;
use conformance::http_server::{Answer, HttpServer, Recorded, Step};
use mcp_client::{Client, Config, Error, config::Variables};
use serde_json::json;
use std::error::Error as _;

/// Starts a server over HTTP that offers nothing.
async fn start() -> HttpServer {
    let answer = |request: &Recorded| {
        let discovered = json!({
            "resultType": "complete", "supportedVersions": ["2026-07-28"], "capabilities": {},
            "ttlMs": 0, "cacheScope": "private",
        });
        Answer::result(request, &discovered)
    };
    HttpServer::start(answer).await.unwrap()
}

fn variables() -> Variables {
    Variables::none()
        .with_env(|name| (name == "KEY").then(|| "s3cret".to_owned()))
        .with_input(|id| (id == "user").then(|| "ada".to_owned()))
}

/// Returns an error with all its causes.
fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

async fn refusal(text: &str) -> String {
    let config = parse(text);
    let client = config.server("a").unwrap().client_with(&variables()).build();
    chain(&deadline(client.connect()).await.unwrap_err())
}

#[tokio::test]
async fn headers_and_tokens_arrive_with_their_values() {
    let server = start().await;
    let text = json!({"mcpServers": {"a": {
        "url": format!("{}?user=${{input:user}}", server.url()),
        "headers": {"X-Key": "${KEY}", "X-Zone": "${ZONE:-north}"},
        "auth": "token of ${env:KEY}",
    }}});
    let config = parse(&text.to_string());
    let client = config.server("a").unwrap().client_with(&variables()).build();
    let connection = deadline(client.connect()).await.unwrap();
    let request = server.requests().swap_remove(0);
    assert_eq!(request.header("x-key"), Some("s3cret"));
    assert_eq!(request.header("x-zone"), Some("north"));
    assert_eq!(request.header("authorization"), Some("Bearer token of s3cret"));
    assert!(request.uri.to_string().ends_with("?user=ada"), "{request:?}");
    assert!(!format!("{config:?}{client:?}").contains("s3cret"));
    deadline(connection.close()).await;
}

#[tokio::test]
async fn what_has_no_value_or_is_not_built_is_said_when_it_connects() {
    for (members, reason) in [
        (
            r#""url": "https://a/", "auth": "${NOWHERE}", "headers": {"X": "${input:pin}"}"#,
            r#"no value for the environment variable NOWHERE, the input "pin""#,
        ),
        (r#""url": "https://a/", "disabled": true"#, "disabled in its config"),
        (r#""url": "https://a/", "headers": {"a b": "c"}"#, r#"the name of the header "a b""#),
        (r#""url": "${KEY}""#, "`url` is no usable URL"),
        (r#""command": "${NOWHERE}""#, "environment variable NOWHERE"),
    ] {
        let told = refusal(&format!(r#"{{"mcpServers": {{"a": {{{members}}}}}}}"#)).await;
        assert!(told.contains(reason), "{told}");
        assert!(!told.contains("s3cret"), "{told}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_command_gets_its_arguments_folder_and_environment() {
    let folder = tempfile::tempdir().unwrap();
    let text = json!({"mcpServers": {"a": {
        "command": "sh",
        "args": ["-c", "echo \"$0 $1 $SECRET $(pwd)\" >&2; exit 3", "first", "${KEY}"],
        "env": {"SECRET": "is ${KEY}"},
        "cwd": folder.path(),
    }}});
    let config = parse(&text.to_string());
    let client = config.server("a").unwrap().client_with(&variables()).build();
    let error = deadline(client.connect()).await.unwrap_err();
    let expected =
        format!("first s3cret is s3cret {}", folder.path().canonicalize().unwrap().display());
    assert!(error.stderr_tail().unwrap_or_default().contains(&expected), "{error:?}");
}

#[tokio::test]
async fn a_config_is_a_target_if_it_has_one_server() {
    let server = start().await;
    let one = json!({"mcpServers": {
        "a": {"url": server.url()}, "off": {"command": "x", "disabled": true},
    }});
    let connection = deadline(Client::connect_to(parse(&one.to_string()))).await.unwrap();
    deadline(connection.close()).await;
    let error = chain(&deadline(Client::connect_to(Config::new())).await.unwrap_err());
    assert!(error.contains("has no server"), "{error}");
}

#[tokio::test]
async fn an_answer_that_is_silent_for_too_long_fails_its_call() {
    let server = HttpServer::start(|request| match &*request.rpc_method() {
        "server/discover" => Answer::result(
            request,
            &json!({"resultType": "complete", "supportedVersions": ["2026-07-28"],
                "capabilities": {"tools": {}}, "ttlMs": 0, "cacheScope": "private"}),
        ),
        _ => Answer::events(&[]).step(Step::Send(": begun\n\n".into())).step(Step::Stall),
    });
    let server = server.await.unwrap();
    let entry = json!({"url": server.url(), "sse_read_timeout": 0.1});
    let config = json!({"mcpServers": {"a": entry}}).to_string();
    let client = deadline(Client::connect_to(parse(&config))).await.unwrap();
    let error = deadline(client.call_tool("x")).await.unwrap_err();
    assert!(error.as_transport().is_some_and(mcp_transport::Error::is_timeout), "{error:?}");
    let ws =
        parse(r#"{"mcpServers": {"a": {"url": "wss://a/", "type": "ws", "sse_read_timeout": 1}}}"#);
    assert!(ws.problems()[0].message.contains("no effect"), "{:?}", ws.problems());
}
