//! Texts of many MiB, there and back.

use crate::deadline;
use conformance::http_server::{Answer, HttpServer, response};
use mcp_client::{Client, Connection, Target};
use mcp_transport::stdio::Command;
use mcp_types::resources::ResourceContents;
use serde_json::{Value, json};

const MIB: usize = 1024 * 1024;

/// Texts that a program may send: Base64, and text that needs escapes.
fn texts() -> [String; 2] {
    ["QUJD".repeat(MIB), "a \"line\" of größe 🦀\n".repeat(50_000)]
}

/// Returns the result of a method of a stateless server that echoes its input.
fn result(method: &str, params: &Value) -> Value {
    match method {
        "server/discover" => json!({"resultType": "complete", "supportedVersions": ["2026-07-28"],
            "capabilities": {"tools": {}, "resources": {}}, "ttlMs": 0, "cacheScope": "private"}),
        "resources/read" => json!({"resultType": "complete", "ttlMs": 0, "cacheScope": "private",
            "contents": [{"uri": "a:b", "blob": "QUJD".repeat(MIB)}]}),
        _ => {
            let text = &params["arguments"]["text"];
            json!({"content": [{"text": text, "type": "text"}], "resultType": "complete"})
        }
    }
}

async fn check(target: impl Into<Target>) {
    let client: Connection = deadline(Client::connect_to(target)).await.unwrap();
    for text in texts() {
        let given = deadline(client.call_tool("echo").argument("text", &text)).await.unwrap();
        assert!(given.text() == text, "{} bytes came back", given.text().len());
    }
}

#[tokio::test]
async fn large_texts_come_back_over_http_as_json_and_as_events() {
    for as_events in [false, true] {
        let server = HttpServer::start(move |request| {
            let answer =
                response(request, &result(&request.rpc_method(), &request.json()["params"]));
            if as_events { Answer::events(&[answer]) } else { Answer::json(&answer) }
        });
        let server = server.await.unwrap();
        check(server.url()).await;
        let client = deadline(Client::connect_to(server.url())).await.unwrap();
        let contents = deadline(client.read_resource("a:b")).await.unwrap();
        let [ResourceContents::Blob(contents)] = &contents[..] else { panic!("no blob") };
        assert!(contents.blob == "QUJD".repeat(MIB));
    }
}

/// A server with a handshake that echoes its input.
#[cfg(target_os = "linux")]
const SERVER: &str = r#"
import json, sys

for line in sys.stdin:
    request = json.loads(line)
    if request["method"] == "initialize":
        result = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}},
            "serverInfo": {"name": "echo", "version": "1"}}
    elif request["method"] == "tools/call":
        result = {"content": [{"type": "text", "text": request["params"]["arguments"]["text"]}]}
    elif "id" in request:
        error = {"code": -32601, "message": "no such method"}
        print(json.dumps({"jsonrpc": "2.0", "id": request["id"], "error": error}), flush=True)
        continue
    else:
        continue
    print(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": result}), flush=True)
"#;

#[cfg(target_os = "linux")]
#[tokio::test]
async fn large_texts_come_back_from_a_process() {
    check(Command::new("python3").args(["-c", SERVER])).await;
}
