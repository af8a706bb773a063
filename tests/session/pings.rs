//! Asking a server again and again whether it is there.

use crate::script::{Answer, Script, deadline, discovered, initialized};
use conformance::log::Log;
use mcp_session::{Call, Options, PingOptions, Reconnect};
use mcp_transport::{Binding, Delivery, Error};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::time::sleep;
use tracing::Level;

/// Creates a server with a handshake that answers pings by the number of its connection.
fn server(ping: impl Fn(usize) -> Answer + Send + Sync + 'static) -> Script {
    Script::new(Binding::ByteStream, move |connection, request| match &*request.method {
        "initialize" => initialized("2025-11-25"),
        "ping" => ping(connection),
        "tools/list" => Answer::Result(json!({})),
        _ => Answer::Refuse(-32601, Value::Null),
    })
}

fn every(seconds: u64) -> Options {
    let mut options = Options::default();
    options.ping = Some(PingOptions::every(Duration::from_secs(seconds)));
    options
}

/// Returns the number of pings sent over a connection.
fn pings(script: &Script, connection: usize) -> usize {
    let ping = format!("{connection} ping");
    script.methods().iter().filter(|line| **line == ping).count()
}

// spec: PING-02 PING-04
#[tokio::test(start_paused = true)]
async fn a_server_that_answers_no_ping_is_lost_told_in_the_log_and_connected_again() {
    deadline(async {
        let log = Log::default();
        let recording = log.record(Level::WARN);
        let answered = AtomicUsize::new(0);
        let script = server(move |connection| {
            let is_there = connection == 2 || answered.fetch_add(1, Relaxed) < 2;
            if is_there { Answer::Result(json!({})) } else { Answer::Silence }
        });
        let mut options = every(10);
        options.reconnect = Reconnect::at_once();
        let session = script.connect(options).await.unwrap();
        // Two answered pings, and thirty seconds for the third.
        sleep(Duration::from_secs(59)).await;
        assert_eq!((pings(&script, 1), script.connections()), (3, 1));
        sleep(Duration::from_secs(2)).await;
        assert_eq!(script.connections(), 2);
        assert!(log.text().contains("did not answer a ping"), "{}", log.text());
        session.call_raw(Call::new("tools/list")).await.unwrap();
        sleep(Duration::from_secs(600)).await;
        assert_eq!((pings(&script, 1), script.connections()), (3, 2), "the new one is watched");
        assert!(pings(&script, 2) >= 59);
        drop(recording);
    })
    .await;
}

// spec: PING-04
#[tokio::test(start_paused = true)]
async fn without_a_policy_the_session_ends_and_calls_say_why() {
    deadline(async {
        let script = server(|_| Answer::Silence);
        let mut options = every(10);
        options.ping.as_mut().unwrap().timeout = Duration::from_secs(3);
        let session = script.connect(options).await.unwrap();
        sleep(Duration::from_secs(14)).await;
        let error = session.call_raw(Call::new("tools/list")).await.unwrap_err();
        assert!(error.is_closed() && error.to_string().contains("ping"), "{error}");
        assert_eq!(error.as_transport().unwrap().delivery(), Delivery::NotSent);
        assert!(!session.is_connected());
    })
    .await;
}

// spec: PING-03
#[tokio::test(start_paused = true)]
async fn pings_are_as_seldom_as_they_should_be_and_one_at_a_time() {
    deadline(async {
        for (interval, expected) in [(60, 10), (7, 85), (0, 600)] {
            let script = server(|_| Answer::Result(json!({})));
            let _session = script.connect(every(interval)).await.unwrap();
            sleep(Duration::from_millis(600_500)).await;
            assert_eq!(pings(&script, 1), expected, "every {interval} s");
        }
        let script = server(|_| Answer::Silence);
        let mut options = every(1);
        options.ping.as_mut().unwrap().timeout = Duration::from_secs(500);
        let _session = script.connect(options).await.unwrap();
        sleep(Duration::from_secs(400)).await;
        assert_eq!(pings(&script, 1), 1, "one at a time");
    })
    .await;
}

// spec: PING-03
#[tokio::test(start_paused = true)]
async fn who_refuses_a_ping_is_there() {
    deadline(async {
        let limited = || {
            let error = Error::other("too many requests", Delivery::Delivered);
            Answer::Fail(error.with_status(http::StatusCode::TOO_MANY_REQUESTS))
        };
        let turn = Arc::new(AtomicUsize::new(0));
        let script = server(move |_| match turn.fetch_add(1, Relaxed) % 2 {
            0 => Answer::Refuse(-32601, Value::Null),
            _ => limited(),
        });
        let session = script.connect(every(10)).await.unwrap();
        sleep(Duration::from_secs(600)).await;
        session.call_raw(Call::new("tools/list")).await.unwrap();
        assert_eq!(script.connections(), 1);
    })
    .await;
}

// spec: PING-02 PING-05
#[tokio::test(start_paused = true)]
async fn nobody_pings_unasked_and_nobody_pings_a_stateless_server() {
    deadline(async {
        let modern = Script::new(Binding::ByteStream, |_, request| match &*request.method {
            "server/discover" => discovered(&["2026-07-28"]),
            method => panic!("{method} was asked"),
        });
        let legacy = server(|_| Answer::Silence);
        let _modern = modern.connect(every(1)).await.unwrap();
        let _legacy = legacy.connect(Options::default()).await.unwrap();
        sleep(Duration::from_secs(3_000)).await;
        let asked = [modern, legacy].map(|script| pings(&script, 1));
        assert_eq!(asked, [0, 0]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_ping_under_way_keeps_no_session_open() {
    deadline(async {
        let script = server(|_| Answer::Silence);
        let session = script.connect(every(1)).await.unwrap();
        sleep(Duration::from_secs(2)).await;
        drop(session);
        sleep(Duration::from_millis(1)).await;
        assert_eq!(script.methods().last().map(String::as_str), Some("1 dropped"));
    })
    .await;
}
