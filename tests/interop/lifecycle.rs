//! Closing a session and opening the next one, as seen from outside.

use crate::{
    expected::Expected,
    run::{client, command, within_deadline},
    suite::echo,
    watch::{Processes, Requests},
};
use conformance::peers::{HttpPeer, Program};
use http::{Method, StatusCode};
use mcp_client::{Client, Mode, Target};
use mcp_transport::http::Endpoint;

/// The process of a server is gone once the session is closed, and each session has a new one.
// spec: STDIO-09 STDIO-01
#[track_caller]
pub(crate) fn a_process_lives_as_long_as_its_session(program: Program, expected: &Expected) {
    let (command, mut processes) = Processes::of(command(program));
    let client = client(command).build();
    within_deadline(async {
        for _ in 0..2 {
            let connection = client.connect().await.unwrap();
            expect_echo(&connection, expected).await;
            assert_eq!(processes.running(), 1);
            connection.close().await;
            assert!(processes.are_gone());
            assert!(!client.is_connected());
        }
    });
}

/// The server is told that the session is over, and confirms each time that there was one.
// spec: H25-18 LIFE-10
#[track_caller]
pub(crate) fn a_session_with_a_handshake_is_deleted(peer: &HttpPeer, expected: &Expected) {
    let (endpoint, requests) = Requests::of(Endpoint::parse(peer.url()).unwrap());
    let client = client(Target::connector("watched", endpoint)).mode(Mode::Legacy).build();
    within_deadline(async {
        for sessions in 1..=2 {
            let connection = client.connect().await.unwrap();
            expect_echo(&connection, expected).await;
            connection.close().await;
            assert_eq!(requests.answers(&Method::DELETE), vec![StatusCode::OK; sessions]);
            assert_eq!(requests.answers(&Method::GET).len(), sessions);
        }
    });
}

/// Without a handshake there is neither a stream to open nor a session to end.
#[track_caller]
pub(crate) fn a_stateless_session_posts_and_nothing_else(peer: &HttpPeer, expected: &Expected) {
    let (endpoint, requests) = Requests::of(Endpoint::parse(peer.url()).unwrap());
    let client = client(Target::connector("watched", endpoint)).build();
    within_deadline(async {
        for sessions in 1..=2 {
            let connection = client.connect().await.unwrap();
            expect_echo(&connection, expected).await;
            connection.close().await;
            // One to discover the server, one to call.
            assert_eq!(requests.answers(&Method::POST), vec![StatusCode::OK; 2 * sessions]);
        }
    });
    assert!(requests.answers(&Method::GET).is_empty());
    assert!(requests.answers(&Method::DELETE).is_empty());
}

async fn expect_echo(client: &Client, expected: &Expected) {
    assert_eq!(echo(client, &expected.echo, "hello").await.unwrap(), expected.echo.of("hello"));
}
