//! Finding out what a server speaks, and beginning a session with it.

mod discover;
mod initialize;
mod opening;

pub(crate) use opening::Opening;

use crate::{Error, Mode, Options, Peer, Phase, Server};
use discover::Verdict;
use mcp_transport::Connector;
use mcp_types::ProtocolVersion;
use std::future::Future;
use tokio_util::sync::CancellationToken;

/// Makes and negotiates the first connection of a session.
pub(crate) struct Negotiation<'a, C> {
    pub(crate) connector: &'a C,
    pub(crate) options: &'a Options,
    pub(crate) peer: &'a Peer,
    pub(crate) released: &'a CancellationToken,
}

type Negotiated<C> = Result<(Opening<<C as Connector>::Transport>, Server), Error>;

impl<C: Connector> Negotiation<'_, C> {
    /// Connects and negotiates; what has been opened is dropped when it fails.
    pub(crate) async fn run(&self) -> Negotiated<C> {
        match &self.options.mode {
            Mode::Auto => self.auto().await,
            Mode::Pinned(version) if version.is_modern() => {
                let mut opening = self.open().await?;
                match opening.discover(version, self.options).await {
                    Verdict::Modern(server) => Ok((opening, *server)),
                    Verdict::Failed(error) | Verdict::Lost(error) => Err(error),
                    Verdict::Legacy(error) => Err(not_stateless(version, error)),
                }
            }
            Mode::Pinned(version) => self.legacy(version).await,
            Mode::Legacy => self.legacy(&ProtocolVersion::LATEST_LEGACY).await,
        }
    }

    // spec: VER-04 VER-06 VER-07 VER-08
    async fn auto(&self) -> Negotiated<C> {
        let mut opening = self.open().await?;
        match opening.discover(&ProtocolVersion::LATEST, self.options).await {
            Verdict::Modern(server) => Ok((opening, *server)),
            Verdict::Failed(error) => Err(error),
            Verdict::Legacy(reason) => {
                tracing::debug!(%reason, "not the answer of a stateless server; trying the handshake");
                self.initialize(opening, &ProtocolVersion::LATEST_LEGACY).await
            }
            Verdict::Lost(reason) => {
                // Some legacy servers end when the first message is not `initialize`: they get a new process.
                tracing::debug!(%reason, "the server died of the first message; starting it again");
                drop(opening);
                self.legacy(&ProtocolVersion::LATEST_LEGACY).await
            }
        }
    }

    async fn legacy(&self, version: &ProtocolVersion) -> Negotiated<C> {
        self.initialize(self.open().await?, version).await
    }

    async fn open(&self) -> Result<Opening<C::Transport>, Error> {
        let link = self.connector.connect().await?;
        Ok(Opening::new(link, self.peer.clone(), self.released.clone()))
    }

    async fn initialize(
        &self,
        mut opening: Opening<C::Transport>,
        version: &ProtocolVersion,
    ) -> Negotiated<C> {
        let pinned = self.options.mode == Mode::Pinned(version.clone());
        let server = opening.initialize(version, pinned, self.options).await?;
        Ok((opening, server))
    }
}

/// Runs what opens a connection, within the time that the options allow.
pub(crate) async fn limited<T>(
    opening: impl Future<Output = Result<T, Error>>,
    options: &Options,
) -> Result<T, Error> {
    let Some(after) = options.connect_timeout else { return opening.await };
    match tokio::time::timeout(after, opening).await {
        Ok(outcome) => outcome,
        Err(_) => Err(Error::Timeout { method: "connect".into(), phase: Phase::Connect, after }),
    }
}

// spec: VER-05
fn not_stateless(version: &ProtocolVersion, error: Error) -> Error {
    match error {
        // The server has said itself what it speaks.
        error @ Error::NoCommonVersion { .. } => error,
        error => Error::NotStateless { version: version.clone(), source: Box::new(error) },
    }
}
