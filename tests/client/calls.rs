//! What a call looks like on the wire, and what is heard while it runs.

use crate::{builder, connect, deadline, params, said};
use conformance::in_process::{Asked, InProcess, Outcome};
use mcp_client::{Client, Error, Event, Events, Misbehavior, Target};
use mcp_types::{ErrorCode, ErrorObject, LoggingLevel};
use serde::Serialize;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

fn echo() -> InProcess {
    InProcess::modern(async |asked: Asked| Ok(said(&asked.params["arguments"].to_string())))
}

// spec: META-01 META-02 META-03 META-04
#[tokio::test]
async fn a_call_says_all_there_is_to_know() {
    let server = echo();
    let client = connect(&server).await;
    let result = deadline(client.call_tool("echo").argument("city", "Oslo")).await;
    assert_eq!(result.unwrap().text(), r#"{"city":"Oslo"}"#);
    let sent = &server.sent("tools/call")[0];
    assert_eq!(params(sent), json!({"name": "echo", "arguments": {"city": "Oslo"}}));
    let meta = &sent["params"]["_meta"];
    assert_eq!(meta["io.modelcontextprotocol/protocolVersion"], "2026-07-28");
    assert_eq!(meta["io.modelcontextprotocol/clientCapabilities"], json!({}));
    assert!(meta["io.modelcontextprotocol/clientInfo"]["name"].is_string());
}

#[tokio::test]
async fn arguments_come_from_any_object_and_one_by_one() {
    #[derive(Serialize)]
    struct Place {
        city: &'static str,
        days: u32,
    }

    let server = echo();
    let client = connect(&server).await;
    let place = Place { city: "Oslo", days: 3 };
    for (call, sent) in [
        (client.call_tool("echo"), json!({})),
        (client.call_tool("echo").arguments(&place), json!({"city": "Oslo", "days": 3})),
        (
            client.call_tool("echo").argument("days", 4).arguments(&place),
            json!({"city": "Oslo", "days": 4}),
        ),
        (
            client.call_tool("echo").argument("list", [1, 2]).argument("none", Value::Null),
            json!({"list": [1, 2], "none": null}),
        ),
        (client.call_tool("echo").arguments(()), json!({})),
    ] {
        let text = deadline(call).await.unwrap().text().into_owned();
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), sent);
    }
}

#[tokio::test]
async fn what_cannot_be_sent_fails_the_call_and_sends_nothing() {
    let server = echo();
    let client = connect(&server).await;
    let keys_that_are_lists = BTreeMap::from([([1], 1)]);
    for (call, reason) in [
        (
            client.call_tool("echo").argument("map", &keys_that_are_lists),
            r#"argument "map" has no JSON form"#,
        ),
        (client.call_tool("echo").arguments(1), "not an object"),
        (
            client.call_tool("echo").arguments(&keys_that_are_lists),
            "the arguments have no JSON form",
        ),
        (client.call_tool("echo").meta("a b", 1), r#"invalid `_meta` key "a b""#),
    ] {
        let call = call.argument("other", 1).meta("com.example/ok", 1);
        let error = deadline(call).await.unwrap_err();
        assert!(matches!(error, Error::InvalidParams(_)), "{error:?}");
        assert!(error.to_string().contains(reason), "{error}");
    }
    assert_eq!(server.sent("tools/call"), [Value::Null; 0]);
}

// spec: META-12
// seed: 44
#[tokio::test]
async fn own_metadata_is_sent_and_reserved_keys_are_refused() {
    let server = echo();
    let client = connect(&server).await;
    let call =
        client.call_tool("echo").meta("com.example/tenant", json!({"id": 7})).meta("plain", "x");
    deadline(call).await.unwrap();
    let meta = &server.sent("tools/call")[0]["params"]["_meta"];
    assert_eq!((&meta["com.example/tenant"], &meta["plain"]), (&json!({"id": 7}), &json!("x")));
    let call = client.call_tool("echo").meta("io.modelcontextprotocol/clientInfo", "someone else");
    assert!(matches!(deadline(call).await, Err(Error::InvalidParams(_))));
}

#[tokio::test]
async fn a_client_without_a_connection_says_so() {
    let client = Client::new(Target::service(echo().transport()));
    let error = deadline(client.call_tool("echo")).await.unwrap_err();
    assert!(matches!(error, Error::NotConnected), "{error:?}");
}

// seed: 13 49
#[tokio::test]
async fn an_error_of_the_server_keeps_code_message_and_data() {
    let server = InProcess::modern(async |_: Asked| -> Outcome {
        Err(ErrorObject::new(ErrorCode(-7), "no such tool").with_data(json!({"name": "x"})))
    });
    let client = connect(&server).await;
    let error = deadline(client.call_tool("x")).await.unwrap_err();
    assert_eq!(error.to_string(), "server refused tools/call: no such tool (code -7)");
    let said = error.as_rpc().unwrap();
    assert_eq!((said.code, said.data.as_deref().unwrap()), (ErrorCode(-7), &json!({"name": "x"})));
}

// spec: PROG-01 PROG-05
// seed: 50
#[tokio::test]
async fn progress_is_heard_in_order_and_before_the_result() {
    let server = InProcess::modern(async |asked: Asked| {
        // The second one does not increase, and is dropped.
        for step in [1, 1, 2, 3] {
            asked.progress(step, 3).await;
        }
        Ok(said("done"))
    });
    let client = connect(&server).await;
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hear = Arc::clone(&heard);
    let call = client.call_tool("slow").on_progress(move |progress| {
        hear.lock().unwrap().push((progress.progress, progress.total));
    });
    assert_eq!(deadline(call).await.unwrap().text(), "done");
    let heard = heard.lock().unwrap().clone();
    assert_eq!(heard, [(1.0, Some(3.0)), (2.0, Some(3.0)), (3.0, Some(3.0))]);
    let sent = &server.sent("tools/call")[0];
    assert_eq!(sent["params"]["_meta"]["progressToken"], sent["id"]);
}

#[tokio::test]
async fn each_call_hears_of_itself_alone() {
    let server = InProcess::modern(async |asked: Asked| {
        let (name, out) = (asked.params["name"].to_string(), said("done"));
        asked.tell("notifications/x", json!({"about": name})).await;
        Ok(out)
    });
    let client = connect(&server).await;
    let calls = ["a", "b", "c"].map(|name| {
        let (sender, heard) = tokio::sync::mpsc::channel(8);
        let call = client.call_tool(name).events(Events::channel(sender));
        async move { (name, call.await.unwrap(), heard) }
    });
    for (name, _, mut heard) in deadline(futures_util::future::join_all(calls)).await {
        let Some(Event::Notification(notification)) = heard.recv().await else { panic!("{name}") };
        let params: Value = notification.params.unwrap().decode().unwrap();
        assert_eq!(params["about"], format!("{name:?}"));
        assert!(heard.recv().await.is_none());
    }
}

// spec: LOG-01
#[tokio::test]
async fn a_log_level_goes_with_the_calls_that_ask_for_it() {
    const LEVEL: &str = "io.modelcontextprotocol/logLevel";

    let server = InProcess::modern(async |asked: Asked| {
        asked.tell("notifications/message", json!({"level": "info", "data": {"a": 1}})).await;
        Ok(said(""))
    });
    let client = connect(&server).await;
    let heard = Arc::new(Mutex::new(0));
    let hear = Arc::clone(&heard);
    let call = client.call_tool("x").log_level("debug");
    let call = call.on_event(move |event| {
        *hear.lock().unwrap() += u32::from(matches!(event, Event::Notification(_)));
    });
    deadline(call).await.unwrap();
    deadline(client.call_tool("x")).await.unwrap();
    let levels = server.sent("tools/call");
    let levels: Vec<_> = levels.iter().map(|call| call["params"]["_meta"][LEVEL].clone()).collect();
    assert_eq!(levels, [json!("debug"), Value::Null]);
    assert_eq!(*heard.lock().unwrap(), 1);

    let client = builder(&server).log_level(LoggingLevel::Warning).build();
    let client = deadline(client.connect()).await.unwrap();
    deadline(client.call_tool("x")).await.unwrap();
    deadline(client.call_tool("x").log_level(LoggingLevel::Error)).await.unwrap();
    let levels = server.sent("tools/call").split_off(2);
    let levels: Vec<_> = levels.iter().map(|call| call["params"]["_meta"][LEVEL].clone()).collect();
    assert_eq!(levels, ["warning", "error"]);
}

// spec: MSG-12 MSG-13
#[tokio::test]
async fn a_result_of_an_unknown_type_is_an_error_and_none_is_complete() {
    let server = InProcess::modern(async |asked: Asked| {
        let mut result = json!({"content": []});
        if asked.params["name"] == "odd" {
            result["resultType"] = "partial".into();
        }
        Ok(result)
    });
    let client = connect(&server).await;
    assert!(deadline(client.call_tool("even")).await.is_ok());
    let error = deadline(client.call_tool("odd")).await.unwrap_err();
    let Error::Misbehaved { misbehavior, .. } = &error else { panic!("{error:?}") };
    assert_eq!(*misbehavior, Misbehavior::UnknownResultType);
}

// spec: VER-01 VER-02
#[tokio::test]
async fn a_refused_revision_is_tried_once_more_and_not_for_ever() {
    let server = InProcess::modern(async |_: Asked| -> Outcome {
        let refusal = ErrorObject::new(ErrorCode::UNSUPPORTED_PROTOCOL_VERSION, "no");
        Err(refusal.with_data(json!({"supported": ["2026-07-28"], "requested": "2026-07-28"})))
    });
    let client = connect(&server).await;
    let error = deadline(client.call_tool("x")).await.unwrap_err();
    assert_eq!(error.as_rpc().unwrap().code, ErrorCode::UNSUPPORTED_PROTOCOL_VERSION);
    let sent = server.sent("tools/call");
    assert_eq!(sent.len(), 2);
    assert_ne!(sent[0]["id"], sent[1]["id"]);
}

// spec: PROG-01
#[tokio::test]
async fn a_client_can_listen_to_every_call_beside_those_who_listen_to_one() {
    let server = InProcess::modern(async |asked: Asked| {
        asked.progress(1, 2).await;
        Ok(said("done"))
    });
    let heard = Arc::new(Mutex::new(Vec::new()));
    let listener = |who: &'static str| {
        let heard = Arc::clone(&heard);
        move |event: &Event| {
            if let Event::Progress(progress) = event {
                heard.lock().unwrap().push(format!("{who} {}", progress.progress));
            }
        }
    };
    let client = builder(&server).on_call_event(listener("all")).build();
    let client = deadline(client.connect()).await.unwrap();
    deadline(client.call_tool("any").on_event(listener("one"))).await.unwrap();
    deadline(client.call_tool("any")).await.unwrap();
    assert_eq!(*heard.lock().unwrap(), ["one 1", "all 1", "all 1"]);
}
