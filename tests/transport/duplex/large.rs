//! Messages of many MiB.

use super::*;
use futures_util::future::join_all;

const MIB: usize = 1024 * 1024;

/// Returns the result bytes of a call whose next reply is its last, and whether nothing else holds them.
async fn held_alone(mut replies: Replies) -> (String, bool) {
    let Some(Ok(Message::Response(response))) = next(&mut replies).await else {
        panic!("no result");
    };
    let result = response.outcome.unwrap();
    let text = result.as_str().to_owned();
    (text, result.into_bytes().is_unique())
}

#[tokio::test]
async fn a_large_result_belongs_to_its_caller_alone() {
    let mut wire = Wire::new();
    for (id, size) in [(1, MIB), (2, 5 * MIB), (3, 16 * MIB)] {
        let replies = wire.open(id, "a").await;
        let expected = format!(r#"{{"blob":"{}"}}"#, "QUJD".repeat(size / 4));
        let line = format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{expected}}}\n");
        // The next message is part of the same read.
        let after = "{\"jsonrpc\":\"2.0\",\"method\":\"marker\"}\n";
        wire.peer.send_raw(format!("{line}{after}")).await;
        wire.arrives("marker").await;
        let (result, is_alone) = held_alone(replies).await;
        assert!(result == expected, "{size} bytes came as {}", result.len());
        assert!(is_alone, "{size}");
    }
    wire.assert_clean().await;
}

#[tokio::test]
async fn large_requests_arrive_as_they_are_whatever_else_waits() {
    let mut wire = Wire::new();
    let blob = "QUJD".repeat(MIB);
    let mut calls = Vec::new();
    for id in 1..=4 {
        let text = format!("{{\n\"id\": {id},\r\n\"blob\": \"{blob}\"}}");
        let params = RawJson::parse(text).unwrap();
        // The bytes of every second one are shared; all but the first wait for room.
        let other = (id % 2 == 0).then(|| params.clone());
        let message = Request::new(id, "large").with_params(params);
        calls.push(wire.client.clone().call(message.into()));
        drop(other);
    }
    let mut sent = Background::run(join_all(calls));
    for id in 1..=4 {
        let request = wire.peer.expect("large").await;
        assert_eq!((&request["id"], &request["params"]["id"]), (&json!(id), &json!(id)));
        assert!(request["params"]["blob"] == *blob, "{id}");
        wire.peer.answer(id, json!({"nonce": id})).await;
    }
    for (id, replies) in (1..).zip(sent.end().await) {
        assert_eq!(result(replies.unwrap()).await, json!({"nonce": id}));
    }
    wire.assert_clean().await;
}

#[tokio::test]
async fn a_request_of_two_parts_is_one_line_whatever_a_write_takes() {
    let blob = "QUJD".repeat(MIB / 4);
    for (capacity, head) in [(64, r#"{"_meta":{"a":1},"#), (8 * MIB, "{ \"_meta\":\n{ },\r\n")] {
        let mut wire = Wire::with(Limits::default(), capacity);
        for id in 1..=2 {
            let rest = format!(r#""id":{id},"blob":"{blob}"}}"#);
            let params = RawJson::of_parts(head, rest.into());
            let message = Request::new(id, "large").with_params(params);
            let replies = deadline(wire.client.clone().call(message.into())).await.unwrap();
            let request = wire.peer.expect("large").await;
            assert!(request["params"]["_meta"].is_object(), "{capacity}");
            assert_eq!((&request["id"], &request["params"]["id"]), (&json!(id), &json!(id)));
            assert!(request["params"]["blob"] == *blob, "{capacity} {id}");
            wire.peer.answer(id, json!({"nonce": id})).await;
            assert_eq!(result(replies).await, json!({"nonce": id}));
            wire.canary(10 + id).await;
        }
    }
}
