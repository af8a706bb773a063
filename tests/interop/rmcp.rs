//! A server written with rmcp, in this process: they are connected by a byte stream.

pub(crate) mod http;
mod server;

use crate::{
    expected::{Echo, Example, Expected, Prompt, Refusal},
    run::{Peer, client, within_deadline},
    suite::{echo, suite},
};
use ::rmcp::serve_server;
use mcp_client::{Era, Mode, Target};
use mcp_transport::{Connector, Driver, Error, Link, duplex, duplex::Multiplex};
use mcp_types::{ErrorCode, ProtocolVersion};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// Starts a server for each connection. The server lives in the driver of the connection.
#[derive(Clone, Debug, Default)]
struct InProcess {
    /// How many servers have ended.
    ended: Arc<AtomicUsize>,
}

impl Connector for InProcess {
    type Transport = Multiplex;

    async fn connect(&self) -> Result<Link<Multiplex>, Error> {
        let (near, far) = tokio::io::duplex(64 * 1024);
        let mut link = duplex::connect(near);
        let ended = Arc::clone(&self.ended);
        let server = async move {
            let server = serve_server(server::Server, far).await.unwrap();
            server.waiting().await.unwrap();
            ended.fetch_add(1, Ordering::Relaxed);
        };
        let connection = std::mem::replace(&mut link.driver, Driver::idle());
        link.driver = Driver::new(async move { tokio::join!(connection, server).0 });
        Ok(link)
    }
}

pub(crate) const EXPECTED: Expected = Expected {
    name: "rmcp-peer",
    era: Era::Modern,
    version: ProtocolVersion::V2026_07_28,
    tools: &["ask", "echo", "slow", "weather"],
    echo: Echo { tool: "echo", argument: "text", before: "" },
    structured: Example {
        tool: "weather",
        arguments: r#"{"city": "Oslo"}"#,
        answer: r#"{"city": "Oslo", "degrees": -3.5}"#,
    },
    failing: Example { tool: "fail", arguments: "{}", answer: "it broke" },
    unknown_tool: Refusal::Error(ErrorCode::INVALID_PARAMS, "no-such-tool"),
    three_steps: Example { tool: "count", arguments: r#"{"steps": 3}"#, answer: "3" },
    slow: Example { tool: "slow", arguments: "{}", answer: "done" },
    resource: ("test://hello", "hello"),
    missing_resource: ErrorCode::INVALID_PARAMS,
    prompt: Prompt { name: "greet", argument: ("name", "Bob"), text: "Greet Bob." },
    completion: ("greet", "name", "A", &["Ada", "Alan"]),
    form: Example { tool: "ask", arguments: "{}", answer: "" },
    sampling: Example { tool: "sample", arguments: "{}", answer: "" },
    roots: Example { tool: "roots", arguments: "{}", answer: "" },
};

pub(crate) const LEGACY: Expected = Expected {
    era: Era::Legacy,
    version: ProtocolVersion::V2025_11_25,
    missing_resource: ErrorCode::RESOURCE_NOT_FOUND,
    ..EXPECTED
};

pub(crate) fn target() -> Target {
    Target::connector("rmcp in this process", InProcess::default())
}

mod modern {
    use super::*;

    fn peer() -> Option<Peer> {
        Some(Peer { client: client(target()).build(), expected: &EXPECTED })
    }

    suite!(peer());
}

mod http_modern {
    use super::*;

    fn peer() -> Option<Peer> {
        Some(Peer { client: client(http::url()).build(), expected: &EXPECTED })
    }

    suite!(peer());
}

mod http_legacy {
    use super::*;

    fn peer() -> Option<Peer> {
        let client = client(http::url()).mode(Mode::Legacy).build();
        Some(Peer { client, expected: &LEGACY })
    }

    suite!(peer());
}

mod legacy {
    use super::*;

    fn peer() -> Option<Peer> {
        Some(Peer { client: client(target()).mode(Mode::Legacy).build(), expected: &LEGACY })
    }

    suite!(peer());
}

#[test]
fn the_server_ends_with_the_session_and_a_new_one_is_started_at_the_next_connect() {
    let connector = InProcess::default();
    let client = client(Target::connector("rmcp in this process", connector.clone())).build();
    within_deadline(async {
        for ended in 1..=3 {
            let connection = client.connect().await.unwrap();
            assert_eq!(echo(&connection, &EXPECTED.echo, "hello").await.unwrap(), "hello");
            connection.close().await;
            assert_eq!(connector.ended.load(Ordering::Relaxed), ended);
            assert!(!client.is_connected());
        }
    });
}
