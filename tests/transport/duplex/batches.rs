//! Batches: several messages in one line.

use super::*;

// spec: OLD-01
#[tokio::test]
async fn the_members_of_a_batch_count_each_on_its_own() {
    let mut wire = Wire::new();
    let mut first = wire.open(1, "a").await;
    let second = wire.open(2, "b").await;
    let progress = json!({"progressToken": 1, "progress": 1});
    let batch = json!([
        {"jsonrpc": "2.0", "method": "notifications/progress", "params": progress},
        {"jsonrpc": "2.0", "id": 2, "result": {"of": 2}},
        {"jsonrpc": "2.0", "id": 9, "method": "ping"},
        {"jsonrpc": "2.0", "id": 1, "result": {"of": 1}},
    ]);
    wire.peer.send(batch).await;
    assert_eq!(notification(&mut first).await.0, "notifications/progress");
    assert_eq!(result(first).await, json!({"of": 1}));
    assert_eq!(result(second).await, json!({"of": 2}));
    assert!(matches!(wire.diagnostic().await, Diagnostic::Batch));
    wire.arrives("ping").await;
    wire.assert_clean().await;
}

// spec: OLD-01
#[tokio::test]
async fn a_broken_member_of_a_batch_fails_its_own_call() {
    let mut wire = Wire::new();
    let broken = wire.open(1, "a").await;
    let whole = wire.open(2, "b").await;
    let members = [
        r#"{"jsonrpc":"2.0","id":1,"result":{"a":}}"#,
        "7",
        r#"{"jsonrpc":"2.0","id":2,"result":{}}"#,
        "",
    ];
    wire.peer.send_raw(format!("[{}]\n", members.join(", "))).await;
    assert!(failure(broken).await.is_malformed());
    result(whole).await;
    assert!(matches!(wire.diagnostic().await, Diagnostic::Batch));
    for text in ["7", ""] {
        let Diagnostic::NotAMessage { excerpt, .. } = wire.diagnostic().await else { panic!() };
        assert_eq!(excerpt, text);
    }
    wire.assert_clean().await;
}

#[tokio::test]
async fn f16_an_array_that_is_no_batch_is_a_diagnostic() {
    let mut wire = Wire::new();
    let replies = wire.open(1, "a").await;
    // The last line looks like the members of a message without their names.
    for line in ["[]", "[1]", "[INFO] ready", r#"["2.0",1,null,null,{},null]"#] {
        wire.peer.send_raw(format!("{line}\n")).await;
        let Diagnostic::NotAMessage { excerpt, .. } = wire.diagnostic().await else { panic!() };
        assert_eq!(excerpt, line);
    }
    wire.peer.answer(1, json!({})).await;
    result(replies).await;
    wire.assert_clean().await;
}

#[tokio::test]
async fn f08_an_oversize_batch_fails_the_calls_that_it_answers() {
    let mut wire = Wire::with(limits(|limits| limits.message_bytes = 1000), 64 * 1024);
    let first = wire.open(1, "a").await;
    let second = wire.open(2, "b").await;
    let bystander = wire.open(3, "c").await;
    let batch = json!([
        {"jsonrpc": "2.0", "id": 1, "result": {"id": 3, "pad": "x".repeat(600)}},
        {"jsonrpc": "2.0", "id": 3, "method": "ping"},
        {"jsonrpc": "2.0", "id": 2, "result": {"pad": "x".repeat(600)}},
    ]);
    wire.peer.send(batch).await;
    assert!(failure(first).await.is_too_large());
    assert!(failure(second).await.is_too_large());
    wire.peer.answer(3, json!({})).await;
    result(bystander).await;
    wire.assert_clean().await;
}
