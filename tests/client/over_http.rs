//! What a call over HTTP can have in it.

use crate::{deadline, said};
use conformance::http_server::{Answer, HttpServer, Step, event, response};
use mcp_client::{Client, Deadlines, Mode, elicit};
use mcp_types::rpc::Notification;
use serde_json::json;
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::{Semaphore, mpsc};

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

/// Reports when it is dropped.
struct Noted(mpsc::Sender<&'static str>);

impl Drop for Noted {
    fn drop(&mut self) {
        let _ = self.0.try_send("given up");
    }
}

/// Starts a server with a handshake that asks on one stream and cancels on the other, each when the test lets it
/// continue.
async fn server_of_two_streams(unasked: &Arc<Semaphore>, called: &Arc<Semaphore>) -> HttpServer {
    let ask = |id: &str| json!({"jsonrpc": "2.0", "id": id, "method": "roots/list"});
    let give_up = |id: &str| {
        let method = "notifications/cancelled";
        json!({"jsonrpc": "2.0", "method": method, "params": {"requestId": id}})
    };
    let (unasked, called) = (Arc::clone(unasked), Arc::clone(called));
    let server = HttpServer::start(move |request| {
        let asked = request.json();
        let during = |message| {
            Answer::events(&[message])
                .step(Step::Wait(Arc::clone(&called)))
                .step(Step::Send(event(&response(request, &said("done"))).into()))
        };
        match &*request.rpc_method() {
            "initialize" => Answer::result(
                request,
                &json!({"protocolVersion": "2025-11-25", "capabilities": {"tools": {}},
                    "serverInfo": {"name": "s", "version": "1"}}),
            ),
            _ if request.method == "GET" => Answer::events(&[])
                .step(Step::Wait(Arc::clone(&unasked)))
                .step(Step::Send(event(&give_up("of a call")).into()))
                .step(Step::Wait(Arc::clone(&unasked)))
                .step(Step::Send(event(&ask("of nobody")).into()))
                .step(Step::Stall),
            "tools/call" if asked["params"]["name"] == "ask" => during(ask("of a call")),
            "tools/call" => during(give_up("of nobody")),
            _ => Answer::status(202),
        }
    });
    server.await.unwrap()
}

// spec: CAN-13
#[tokio::test]
async fn a_question_that_its_server_gives_up_on_another_stream_stops_its_handler() {
    let [unasked, called] = [(); 2].map(|()| Arc::new(Semaphore::new(0)));
    let server = server_of_two_streams(&unasked, &called).await;
    let (sender, mut notes) = mpsc::channel(4);
    let client = Client::builder(server.url()).mode(Mode::Legacy).on_list_roots(move || {
        let noted = Noted(sender.clone());
        async move {
            noted.0.send("asked").await.unwrap();
            std::future::pending().await
        }
    });
    let client = deadline(client.build().connect()).await.unwrap();
    let (result, ()) = tokio::join!(deadline(client.call_tool("ask")), async {
        assert_eq!(deadline(notes.recv()).await, Some("asked"));
        unasked.add_permits(1);
        assert_eq!(deadline(notes.recv()).await, Some("given up"));
        called.add_permits(1);
    });
    assert_eq!(result.unwrap().text(), "done");
    unasked.add_permits(1);
    assert_eq!(deadline(notes.recv()).await, Some("asked"));
    let (result, ()) = tokio::join!(deadline(client.call_tool("give up")), async {
        assert_eq!(deadline(notes.recv()).await, Some("given up"));
        called.add_permits(1);
    });
    assert_eq!(result.unwrap().text(), "done");
    let answers = server.matching(|request| request.json()["id"].is_string());
    assert!(answers.is_empty(), "no answer is sent: {answers:?}");
}

// spec: CAN-01
#[tokio::test]
async fn a_notification_that_its_server_never_takes_ends_at_the_deadline() {
    let server = HttpServer::start(|request| match &*request.rpc_method() {
        "server/discover" => Answer::result(
            request,
            &json!({"resultType": "complete", "supportedVersions": ["2026-07-28"],
                "capabilities": {"tools": {}}, "ttlMs": 0, "cacheScope": "private"}),
        ),
        "tools/call" => Answer::result(request, &said("done")),
        _ => Answer::silence(),
    });
    let server = server.await.unwrap();
    let limit = Deadlines::total(Duration::from_millis(100));
    let client = Client::builder(server.url()).deadlines(limit).build();
    let client = deadline(client.connect()).await.unwrap();
    let error = deadline(client.notify(Notification::new("notifications/x"))).await.unwrap_err();
    assert!(error.is_timeout() && error.to_string().contains("notifications/x"), "{error}");
    assert_eq!(deadline(client.call_tool("go_on")).await.unwrap().text(), "done");
}
