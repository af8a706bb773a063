//! Information that a server has given about itself.

use crate::{Client, Era, Error, Server};
use mcp_types::{Implementation, InitializeResult, ProtocolVersion, ServerCapabilities};
use std::sync::Arc;

/// What the server has said about itself: available while a session is open.
///
/// All of it is the server's own claim: use it for display and for choosing features, not for trust.
impl Client {
    /// Everything that the server said about itself when the session began.
    ///
    /// # Errors
    ///
    /// There is no open session.
    pub fn server(&self) -> Result<Arc<Server>, Error> {
        Ok(Arc::clone(self.session()?.server()))
    }

    /// The `initialize` result of a server with a handshake. A stateless server has none; see [`server`](Self::server).
    pub fn initialize_result(&self) -> Option<InitializeResult> {
        let server = self.server().ok().filter(|server| server.era == Era::Legacy)?;
        server.result.decode().ok()
    }

    /// The name and version of the server, if it gave them.
    pub fn server_info(&self) -> Option<Implementation> {
        self.server().ok()?.info.clone()
    }

    /// The capabilities of the server.
    pub fn capabilities(&self) -> Option<ServerCapabilities> {
        Some(self.server().ok()?.capabilities.clone())
    }

    /// The server's instructions for a model, if it gave any. Untrusted.
    pub fn instructions(&self) -> Option<String> {
        self.server().ok()?.instructions.clone()
    }

    /// The revision of the protocol that the session speaks.
    pub fn protocol_version(&self) -> Option<ProtocolVersion> {
        Some(self.server().ok()?.version.clone())
    }
}
