//! Options of a served endpoint: allowed hosts and origins, and limits.

use super::guard::{Hosts, Origins};
use http::uri::Authority;
use mcp_types::ProtocolVersion;
use std::time::Duration;

/// Whom an [`HttpEndpoint`](super::HttpEndpoint) answers, in which revisions, and within which limits.
///
/// By default it answers requests that name a loopback address as their host, and that come from no web page, or from one
/// of a loopback address: a server on the user's machine is safe from pages that rebind their name to it.
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
    /// How much of the clients is kept and answered at once.
    pub limits: HttpLimits,
    pub(super) hosts: Hosts,
    pub(super) origins: Origins,
    pub(super) versions: Versions,
}

impl HttpOptions {
    /// The same options, with one more host that requests may name. Without a port, any port is meant.
    #[must_use]
    pub fn allow_host(mut self, host: Authority) -> Self {
        self.hosts.allow(host);
        self
    }

    /// The same options, with any host. For servers behind a proxy that checks it.
    #[must_use]
    pub fn allow_any_host(mut self) -> Self {
        self.hosts = Hosts::Any;
        self
    }

    /// The same options, with one more origin of web pages, like `https://example.com`, that may send requests.
    #[must_use]
    pub fn allow_origin(mut self, origin: impl Into<String>) -> Self {
        self.origins.allow(origin.into());
        self
    }

    /// The same options, with web pages of any origin.
    #[must_use]
    pub fn allow_any_origin(mut self) -> Self {
        self.origins = Origins::Any;
        self
    }

    /// The same options, with other stateless revisions. Default: those that this library speaks. With none of them, and
    /// [`with_sessions`](super::HttpEndpoint::with_sessions), clients are sent to the handshake.
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
    /// Adds those with a handshake. The oldest revision has another transport.
    pub(super) fn add_legacy(&mut self) {
        let known = ProtocolVersion::KNOWN.into_iter().rev();
        self.0.extend(known.filter(|it| !it.is_modern() && *it != ProtocolVersion::V2024_11_05));
    }
}

/// How much of its clients an endpoint keeps and answers at once.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HttpLimits {
    /// The largest body of a request, in bytes, 16 MiB. A larger one is refused with 413.
    pub body: usize,
    /// How long a body may take to arrive, 30 s. A slower one is refused with 408.
    pub body_timeout: Duration,
    /// The requests that are answered at once, 1024, and as many notifications and responses that are handed over. One
    /// beyond it is refused with 503.
    pub requests: usize,
    /// The legacy sessions at once, 256. A handshake beyond it is refused with 503.
    pub sessions: usize,
    /// How long a session lives without a request and without a stream, 10 min. A later request finds none: 404.
    pub session_idle: Duration,
    /// How long a response stream is silent before a comment is sent, and how long a call may take before its response
    /// becomes such a stream, 15 s.
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
