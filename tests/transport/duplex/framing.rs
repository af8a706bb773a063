//! What a peer may write without affecting other calls than the one concerned.

use super::*;
use mcp_types::rpc::DecodeErrorKind;

const LIMIT: usize = 1000;

fn small() -> Wire {
    Wire::with(limits(|limits| limits.message_bytes = LIMIT), 64 * 1024)
}

/// Returns a response padded to `length` bytes, with its id first or last.
fn padded(id: i64, length: usize, is_first: bool) -> String {
    let around = if is_first {
        [format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"pad":""#), r#""}}"#.to_owned()]
    } else {
        [r#"{"result":{"id":99,"pad":""#.to_owned(), format!(r#""}},"jsonrpc":"2.0","id":{id}}}"#)]
    };
    let pad = "x".repeat(length - around[0].len() - around[1].len());
    around.join(&pad)
}

#[tokio::test]
async fn f03_a_response_in_single_bytes_is_one_response() {
    let mut wire = Wire::with(Limits::default(), 1);
    let replies = wire.open(1, "a").await;
    wire.peer.answer(1, json!({"text": "äöü 漢 🦀"})).await;
    assert_eq!(result(replies).await, json!({"text": "äöü 漢 🦀"}));
    wire.assert_clean().await;
}

#[tokio::test]
async fn f03_many_messages_in_one_read_all_count() {
    let mut wire = Wire::new();
    let mut replies = wire.open(1, "a").await;
    let progress =
        r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1}}"#;
    let answer = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;
    wire.peer.send_raw(format!("{progress}\n{progress}\n{answer}\n")).await;
    notification(&mut replies).await;
    notification(&mut replies).await;
    result(replies).await;
    wire.assert_clean().await;
}

// spec: STDIO-06 MSG-02
#[tokio::test]
async fn f07_blank_lines_line_ends_and_byte_order_marks_are_tolerated() {
    let mut wire = Wire::new();
    let replies = wire.open(1, "a").await;
    wire.peer.send_raw("\u{FEFF}{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\r\n").await;
    wire.peer.send_raw("\n\r\n  \t\n\u{FEFF}\r\n").await;
    wire.peer.notify("marker", json!({})).await;
    wire.arrives("marker").await;
    assert_eq!(result(replies).await, json!({}));
    wire.assert_clean().await;
}

// spec: STDIO-03 STDIO-06 MSG-15
#[tokio::test]
async fn f06_noise_is_a_diagnostic_and_is_not_answered() {
    let mut wire = Wire::new();
    let replies = wire.open(1, "a").await;
    let noise = [
        "Server listening on stdio",
        r#"{"level":"info","msg":"hi"}"#,
        "[1]",
        "null",
        "\"x\"",
        "{",
        "\0\0",
        r#"{"jsonrpc":"1.0","method":"x"}"#,
        r#"{"jsonrpc":"2.0","id":null,"result":{}}"#,
    ];
    for line in noise {
        wire.peer.send_raw(format!("{line}\n")).await;
        let Diagnostic::NotAMessage { excerpt, .. } = wire.diagnostic().await else {
            panic!("{line}");
        };
        assert_eq!(excerpt, line.replace('\0', ""));
    }
    wire.peer.answer(1, json!({})).await;
    result(replies).await;
    wire.assert_clean().await;
}

#[tokio::test]
async fn f07_a_peer_that_writes_nothing_but_noise_is_no_server() {
    let small = || Wire::with(limits(|limits| limits.noise_bytes = 100), 64 * 1024);
    let mut wire = small();
    let replies = wire.open(1, "a").await;
    wire.peer.send_raw(format!("Welcome!\n{}\n", "x".repeat(92))).await;
    wire.diagnostic().await;
    wire.diagnostic().await;
    wire.peer.send_raw("y\n").await;
    let error = failure(replies).await;
    let expected = "server writes no messages but \"Welcome!\": is it an MCP server?";
    assert!(error.is_malformed() && error.to_string() == expected, "{error}");
    assert!(wire.driver.end().await.unwrap_err().is_malformed());

    // A line that does not begin like a message is noise even without an end.
    let mut wire = small();
    let replies = wire.open(1, "a").await;
    wire.peer.send_raw("x".repeat(101)).await;
    assert!(failure(replies).await.is_malformed());
    wire.assert_lost().await;
}

#[tokio::test]
async fn f07_a_little_noise_before_the_first_message_and_any_after_it_is_none() {
    let mut wire = Wire::with(limits(|limits| limits.noise_bytes = 100), 64 * 1024);
    wire.peer.send_raw("x".repeat(100) + "\n").await;
    wire.diagnostic().await;
    wire.canary(1).await;
    for _ in 0..3 {
        wire.peer.send_raw("x".repeat(100) + "\n").await;
        wire.diagnostic().await;
    }
    let mut wire = Wire::with(limits(|limits| limits.noise_bytes = 100), 64 * 1024);
    let replies = wire.open(1, "a").await;
    // The first message may be long and arrive in pieces.
    let long = padded(1, 1000, true);
    for piece in [&long[..150], &long[150..], "\n"] {
        wire.peer.send_raw(piece).await;
        tokio::task::yield_now().await;
    }
    result(replies).await;
}

#[tokio::test]
async fn an_excerpt_of_noise_is_short_and_harmless() {
    let mut wire = Wire::new();
    wire.peer.send_raw(format!("\x1b[31m{}\n", "é".repeat(500))).await;
    let Diagnostic::NotAMessage { excerpt, error } = wire.diagnostic().await else { panic!() };
    assert!(excerpt.len() <= 256 && excerpt.starts_with("[31mé"), "{excerpt}");
    assert_eq!(error.kind(), DecodeErrorKind::Syntax);
}

// spec: MSG-02
#[tokio::test]
async fn f04_invalid_utf8_fails_its_call() {
    let mut wire = Wire::new();
    let replies = wire.open(1, "a").await;
    let bystander = wire.open(2, "b").await;
    wire.peer.send_raw(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"a\":\"\xFF\xFE\"}}\n").await;
    assert!(failure(replies).await.is_malformed());
    wire.peer.send_raw(b"\xC3\x28\n").await;
    assert!(matches!(wire.diagnostic().await, Diagnostic::NotAMessage { .. }));
    wire.peer.answer(2, json!({})).await;
    result(bystander).await;
    wire.assert_clean().await;
}

// spec: MSG-08
#[tokio::test]
async fn f05_f11_f12_a_broken_response_fails_its_call() {
    let broken = [
        r#"{"jsonrpc":"2.0","id":1,"result":{"a":}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{}"#,
        r#"{"result":{"a":[}},"id":1,"jsonrpc":"2.0"}"#,
        r#"{"jsonrpc":"2.0","id":1,"id":1,"result":{}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{},"result":{}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{"code":1,"message":""}}"#,
        r#"{"jsonrpc":"2.0","id":1}"#,
        r#"{"jsonrpc":"2.0","id":1,"Result":{}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":7}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":[]}"#,
        r#"{"jsonrpc":"2.0","id":1,"error":"text"}"#,
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":1.5,"message":"no integer"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"error":{"message":"no code"}}"#,
        r#"{"jsonrpc":"1.0","id":1,"result":{}}"#,
        r#"{"id":1,"result":{}}"#,
    ];
    for line in broken {
        let mut wire = Wire::new();
        let replies = wire.open(1, "a").await;
        let bystander = wire.open(2, "b").await;
        wire.peer.send_raw(format!("{line}\n")).await;
        let error = failure(replies).await;
        assert!(error.is_malformed() && std::error::Error::source(&error).is_some(), "{line}");
        wire.peer.answer(2, json!({})).await;
        result(bystander).await;
        // The call has ended, so nothing is cancelled.
        wire.assert_clean().await;
    }
}

#[tokio::test]
async fn a_broken_request_of_the_server_is_not_taken_for_a_response() {
    let mut wire = Wire::new();
    let replies = wire.open(1, "a").await;
    for line in [
        r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":3}"#,
        r#"{"id":1,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","method":"ping","id":1,}"#,
    ] {
        wire.peer.send_raw(format!("{line}\n")).await;
        wire.diagnostic().await;
    }
    wire.peer.answer(1, json!({})).await;
    result(replies).await;
}

#[tokio::test]
async fn f08_oversize_line_fails_its_call() {
    for is_first in [true, false] {
        let mut wire = small();
        let fits = wire.open(1, "a").await;
        wire.peer.send_raw(padded(1, LIMIT, is_first) + "\n").await;
        result(fits).await;
        for (id, length) in [(2, LIMIT + 1), (3, 3 * LIMIT)] {
            let replies = wire.open(id, "a").await;
            wire.peer.send_raw(padded(id, length, is_first) + "\n").await;
            let error = failure(replies).await;
            assert!(error.is_too_large(), "{error:?}");
            wire.canary(10 + id).await;
        }
        wire.assert_clean().await;
    }
}

#[tokio::test]
async fn f08_oversize_line_of_nobody_is_a_diagnostic() {
    let mut wire = small();
    let replies = wire.open(1, "a").await;
    wire.peer.send_raw(padded(7, 2 * LIMIT, true) + "\n").await;
    assert!(matches!(wire.diagnostic().await, Diagnostic::TooLarge { limit: LIMIT }));
    wire.peer.send_raw("x".repeat(2 * LIMIT) + "\n").await;
    assert!(matches!(wire.diagnostic().await, Diagnostic::TooLarge { limit: LIMIT }));
    wire.peer.answer(1, json!({})).await;
    result(replies).await;
    wire.assert_clean().await;
}

#[tokio::test]
async fn f09_an_endless_line_fails_its_call_at_the_limit_and_then_the_connection() {
    let mut wire = small();
    let first = wire.open(1, "a").await;
    let second = wire.open(2, "b").await;
    let endless = padded(1, 10 * LIMIT, true);
    wire.peer.send_raw(&endless[..LIMIT + 1]).await;
    assert!(failure(first).await.is_too_large());
    wire.peer.send_raw(&endless[LIMIT + 1..]).await;
    assert!(failure(second).await.is_closed());
    wire.assert_lost().await;
}

#[cfg(target_os = "linux")]
#[test]
fn f09_an_endless_line_takes_no_more_memory_than_its_limit() {
    let name = "duplex::framing::f09_an_endless_line_takes_no_more_memory_than_its_limit";
    const MIB: usize = 1024 * 1024;
    conformance::alone::succeeds_alone(name, "", || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut wire = Wire::with(limits(|limits| limits.message_bytes = 8 * MIB), 64 * 1024);
            let replies = wire.open(1, "a").await;
            let other = wire.open(2, "b").await;
            wire.peer.send_raw(r#"{"jsonrpc":"2.0","id":1,"result":{"pad":""#).await;
            for _ in 0..30 {
                wire.peer.send_raw("x".repeat(MIB)).await;
            }
            assert!(failure(replies).await.is_too_large());
            wire.baseline.assert_memory(8 * MIB as u64);
            // Beyond four times the limit nothing is read.
            let rest = async {
                loop {
                    wire.peer.send_raw("x".repeat(1024)).await;
                }
            };
            let end = deadline(async {
                tokio::select! { biased; error = failure(other) => error, () = rest => unreachable!() }
            });
            assert!(end.await.is_closed());
        });
    });
}

#[test]
fn f10_values_without_measure_are_for_their_caller_to_refuse() {
    let numbers = |count: usize| vec!["1"; count].join(",");
    let bombs = [
        "[".repeat(100_000) + &"]".repeat(100_000),
        "{\"a\":".repeat(100_000) + "1" + &"}".repeat(100_000),
        "9".repeat(100_000),
        format!("[{}]", numbers(100_000)),
        (0..100_000).fold("{".to_owned(), |all, key| format!("{all}\"{key}\":1,")) + "\"x\":1}",
    ];
    // Nothing may recurse on the stack for what a peer nests.
    let body = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        bombs.map(|bomb| runtime.block_on(throw(&bomb)))
    };
    let thread = std::thread::Builder::new().stack_size(256 * 1024).spawn(body).unwrap();
    for result in thread.join().unwrap().into_iter().flatten() {
        // The caller's decoder accepts or refuses it, on the caller's time.
        let _ = result.decode::<Value>();
    }
}

async fn throw(bomb: &str) -> Option<RawJson> {
    let mut wire = Wire::with(Limits::default(), 64 * 1024);
    let mut replies = wire.open(1, "a").await;
    let line = format!("{{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{{\"a\":{bomb}}}}}\n");
    wire.peer.send_raw(line).await;
    let result = match next(&mut replies).await.unwrap() {
        Ok(Message::Response(response)) => Some(response.outcome.unwrap()),
        other => {
            assert!(other.unwrap_err().is_malformed());
            None
        }
    };
    drop(replies);
    wire.assert_clean().await;
    result
}
