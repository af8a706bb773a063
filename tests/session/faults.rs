//! What servers do wrong, by the numbers of the catalogue of faults.

mod changes;
mod handlers;
mod limits;
mod misbehavior;
mod numbers;
mod versions;

use crate::script::{Answer, Script, discovered, initialized};
use mcp_session::{Mode, Options, Session};
use mcp_transport::Binding;
use mcp_types::rpc::Request;

/// Creates a stateless server that answers calls like this.
fn modern(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Script {
    Script::new(Binding::ByteStream, move |_, request| match &*request.method {
        "server/discover" => discovered(&["2026-07-28"]),
        _ => answer(request),
    })
}

/// Creates a server with a handshake that answers calls like this.
fn legacy(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Script {
    Script::new(Binding::ByteStream, move |_, request| match &*request.method {
        "initialize" => initialized("2025-11-25"),
        _ => answer(request),
    })
}

/// Opens a session with a server with a handshake, without a probe.
async fn shake(script: &Script, mut options: Options) -> Session {
    options.mode = Mode::Legacy;
    script.connect(options).await.unwrap()
}
