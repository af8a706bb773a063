//! One client of several configured servers: who answers them, and who hears them.

use super::parse;
use crate::{deadline, said};
use conformance::http_server::{Answer, HttpServer, Recorded, Step, event, response};
use mcp_client::{Client, Roots, elicit};
use mcp_types::{
    CreateMessageResult, LoggingLevel, Role, SamplingMessageContentBlock, TextContent,
};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tokio::sync::Semaphore;

/// A record of who asked what.
type Noted = Arc<Mutex<Vec<String>>>;

fn note(noted: &Noted, what: &str, who: Option<&str>) {
    noted.lock().unwrap().push(format!("{what} of {}", who.unwrap_or("nobody")));
}

/// Returns the questions of each server.
fn questions() -> [(&'static str, Value); 3] {
    let schema = json!({"type": "object", "properties": {}});
    [
        ("elicitation/create", json!({"mode": "form", "message": "?", "requestedSchema": schema})),
        ("roots/list", json!({})),
        (
            "sampling/createMessage",
            json!({"maxTokens": 9, "messages": [{"role": "user", "content": {"type": "text", "text": "?"}}]}),
        ),
    ]
}

/// Returns what a server sends before it asks: progress, and a log message.
fn said_before(request: &Recorded, who: &str) -> [Value; 2] {
    let token = &request.json()["params"]["_meta"]["progressToken"];
    let notification =
        |method: &str, params| json!({"jsonrpc": "2.0", "method": method, "params": params});
    [
        notification("notifications/progress", json!({"progressToken": token, "progress": 1})),
        notification("notifications/message", json!({"level": "info", "data": who})),
    ]
}

/// A stateless server, which asks in its result.
fn modern(request: &Recorded) -> Answer {
    let result = match request.rpc_method().as_str() {
        "server/discover" => json!({"resultType": "complete", "supportedVersions": ["2026-07-28"],
            "capabilities": {"tools": {}, "logging": {}}, "ttlMs": 0, "cacheScope": "private"}),
        _ if request.json()["params"]["inputResponses"].is_null() => {
            let questions = questions().map(|(method, params)| {
                (method.to_owned(), json!({"method": method, "params": params}))
            });
            let questions: serde_json::Map<_, _> = questions.into_iter().collect();
            let asking = json!({"resultType": "input_required", "inputRequests": questions});
            let [progress, log] = said_before(request, "new");
            return Answer::events(&[progress, log, response(request, &asking)]);
        }
        _ => said("done"),
    };
    Answer::result(request, &result)
}

/// A server with a handshake, which asks on the stream of a call and continues once everything is answered.
fn legacy(request: &Recorded, answered: &Arc<Semaphore>) -> Answer {
    match request.rpc_method().as_str() {
        "server/discover" => Answer::status(400),
        "initialize" => Answer::result(
            request,
            &json!({"protocolVersion": "2025-11-25", "serverInfo": {"name": "s", "version": "1"},
                "capabilities": {"tools": {}, "logging": {}}}),
        ),
        "tools/call" => {
            let questions = questions().map(|(method, params)| json!({"jsonrpc": "2.0", "id": method, "method": method, "params": params}));
            let mut messages = Vec::from(said_before(request, "old"));
            messages.extend(questions);
            let wait = |answer: Answer, _| answer.step(Step::Wait(Arc::clone(answered)));
            let done = event(&response(request, &said("done")));
            (0..3).fold(Answer::events(&messages), wait).step(Step::Send(done.into()))
        }
        "" if request.method == "POST" => {
            answered.add_permits(1);
            Answer::status(202)
        }
        "notifications/initialized" => Answer::status(202),
        _ => Answer::status(405),
    }
}

// spec: ELI-07 SAMP-02
// seed: 61
#[tokio::test]
async fn handlers_of_one_client_answer_and_hear_each_server_of_its_config() {
    let answered = Arc::new(Semaphore::new(0));
    let old = HttpServer::start(move |request| legacy(request, &answered)).await.unwrap();
    let new = HttpServer::start(modern).await.unwrap();
    let config =
        json!({"mcpServers": {"old": {"url": old.url()}, "new": {"url": new.url()}}}).to_string();
    let noted = Noted::default();
    let [forms, samples, roots, logs, progress] = std::array::from_fn(|_| Arc::clone(&noted));
    let client = Client::builder(parse(&config))
        .log_level(LoggingLevel::Debug)
        .on_elicit_form(move |form| {
            note(&forms, "form", form.asker.name.as_deref());
            std::future::ready(elicit::accept(json!({})))
        })
        .on_sample(move |question| {
            note(&samples, "sample", question.asker.name.as_deref());
            let text = SamplingMessageContentBlock::from(TextContent::new("!"));
            std::future::ready(Ok(CreateMessageResult::new(Role::Assistant, text, "model")))
        })
        .on_list_roots(move || {
            note(&roots, "roots", None);
            std::future::ready(Ok(Roots::folders(["/srv"]).unwrap().current()))
        })
        .on_log(move |message| note(&logs, "log", message.data.as_str()))
        .on_progress(move |_| note(&progress, "progress", None))
        .build();
    let client = deadline(client.connect()).await.unwrap();
    for (member, who) in [("old_ask", "old"), ("new_ask", "new")] {
        assert_eq!(deadline(client.call_tool(member)).await.unwrap().text(), "done");
        let mut heard = std::mem::take(&mut *noted.lock().unwrap());
        heard.sort();
        let [form, log, sample] = ["form", "log", "sample"].map(|what| format!("{what} of {who}"));
        let expected = [form, log, "progress of nobody".into(), "roots of nobody".into(), sample];
        assert_eq!(heard, expected);
    }
    let declared = old.matching(|request| request.rpc_method() == "initialize");
    let declared = &declared[0].json()["params"]["capabilities"];
    for capability in ["elicitation", "roots", "sampling"] {
        assert!(declared[capability].is_object(), "{declared}");
    }
}
