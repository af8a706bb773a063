//! What a client can be pointed at.

use crate::{builder, deadline, said};
use conformance::{
    http_server::{Answer, HttpServer},
    in_process::{Asked, InProcess},
};
use http::{HeaderName, HeaderValue};
use mcp_client::{Client, Error, Target};
use serde_json::{Value, json};

fn cause(error: &Error) -> String {
    let mut causes = String::new();
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        causes = format!("{causes}: {error}");
        source = error.source();
    }
    causes
}

// seed: 18 22 27
#[tokio::test]
async fn what_is_no_target_is_refused_by_name_and_shows_no_secret() {
    for (target, name, reason) in [
        ("httpx://me:secret@example.com/?key=secret", "httpx://example.com/", "scheme \"httpx\""),
        ("http://me:secret@/?secret", "http:///", "URL"),
        ("https://me:secret@[::1/mcp", "https://[::1/mcp", "URL"),
        ("", "", "empty"),
        ("no/such/server.py", "no/such/server.py", "there is no script no/such/server.py"),
        ("no/such/server.js", "no/such/server.js", "there is no script no/such/server.js"),
        ("./no/such/program", "./no/such/program", "there is no such file"),
        ("no-such-program-anywhere", "no-such-program-anywhere", "in no directory of PATH"),
    ] {
        let client = Client::new(target);
        let error = deadline(client.connect()).await.unwrap_err();
        assert_eq!(error.to_string(), format!("cannot connect to {name}"));
        let cause = cause(&error);
        assert!(cause.contains(reason), "{cause}");
        let shown = format!("{client:?} {error:?} {error} {cause}");
        assert!(!shown.contains("secret"), "{shown}");
    }
}

/// Starts a stateless server whose tools all return that they are done.
async fn http_server() -> HttpServer {
    let server = HttpServer::start(|request| match &*request.rpc_method() {
        "server/discover" => Answer::result(
            request,
            &json!({"resultType": "complete", "supportedVersions": ["2026-07-28"],
                "capabilities": {"tools": {}}, "ttlMs": 0, "cacheScope": "private"}),
        ),
        _ => Answer::result(request, &said("done")),
    });
    server.await.unwrap()
}

// seed: 18 22
#[tokio::test]
async fn a_url_is_a_url_however_its_scheme_is_written() {
    let server = http_server().await;
    let address = server.url().strip_prefix("http://").unwrap();
    for url in [format!("HTTP://{address}?key=secret"), format!("hTTp://me:secret@{address}")] {
        let target = Target::from(url);
        assert_eq!(target.name(), server.url());
        let client = deadline(Client::connect_to(target)).await.unwrap();
        assert_eq!(deadline(client.call_tool("any")).await.unwrap().text(), "done");
    }
}

// seed: 34
#[tokio::test]
async fn a_call_brings_headers_of_its_own() {
    let server = http_server().await;
    let client = deadline(Client::connect_to(server.url())).await.unwrap();
    let tenant = HeaderName::from_static("x-tenant");
    let call = client.call_tool("any").header(tenant.clone(), HeaderValue::from_static("red"));
    let call = call.header(tenant, HeaderValue::from_static("blue"));
    deadline(call.header(http::header::CONTENT_TYPE, HeaderValue::from_static("forged")))
        .await
        .unwrap();
    deadline(client.call_tool("any")).await.unwrap();
    let requests = server.requests();
    let tenants: Vec<_> = requests.iter().map(|request| request.header("x-tenant")).collect();
    assert_eq!(tenants, [None, Some("blue"), None]);
    assert_eq!(requests[1].header("content-type"), Some("application/json"));
    // Another binding has no headers, and no use for them.
    let server =
        InProcess::modern(async |_: Asked| Ok::<Value, mcp_types::ErrorObject>(said("done")));
    let client = deadline(builder(&server).build().connect()).await.unwrap();
    let call = client.call_tool("any");
    deadline(call.header(http::header::ORIGIN, HeaderValue::from_static("x"))).await.unwrap();
}

#[cfg(unix)]
mod files {
    use super::*;
    use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf};

    /// A directory that is removed on drop.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let name = format!("mcp-targets-{}-{name}", std::process::id());
            let folder = std::env::temp_dir().join(name);
            fs::create_dir_all(&folder).unwrap();
            Self(folder)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    /// A stateless server that answers one question after the other.
    const SERVER: &str = r#"
import json, sys
for line in sys.stdin:
    request = json.loads(line)
    if "id" not in request:
        continue
    if request["method"] == "server/discover":
        result = {"resultType": "complete", "supportedVersions": ["2026-07-28"],
            "capabilities": {"tools": {}}, "ttlMs": 0, "cacheScope": "private"}
    else:
        content = [{"type": "text", "text": request["params"]["name"]}]
        result = {"resultType": "complete", "content": content}
    print(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": result}), flush=True)
"#;

    async fn expect_server(target: impl Into<Target>) {
        let client = deadline(Client::connect_to(target)).await.unwrap();
        assert_eq!(deadline(client.call_tool("echo")).await.unwrap().text(), "echo");
        deadline(client.close()).await;
    }

    // seed: 18
    #[tokio::test]
    async fn a_script_and_any_program_are_run() {
        let folder = Folder::new("run");
        let script = folder.0.join("server.py");
        fs::write(&script, SERVER).unwrap();
        expect_server(script.to_str().unwrap()).await;
        expect_server(script.clone()).await;
        expect_server(script.as_path()).await;

        let program = folder.0.join("a server");
        fs::write(&program, format!("#!/usr/bin/env python3\n{SERVER}")).unwrap();
        let client = Client::new(program.as_path());
        let error = deadline(client.connect()).await.unwrap_err();
        assert!(cause(&error).contains("may not be executed"), "{}", cause(&error));
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        // The same client: a target is resolved when it is connected.
        let connection = deadline(client.connect()).await.unwrap();
        assert_eq!(deadline(connection.call_tool("x")).await.unwrap().text(), "x");
    }

    // seed: 18
    #[tokio::test]
    async fn a_path_is_a_socket_when_there_is_one() {
        let folder = Folder::new("socket");
        let path = folder.0.join("server.py");
        let client = Client::new(path.as_path());
        let error = deadline(client.connect()).await.unwrap_err();
        assert!(cause(&error).contains("there is no script"), "{}", cause(&error));

        let listener = tokio::net::UnixListener::bind(&path).unwrap();
        let serve = async {
            let (stream, _) = listener.accept().await.unwrap();
            let mut peer = conformance::script::Peer::new(stream);
            let asked = peer.expect("server/discover").await;
            let discovered = json!({"resultType": "complete", "supportedVersions": ["2026-07-28"],
                "capabilities": {"tools": {}}, "ttlMs": 0, "cacheScope": "private"});
            peer.answer(asked["id"].clone(), discovered).await;
            let called = peer.expect("tools/call").await;
            peer.answer(called["id"].clone(), said("over a socket")).await;
            peer
        };
        let call = async {
            let connection = client.connect().await.unwrap();
            let text = connection.call_tool("any").await.unwrap().text().into_owned();
            (connection, text)
        };
        let (_peer, (_connection, text)) = deadline(async { tokio::join!(serve, call) }).await;
        assert_eq!(text, "over a socket");
    }
}
