//! What a server has said about itself.

use mcp_types::{
    ProtocolVersion, RawJson,
    capabilities::{Implementation, ServerCapabilities},
};

/// What a server said of itself when the session began.
///
/// All of it is the server's own word: for display and for choosing features, not for trust.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Server {
    /// Whether there was a handshake.
    pub era: Era,
    /// The revision that the session speaks.
    pub version: ProtocolVersion,
    /// What the server can do.
    pub capabilities: ServerCapabilities,
    /// Name and version of the server, if it gave them.
    pub info: Option<Implementation>,
    /// How to use the server, as text for a model.
    pub instructions: Option<String>,
    /// The whole result of `server/discover` or `initialize`.
    pub result: RawJson,
    /// Whether all this is from an earlier session.
    pub(crate) is_recalled: bool,
}

impl Server {
    /// What to save of a stateless server for [`PriorDiscover`](crate::PriorDiscover): its answer to `server/discover`.
    pub fn discovered(&self) -> Option<&RawJson> {
        (self.era == Era::Modern).then_some(&self.result)
    }
}

/// How client and server talk, of the two ways that the protocol has known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Era {
    /// Stateless, since 2026-07-28: every request says all there is to know.
    Modern,
    /// With an `initialize` handshake, until 2025-11-25.
    Legacy,
}

impl std::fmt::Display for Era {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Modern => "modern",
            Self::Legacy => "legacy",
        })
    }
}
