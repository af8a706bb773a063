//! Negotiation: finding the era of a server and opening a session.

mod discover;
mod initialize;
mod opening;

pub(crate) use discover::{Verdict, judge_error};
pub(crate) use opening::Opening;

use crate::{Era, Error, Mode, Options, Peer, Phase, Server};
use futures_util::future::BoxFuture;
use mcp_transport::{Connector, Transport};
use mcp_types::ProtocolVersion;
use std::future::Future;
use tokio_util::sync::CancellationToken;

/// Opens and negotiates the connections of a session.
pub(crate) struct Negotiation<'a, C> {
    pub(crate) connector: &'a C,
    pub(crate) options: &'a Options,
    pub(crate) peer: &'a Peer,
    pub(crate) released: &'a CancellationToken,
}

/// Holds a connection during negotiation, so that it is still there if negotiation fails.
type Place<C> = Option<Opening<<C as Connector>::Transport>>;

impl<C: Connector> Negotiation<'_, C> {
    /// Connects and negotiates; if that fails, shuts the connection down gracefully.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cuts any open connection.
    pub(crate) async fn run(&self) -> Result<(Opening<C::Transport>, Server), Error> {
        let mut place = None;
        let outcome = limited(self.negotiate(&mut place), self.options, self.peer).await;
        settle(place, outcome).await
    }

    /// Opens a connection in the agreed era and revision.
    // spec: VER-12
    pub(crate) fn again<'a>(
        &'a self,
        server: &'a Server,
    ) -> BoxFuture<'a, Result<Opening<C::Transport>, Error>> {
        Box::pin(async move {
            let mut place = None;
            let opened = async {
                let opening = self.open(&mut place).await?;
                if server.era == Era::Legacy {
                    opening.initialize(&server.version, true, self.options).await?;
                }
                Ok(())
            };
            let outcome = limited(opened, self.options, self.peer).await;
            Ok(settle(place, outcome).await?.0)
        })
    }

    async fn negotiate(&self, place: &mut Place<C>) -> Result<Server, Error> {
        match &self.options.mode {
            Mode::Auto => {
                let server = self.known_or_auto(place).await?;
                self.options.known_era.note(server.era);
                Ok(server)
            }
            Mode::Pinned(version) if version.is_modern() => {
                let opening = self.open(place).await?;
                match opening.begin(version, self.options).await {
                    Verdict::Modern(server) => Ok(*server),
                    Verdict::Failed(error) | Verdict::Lost(error) => Err(error),
                    Verdict::Legacy(error) => Err(not_stateless(version, error)),
                }
            }
            Mode::Pinned(version) => self.legacy(place, version, true).await,
            Mode::Legacy => self.legacy(place, &ProtocolVersion::LATEST_LEGACY, false).await,
        }
    }

    /// Starts with the handshake if the server is known to want it, and probes any other server.
    // spec: VER-12
    async fn known_or_auto(&self, place: &mut Place<C>) -> Result<Server, Error> {
        if self.options.known_era.era() != Some(Era::Legacy) {
            return self.auto(place).await;
        }
        match self.legacy(place, &ProtocolVersion::LATEST_LEGACY, false).await {
            Err(error) if is_other_era(&error) => {
                tracing::debug!(%error, "the server has no handshake any more; asking it");
                self.options.known_era.forget();
                if let Some(opening) = place.take() {
                    opening.shut_down().await;
                }
                self.auto(place).await
            }
            outcome => outcome,
        }
    }

    // spec: VER-04 VER-06 VER-07 VER-08
    fn auto<'a>(&'a self, place: &'a mut Place<C>) -> BoxFuture<'a, Result<Server, Error>> {
        Box::pin(async move {
            let opening = self.open(place).await?;
            match opening.begin(&ProtocolVersion::LATEST, self.options).await {
                Verdict::Modern(server) => Ok(*server),
                Verdict::Failed(error) => Err(error),
                Verdict::Legacy(reason) => {
                    tracing::debug!(%reason, "not the answer of a stateless server; trying the handshake");
                    opening.initialize(&ProtocolVersion::LATEST_LEGACY, false, self.options).await
                }
                Verdict::Lost(reason) => {
                    // Some legacy servers exit when the first message is not `initialize`: they get a new process.
                    tracing::debug!(%reason, "the server died of the first message; starting it again");
                    *place = None;
                    self.legacy(place, &ProtocolVersion::LATEST_LEGACY, false).await
                }
            }
        })
    }

    async fn legacy(
        &self,
        place: &mut Place<C>,
        version: &ProtocolVersion,
        pinned: bool,
    ) -> Result<Server, Error> {
        self.open(place).await?.initialize(version, pinned, self.options).await
    }

    async fn open<'p>(
        &self,
        place: &'p mut Place<C>,
    ) -> Result<&'p mut Opening<C::Transport>, Error> {
        let link = self.connector.connect().await?;
        Ok(place.insert(Opening::new(link, self.peer.clone(), self.released)))
    }
}

/// Whether a handshake failed as it would at a server of another era: it answered with an error, or it is gone.
fn is_other_era(error: &Error) -> bool {
    match error {
        Error::Rpc { .. } | Error::Decode { .. } | Error::Misbehaved { .. } => true,
        Error::NoCommonVersion { .. } => true,
        Error::Transport(error) => match error.status() {
            Some(status) => matches!(status.as_u16(), 400 | 404 | 405 | 406 | 415),
            None => error.is_malformed() || error.is_closed(),
        },
        _ => false,
    }
}

/// Shuts down a connection whose negotiation failed.
async fn settle<T: Transport, R>(
    place: Option<Opening<T>>,
    outcome: Result<R, Error>,
) -> Result<(Opening<T>, R), Error> {
    match (place, outcome) {
        (Some(opening), Ok(agreed)) => Ok((opening, agreed)),
        (Some(opening), Err(error)) => {
            opening.shut_down().await;
            Err(error)
        }
        (None, outcome) => Err(outcome.err().unwrap_or(Error::NotConnected)),
    }
}

/// Runs the opening of a connection within the time that the options allow.
async fn limited<T>(
    opening: impl Future<Output = Result<T, Error>>,
    options: &Options,
    peer: &Peer,
) -> Result<T, Error> {
    let Some(after) = options.connect_timeout else { return opening.await };
    let late = Error::Timeout { method: "connect".into(), phase: Phase::Connect, after };
    peer.within(after, opening).await.unwrap_or(Err(late))
}

// spec: VER-05
fn not_stateless(version: &ProtocolVersion, error: Error) -> Error {
    match error {
        // The server itself has named the revisions it speaks.
        error @ Error::NoCommonVersion { .. } => error,
        error => Error::NotStateless { version: version.clone(), source: Box::new(error) },
    }
}
