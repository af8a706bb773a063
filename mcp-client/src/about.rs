//! Information that a server has given about itself.

use crate::{Client, Era, Error, Server};
use mcp_types::{Implementation, InitializeResult, ProtocolVersion, ServerCapabilities};
use std::sync::Arc;

/// What the server said of itself: there while the session is, and then only.
///
/// All of it is the server's own word: for display and for choosing features, not for trust.
impl Client {
    /// What the server said of itself when the session began.
    ///
    /// # Errors
    ///
    /// There is no open session.
    pub fn server(&self) -> Result<Arc<Server>, Error> {
        Ok(Arc::clone(self.session()?.server()))
    }

    /// The answer of a server with a handshake to `initialize`. A stateless server has none: [`server`](Self::server).
    pub fn initialize_result(&self) -> Option<InitializeResult> {
        let server = self.server().ok().filter(|server| server.era == Era::Legacy)?;
        server.result.decode().ok()
    }

    /// Name and version of the server, if it gave them.
    pub fn server_info(&self) -> Option<Implementation> {
        self.server().ok()?.info.clone()
    }

    /// What the server offers.
    pub fn capabilities(&self) -> Option<ServerCapabilities> {
        Some(self.server().ok()?.capabilities.clone())
    }

    /// How to use the server, as text for a model, if it said. Untrusted.
    pub fn instructions(&self) -> Option<String> {
        self.server().ok()?.instructions.clone()
    }

    /// The revision of the protocol that the session speaks.
    pub fn protocol_version(&self) -> Option<ProtocolVersion> {
        Some(self.server().ok()?.version.clone())
    }
}
