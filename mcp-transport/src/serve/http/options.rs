//! Options of a served endpoint: allowed hosts and origins, and limits.

use super::guard::{Hosts, Origins};
use http::uri::Authority;
use mcp_types::ProtocolVersion;
use std::time::Duration;

/// The options of an [`HttpEndpoint`](super::HttpEndpoint): allowed hosts and origins, revisions, and limits.
///
/// By default only requests with a loopback address as their host are answered, and only if they come from no web page
/// or from one at a loopback address. This protects a server on the user's machine against DNS rebinding.
///
/// ```
/// use mcp_transport::serve::HttpOptions;
///
/// let mut options = HttpOptions::default()
///     .allow_host("mcp.example.com".parse()?)
///     .allow_origin("https://app.example.com");
/// options.limits.body = 1024 * 1024;
/// # Ok::<(), http::uri::InvalidUri>(())
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct HttpOptions {
    /// The limits for all clients.
    pub limits: HttpLimits,
    pub(super) hosts: Hosts,
    pub(super) origins: Origins,
    pub(super) versions: Versions,
}

impl HttpOptions {
    /// Allows one more host. Without a port, any port is allowed.
    #[must_use]
    pub fn allow_host(mut self, host: Authority) -> Self {
        self.hosts.allow(host);
        self
    }

    /// Allows any host, for servers behind a proxy that checks it.
    #[must_use]
    pub fn allow_any_host(mut self) -> Self {
        self.hosts = Hosts::Any;
        self
    }

    /// Allows requests from web pages of one more origin, like `https://example.com`.
    #[must_use]
    pub fn allow_origin(mut self, origin: impl Into<String>) -> Self {
        self.origins.allow(origin.into());
        self
    }

    /// Allows requests from web pages of any origin.
    #[must_use]
    pub fn allow_any_origin(mut self) -> Self {
        self.origins = Origins::Any;
        self
    }

    /// Sets the stateless revisions. Default: those that this library speaks. With none, and
    /// [`with_sessions`](super::HttpEndpoint::with_sessions), clients have to use the handshake.
    #[must_use]
    pub fn versions(mut self, versions: impl IntoIterator<Item = ProtocolVersion>) -> Self {
        self.versions = Versions(versions.into_iter().collect());
        self
    }
}

/// The revisions that an endpoint serves.
#[derive(Clone, Debug)]
pub(super) struct Versions(pub(super) Vec<ProtocolVersion>);

impl Default for Versions {
    fn default() -> Self {
        Self(ProtocolVersion::KNOWN.into_iter().filter(ProtocolVersion::is_modern).collect())
    }
}

impl Versions {
    /// Adds the revisions with a handshake. The oldest one has another transport.
    pub(super) fn add_legacy(&mut self) {
        let known = ProtocolVersion::KNOWN.into_iter().rev();
        self.0.extend(known.filter(|it| !it.is_modern() && *it != ProtocolVersion::V2024_11_05));
    }
}

/// The limits of an endpoint, over all clients.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HttpLimits {
    /// The largest body of a request, in bytes. A larger one is refused with 413. Default: 16 MiB.
    pub body: usize,
    /// How long a body may take to arrive. A slower one is refused with 408. Default: 30 s.
    pub body_timeout: Duration,
    /// How many requests may be in flight, and as many notifications and responses. Further ones are refused with 503.
    /// Default: 1024.
    pub requests: usize,
    /// How many legacy sessions there may be. Further handshakes are refused with 503. Default: 256.
    pub sessions: usize,
    /// How long a session lives without a request or a stream. A later request gets a 404. Default: 10 min.
    pub session_idle: Duration,
    /// How long a response stream may be silent before a comment is sent, and how long a call may take before its
    /// response becomes such a stream. Default: 15 s.
    pub keep_alive: Duration,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            body: 16 * 1024 * 1024,
            body_timeout: Duration::from_secs(30),
            requests: 1024,
            sessions: 256,
            session_idle: Duration::from_secs(10 * 60),
            keep_alive: Duration::from_secs(15),
        }
    }
}
