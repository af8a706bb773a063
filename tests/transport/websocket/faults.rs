//! Servers that break the rules, fall silent or disappear.

use super::*;
use mcp_transport::{Arrival, Diagnostic};
use tokio::io::AsyncWriteExt;

fn limits(change: impl FnOnce(&mut Limits)) -> Limits {
    let mut limits = Limits::default();
    change(&mut limits);
    limits
}

#[tokio::test]
async fn f06_noise_is_a_diagnostic_and_is_not_answered() {
    let mut wire = Wire::new().await;
    let replies = wire.open(1).await;
    for text in ["", "noise", "[1]"] {
        wire.send(text).await;
    }
    for expected in ["noise", "[1]"] {
        match deadline(wire.unsolicited.next()).await {
            Some(Arrival::Diagnostic(Diagnostic::NotAMessage { excerpt, .. })) => {
                assert_eq!(excerpt, expected);
            }
            other => panic!("{other:?}"),
        }
    }
    wire.answer(1, json!({})).await;
    result(replies).await;
    wire.assert_clean().await;
}

#[tokio::test]
async fn f08_an_oversize_message_fails_its_call_and_a_boundless_one_the_connection() {
    let small = limits(|limits| limits.message_bytes = 1000);
    let mut wire = Wire::with(|socket| socket.limits(small)).await;
    let large = wire.open(1).await;
    wire.answer(1, json!({"pad": "x".repeat(1000)})).await;
    assert!(failure(large).await.is_too_large());
    wire.canary(2).await;
    let boundless = wire.open(3).await;
    wire.answer(3, json!({"pad": "x".repeat(2000)})).await;
    let error = failure(boundless).await;
    assert!(error.is_closed() && error.to_string().contains("more than 2000 bytes"), "{error}");
    assert!(wire.driver.end().await.unwrap_err().is_closed());
}

#[tokio::test]
async fn f07_a_peer_that_writes_nothing_but_noise_is_no_server() {
    let little = limits(|limits| limits.noise_bytes = 10);
    let mut wire = Wire::with(|socket| socket.limits(little)).await;
    let replies = wire.open(1).await;
    wire.send("Welcome to X").await;
    let error = failure(replies).await;
    assert!(error.is_malformed() && error.to_string().contains("Welcome"), "{error}");
}

#[tokio::test]
async fn a_close_fails_every_call_with_its_reason() {
    let mut wire = Wire::new().await;
    let replies = wire.open(1).await;
    let close = CloseFrame { code: CloseCode::Error, reason: "out of \u{1b}order".into() };
    deadline(wire.peer.close(Some(close))).await.unwrap();
    let error = failure(replies).await;
    let expected = "server closed the connection with code 1011: \"out of order\"";
    assert_eq!((error.is_closed(), error.to_string()), (true, expected.to_owned()));
    assert!(wire.driver.end().await.unwrap_err().is_closed());

    let mut wire = Wire::new().await;
    let replies = wire.open(1).await;
    deadline(wire.peer.close(None)).await.unwrap();
    assert_eq!(failure(replies).await.to_string(), "server closed the connection");
}

#[tokio::test]
async fn f01_a_server_that_goes_without_a_word_fails_every_call() {
    let mut wire = Wire::new().await;
    let replies = wire.open(1).await;
    deadline(wire.peer.get_mut().shutdown()).await.unwrap();
    let error = failure(replies).await;
    assert!(error.is_closed() && std::error::Error::source(&error).is_some(), "{error:?}");
    assert!(wire.driver.end().await.is_err());
}

#[tokio::test]
async fn f04_text_that_is_not_utf8_ends_the_connection() {
    let mut wire = Wire::new().await;
    let replies = wire.open(1).await;
    // A text frame of one byte, unmasked, as servers send them.
    deadline(wire.peer.get_mut().write_all(&[0x81, 1, 0xFF])).await.unwrap();
    assert!(failure(replies).await.is_closed());
    assert!(wire.driver.end().await.is_err());
}

#[tokio::test]
async fn f77_a_silent_server_is_pinged_and_then_given_up() {
    let mut wire = Wire::with(|socket| socket.ping_interval(SHORT)).await;
    // It lives as long as it answers, which the peer's library does while it is read.
    for _ in 0..3 {
        assert!(matches!(wire.frame().await, tungstenite::Message::Ping(_)));
    }
    let message = ClientMessage::new(Request::new(1, "a"));
    let replies = deadline(wire.client.call(message)).await.unwrap();
    // From here on nothing is read.
    let error = failure(replies).await;
    assert!(error.is_closed() && error.to_string().contains("does not answer a ping"), "{error}");
    assert!(wire.driver.end().await.unwrap_err().is_closed());
}

#[tokio::test]
async fn f78_after_a_suspension_one_ping_asks_and_the_connection_goes_on() {
    let mut wire = Wire::new().await;
    wire.canary(1).await;
    tokio::time::pause();
    tokio::time::advance(8 * 60 * LONG).await;
    tokio::time::resume();
    assert!(matches!(wire.frame().await, tungstenite::Message::Ping(_)));
    wire.assert_clean().await;
}

#[tokio::test]
async fn a_server_that_does_not_close_has_a_grace() {
    let mut wire = Wire::with(|socket| socket.close_grace(SHORT)).await;
    wire.canary(1).await;
    drop(wire.client);
    // The peer is not read, so it never sees the closing handshake.
    wire.driver.end().await.unwrap();
}

#[tokio::test]
async fn f52_dropping_the_driver_closes_the_socket_at_once() {
    let mut wire = Wire::with(|socket| socket.close_grace(LONG)).await;
    let replies = wire.open(1).await;
    wire.driver.cut().await;
    assert!(failure(replies).await.is_closed());
    assert!(!matches!(deadline(wire.peer.next()).await, Some(Ok(_))));
}

#[tokio::test]
async fn a_silence_without_a_limit_is_never_too_long() {
    for interval in [Duration::MAX, Duration::ZERO] {
        let mut wire = Wire::with(|socket| socket.ping_interval(interval)).await;
        wire.canary(1).await;
        wire.canary(2).await;
        wire.assert_clean().await;
    }
}

#[tokio::test]
async fn a_message_that_takes_longer_than_a_ping_is_a_sign_of_life() {
    let interval = Duration::from_millis(500);
    let mut wire = Wire::with(|socket| socket.ping_interval(interval)).await;
    let replies = wire.open(1).await;
    let pad = json!({"pad": "x".repeat(1000)});
    let text = json!({"jsonrpc": "2.0", "id": 1, "result": pad}).to_string();
    // One unmasked text frame of that length, in parts: nothing can be sent between them.
    let stream = wire.peer.get_mut();
    let length = u16::try_from(text.len()).unwrap().to_be_bytes();
    stream.write_all(&[0x81, 126, length[0], length[1]]).await.unwrap();
    for part in text.as_bytes().chunks(text.len().div_ceil(20)) {
        stream.write_all(part).await.unwrap();
        tokio::time::sleep(interval / 5).await;
    }
    assert_eq!(result(replies).await, pad);
    wire.canary(2).await;
}
