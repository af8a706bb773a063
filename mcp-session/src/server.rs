//! What a server has said about itself.

use mcp_types::{
    ProtocolVersion, RawJson,
    capabilities::{Implementation, ServerCapabilities},
};

/// What a server said about itself when the session began.
///
/// All of it is the server's own claim: use it for display and for choosing features, not for trust.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Server {
    /// Whether the server is stateless or has a handshake.
    pub era: Era,
    /// The revision that the session speaks.
    pub version: ProtocolVersion,
    /// The capabilities of the server.
    pub capabilities: ServerCapabilities,
    /// The name and version of the server, if it gave them.
    pub info: Option<Implementation>,
    /// The server's instructions for a model.
    pub instructions: Option<String>,
    /// The whole result of `server/discover` or `initialize`.
    pub result: RawJson,
    /// Whether all of this comes from an earlier session.
    pub(crate) is_recalled: bool,
}

impl Server {
    /// The `server/discover` result of a stateless server, to save for [`PriorDiscover`](crate::PriorDiscover).
    pub fn discovered(&self) -> Option<&RawJson> {
        (self.era == Era::Modern).then_some(&self.result)
    }
}

/// The two ways in which client and server have talked over the revisions of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Era {
    /// Stateless, since 2026-07-28: every request carries its own context.
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
