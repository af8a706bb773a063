//! The `server/discover` probe of stateless servers.

use super::Opening;
use crate::{
    AddMetaLayer, Call, Era, Error, NegotiateVersionLayer, Options, Phase, Reply, Server,
    negotiate_version::supported_versions, stack,
};
use http::StatusCode;
use mcp_transport::{Binding, BoxError, Transport};
use mcp_types::{
    ProtocolVersion, RawJson, capabilities::Implementation, discover::DiscoverResult, keys,
};
use std::time::Duration;
use tower::{ServiceBuilder, ServiceExt};

/// What `server/discover` revealed about a server.
pub(crate) enum Verdict {
    /// The server is stateless.
    Modern(Box<Server>),
    /// The server is not stateless; the handshake can use the same connection.
    Legacy(Error),
    /// The server is not stateless, and the connection is gone.
    Lost(Error),
    /// The era is unknown, or there is no common revision.
    Failed(Error),
}

const METHOD: &str = "server/discover";

impl<T: Transport> Opening<T> {
    /// Determines the era of the server: from earlier knowledge, or by asking in the revision `version`.
    pub(super) async fn begin(&mut self, version: &ProtocolVersion, options: &Options) -> Verdict {
        match self.recall(version, options) {
            Some(server) => Verdict::Modern(server),
            None => self.discover(version, options).await,
        }
    }

    /// Returns what was known of the server before.
    fn recall(&self, version: &ProtocolVersion, options: &Options) -> Option<Box<Server>> {
        let prior = options.prior.as_ref().filter(|prior| !prior.is_wrong())?;
        let adopted = match prior.as_raw().decode() {
            Ok(result) => adopt(result, prior.as_raw().clone(), version, self.dispatch.peer()),
            Err(source) => Verdict::Legacy(Error::Decode { method: METHOD.into(), source }),
        };
        match adopted {
            Verdict::Modern(mut server) => {
                server.is_recalled = true;
                Some(server)
            }
            Verdict::Legacy(error) | Verdict::Failed(error) | Verdict::Lost(error) => {
                tracing::debug!(%error, "what was known of the server is of no use; asking it");
                None
            }
        }
    }

    /// Sends the probe in the revision `version`.
    async fn discover(&mut self, version: &ProtocolVersion, options: &Options) -> Verdict {
        let service = ServiceBuilder::new()
            .layer(NegotiateVersionLayer::new())
            .layer(AddMetaLayer::new(version.clone(), stack::stamp(options)))
            .service(self.dispatch.clone());
        let mut probe = Box::pin(service.oneshot(Call::new(METHOD)));
        let probing = options.probe_timeout;
        let limit = options.init_timeout.map_or(probing, |limit| limit.min(probing));
        let peer = self.dispatch.peer().clone();
        match self.run(peer.within(limit, &mut probe)).await {
            Some(answer) => self.judge(answer, version),
            None => {
                let silence = silence(limit);
                if self.binding == Binding::Http {
                    return Verdict::Failed(silence);
                }
                // A legacy server may ignore unknown requests. The probe is abandoned only after the handshake, so that
                // no cancellation reaches the server before `initialize`.
                self.late = Some(probe);
                Verdict::Legacy(silence)
            }
        }
    }

    fn judge(&self, answer: Result<Reply, BoxError>, version: &ProtocolVersion) -> Verdict {
        match answer {
            Ok(reply) => match reply.decode_lossy::<DiscoverResult>() {
                Ok(result) => adopt(result, reply.result, version, self.dispatch.peer()),
                Err(source) => Verdict::Legacy(Error::Decode { method: METHOD.into(), source }),
            },
            Err(error) => judge_error(Error::from_layers(error), self.binding, version),
        }
    }
}

fn adopt(
    result: DiscoverResult,
    raw: RawJson,
    wanted: &ProtocolVersion,
    peer: &crate::Peer,
) -> Verdict {
    let theirs = result.supported_versions;
    let common = theirs.iter().filter(|version| version.is_known() && version.is_modern());
    let version = if theirs.contains(wanted) { Some(wanted) } else { common.max() };
    let Some(version) = version.cloned() else {
        return no_common_version(wanted, theirs);
    };
    peer.negotiated(version.clone());
    let info = result.meta.as_ref().and_then(|meta| meta.read::<Implementation>(keys::SERVER_INFO));
    Verdict::Modern(Box::new(Server {
        era: Era::Modern,
        version,
        capabilities: result.capabilities,
        info,
        instructions: result.instructions,
        result: raw,
        is_recalled: false,
    }))
}

// spec: VER-03 VER-06 VER-07 VER-09 VER-10 VER-11
pub(crate) fn judge_error(error: Error, binding: Binding, wanted: &ProtocolVersion) -> Verdict {
    match &error {
        Error::Rpc { error: said, .. } => match supported_versions(said) {
            // Refused again although it is on the list: there is nothing left to try.
            Some(theirs) if theirs.contains(wanted) => Verdict::Failed(error),
            Some(theirs) => no_common_version(wanted, theirs),
            None if said.code.is_modern() => Verdict::Failed(error),
            None => Verdict::Legacy(error),
        },
        Error::Transport(lost) => match lost.status() {
            Some(status) if is_legacy(status) => Verdict::Legacy(error),
            Some(_) => Verdict::Failed(error),
            None if lost.is_malformed() => Verdict::Legacy(error),
            None if lost.is_closed() && binding != Binding::Http => Verdict::Lost(error),
            None => Verdict::Failed(error),
        },
        Error::Misbehaved { .. } => Verdict::Legacy(error),
        _ => Verdict::Failed(error),
    }
}

/// Whether this status, with an unreadable body, is how a legacy server refuses a message that it does not know.
fn is_legacy(status: StatusCode) -> bool {
    let says_nothing_of_the_era = matches!(
        status,
        StatusCode::UNAUTHORIZED
            | StatusCode::FORBIDDEN
            | StatusCode::PROXY_AUTHENTICATION_REQUIRED
            | StatusCode::REQUEST_TIMEOUT
            | StatusCode::TOO_MANY_REQUESTS
    );
    // A stateless server does not answer with a 2xx and another kind of body either.
    status.is_success() || (status.is_client_error() && !says_nothing_of_the_era)
}

fn no_common_version(wanted: &ProtocolVersion, theirs: Vec<ProtocolVersion>) -> Verdict {
    let legacy = theirs.iter().any(|version| version.is_known() && !version.is_modern());
    let error = Error::NoCommonVersion { ours: vec![wanted.clone()], theirs };
    if legacy { Verdict::Legacy(error) } else { Verdict::Failed(error) }
}

fn silence(after: Duration) -> Error {
    Error::Timeout { method: METHOD.into(), phase: Phase::Connect, after }
}
