//! A FastMCP server: Python, stateless, and with a handshake for clients that begin with one.

use crate::{
    changes,
    expected::{Echo, Example, Expected, Prompt, Refusal},
    lifecycle,
    run::{Peer, client, command, once, shared, within_deadline},
    suite::suite,
};
use conformance::peers::{self, HttpPeer};
use mcp_client::{Client, Connection, Content, Era, Error, Event, Misbehavior, Mode, Target};
use mcp_types::{ErrorCode, LoggingLevel, ProtocolVersion};
use std::sync::{Arc, LazyLock, Mutex, OnceLock};

pub(crate) const EXPECTED: Expected = Expected {
    name: "test-peer",
    era: Era::Modern,
    version: ProtocolVersion::V2026_07_28,
    tools: &["echo", "add", "fail", "count", "slow", "ask", "sample", "roots", "change"],
    echo: Echo { tool: "echo", argument: "text", before: "" },
    // The server wraps it as `{"result": 5}`, and marks it so.
    structured: Example { tool: "add", arguments: r#"{"a": 2, "b": 3}"#, answer: "5" },
    failing: Example { tool: "fail", arguments: r#"{"message": "it broke"}"#, answer: "it broke" },
    unknown_tool: Refusal::Result("no-such-tool"),
    three_steps: Example { tool: "count", arguments: r#"{"steps": 3}"#, answer: "3" },
    slow: Example { tool: "slow", arguments: r#"{"seconds": 8}"#, answer: "done" },
    resource: ("test://hello", "hello"),
    missing_resource: ErrorCode::INVALID_PARAMS,
    prompt: Prompt { name: "greet", argument: ("name", "Bob"), text: "Greet Bob." },
    completion: ("greet", "name", "A", &["Ada", "Alan"]),
    form: Example { tool: "ask", arguments: r#"{"question": "Who are you?"}"#, answer: "" },
    sampling: Example { tool: "sample", arguments: r#"{"prompt": "Say hello."}"#, answer: "" },
    roots: Example { tool: "roots", arguments: "{}", answer: "" },
};

pub(crate) const LEGACY: Expected =
    Expected { era: Era::Legacy, version: ProtocolVersion::V2025_11_25, ..EXPECTED };

pub(crate) fn stdio_target() -> Option<Target> {
    peers::or_skip(peers::fastmcp_stdio()).map(|program| command(program).into())
}

pub(crate) fn http_peer() -> Option<&'static HttpPeer> {
    static PEER: LazyLock<Result<HttpPeer, peers::Error>> = LazyLock::new(peers::fastmcp_http);
    once(&PEER)
}

fn http_client() -> Option<Client> {
    http_peer().map(|peer| client(peer.url()).build())
}

mod stdio {
    use super::*;

    fn peer() -> Option<Peer> {
        static SESSION: OnceLock<Connection> = OnceLock::new();
        let target = stdio_target()?;
        Some(Peer { client: shared(&SESSION, || client(target).build()), expected: &EXPECTED })
    }

    suite!(peer());

    #[test]
    fn a_process_lives_as_long_as_its_session() {
        let Some(program) = peers::or_skip(peers::fastmcp_stdio()) else { return };
        lifecycle::a_process_lives_as_long_as_its_session(program, &EXPECTED);
    }

    #[test]
    fn subscribers_are_told_what_they_asked_for() {
        let Some(peer) = peer() else { return };
        changes::subscribers_are_told_what_they_asked_for(&peer.client);
    }

    // seed: 28
    #[test]
    fn a_killed_process_is_replaced() {
        let Some(program) = peers::or_skip(peers::fastmcp_stdio()) else { return };
        changes::a_killed_process_is_replaced(program, &EXPECTED);
    }
}

mod stdio_legacy {
    use super::*;

    fn peer() -> Option<Peer> {
        static SESSION: OnceLock<Connection> = OnceLock::new();
        let target = stdio_target()?;
        let client = shared(&SESSION, || client(target).mode(Mode::Legacy).build());
        Some(Peer { client, expected: &LEGACY })
    }

    suite!(peer());
}

mod http {
    use super::*;

    fn peer() -> Option<Peer> {
        Some(Peer { client: http_client()?, expected: &EXPECTED })
    }

    suite!(peer());

    #[test]
    fn subscribers_are_told_what_they_asked_for() {
        let Some(client) = http_client() else { return };
        changes::subscribers_are_told_what_they_asked_for(&client);
    }

    #[test]
    fn a_session_posts_and_nothing_else() {
        let Some(peer) = http_peer() else { return };
        lifecycle::a_stateless_session_posts_and_nothing_else(peer, &EXPECTED);
    }

    // spec: HDR-21 HDR-22 HDR-23
    #[test]
    fn an_argument_is_mirrored_in_a_header_whether_or_not_tools_were_listed() {
        let Some(client) = http_client() else { return };
        within_deadline(async {
            let connection = client.connect().await.unwrap();
            for region in ["eu", "a b", "é", "=?base64?x?="] {
                let call = connection.call_tool("route").argument("region", region);
                assert_eq!(call.require_success().await.unwrap().text(), region);
            }
            let connection = client.fresh().connect().await.unwrap();
            connection.list_tools().await.unwrap();
            let call = connection.call_tool("route").argument("region", "us");
            assert_eq!(call.require_success().await.unwrap().text(), "us");
            connection.close().await;
        });
    }

    // spec: MRTR-09
    #[test]
    fn a_question_that_nobody_answers_is_an_error() {
        let Some(peer) = http_peer() else { return };
        let client = Client::new(peer.url());
        within_deadline(async {
            let connection = client.connect().await.unwrap();
            let call = connection.call_tool("ask").argument("question", "Who are you?");
            let error = call.await.unwrap_err();
            let undeclared = Misbehavior::UndeclaredInputRequest;
            assert!(
                matches!(error, Error::Misbehaved { misbehavior, .. } if misbehavior == undeclared),
                "{error:?}"
            );
            connection.close().await;
        });
    }

    // spec: LOG-01
    #[test]
    fn a_call_hears_the_log_messages_that_it_asked_for() {
        let Some(client) = http_client() else { return };
        within_deadline(async {
            let connection = client.connect().await.unwrap();
            for (wanted, expected) in [(None, 0), (Some(LoggingLevel::Info), 1)] {
                let heard = Arc::new(Mutex::new(Vec::new()));
                let hears = Arc::clone(&heard);
                let call = connection.call_tool("log");
                let call = call.argument("level", "warning").argument("text", "careful");
                let mut call = call.on_event(move |event| {
                    if let Event::Notification(notification) = event {
                        hears.lock().unwrap().push(notification.clone());
                    }
                });
                if let Some(level) = wanted {
                    call = call.log_level(level);
                }
                assert_eq!(call.require_success().await.unwrap().text(), "logged");
                let heard = heard.lock().unwrap();
                assert_eq!(heard.len(), expected, "{heard:?}");
                assert!(heard.iter().all(|log| log.method == "notifications/message"));
            }
            connection.close().await;
        });
    }

    // seed: 46
    #[test]
    fn wrapped_output_and_bytes_are_unpacked() {
        let Some(client) = http_client() else { return };
        within_deadline(async {
            let connection = client.connect().await.unwrap();
            let sum = connection.call_tool("add").argument("a", 40).argument("b", 2);
            assert_eq!(sum.typed::<i64>().await.unwrap(), 42);
            let pixel = connection.read_resource("test://pixel").await.unwrap();
            assert_eq!(pixel[0].bytes().unwrap().unwrap()[1..4], *b"PNG");
            connection.close().await;
        });
    }
}

mod http_legacy {
    use super::*;

    fn peer() -> Option<Peer> {
        let client = client(http_peer()?.url()).mode(Mode::Legacy).build();
        Some(Peer { client, expected: &LEGACY })
    }

    suite!(peer());

    #[test]
    fn a_session_is_deleted_when_it_is_closed() {
        let Some(peer) = http_peer() else { return };
        lifecycle::a_session_with_a_handshake_is_deleted(peer, &LEGACY);
    }
}
