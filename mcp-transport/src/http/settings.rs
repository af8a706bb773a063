//! How the default client of an [`Endpoint`] connects.

use super::{Endpoint, Proxy, Redirects, Tls};
use std::time::Duration;

impl Endpoint {
    /// The same endpoint with another limit for making a connection: name resolution, TCP, a proxy and TLS. Default: 30 s.
    #[must_use]
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.storey.change(|options| options.connect_timeout = limit);
        self
    }

    /// The same endpoint with other rules for TLS. Default: the platform's root certificates.
    #[must_use]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.storey.change(|options| options.tls = tls);
        self
    }

    /// The same endpoint through another proxy, or none. Default: as the environment says.
    #[must_use]
    pub fn proxy(mut self, proxy: Proxy) -> Self {
        self.storey.change(|options| options.proxy = proxy);
        self
    }

    /// The same endpoint, which follows other redirects. Default: those within the origin.
    #[must_use]
    pub fn redirects(mut self, redirects: Redirects) -> Self {
        self.storey.change(|options| options.redirects = redirects);
        self
    }

    /// The same endpoint, which asks for compressed answers: gzip, br, deflate and zstd. Default: it does not.
    ///
    /// The limits of [`Limits`](super::Limits) hold for what comes out of the decompression.
    #[cfg(feature = "compression")]
    #[must_use]
    pub fn compressed(mut self) -> Self {
        self.storey.change(|options| options.compressed = true);
        self
    }

    /// The same endpoint, to which HTTP/2 is spoken without asking. With TLS that is not needed: both sides agree there.
    #[must_use]
    pub fn http2_only(mut self) -> Self {
        self.storey.change(|options| options.http2_only = true);
        self
    }

    /// The same endpoint with other intervals for pings over HTTP/2: how often, and how long to wait for the answer. A
    /// connection that does not answer is lost. Zero between pings is none. Default: 30 s and 10 s.
    #[must_use]
    pub fn http2_ping(mut self, interval: Duration, timeout: Duration) -> Self {
        self.storey.change(|options| options.ping = (interval, timeout));
        self
    }

    /// The same endpoint with another interval for TCP keep-alive, or none. Default: 60 s.
    #[must_use]
    pub fn tcp_keep_alive(mut self, interval: Option<Duration>) -> Self {
        self.storey.change(|options| options.tcp_keep_alive = interval);
        self
    }

    /// The same endpoint, which has at most so many calls over HTTP/1.1 in flight, each over a connection of its own. Further
    /// calls wait for their turn, and their time limits run. Streams that have no end of their own are not counted: they are
    /// subscriptions, and what a legacy server says unasked. Over HTTP/2 the server sets the limit. Default: 256.
    #[must_use]
    pub fn connections(mut self, most: usize) -> Self {
        self.storey.change(|options| options.connections = most.max(1));
        self
    }

    /// The same endpoint, which keeps as many idle connections, and for so long. Default: 16, for 90 s.
    #[must_use]
    pub fn idle_connections(mut self, most: usize, timeout: Duration) -> Self {
        self.storey.change(|options| options.idle_connections = (most, timeout));
        self
    }

    /// The same endpoint behind a Unix socket. The URL says what is requested, and its host is only a name.
    ///
    /// ```
    /// use mcp_transport::http::Endpoint;
    ///
    /// let endpoint = Endpoint::parse("http://localhost/mcp")?.unix_socket("/run/tools.sock");
    /// # Ok::<(), mcp_transport::Error>(())
    /// ```
    #[cfg(unix)]
    #[must_use]
    pub fn unix_socket(mut self, path: impl AsRef<std::path::Path>) -> Self {
        self.storey.change(|options| options.socket = Some(path.as_ref().into()));
        self
    }
}
