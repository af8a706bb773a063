//! Servers that die.

use super::*;
use mcp_client::{PingOptions, Reconnect};
use std::time::Duration;

/// Waits until the connection is known to be lost.
async fn lost(client: &Client) {
    eventually(|| !client.is_connected()).await;
}

// seed: 28
#[tokio::test]
async fn a_server_that_died_is_replaced_whenever_and_however_it_did() {
    for keep_alive in [true, false] {
        let builder = Client::builder(server());
        let client = if keep_alive { builder.keep_alive().build() } else { builder.build() };
        // Between connections, if it is kept alive; while it is held; and again.
        for held in [!keep_alive, true, true] {
            let connection = connect(&client).await;
            let first = pid(&connection).await.unwrap();
            let holder = held.then_some(connection);
            kill(first);
            lost(&client).await;
            let again = connect(&client).await;
            assert_ne!(pid(&again).await.unwrap(), first);
            if let Some(holder) = holder {
                assert_ne!(pid(&holder).await.unwrap(), first, "old holders have the new session");
            }
        }
    }
}

// seed: 10 11 28
#[tokio::test]
async fn a_call_that_kills_the_server_fails_with_how_it_ended() {
    for (tool, expected) in [("leave", "exit status: 0"), ("crash", "signal: 9")] {
        let client = connect(&Client::new(server())).await;
        let waiting = client.call_tool("wait");
        let (killing, waiting) = tokio::join!(deadline(client.call_tool(tool)), deadline(waiting));
        for error in [killing.unwrap_err(), waiting.unwrap_err()] {
            assert!(error.is_closed(), "{error:?}");
            assert!(error.server_exit().unwrap().to_string().contains(expected), "{error:?}");
            if tool == "crash" {
                assert!(error.stderr_tail().unwrap().contains("the disk is full"), "{error:?}");
            }
        }
        lost(&client).await;
        let error = pid(&client).await.unwrap_err();
        assert!(error.is_closed() && error.server_exit().is_some(), "{error:?}");
        let again = connect(&client).await;
        pid(&again).await.unwrap();
    }
}

// spec: PING-02 PING-04
#[tokio::test]
async fn a_server_that_hangs_is_found_out_by_a_ping_killed_and_replaced() {
    let mut pings = PingOptions::every(Duration::from_secs(1));
    pings.timeout = Duration::from_millis(500);
    let client = Client::builder(server()).ping(pings).reconnect(Reconnect::on_call()).build();
    let client = connect(&client).await;
    let first = pid(&client).await.unwrap();
    let error = deadline(client.call_tool("freeze")).await.unwrap_err();
    assert!(error.is_closed(), "it fails with its connection, not at its deadline: {error:?}");
    eventually(|| !is_running(first)).await;
    assert_ne!(pid(&client).await.unwrap(), first);
}

// seed: 28
#[tokio::test]
async fn a_server_that_dies_in_the_handshake_fails_the_connect_and_the_next_one_works() {
    let flag = std::env::temp_dir().join(format!("mcp-crash-{}", process::id()));
    std::fs::write(&flag, "").unwrap();
    let client = Client::new(server().env("CRASH_IF_THERE", &flag));
    let error = deadline(client.connect()).await.unwrap_err();
    assert!(error.server_exit().unwrap().to_string().contains("exit status: 3"), "{error:?}");
    let connection = connect(&client).await;
    pid(&connection).await.unwrap();
    assert!(!flag.exists());
}

// seed: 29
#[tokio::test]
async fn calls_right_after_a_crash_fail_or_are_answered_by_the_new_process() {
    for policy in [Reconnect::default(), Reconnect::on_call(), Reconnect::at_once()] {
        let client = Client::builder(server()).reconnect(policy).build();
        for _ in 0..3 {
            let connection = connect(&client).await;
            let dead = pid(&connection).await.unwrap();
            kill(dead);
            let calls = (0..5).map(|_| pid(&connection));
            for answer in futures_util::future::join_all(calls).await {
                match answer {
                    Ok(pid) => assert_ne!(pid, dead),
                    Err(error) => assert!(error.is_closed(), "{error:?}"),
                }
            }
            let again = connect(&client).await;
            // A client that has not noticed the end yet fails one call only.
            let living = match pid(&again).await {
                Ok(pid) => pid,
                Err(_) => {
                    lost_unless_kept(&client, policy).await;
                    pid_of_next(&client).await
                }
            };
            assert_ne!(living, dead);
        }
    }
}

/// The state that a user sees is that of the connection, not of the session, which outlives it.
#[tokio::test]
async fn a_connection_that_waits_to_be_replaced_is_none() {
    let client = Client::builder(server()).reconnect(Reconnect::on_call()).build();
    let connection = connect(&client).await;
    let first = pid(&connection).await.unwrap();
    assert!(client.is_connected());
    kill(first);
    lost(&client).await;
    // Nobody has to reconnect: the next call does.
    assert_ne!(pid(&connection).await.unwrap(), first);
    assert!(client.is_connected());
}

async fn lost_unless_kept(client: &Client, policy: Reconnect) {
    if policy == Reconnect::default() {
        lost(client).await;
    }
}
