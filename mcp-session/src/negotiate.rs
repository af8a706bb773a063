//! Finding out what a server speaks, and beginning a session with it.

mod discover;
mod initialize;
mod opening;

pub(crate) use opening::Opening;

use crate::{Error, Mode, Options, Server};
use discover::Verdict;
use mcp_transport::Connector;
use mcp_types::ProtocolVersion;

/// Connects and negotiates; what has been opened is dropped when it fails.
pub(crate) async fn negotiate<C: Connector>(
    connector: &C,
    options: &Options,
) -> Result<(Opening<C::Transport>, Server), Error> {
    match &options.mode {
        Mode::Auto => auto(connector, options).await,
        Mode::Pinned(version) if version.is_modern() => {
            let mut opening = Opening::new(connector.connect().await?, options);
            match opening.discover(version, options).await {
                Verdict::Modern(server) => Ok((opening, *server)),
                Verdict::Failed(error) | Verdict::Legacy(error) | Verdict::Lost(error) => {
                    Err(error)
                }
            }
        }
        Mode::Pinned(version) => legacy(connector, version, options).await,
        Mode::Legacy => legacy(connector, &ProtocolVersion::LATEST_LEGACY, options).await,
    }
}

// spec: VER-04 VER-06 VER-07 VER-08
async fn auto<C: Connector>(
    connector: &C,
    options: &Options,
) -> Result<(Opening<C::Transport>, Server), Error> {
    let mut opening = Opening::new(connector.connect().await?, options);
    match opening.discover(&ProtocolVersion::LATEST, options).await {
        Verdict::Modern(server) => Ok((opening, *server)),
        Verdict::Failed(error) => Err(error),
        Verdict::Legacy(reason) => {
            tracing::debug!(%reason, "no answer of a stateless server; trying the handshake");
            let server = opening.initialize(&ProtocolVersion::LATEST_LEGACY, options).await?;
            Ok((opening, server))
        }
        Verdict::Lost(reason) => {
            // Some legacy servers end when the first message is not `initialize`: they get a new process.
            tracing::debug!(%reason, "the server died of the first message; starting it again");
            drop(opening);
            legacy(connector, &ProtocolVersion::LATEST_LEGACY, options).await
        }
    }
}

async fn legacy<C: Connector>(
    connector: &C,
    version: &ProtocolVersion,
    options: &Options,
) -> Result<(Opening<C::Transport>, Server), Error> {
    let mut opening = Opening::new(connector.connect().await?, options);
    let server = opening.initialize(version, options).await?;
    Ok((opening, server))
}
