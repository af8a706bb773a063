//! WebSocket: one message in each text frame, with the subprotocol `mcp`.
//!
//! The rules are those of [byte streams](crate::duplex), because a connection carries many calls. The server is asked
//! for a sign of life when it has been silent; the end is the closing handshake, for which it has a grace. A message
//! over the limit fails the call that it answers; one of more than twice the limit ends the connection, because the
//! rest of it cannot be skipped.

mod channel;
mod heard;

use crate::{
    Connector, Delivery, Error, Link, Url,
    duplex::{self, Limits, Multiplex},
    error::Kind,
    socket::{self, Options, within},
};
use channel::Channel;
use heard::Heard;
use http::{HeaderMap, HeaderName, HeaderValue, Request, header};
use hyper_rustls::ConfigBuilderExt;
use rustls::{ClientConfig, crypto::ring, pki_types::ServerName};
use std::{fmt, io, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::timeout,
};
use tokio_rustls::TlsConnector;
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{self, client::IntoClientRequest, protocol::WebSocketConfig},
};

/// The name of the subprotocol.
const SUBPROTOCOL: HeaderValue = HeaderValue::from_static("mcp");

/// Connects to a server over WebSocket: `ws:` without TLS, `wss:` over TLS with the platform's root certificates.
///
/// ```no_run
/// use mcp_transport::{Connector, websocket::WebSocket};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let link = WebSocket::new("wss://example.com/mcp".parse()?).connect().await?;
/// # drop(link);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "it does nothing until it is connected"]
pub struct WebSocket {
    url: Url,
    headers: HeaderMap,
    tls: Option<Arc<ClientConfig>>,
    ping_interval: Duration,
    options: Options,
}

/// A connected stream of any kind.
type Stream = Box<dyn Io>;

trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

impl WebSocket {
    /// Connects to this URL.
    pub fn new(url: Url) -> Self {
        let ping_interval = Duration::from_secs(30);
        let (headers, options) = (HeaderMap::new(), Options::default());
        Self { url, headers, tls: None, ping_interval, options }
    }

    /// Adds a header to the opening handshake, for example `Authorization`.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.append(name, value);
        self
    }

    /// Sets the TLS configuration, for other roots or a client certificate.
    pub fn tls(mut self, config: Arc<ClientConfig>) -> Self {
        self.tls = Some(config);
        self
    }

    /// Sets how long the server may be silent before it gets a ping, and as long again before the connection is lost:
    /// 30 s by default. Zero turns pings off.
    pub fn ping_interval(mut self, interval: Duration) -> Self {
        self.ping_interval = interval;
        self
    }

    /// How long connecting may take, with TLS and the opening handshake: 30 s by default.
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.options.connect_timeout = limit;
        self
    }

    /// How long the closing handshake may take: 2 s by default.
    pub fn close_grace(mut self, grace: Duration) -> Self {
        self.options.close_grace = grace;
        self
    }

    /// Sets the limits of what is read and queued.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.options.limits = limits;
        self
    }

    async fn open(&self) -> Result<WebSocketStream<Heard<Stream>>, Error> {
        let request = self.request()?;
        let stream = Heard::new(self.stream().await?);
        let most = self.options.limits.message_bytes.saturating_mul(2);
        let config =
            WebSocketConfig::default().max_message_size(Some(most)).max_frame_size(Some(most));
        match client_async_with_config(request, stream, Some(config)).await {
            Ok((socket, _)) => Ok(socket),
            Err(error) => Err(self.refused(error)),
        }
    }

    fn request(&self) -> Result<Request<()>, Error> {
        if !self.url.username().is_empty() || self.url.password().is_some() {
            return Err(self.failure("credentials in a URL are not sent, use a header"));
        }
        let request = self.url.as_str().into_client_request();
        let mut request = request.map_err(|error| self.refused(error))?;
        let headers = request.headers_mut();
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL);
        for (name, value) in &self.headers {
            headers.append(name, value.clone());
        }
        Ok(request)
    }

    async fn stream(&self) -> Result<Stream, Error> {
        let is_secure = match self.url.scheme() {
            "ws" => false,
            "wss" => true,
            _ => return Err(self.failure("it is neither a `ws:` nor a `wss:` URL")),
        };
        let Some(port) = self.url.port_or_default() else {
            return Err(self.failure("the URL has no port"));
        };
        let host = self.url.host().trim_start_matches('[').trim_end_matches(']');
        let connecting = socket::connect_tcp(host, port);
        let stream = within(self.options.connect_timeout, &self.place(), connecting).await?;
        if !is_secure {
            return Ok(Box::new(stream));
        }
        let name = ServerName::try_from(host.to_owned());
        let name = name.map_err(|error| self.failure("the host has no name").with_source(error))?;
        let secured = TlsConnector::from(self.tls_config()?).connect(name, stream).await;
        match secured {
            Ok(stream) => Ok(Box::new(stream)),
            Err(error) => Err(self.failure("TLS failed").with_source(error)),
        }
    }

    /// The provider is named here, so that the process need not install one.
    fn tls_config(&self) -> Result<Arc<ClientConfig>, Error> {
        if let Some(config) = &self.tls {
            return Ok(Arc::clone(config));
        }
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(ConfigBuilderExt::try_with_platform_verifier);
        let config = config.map_err(|error| {
            self.failure("the platform's root certificates cannot be loaded").with_source(error)
        })?;
        Ok(Arc::new(config.with_no_client_auth()))
    }

    /// Returns where it connects to, without secrets.
    fn place(&self) -> String {
        format!("{}{}", self.url.origin(), self.url.path())
    }

    fn failure(&self, reason: &str) -> Error {
        let text = format!("cannot connect to {}: {reason}", self.place());
        Error::new(Kind::Connect, Delivery::NotSent, text)
    }

    /// Converts an error of the opening handshake.
    fn refused(&self, error: tungstenite::Error) -> Error {
        match error {
            tungstenite::Error::Http(response) => {
                let refused = self.failure("server refuses the WebSocket");
                let challenge = response.headers().get(header::WWW_AUTHENTICATE);
                let challenge = challenge.and_then(|value| value.to_str().ok().map(str::to_owned));
                let refused = refused.with_status(response.status());
                challenge.into_iter().fold(refused, Error::with_challenge)
            }
            error => self.failure("opening handshake failed").with_source(error),
        }
    }
}

impl fmt::Display for WebSocket {
    /// Shows the URL without user, password, query and fragment.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.place())
    }
}

impl Connector for WebSocket {
    type Transport = Multiplex;

    /// Connects, in a tokio runtime with IO and time enabled.
    ///
    /// # Errors
    ///
    /// The server cannot be reached, or refuses the WebSocket or its subprotocol ([`Error::is_connect`]).
    async fn connect(&self) -> Result<Link<Multiplex>, Error> {
        let Options { connect_timeout, close_grace, limits } = self.options;
        let opened = timeout(connect_timeout, self.open()).await;
        let opened = opened.map_err(|error| {
            let late = io::Error::new(io::ErrorKind::TimedOut, error);
            self.failure(&format!("no answer within {connect_timeout:?}")).with_source(late)
        })?;
        let channel = Channel::new(opened?, self.ping_interval);
        let (multiplex, unsolicited, connection) = duplex::multiplex_messages(channel, limits);
        Ok(socket::link(multiplex, unsolicited, connection.0, close_grace))
    }
}

impl fmt::Debug for WebSocket {
    /// Shows the names of headers, not their values, and no query.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocket")
            .field("url", &self.place())
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}
