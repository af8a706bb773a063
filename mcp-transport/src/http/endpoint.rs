//! The endpoint: what to connect to, and how.

#[cfg(feature = "oauth")]
use super::oauth::AuthorizeLayer;
use super::{
    Client, Http, HttpService, Limits, driver, headers,
    make_service::{Custom, Layered, MakeHttpService, Pooled},
    state::{State, Target},
};
use crate::{Binding, Connector, Delivery, Driver, Error, Link, Unsolicited, Url, error::Kind};
use base64::{Engine, prelude::BASE64_STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue, Uri, header};
use std::{
    any::{Any, TypeId},
    borrow::Cow,
    fmt,
    str::FromStr,
    sync::Arc,
    time::Duration,
};

pub(super) const USER_AGENT: &str = concat!("mcp-transport/", env!("CARGO_PKG_VERSION"));

/// An MCP server behind a URL: a [`Connector`] over streamable HTTP.
///
/// ```
/// use http::{HeaderValue, header};
/// use mcp_transport::http::Endpoint;
///
/// let endpoint = Endpoint::parse("https://example.com/mcp")?
///     .header(header::AUTHORIZATION, HeaderValue::from_static("Bearer secret"));
/// assert!(!format!("{endpoint:?}").contains("secret"));
/// # Ok::<(), mcp_transport::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Endpoint<T = Pooled> {
    target: Target,
    pub(super) maker: T,
}

impl Endpoint {
    /// Creates an endpoint for the server at `url`, reached with the default client.
    ///
    /// A user and password in the URL become an `Authorization` header.
    ///
    /// # Errors
    ///
    /// The URL is not an `http` or `https` one.
    pub fn new(url: Url) -> Result<Self, Error> {
        Ok(Self { target: target(url)?, maker: Pooled::default() })
    }

    /// Creates an endpoint for the server at the URL in `text`.
    ///
    /// # Errors
    ///
    /// The text is not a URL, or not an `http` or `https` one.
    pub fn parse(text: &str) -> Result<Self, Error> {
        Self::new(Url::parse(text).map_err(|error| invalid(format!("server has {error}")))?)
    }
}

impl<S: HttpService> Endpoint<Custom<S>> {
    /// Creates an endpoint for the server at `url`, reached through an HTTP service of your own.
    ///
    /// # Errors
    ///
    /// The URL is not an `http` or `https` one.
    pub fn with_service(url: Url, service: S) -> Result<Self, Error> {
        Ok(Self { target: target(url)?, maker: Custom(service) })
    }
}

impl<T> Endpoint<T> {
    /// The URI of the requests.
    #[cfg(feature = "oauth")]
    pub(super) fn uri(&self) -> &Uri {
        &self.target.uri
    }

    /// Adds a header to every request. Values count as secrets: `Debug` does not show them.
    ///
    /// Headers of the protocol take precedence. `User-Agent` names this crate unless it is set here.
    #[must_use]
    pub fn header(mut self, name: HeaderName, mut value: HeaderValue) -> Self {
        value.set_sensitive(true);
        self.target.headers.insert(name, value);
        self
    }

    /// Sets the limits.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.target.limits = limits;
        self
    }

    /// Limits the time until the response headers of a POST. Default: none, because a server may do its work before it
    /// answers; the layers above have deadlines.
    #[must_use]
    pub fn response_timeout(mut self, limit: Duration) -> Self {
        self.target.response_timeout = Some(limit);
        self
    }

    /// Limits the silence within an answer: between its headers, its bytes, and its end. Comments of an event stream
    /// count as activity. Default: none, because a subscription may have nothing to say.
    #[must_use]
    pub fn idle_timeout(mut self, limit: Duration) -> Self {
        self.target.idle_timeout = Some(limit);
        self
    }

    /// Limits a whole exchange, from the request to the end of its answer. Does not apply to `subscriptions/listen`.
    /// Default: none; the layers above have deadlines.
    #[must_use]
    pub fn total_timeout(mut self, limit: Duration) -> Self {
        self.target.total_timeout = Some(limit);
        self
    }

    /// Uses the older HTTP+SSE transport of revision 2024-11-05 at this URL.
    ///
    /// Without this it is detected: a server that refuses the POST of `initialize` with 400, 404 or 405 is asked for an
    /// event stream that begins with `endpoint`.
    #[must_use]
    pub fn http_sse(mut self) -> Self {
        self.target.http_sse = true;
        self
    }

    /// Logs in with OAuth when the server asks for it.
    ///
    /// The login is shared by this endpoint and its clones: later connections have its token from the start.
    #[cfg(feature = "oauth")]
    #[must_use]
    pub fn oauth(self, oauth: super::oauth::OAuth) -> Endpoint<Layered<AuthorizeLayer, T>> {
        let layer = AuthorizeLayer::new(oauth, self.target.server.clone());
        let patience = Some(layer.patience().clone());
        let target = Target { patience, login: Some(layer.clone()), ..self.target };
        Endpoint { target, maker: Layered { layer, inner: self.maker } }
    }

    /// Adds a layer around the HTTP service: below MCP, outside of the layers that were added before.
    #[must_use]
    pub fn layer<L>(self, layer: L) -> Endpoint<Layered<L, T>> {
        Endpoint { target: self.target, maker: Layered { layer, inner: self.maker } }
    }
}

impl<T: MakeHttpService> Connector for Endpoint<T> {
    type Transport = Http<T::Service>;

    /// Prepares a connection, without IO: the first message opens it.
    async fn connect(&self) -> Result<Link<Self::Transport>, Error> {
        let service = self.maker.make_service(&self.target.uri)?;
        let mut target = self.target.clone();
        target.is_bare = TypeId::of::<T::Service>() == TypeId::of::<Client>();
        // A client that was made for another server has to be told of this one.
        let client = (&service as &dyn Any).downcast_ref::<Client>();
        let is_home = client.is_some_and(|client| client.is_home(&target.uri));
        if let Some(path) = target.uri.path_and_query().filter(|_| is_home) {
            target.requested = path.clone().into();
        }
        target.headers = headers::of_all(target.headers, &target.uri, target.is_bare);
        target.template = headers::template(&target.headers, target.is_bare);
        let state = State::new(Arc::new(target));
        #[cfg(feature = "oauth")]
        let rest = self.target.login.as_ref().map(AuthorizeLayer::finish);
        #[cfg(not(feature = "oauth"))]
        let rest = None;
        let upkeep = self.maker.upkeep();
        let driver = driver::run(service.clone(), Arc::clone(&state), upkeep, rest);
        let unsolicited = Unsolicited::new(state.inbox.arrivals());
        let of_driver = Arc::clone(&state);
        Ok(Link::new(Http::new(service, state), Binding::Http)
            .with_unsolicited(unsolicited)
            .with_patience(self.target.patience.clone())
            .with_driver(Driver::new(driver).with_shut_down(move || of_driver.release())))
    }
}

impl<T> fmt::Display for Endpoint<T> {
    /// Shows the URL without user, password, query and fragment.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.target.url)
    }
}

impl FromStr for Endpoint {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

impl TryFrom<Url> for Endpoint {
    type Error = Error;

    fn try_from(url: Url) -> Result<Self, Error> {
        Self::new(url)
    }
}

pub(super) fn target(url: Url) -> Result<Target, Error> {
    if !url.is_web() {
        return Err(invalid("server URL is neither `http` nor `https`"));
    }
    let mut headers = HeaderMap::new();
    if let Some(authorization) = basic_authorization(&url) {
        headers.insert(header::AUTHORIZATION, authorization);
    }
    let url = url.without_credentials().without_fragment();
    let uri = Uri::from_str(url.as_str())
        .map_err(|source| invalid("server URL cannot be requested").with_source(source))?;
    let server = url.without_query();
    let url = server.to_string().into();
    Ok(Target {
        #[cfg(feature = "oauth")]
        server,
        requested: uri.clone(),
        uri,
        url,
        headers,
        template: HeaderMap::new(),
        is_bare: false,
        limits: Limits::default(),
        response_timeout: None,
        idle_timeout: None,
        total_timeout: None,
        http_sse: false,
        patience: None,
        #[cfg(feature = "oauth")]
        login: None,
    })
}

fn basic_authorization(url: &Url) -> Option<HeaderValue> {
    let (user, password) = (url.username(), url.password());
    if user.is_empty() && password.is_none() {
        return None;
    }
    let decode = |text| percent_encoding::percent_decode_str(text).collect::<Vec<u8>>();
    let mut pair = decode(user);
    pair.push(b':');
    pair.extend(decode(password.unwrap_or_default()));
    let value = format!("Basic {}", BASE64_STANDARD.encode(pair));
    let mut value = HeaderValue::try_from(value).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn invalid(message: impl Into<Cow<'static, str>>) -> Error {
    Error::new(Kind::Connect, Delivery::NotSent, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::client::Options;
    use futures_util::FutureExt;

    #[test]
    fn secrets_of_a_url_are_neither_in_its_label_nor_in_debug() {
        let endpoint =
            Endpoint::parse("https://me:p%40ss@example.com:8443/mcp?key=hidden#x").unwrap();
        assert_eq!(&*endpoint.target.url, "https://example.com:8443/mcp");
        assert_eq!(endpoint.target.uri, "https://example.com:8443/mcp?key=hidden");
        assert_eq!(endpoint.target.headers[header::AUTHORIZATION], "Basic bWU6cEBzcw==");
        let debug = format!("{endpoint:?}");
        assert!(!debug.contains("p@ss") && !debug.contains("bWU6"), "{debug}");
        assert!(!debug.contains("hidden"), "{debug}");
    }

    #[test]
    fn only_a_client_of_the_server_itself_is_not_told_where_to_go() {
        let client = Client::new(&Options::default(), &Uri::from_static("http://one.example"));
        let client = client.unwrap();
        for (url, requested) in [
            ("http://one.example/mcp?a", "/mcp?a"),
            ("http://two.example/mcp", "http://two.example/mcp"),
            ("http://one.example:81/mcp", "http://one.example:81/mcp"),
        ] {
            let endpoint = Endpoint::with_service(Url::parse(url).unwrap(), client.clone());
            let link = endpoint.unwrap().connect().now_or_never().unwrap().unwrap();
            assert_eq!(link.transport.handle.0.target.requested, requested);
        }
    }

    #[test]
    fn only_http_and_https_are_taken() {
        for url in ["ftp://example.com", "file:///etc/passwd", "example.com/mcp", "", "http://"] {
            let error = Endpoint::parse(url).unwrap_err();
            assert!(error.is_connect() && error.delivery() == Delivery::NotSent, "{url}");
        }
    }
}
