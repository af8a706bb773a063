//! What a replay plays, and what it refuses.

use super::*;
use futures_util::{FutureExt, join};
use mcp_transport::record::Playback;

fn call(id: i64, name: &str) -> Value {
    json!({ "id": id, "method": "tools/call", "params": { "name": name } })
}

fn result(id: i64, text: &str) -> Value {
    json!({ "id": id, "result": { "text": text } })
}

fn tool(id: i64, name: &str) -> ClientMessage {
    request(id, "tools/call", &json!({ "name": name }))
}

async fn connect(replay: &Replay) -> Playback {
    replay.connect().await.unwrap().transport
}

async fn texts(client: &Playback, message: ClientMessage) -> String {
    let result = outcome(client.clone(), message).await.unwrap();
    result["text"].as_str().unwrap().to_owned()
}

async fn failure(client: &Playback, message: ClientMessage) -> String {
    replies(client.clone(), message).await.unwrap_err().to_string()
}

#[tokio::test]
async fn what_was_recorded_is_played_back_without_the_server() {
    let tape = Tape::default();
    let server = Scripted::legacy();
    let transport = server.server.transport();
    let recorder = Record::new(Connecting::new(move |_| Ok(link(transport.clone()))), tape.sink());
    let run = async |connector: &dyn Fn()
        -> futures_util::future::BoxFuture<'static, Connection>| {
        let client = connector().await;
        let mut said = Vec::new();
        for (id, method) in [(5, "echo"), (6, "count"), (7, "fail")] {
            let token = json!({ "_meta": { "progressToken": id }, "secret": "x" });
            said.push(replies(client.clone(), request(id, method, &token)).await.unwrap());
        }
        let mut asked =
            deadline(client.clone().oneshot(request(8, "ask", &json!({})))).await.unwrap();
        let Some(Ok(Message::Request(question))) = deadline(asked.next()).await else {
            panic!("a request")
        };
        assert!(asked.next().now_or_never().is_none(), "the rest comes after the answer");
        let answer = Response::success(question.id, RawJson::EMPTY_OBJECT);
        replies(client.clone(), answer.into()).await.unwrap();
        said.push(vec![deadline(asked.next()).await.unwrap().unwrap()]);
        said
    };
    let recorder = Arc::new(recorder);
    let recorded = run(&|| {
        let recorder = Arc::clone(&recorder);
        Box::pin(
            async move { BoxCloneSyncService::new(recorder.connect().await.unwrap().transport) },
        )
    })
    .await;
    let replay = Replay::parse(&tape.transcript().to_string()).unwrap();
    for _ in 0..2 {
        // A modified replay starts from the beginning.
        let replay = replay.clone().ignore_key("nothing");
        let again = run(&|| {
            let replay = replay.clone();
            Box::pin(async move { BoxCloneSyncService::new(connect(&replay).await) })
        })
        .await;
        // The secret was echoed, and is redacted.
        assert_eq!(again[1..], recorded[1..]);
        assert!(format!("{:?}", replay.finish()).contains("Ok"));
    }
}

#[tokio::test]
async fn ids_and_tokens_are_those_of_the_client_that_is_played_to() {
    let meta = |token: &str| json!({ "_meta": { "progressToken": token } });
    let subscription = json!({ "_meta": { "io.modelcontextprotocol/subscriptionId": 2 } });
    let replay = Replay::parse(&transcript(&[
        (">", Some(1), json!({ "id": 1, "method": "count", "params": meta("a") })),
        ("<", Some(1), json!({ "method": "notifications/progress", "params": { "progressToken": "a", "progress": 1 } })),
        ("<", Some(1), result(1, "done")),
        (">", Some(2), json!({ "id": 2, "method": "subscriptions/listen", "params": {} })),
        ("<", Some(2), json!({ "method": "notifications/tools/list_changed", "params": subscription })),
        ("<", Some(2), json!({ "method": "notifications/cancelled", "params": { "requestId": 2 } })),
        (">", Some(3), json!({ "method": "notifications/cancelled", "params": { "requestId": 2 } })),
    ]))
    .unwrap();
    let client = connect(&replay).await;
    let told = replies(client.clone(), request(41, "count", &meta("z"))).await.unwrap();
    let [Message::Notification(progress), Message::Response(response)] = &told[..] else {
        panic!("{told:?}")
    };
    assert_eq!(progress.params.as_ref().unwrap().decode::<Value>().unwrap()["progressToken"], "z");
    assert_eq!(response.id, Some(41.into()));
    let listen = request(42, "subscriptions/listen", &json!({}));
    let mut told = deadline(client.clone().oneshot(listen)).await.unwrap();
    for pointer in ["/_meta/io.modelcontextprotocol~1subscriptionId", "/requestId"] {
        let Some(Ok(Message::Notification(it))) = deadline(told.next()).await else {
            panic!("told")
        };
        let params: Value = it.params.unwrap().decode().unwrap();
        assert_eq!(params.pointer(pointer), Some(&json!(42)));
    }
    let params = RawJson::encode(&json!({ "requestId": 42 })).unwrap();
    let cancelled = Notification::new("notifications/cancelled").with_params(params);
    replies(client, cancelled.into()).await.unwrap();
    replay.finish().unwrap();
}

#[tokio::test]
async fn the_first_difference_fails_its_call_and_all_others() {
    let replay = Replay::parse(&transcript(&[
        (">", Some(1), call(1, "slow")),
        (">", Some(2), json!({ "id": 2, "method": "tools/call", "params": { "name": "weather", "arguments": { "city": "Oslo", "days": 3 } } })),
        ("<", Some(2), result(2, "rain")),
        (">", Some(3), json!({ "id": "q", "result": {} })),
        ("<", Some(1), result(1, "late")),
    ]))
    .unwrap();
    let client = connect(&replay).await;
    let mut waiting = deadline(client.clone().oneshot(tool(1, "slow"))).await.unwrap();
    assert!(waiting.next().now_or_never().is_none());
    let other = json!({ "name": "weather", "arguments": { "city": "Bergen", "units": "C" } });
    let error = replies(client.clone(), request(2, "tools/call", &other)).await.unwrap_err();
    let expected = "client message 2 (tools/call) differs from the recording\n  \
        at /params/arguments/city\n    recorded: \"Oslo\"\n    sent:     \"Bergen\"\n  \
        at /params/arguments/days\n    recorded: 3\n    sent:     nothing\n  \
        at /params/arguments/units\n    recorded: nothing\n    sent:     \"C\"";
    assert_eq!((error.to_string().as_str(), error.delivery()), (expected, Delivery::NotSent));
    let failed = deadline(waiting.next()).await.unwrap().unwrap_err();
    assert_eq!((failed.to_string().as_str(), failed.delivery()), (expected, Delivery::Unknown));
    assert_eq!(failure(&client, tool(3, "weather")).await, expected);
    let unfinished = replay.finish().unwrap_err();
    assert_eq!(
        (unfinished.difference(), unfinished.to_string().as_str()),
        (Some(expected), expected)
    );
}

#[tokio::test]
async fn another_kind_of_message_or_one_more_is_a_difference() {
    let text = transcript(&[(">", Some(1), call(1, "a")), ("<", Some(1), result(1, "x"))]);
    let client = connect(&Replay::parse(&text).unwrap()).await;
    let said = failure(&client, Notification::new("tools/call").into()).await;
    assert!(said.contains("at /id") && said.contains("at /params"), "{said}");
    let client = connect(&Replay::parse(&text).unwrap()).await;
    assert_eq!(texts(&client, tool(9, "a")).await, "x");
    let said = failure(&client, tool(10, "a")).await;
    assert_eq!(said, "recording ends here, but the client sends one more message (tools/call)");
}

#[tokio::test]
async fn what_is_ignored_does_not_count() {
    let text = transcript(&[
        (
            ">",
            Some(1),
            json!({ "id": 1, "method": "x", "params": { "now": 1, "a": { "now": 2, "b": 3 } } }),
        ),
        ("<", Some(1), result(1, "x")),
    ]);
    let sent = || request(1, "x", &json!({ "now": 5, "a": { "b": 4 } }));
    let replay = Replay::parse(&text).unwrap();
    assert!(failure(&connect(&replay).await, sent()).await.contains("at /params/now"));
    let replay = replay.ignore_key("now");
    assert!(failure(&connect(&replay).await, sent()).await.contains("at /params/a/b"));
    let replay = replay.ignore_pointer("/params/a/b");
    assert_eq!(texts(&connect(&replay).await, sent()).await, "x");
    replay.finish().unwrap();
}

#[tokio::test]
async fn concurrent_calls_may_come_in_any_order_if_a_test_says_so() {
    let text = transcript(&[
        (">", Some(1), call(1, "a")),
        (">", Some(2), call(2, "b")),
        ("<", Some(2), result(2, "of b")),
        ("<", Some(1), result(1, "of a")),
    ]);
    let replay = Replay::parse(&text).unwrap();
    assert!(failure(&connect(&replay).await, tool(7, "b")).await.contains("/params/name"));
    let replay = replay.in_any_order();
    let client = connect(&replay).await;
    let (b, a) = join!(texts(&client, tool(7, "b")), texts(&client, tool(8, "a")));
    assert_eq!((a.as_str(), b.as_str()), ("of a", "of b"));
    replay.finish().unwrap();
}

#[tokio::test]
async fn what_is_left_is_told() {
    let text = transcript(&[
        (">", Some(1), call(1, "a")),
        ("<", Some(1), result(1, "x")),
        ("<", None, json!({ "method": "notifications/n" })),
        (">", Some(2), call(2, "b")),
        ("<", Some(2), result(2, "y")),
    ]);
    let replay = Replay::parse(&text).unwrap();
    let unfinished = replay.finish().unwrap_err();
    assert_eq!(unfinished.left().len(), 5, "{unfinished}");
    assert_eq!(unfinished.left()[0], "connection 1 was not made");
    let client = connect(&replay).await;
    texts(&client, tool(1, "a")).await;
    drop(deadline(client.clone().oneshot(tool(2, "b"))).await.unwrap());
    let unfinished = replay.finish().unwrap_err().to_string();
    let expected =
        "recording was not played to its end:\n  reply to client message 2 (response) was not read";
    assert_eq!(unfinished, expected);
}

#[tokio::test]
async fn what_was_said_unasked_comes_after_what_was_sent_before() {
    let text = transcript(&[
        ("<", None, json!({ "method": "notifications/first" })),
        (">", Some(1), call(1, "a")),
        ("<", None, json!({ "id": "q", "method": "roots/list" })),
        (">", Some(2), json!({ "id": "q", "result": { "roots": [] } })),
        ("<", Some(1), result(1, "x")),
        ("<", None, json!({ "method": "notifications/last" })),
    ]);
    let replay = Replay::parse(&text).unwrap();
    let link = replay.connect().await.unwrap();
    let (client, mut unsolicited) = (link.transport, link.unsolicited);
    let mut next = async || match deadline(unsolicited.next()).await {
        Some(Arrival::Message(Message::Notification(it))) => it.method.into_owned(),
        Some(Arrival::Message(Message::Request(it))) => it.method.into_owned(),
        other => format!("{other:?}"),
    };
    assert_eq!(next().await, "notifications/first");
    assert!(next().now_or_never().is_none());
    let mut calling = Box::pin(texts(&client, tool(1, "a")));
    assert!(futures_util::poll!(&mut calling).is_pending());
    assert_eq!(next().await, "roots/list");
    assert!(futures_util::poll!(&mut calling).is_pending());
    let roots = RawJson::encode(&json!({ "roots": [] })).unwrap();
    replies(client.clone(), Response::success("q", roots).into()).await.unwrap();
    assert_eq!(calling.await, "x");
    assert_eq!(next().await, "notifications/last");
    assert!(next().now_or_never().is_none());
    drop(client);
    assert_eq!(next().await, "None");
    replay.finish().unwrap();
}
