//! Connections that are made, and of which no session comes.

use crate::{script::deadline, wire};
use conformance::http_server::{Answer, HttpServer, Recorded};
use mcp_session::{Error, Mode, Options, Session};
use mcp_transport::http::Endpoint;
use mcp_types::ProtocolVersion;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::Instant;

fn initialized(version: &str) -> Value {
    json!({"protocolVersion": version, "capabilities": {},
        "serverInfo": {"name": "scripted", "version": "1"}})
}

// spec: LIFE-06 LIFE-10
#[tokio::test(start_paused = true)]
async fn a_server_without_a_common_revision_sees_the_end_of_its_input() {
    deadline(async {
        let (connector, mut peer) = wire::pair();
        let connected = Session::builder(connector).options(wire::legacy()).connect();
        let served = async {
            let id = peer.expect("initialize").await["id"].clone();
            peer.answer(id, initialized("1.0")).await;
            assert_eq!(peer.line().await, None, "the end, and nothing before it");
            drop(peer);
        };
        let (connected, ()) = tokio::join!(connected, served);
        assert!(matches!(connected, Err(Error::NoCommonVersion { .. })));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_end_is_waited_for_a_moment_only() {
    deadline(async {
        let (connector, mut peer) = wire::pair();
        let connected = Session::builder(connector).options(wire::legacy()).connect();
        let served = async {
            let id = peer.expect("initialize").await["id"].clone();
            peer.answer(id, initialized("1.0")).await;
        };
        let start = Instant::now();
        let (connected, ()) = tokio::join!(connected, served);
        assert!(connected.is_err());
        assert!(start.elapsed() <= Duration::from_secs(3), "{:?}", start.elapsed());
        drop(peer);
    })
    .await;
}

// spec: LIFE-09
#[tokio::test(start_paused = true)]
async fn a_handshake_that_takes_too_long_ends_in_good_order_too() {
    deadline(async {
        let (connector, mut peer) = wire::pair();
        let connected = Session::builder(connector).options(wire::legacy()).connect();
        let served = async {
            peer.expect("initialize").await;
        };
        let (connected, ()) = tokio::join!(connected, served);
        assert!(connected.unwrap_err().is_timeout());
        assert_eq!(peer.rest().await, Vec::<Value>::new(), "no cancellation");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_connect_that_is_dropped_cuts_the_connection_at_once() {
    deadline(async {
        let (connector, mut peer) = wire::pair();
        let connected = Session::builder(connector).options(Options::default()).connect();
        {
            let mut connected = std::pin::pin!(connected);
            assert!(futures_util::poll!(&mut connected).is_pending());
        }
        let start = Instant::now();
        peer.rest().await;
        assert_eq!(start.elapsed(), Duration::ZERO);
    })
    .await;
}

// spec: H25-18 LIFE-06
#[tokio::test]
async fn a_session_over_http_that_is_of_no_use_is_deleted() {
    deadline(async {
        let server = HttpServer::start(|request: &Recorded| match request.rpc_method().as_str() {
            "initialize" => {
                Answer::result(request, &initialized("2025-11-25")).header("mcp-session-id", "s-1")
            }
            _ => Answer::status(405),
        })
        .await
        .unwrap();
        let endpoint = Endpoint::parse(server.url()).unwrap();
        let mut options = Options::default();
        options.mode = Mode::Pinned(ProtocolVersion::V2025_06_18);
        let connected = Session::builder(endpoint).options(options).connect().await;
        assert!(matches!(connected, Err(Error::NoCommonVersion { .. })));
        let deleted = server.matching(|request| request.method == "DELETE");
        assert_eq!(deleted.len(), 1);
        assert_eq!(deleted[0].header("mcp-session-id"), Some("s-1"));
    })
    .await;
}
