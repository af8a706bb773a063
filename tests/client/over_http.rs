//! What a call over HTTP can have in it.

use crate::{deadline, said};
use conformance::http_server::{Answer, HttpServer, response};
use mcp_client::{Client, elicit};
use serde_json::json;
use std::sync::{Arc, Mutex};

// spec: PROG-01 MRTR-01
// seed: 37
#[tokio::test]
async fn progress_and_questions_come_over_http() {
    let server = HttpServer::start(|request| {
        let asked = request.json();
        let answers = &asked["params"]["inputResponses"];
        match &*request.rpc_method() {
            "server/discover" => Answer::result(
                request,
                &json!({"resultType": "complete", "supportedVersions": ["2026-07-28"],
                    "capabilities": {"tools": {}}, "ttlMs": 0, "cacheScope": "private"}),
            ),
            _ if answers.is_null() => {
                let token = &asked["params"]["_meta"]["progressToken"];
                let params = json!({"progressToken": token, "progress": 1, "total": 2});
                let progress =
                    json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": params});
                let schema = json!({"type": "object", "properties": {"size": {"type": "string"}}});
                let form = json!({"method": "elicitation/create",
                    "params": {"mode": "form", "message": "Which?", "requestedSchema": schema}});
                let question =
                    json!({"resultType": "input_required", "inputRequests": {"q": form}});
                Answer::events(&[progress, response(request, &question)])
            }
            _ => Answer::result(request, &said(&answers["q"]["content"]["size"].to_string())),
        }
    });
    let server = server.await.unwrap();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hear = Arc::clone(&heard);
    let client = Client::builder(server.url())
        .on_elicit_form(async |_| elicit::accept(json!({"size": "M"})))
        .on_progress(move |progress| hear.lock().unwrap().push(progress.progress))
        .build();
    let client = deadline(client.connect()).await.unwrap();
    assert_eq!(deadline(client.call_tool("shirt")).await.unwrap().text(), r#""M""#);
    assert_eq!(*heard.lock().unwrap(), [1.0]);
}
