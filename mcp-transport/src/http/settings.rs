//! How the default client of an [`Endpoint`] connects.

use super::{Endpoint, Proxy, Redirects, Tls};
use std::time::Duration;

impl Endpoint {
    /// Limits how long connecting may take: name resolution, TCP, a proxy and TLS. Default: 30 s.
    #[must_use]
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.maker.change(|options| options.connect_timeout = limit);
        self
    }

    /// Sets the TLS configuration. Default: the platform's root certificates.
    #[must_use]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.maker.change(|options| options.tls = tls);
        self
    }

    /// Sets the proxy, or none. Default: as the environment says.
    #[must_use]
    pub fn proxy(mut self, proxy: Proxy) -> Self {
        self.maker.change(|options| options.proxy = proxy);
        self
    }

    /// Sets which redirects are followed. Default: those within the origin.
    #[must_use]
    pub fn redirects(mut self, redirects: Redirects) -> Self {
        self.maker.change(|options| options.redirects = redirects);
        self
    }

    /// Asks for compressed answers: gzip, br, deflate and zstd. Default: off.
    ///
    /// The sizes in [`Limits`](super::Limits) apply after decompression.
    #[cfg(feature = "compression")]
    #[must_use]
    pub fn compressed(mut self) -> Self {
        self.maker.change(|options| options.compressed = true);
        self
    }

    /// Uses HTTP/2 with prior knowledge. Not needed with TLS, which negotiates the version.
    #[must_use]
    pub fn http2_only(mut self) -> Self {
        self.maker.change(|options| options.http2_only = true);
        self
    }

    /// Sets the interval of HTTP/2 pings, and how long to wait for their answer. A connection that does not answer
    /// counts as lost. An interval of zero turns pings off. Default: 30 s and 10 s.
    #[must_use]
    pub fn http2_ping(mut self, interval: Duration, timeout: Duration) -> Self {
        self.maker.change(|options| options.ping = (interval, timeout));
        self
    }

    /// Sets the interval of TCP keep-alive, or turns it off. Default: 60 s.
    #[must_use]
    pub fn tcp_keep_alive(mut self, interval: Option<Duration>) -> Self {
        self.maker.change(|options| options.tcp_keep_alive = interval);
        self
    }

    /// Limits the number of concurrent calls over HTTP/1.1, each of which has its own connection. Further calls wait
    /// their turn, and their time limits run. Endless streams (subscriptions, and the GET stream of a legacy server) do
    /// not count. Over HTTP/2 the server sets the limit. Default: 256.
    #[must_use]
    pub fn connections(mut self, most: usize) -> Self {
        self.maker.change(|options| options.connections = most.max(1));
        self
    }

    /// Sets how many idle connections are kept, and for how long. Default: 16, for 90 s.
    #[must_use]
    pub fn idle_connections(mut self, most: usize, timeout: Duration) -> Self {
        self.maker.change(|options| options.idle_connections = (most, timeout));
        self
    }

    /// Connects through a Unix socket. The host of the URL is then only a name.
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
        self.maker.change(|options| options.socket = Some(path.as_ref().into()));
        self
    }
}
