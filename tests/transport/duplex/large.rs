//! Messages of many MiB.

use super::*;

const MIB: usize = 1024 * 1024;

/// The bytes of the result of a call whose next reply is its last, and whether nobody else holds them.
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
        // What comes after it is in the same read.
        let after = "{\"jsonrpc\":\"2.0\",\"method\":\"marker\"}\n";
        wire.peer.send_raw(format!("{line}{after}")).await;
        wire.arrives("marker").await;
        let (result, is_alone) = held_alone(replies).await;
        assert!(result == expected, "{size} bytes came as {}", result.len());
        assert!(is_alone, "{size}");
    }
    wire.assert_clean().await;
}
