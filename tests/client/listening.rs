//! Who hears what: log messages, progress, and all that servers say.

use crate::{builder, deadline, said};
use conformance::{
    in_process::{Asked, InProcess},
    log::Log,
};
use mcp_client::{Event, Progress};
use mcp_types::{ErrorObject, LoggingLevel};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

type Heard = Arc<Mutex<Vec<String>>>;

fn take(heard: &Heard) -> Vec<String> {
    std::mem::take(&mut *heard.lock().unwrap())
}

/// Sends a message of every kind during a call.
async fn talkative(asked: Asked) -> Result<Value, ErrorObject> {
    asked.progress(1, 2).await;
    asked.tell("notifications/message", json!({"level": "info", "data": [1]})).await;
    asked.tell("notifications/tools/list_changed", json!({})).await;
    asked.tell("com.example/other", json!({})).await;
    Ok(said("done"))
}

fn name(event: &Event) -> String {
    match event {
        Event::Notification(notification) => notification.method.to_string(),
        _ => "progress".to_owned(),
    }
}

// seed: 55
#[tokio::test]
async fn each_message_is_heard_once_in_order_and_beside_who_listens_to_a_part() {
    for server in [InProcess::modern(talkative), InProcess::legacy(talkative)] {
        let (all, logs) = (Heard::default(), Heard::default());
        let (hear, log) = (Arc::clone(&all), Arc::clone(&logs));
        let client = builder(&server)
            .on_message(move |event| hear.lock().unwrap().push(name(event)))
            .log_level(LoggingLevel::Debug)
            .on_log(move |message| log.lock().unwrap().push(message.data.to_string()))
            .build();
        let client = deadline(client.connect()).await.unwrap();
        deadline(client.call_tool("any")).await.unwrap();
        let expected = [
            "progress",
            "notifications/message",
            "notifications/tools/list_changed",
            "com.example/other",
        ];
        assert_eq!(take(&all), expected);
        assert_eq!(take(&logs), ["[1]"]);
    }
}

// spec: LOG-04
// seed: 51
#[tokio::test]
async fn log_messages_of_every_level_reach_the_listener_with_or_without_a_logger() {
    const LEVELS: [&str; 8] =
        ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"];

    let server = InProcess::legacy(async |asked: Asked| {
        for (level, data) in LEVELS.iter().zip([
            json!("a"),
            json!({"k": 1}),
            json!([1]),
            json!(2),
            json!(null),
            json!(true),
            json!(""),
            json!(1.5),
        ]) {
            let mut message = json!({"level": level, "data": data});
            if *level == "info" {
                message["logger"] = "db".into();
            }
            asked.tell("notifications/message", message).await;
        }
        asked.tell("notifications/message", json!({"level": 7})).await;
        Ok(said("done"))
    });
    let heard = Heard::default();
    let hear = Arc::clone(&heard);
    let client = builder(&server).on_log(move |message| {
        let logger = message.logger.unwrap_or_default();
        hear.lock().unwrap().push(format!("{} {logger} {}", message.level.as_str(), message.data));
    });
    let client = deadline(client.build().connect()).await.unwrap();
    deadline(client.call_tool("any")).await.unwrap();
    assert_eq!(
        take(&heard),
        [
            r#"debug  "a""#,
            r#"info db {"k":1}"#,
            "notice  [1]",
            "warning  2",
            "error  null",
            "critical  true",
            r#"alert  """#,
            "emergency  1.5",
        ]
    );
}

// spec: PROG-01
// seed: 50
#[tokio::test]
async fn the_listener_of_a_call_takes_the_place_of_the_one_of_all_calls() {
    let server = InProcess::modern(talkative);
    let heard = Heard::default();
    let listener = |who: &'static str| {
        let heard = Arc::clone(&heard);
        move |progress: Progress| {
            heard.lock().unwrap().push(format!("{who} {}", progress.progress));
        }
    };
    let client = builder(&server).on_progress(listener("all")).build();
    let client = deadline(client.connect()).await.unwrap();
    deadline(client.call_tool("any")).await.unwrap();
    let call = client.call_tool("any").on_progress(listener("one")).on_progress(listener("two"));
    deadline(call).await.unwrap();
    deadline(client.call_tool("any")).await.unwrap();
    assert_eq!(take(&heard), ["all 1", "two 1", "one 1", "all 1"]);
}

// seed: 50 51
#[tokio::test]
async fn what_nobody_listens_to_is_in_the_log() {
    let log = Log::default();
    let _recording = log.record(tracing::Level::DEBUG);
    let client = builder(&InProcess::legacy(talkative)).build();
    let client = deadline(client.connect()).await.unwrap();
    deadline(client.call_tool("any")).await.unwrap();
    let log = log.text();
    let lines: Vec<_> = log.lines().filter(|line| line.contains("mcp_client::")).collect();
    assert_eq!(
        lines,
        ["DEBUG mcp_client::progress: 1/2 (50%)", " INFO mcp_client::server_log: [1] level=info",]
    );
}
