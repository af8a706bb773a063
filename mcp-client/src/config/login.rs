//! Logging in to, and out of, a server of a config.

use super::{
    RemoteServer, ServerConfig, ServerTransport, Variables, files,
    target::{Refusal, filled, http_endpoint, oauth},
};
use crate::{ClientBuilder, Error, Target, oauth::OAuth};
use mcp_transport::{Url, http::Endpoint};

impl ServerConfig {
    /// Begins a client that logs in to the server as its config has it, but for what is changed; the change is told the
    /// port that users come back to.
    pub(crate) fn client_logging_in(
        &self,
        change: impl FnOnce(OAuth, u16) -> OAuth,
    ) -> ClientBuilder {
        let ServerTransport::Remote(server) = &self.transport else { return self.client() };
        let target = self.login_of(server);
        let target =
            target.map(|(endpoint, oauth, port)| Target::logging_in(endpoint, change(oauth, port)));
        let place = self.transport.place();
        self.begin(target.unwrap_or_else(|Refusal(reason)| Target::invalid(&place, reason)))
    }

    /// Where a client would log in to the server, and as whom, as its config has it.
    pub(crate) fn login(&self) -> Result<(Endpoint, OAuth), Error> {
        let invalid = |reason: String| Error::InvalidTarget { reason: reason.into() };
        let ServerTransport::Remote(server) = &self.transport else {
            return Err(invalid("nobody logs in to a command".to_owned()));
        };
        let login = self.login_of(server).map_err(|Refusal(reason)| invalid(reason));
        login.map(|(endpoint, oauth, _)| (endpoint, oauth))
    }

    /// The same, with the port that users come back to.
    fn login_of(&self, server: &RemoteServer) -> Result<(Endpoint, OAuth, u16), Refusal> {
        let filled = filled(server, &Variables::from_env())?;
        let settings = filled.oauth.unwrap_or_default();
        let endpoint =
            http_endpoint(server.protocol, filled.url, filled.headers, filled.idle_timeout)?;
        let tls = files::tls(&filled.tls, self.folder.as_deref()).map_err(Refusal)?;
        let port = settings.callback_port.unwrap_or_default();
        Ok((endpoint.tls(tls), oauth("mcp", settings), port))
    }

    /// The file that its config keeps tokens in, if it names one; its variables are filled in.
    pub(crate) fn token_file(&self) -> Option<String> {
        let ServerTransport::Remote(server) = &self.transport else { return None };
        filled(server, &Variables::from_env()).ok()?.oauth?.token_file
    }

    /// The URL of a server behind one, with its variables filled in.
    pub(crate) fn filled_url(&self) -> Option<Url> {
        let ServerTransport::Remote(server) = &self.transport else { return None };
        Some(filled(server, &Variables::from_env()).ok()?.url)
    }
}
