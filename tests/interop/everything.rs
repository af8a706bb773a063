//! The reference server `@modelcontextprotocol/server-everything`: TypeScript, with a handshake.

use crate::{
    catalogue,
    expected::{Echo, Example, Expected, Prompt, Refusal},
    lifecycle,
    run::{Peer, chain, client, command, once, shared, within_deadline},
    suite::{echo, suite},
    tasks,
    watch::{Notifications, Processes},
};
use conformance::peers::{self, HttpPeer};
use mcp_client::{Connection, Content, Era, Error, Mode, Target};
use mcp_types::{ContentBlock, ErrorCode, LoggingLevel, ProtocolVersion, SubscribeRequest};
use std::{
    sync::{LazyLock, OnceLock},
    time::Duration,
};
use tokio::time::sleep;

pub(crate) const EXPECTED: Expected = Expected {
    name: "mcp-servers/everything",
    era: Era::Legacy,
    version: ProtocolVersion::V2025_11_25,
    // The last three exist only if the client can answer them.
    tools: &[
        "echo",
        "get-sum",
        "get-roots-list",
        "trigger-elicitation-request",
        "trigger-sampling-request",
    ],
    echo: Echo { tool: "echo", argument: "message", before: "Echo: " },
    structured: Example {
        tool: "get-structured-content",
        arguments: r#"{"location": "New York"}"#,
        answer: r#"{"temperature": 33, "conditions": "Cloudy", "humidity": 82}"#,
    },
    failing: Example {
        tool: "get-sum",
        arguments: r#"{"a": "one"}"#,
        answer: "Invalid arguments for tool get-sum",
    },
    unknown_tool: Refusal::Result("Tool no-such-tool not found"),
    three_steps: Example {
        tool: "trigger-long-running-operation",
        arguments: r#"{"duration": 0.3, "steps": 3}"#,
        answer: "completed",
    },
    slow: Example {
        tool: "trigger-long-running-operation",
        arguments: r#"{"duration": 8, "steps": 1}"#,
        answer: "completed",
    },
    resource: ("demo://resource/dynamic/text/7", "Resource 7: "),
    missing_resource: ErrorCode::INVALID_PARAMS,
    prompt: Prompt {
        name: "args-prompt",
        argument: ("city", "Oslo"),
        text: "What's weather in Oslo?",
    },
    completion: ("completable-prompt", "department", "S", &["Sales", "Support"]),
    form: Example { tool: "trigger-elicitation-request", arguments: "{}", answer: "- Name: " },
    sampling: Example {
        tool: "trigger-sampling-request",
        arguments: r#"{"prompt": "Say hello."}"#,
        answer: "test-model",
    },
    roots: Example { tool: "get-roots-list", arguments: "{}", answer: "(1 total)" },
};

pub(crate) fn stdio_target() -> Option<Target> {
    peers::or_skip(peers::everything_stdio()).map(|program| command(program).into())
}

pub(crate) fn http_peer() -> Option<&'static HttpPeer> {
    static PEER: LazyLock<Result<HttpPeer, peers::Error>> = LazyLock::new(peers::everything_http);
    once(&PEER)
}

fn http_target() -> Option<Target> {
    http_peer().map(|peer| peer.url().into())
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
        let Some(program) = peers::or_skip(peers::everything_stdio()) else { return };
        lifecycle::a_process_lives_as_long_as_its_session(program, &EXPECTED);
    }

    #[test]
    fn what_the_server_says_unasked_is_heard() {
        unasked(stdio_target());
    }

    #[test]
    fn a_resource_that_a_tool_makes_is_listed() {
        catalogue::a_resource_that_a_tool_makes_is_listed(stdio_target());
    }

    #[test]
    fn a_call_is_left_to_the_server_and_its_question_answered() {
        tasks::a_call_is_left_to_the_server_and_its_question_answered(stdio_target());
    }

    #[test]
    fn a_task_is_cancelled() {
        tasks::a_task_is_cancelled(stdio_target());
    }

    #[test]
    fn a_pinned_stateless_revision_fails_and_says_why() {
        let Some(program) = peers::or_skip(peers::everything_stdio()) else { return };
        let (command, mut processes) = Processes::of(command(program));
        pinned_to_the_stateless_revision(Some(command.into()));
        // It is killed at once, but is gone only when the system has processed that.
        within_deadline(async {
            while !processes.are_gone() {
                sleep(Duration::from_millis(10)).await;
            }
        });
    }
}

mod http {
    use super::*;

    fn peer() -> Option<Peer> {
        let client = client(http_target()?).build();
        Some(Peer { client, expected: &EXPECTED })
    }

    suite!(peer());

    #[test]
    fn a_call_is_left_to_the_server_and_its_question_answered() {
        tasks::a_call_is_left_to_the_server_and_its_question_answered(http_target());
    }

    #[test]
    fn a_task_is_cancelled() {
        tasks::a_task_is_cancelled(http_target());
    }

    #[test]
    fn a_session_is_deleted_when_it_is_closed() {
        let Some(peer) = http_peer() else { return };
        lifecycle::a_session_with_a_handshake_is_deleted(peer, &EXPECTED);
    }

    #[test]
    fn what_the_server_says_unasked_is_heard() {
        unasked(http_target());
    }

    #[test]
    fn a_resource_that_a_tool_makes_is_listed() {
        catalogue::a_resource_that_a_tool_makes_is_listed(http_target());
    }

    #[test]
    fn a_pinned_stateless_revision_fails_and_says_why() {
        pinned_to_the_stateless_revision(http_target());
    }

    // spec: LIFE-07 OLD-02
    #[test]
    fn every_revision_with_a_handshake_is_spoken_when_it_is_pinned() {
        let Some(target) = http_target() else { return };
        within_deadline(async {
            let versions =
                ProtocolVersion::KNOWN.into_iter().filter(|version| !version.is_modern());
            for version in versions {
                let client = client(target.clone()).mode(Mode::Pinned(version.clone())).build();
                let connection = client.connect().await.unwrap();
                assert_eq!(connection.server().unwrap().version, version);
                assert_eq!(echo(&connection, &EXPECTED.echo, "a").await.unwrap(), "Echo: a");
                connection.close().await;
            }
        });
    }
}

/// HTTP+SSE, as in the first revision; the revision negotiated is nevertheless the newest legacy one.
pub(crate) mod http_sse {
    use super::*;

    pub(crate) fn http_sse_peer() -> Option<&'static HttpPeer> {
        static PEER: LazyLock<Result<HttpPeer, peers::Error>> =
            LazyLock::new(peers::everything_sse);
        once(&PEER)
    }

    fn peer() -> Option<Peer> {
        let client = client(http_sse_peer()?.url()).build();
        Some(Peer { client, expected: &EXPECTED })
    }

    suite!(peer());
}

/// Log messages and changed lists reach the listener of the client.
// spec: H25-07 H25-09
fn unasked(target: Option<Target>) {
    let Some(target) = target else { return };
    let (client, mut notifications) = Notifications::of(client(target));
    let client = client.build();
    within_deadline(async {
        let connection = client.connect().await.unwrap();
        // The server also requests the roots unsolicited: after the answer, its channel to the client is certainly
        // open.
        connection.call_tool("get-roots-list").require_success().await.unwrap();
        connection.ping().await.unwrap();
        connection.set_logging_level(LoggingLevel::Debug).await.unwrap();
        let uri = "demo://resource/dynamic/text/1";
        connection.request(SubscribeRequest::new(uri)).await.unwrap();
        notifications.find("notifications/message", uri).await;

        let gzip = connection.call_tool("gzip-file-as-resource");
        let gzip = gzip.argument("name", "a.gz").argument("data", "data:text/plain,hello");
        let result = gzip.require_success().await.unwrap();
        notifications.find("notifications/resources/list_changed", "").await;
        let [ContentBlock::ResourceLink(link)] = &result.content[..] else { panic!("{result:?}") };
        let contents = connection.read_resource(&link.uri).await.unwrap();
        let bytes = contents[0].bytes().unwrap().unwrap();
        assert_eq!(bytes[..2], [0x1f, 0x8b], "a gzip file begins like this");
        connection.close().await;
    });
}

// spec: VER-05
fn pinned_to_the_stateless_revision(target: Option<Target>) {
    let Some(target) = target else { return };
    let client = client(target).mode(Mode::Pinned(ProtocolVersion::V2026_07_28)).build();
    let error = within_deadline(client.connect()).unwrap_err();
    let text = chain(&error);
    assert!(text.contains("server does not answer as one of revision 2026-07-28"), "{text}");
    let Error::Connect { source, .. } = &error else { panic!("{error:?}") };
    assert!(matches!(**source, Error::NotStateless { .. }), "{error:?}");
    assert!(error.as_rpc().is_some(), "what the server said is kept: {text}");
}
