//! Logging in to, and out of, a server of a config.

use super::{
    RemoteServer, ServerConfig, ServerTransport, Variables, files,
    target::{Refusal, filled, http_endpoint, oauth},
};
use crate::{ClientBuilder, Error, Target, oauth::OAuth};
use mcp_transport::{Url, http::Endpoint};

impl ServerConfig {
    /// Creates a builder for a client that logs in to the server as configured, after `change`; `change` receives the
    /// port of the redirect URI.
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

    /// Returns where, and as whom, a client would log in to the server according to its config.
    pub(crate) fn login(&self) -> Result<(Endpoint, OAuth), Error> {
        let invalid = |reason: String| Error::InvalidTarget { reason: reason.into() };
        let ServerTransport::Remote(server) = &self.transport else {
            return Err(invalid("nobody logs in to a command".to_owned()));
        };
        let login = self.login_of(server).map_err(|Refusal(reason)| invalid(reason));
        login.map(|(endpoint, oauth, _)| (endpoint, oauth))
    }

    /// Also returns the port of the redirect URI.
    fn login_of(&self, server: &RemoteServer) -> Result<(Endpoint, OAuth, u16), Refusal> {
        let filled = filled(server, &Variables::from_env())?;
        let settings = filled.oauth.unwrap_or_default();
        let endpoint =
            http_endpoint(server.protocol, filled.url, filled.headers, filled.idle_timeout)?;
        let tls = files::tls(&filled.tls, self.folder.as_deref()).map_err(Refusal)?;
        let port = settings.callback_port.unwrap_or_default();
        Ok((endpoint.tls(tls), oauth("mcp", settings), port))
    }

    /// Returns the configured token file, if any, with its variables expanded.
    pub(crate) fn token_file(&self) -> Option<String> {
        let ServerTransport::Remote(server) = &self.transport else { return None };
        filled(server, &Variables::from_env()).ok()?.oauth?.token_file
    }

    /// Returns the URL of a remote server, with its variables expanded.
    pub(crate) fn filled_url(&self) -> Option<Url> {
        let ServerTransport::Remote(server) = &self.transport else { return None };
        Some(filled(server, &Variables::from_env()).ok()?.url)
    }
}
