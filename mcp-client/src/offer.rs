//! Checking calls against the capabilities of the server.

use crate::{Era, Error, Server};
use mcp_types::ProtocolVersion;

/// A part of the protocol that a server may offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Offer {
    Completions,
    Logging,
    Prompts,
    Resources,
    Tools,
}

impl Offer {
    /// Returns the member of the server's capabilities.
    fn name(self) -> &'static str {
        match self {
            Self::Completions => "completions",
            Self::Logging => "logging",
            Self::Prompts => "prompts",
            Self::Resources => "resources",
            Self::Tools => "tools",
        }
    }
}

impl Offer {
    /// Returns what a method requires; `None` for methods outside the protocol and those that require nothing.
    pub(crate) fn of(method: &str) -> Option<Self> {
        Some(match method.split_once('/')?.0 {
            "completion" => Self::Completions,
            "logging" => Self::Logging,
            "prompts" => Self::Prompts,
            "resources" => Self::Resources,
            "tools" => Self::Tools,
            _ => return None,
        })
    }
}

/// Refuses calls of anything that a server with a handshake has not offered: only what was negotiated may be used.
///
/// A stateless server negotiates nothing; it refuses calls itself.
// spec: META-16 LOG-03 OLD-03
pub(crate) fn require(server: &Server, method: &'static str, offer: Offer) -> Result<(), Error> {
    if server.era == Era::Modern {
        return Ok(());
    }
    let capabilities = &server.capabilities;
    let is_offered = match offer {
        Offer::Completions => capabilities.completions.is_some() || is_older(server),
        Offer::Logging => capabilities.logging.is_some(),
        Offer::Prompts => capabilities.prompts.is_some(),
        Offer::Resources => capabilities.resources.is_some(),
        Offer::Tools => capabilities.tools.is_some(),
    };
    // A capability of an unexpected shape still counts.
    if is_offered || capabilities.extra.get(offer.name()).is_some() {
        return Ok(());
    }
    Err(Error::NotOffered { method: method.into(), capability: offer.name() })
}

/// Refuses calls of an extension that the server has not declared, whatever its era: it may not even know the method.
// spec: VER-14
#[cfg(feature = "skills")]
pub(crate) fn require_extension(
    server: &Server,
    method: &'static str,
    id: &'static str,
) -> Result<(), Error> {
    let declared = server.capabilities.extensions.as_ref();
    if declared.is_some_and(|extensions| extensions.contains_key(id)) {
        return Ok(());
    }
    Err(Error::NotOffered { method: method.into(), capability: id })
}

/// Whether the session's revision predates the capability for completion.
fn is_older(server: &Server) -> bool {
    server.version == ProtocolVersion::V2024_11_05
}
