//! What a recorder records.

use super::*;
use futures_util::{FutureExt, stream};
use mcp_transport::{Shared, record};
use mcp_types::{ErrorCode, ErrorObject};
use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};
use tokio::io::{AsyncReadExt, AsyncWrite};

#[tokio::test]
async fn a_transcript_tells_what_passed_in_its_order() {
    let server = Scripted::legacy();
    let transport = server.server.transport();
    let tape = Tape::default();
    let connector = Record::new(
        Connecting::new(move |_| {
            let said = Arrival::Message(Notification::new("notifications/n").into());
            let unsolicited = Unsolicited::new(stream::iter([said]));
            Ok(link(transport.clone()).with_unsolicited(unsolicited))
        }),
        tape.sink(),
    );
    let link = connector.connect().await.unwrap();
    assert_eq!(link.binding, Binding::InProcess);
    let client = link.transport;
    let token = json!({ "_meta": { "progressToken": 7 } });
    replies(client.clone(), request(7, "count", &token)).await.unwrap();
    replies(client.clone(), Notification::new("notifications/initialized").into()).await.unwrap();
    outcome(client.clone(), request(8, "fail", &json!({}))).await.unwrap_err();
    assert!(link.unsolicited.count().await == 1);
    let mut hanging = deadline(client.oneshot(request(9, "hang", &json!({})))).await.unwrap();
    deadline(hanging.next()).await.unwrap().unwrap();
    drop(hanging);
    server.dropped.wait_for(1).await;

    let progress = |n: u32| {
        let params = json!({ "progressToken": 7, "progress": n, "total": 3 });
        let message =
            json!({ "jsonrpc": "2.0", "method": "notifications/progress", "params": params });
        json!({ "connection": 1, "dir": "<", "call": 1, "message": message })
    };
    let message = |dir: &str, call: u64, mut message: Value| {
        message["jsonrpc"] = json!("2.0");
        json!({ "connection": 1, "dir": dir, "call": call, "message": message })
    };
    let error = json!({ "code": -32602, "message": "wrong", "data": 7 });
    let expected = [
        json!({ "connection": 1, "event": "connected", "binding": "in-process" }),
        message(">", 1, json!({ "id": 7, "method": "count", "params": token })),
        progress(1),
        progress(2),
        progress(3),
        message("<", 1, json!({ "id": 7, "result": { "counted": 3 } })),
        message(">", 2, json!({ "method": "notifications/initialized" })),
        message(">", 3, json!({ "id": 8, "method": "fail", "params": {} })),
        message("<", 3, json!({ "id": 8, "error": error })),
        json!({
            "connection": 1, "dir": "<",
            "message": { "jsonrpc": "2.0", "method": "notifications/n" },
        }),
        message(">", 4, json!({ "id": 9, "method": "hang", "params": {} })),
        message("<", 4, json!({ "method": "notifications/begun", "params": {} })),
        json!({ "connection": 1, "dir": ">", "call": 4, "event": "abandoned" }),
    ];
    assert_eq!(lines(&tape), expected);
}

#[tokio::test]
async fn what_a_server_says_of_a_failure_is_told_without_its_secrets() {
    let tape = Tape::default();
    let server = service_fn(|_: ClientMessage| async {
        let said = ErrorObject::new(ErrorCode::INVALID_PARAMS, "no")
            .with_data(json!({ "token": "s3cret" }));
        let refused = Error::other("refused", Delivery::Delivered).with_peer_error(said);
        Err::<Replies, _>(refused)
    });
    let client = Record::new(server, tape.sink());
    let calling = client.oneshot(request(1, "x", &json!({})));
    let error = deadline(calling).await.map(drop).unwrap_err();
    assert_eq!(error.peer_error().unwrap().data.as_deref(), Some(&json!({ "token": "s3cret" })));
    let text = tape.transcript().to_string();
    assert!(text.contains("[redacted]") && !text.contains("s3cret"), "{text}");
}

#[tokio::test]
async fn failures_are_told_and_passed_on() {
    let tape = Tape::default();
    let connector = Record::new(
        Connecting::new(|number| match number {
            0 => Err(Error::other("no way there", Delivery::NotSent)),
            _ => Ok(link(service_fn(|message: ClientMessage| async move {
                match message.body {
                    Message::Request(it) if it.method == "lost" => {
                        let lost = Error::closed("lost on the way", Delivery::Unknown);
                        Ok(Replies::new(stream::iter([Err(lost)])))
                    }
                    Message::Request(_) => Ok(Replies::empty()),
                    _ => {
                        let status = ::http::StatusCode::BAD_GATEWAY;
                        let refused = Error::other("refused", Delivery::Delivered);
                        Err(refused.with_status(status))
                    }
                }
            }))),
        }),
        tape.sink(),
    );
    assert_eq!(connector.connect().await.unwrap_err().to_string(), "no way there");
    let client = connector.connect().await.unwrap().transport;
    let error = replies(client.clone(), request(1, "lost", &json!({}))).await.unwrap_err();
    assert!(error.is_closed());
    assert_eq!(replies(client.clone(), request(2, "end", &json!({}))).await.unwrap(), []);
    replies(client, Notification::new("n").into()).await.unwrap_err();

    let lines = lines(&tape);
    let failure = |kind: &str, delivery: &str, message: &str| json!({ "kind": kind, "delivery": delivery, "message": message });
    let none = failure("other", "not-sent", "no way there");
    assert_eq!(lines[0], json!({ "connection": 1, "event": "not-connected", "failure": none }));
    let lost = failure("closed", "unknown", "lost on the way");
    let expected =
        json!({ "connection": 2, "dir": "<", "call": 1, "event": "failed", "failure": lost });
    assert_eq!(lines[3], expected);
    assert_eq!(lines[5], json!({ "connection": 2, "dir": "<", "call": 2, "event": "ended" }));
    assert_eq!((&lines[7]["call"], &lines[7]["failure"]["status"]), (&json!(3), &json!(502)));
    assert_eq!(lines.len(), 8);
    // It can be read back.
    let read = Transcript::parse(&tape.transcript().to_string()).unwrap();
    assert_eq!(read.to_string(), tape.transcript().to_string());
}

#[tokio::test]
async fn a_transport_alone_can_be_recorded() {
    let tape = Tape::default();
    let recorded = Record::new(Scripted::modern().server.transport(), tape.sink());
    outcome(recorded.clone(), request(1, "echo", &json!({}))).await.unwrap();
    let sent: Vec<Value> = lines(&tape).iter().map(|line| line["dir"].clone()).collect();
    assert_eq!(sent, [">", "<"]);
}

#[tokio::test]
async fn secrets_do_not_reach_the_sink_but_reach_the_server() {
    let tape = Tape::default();
    let recorded = Record::new(Scripted::modern().server.transport(), tape.sink());
    let params = json!({ "arguments": { "api_key": "s3cret", "city": "Oslo" } });
    let echoed = outcome(recorded.clone(), request(1, "echo", &params)).await.unwrap();
    assert_eq!(echoed["echo"], params);
    let told = tape.transcript().to_string();
    assert!(!told.contains("s3cret") && told.contains("Oslo"), "{told}");
    let recorded = recorded.redaction(Redaction::none().key("city"));
    outcome(recorded, request(1, "echo", &params)).await.unwrap();
    let told = tape.transcript().to_string();
    assert!(told.contains("s3cret") && told.matches("Oslo").count() == 2, "{told}");
}

#[tokio::test]
async fn a_message_is_one_line_whatever_its_raw_json_holds() {
    let tape = Tape::default();
    let recorded = Record::new(Scripted::modern().server.transport(), tape.sink());
    let params = RawJson::parse("{\r\n \"a\": \"b\\n\"\n}").unwrap();
    let message = Request::new(1, "echo").with_params(params);
    outcome(recorded, message.into()).await.unwrap();
    assert_eq!(lines(&tape)[0]["message"]["params"], json!({ "a": "b\n" }));
}

#[tokio::test]
async fn a_writer_writes_a_transcript_and_ends_with_its_recorder() {
    let (ours, mut theirs) = tokio::io::duplex(64 * 1024);
    let (sink, driver) = record::writer(ours, record::Limits::default());
    let mut driver = Background::run(driver);
    let recorder = Record::new(Shared::new(Scripted::modern().server.transport()), sink);
    let link = recorder.connect().await.unwrap();
    outcome(link.transport, request(1, "echo", &json!({}))).await.unwrap();
    drop((recorder, link.unsolicited, link.driver));
    driver.end().await.unwrap();
    let mut text = String::new();
    deadline(theirs.read_to_string(&mut text)).await.unwrap();
    assert_eq!(Transcript::parse(&text).unwrap().entries().len(), 3);
}

#[tokio::test]
async fn what_is_not_written_in_time_is_dropped_and_counted() {
    let mut limits = record::Limits::default();
    limits.buffer_bytes = 2000;
    let tape = Tape::new(limits);
    // Nothing is read, so nothing is written beyond the first few bytes.
    let (ours, mut theirs) = tokio::io::duplex(16);
    let (sink, driver) = record::writer(ours, limits);
    let mut driver = Background::run(driver);
    let in_memory = tape.sink();
    let recorder = Record::new(Scripted::modern().server.transport(), move |entry: Entry| {
        in_memory(entry.clone());
        sink(entry);
    });
    for id in 0..100 {
        outcome(recorder.clone(), request(id, "echo", &json!({}))).await.unwrap();
    }
    drop(recorder);
    let mut text = String::new();
    deadline(theirs.read_to_string(&mut text)).await.unwrap();
    driver.end().await.unwrap();
    for transcript in [Transcript::parse(&text).unwrap(), tape.transcript()] {
        let entries = transcript.entries();
        let lost = entries.iter().map(|entry| match entry.event {
            Event::Lost { count } => usize::try_from(count).unwrap() - 1,
            _ => 0,
        });
        assert_eq!(entries.len() + lost.sum::<usize>(), 200);
        assert!(entries.len() < 50, "{}", entries.len());
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_written_fails_no_exchange() {
    struct Full;
    impl AsyncWrite for Full {
        fn poll_write(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            _: &[u8],
        ) -> Poll<io::Result<usize>> {
            Poll::Ready(Err(io::ErrorKind::StorageFull.into()))
        }
        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }
    let (sink, driver) = record::writer(Full, record::Limits::default());
    let recorder = Record::new(Scripted::modern().server.transport(), sink);
    let error = driver.now_or_never().expect("it ends at once").unwrap_err();
    assert!(error.is_io(), "{error}");
    outcome(recorder, request(1, "echo", &json!({}))).await.unwrap();
}
