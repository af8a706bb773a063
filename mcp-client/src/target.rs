//! Targets: what a client connects to.

use crate::dial::{Connecting, Dial, Invalid, Place};
#[cfg(any(feature = "config", feature = "oauth"))]
use crate::dial::{Plan, Planned};
use mcp_transport::{Connector, Shared, Transport};
use std::{fmt, sync::Arc};

/// Where a client connects to, and how.
///
/// Made from a URL, the path of a script or program, a command, a socket, a service in this process, or any
/// [`Connector`]; for many servers, from a [`Group`](crate::Group) or a `Config` (feature `config`). Making one does no
/// IO: errors are reported when the client connects.
///
/// | text | target |
/// |---|---|
/// | `http://…`, `https://…` with a segment `sse` in its path | HTTP with server-sent events, the transport of 2024-11-05 |
/// | any other `http://…`, `https://…` | streamable HTTP |
/// | `ws://…`, `wss://…` | WebSocket (feature `ws`) |
/// | the path of a Unix socket that exists when the client connects | the socket |
/// | a path that ends in `.py` | `python3` and the script (`python` on Windows) |
/// | a path that ends in `.js`, `.mjs` or `.cjs` | `node` and the script |
/// | any other path, or a name in `PATH` | the program |
///
/// ```
/// use mcp_client::Client;
///
/// let remote = Client::new("https://example.com/mcp");
/// let child = Client::new("servers/weather.py");
/// ```
///
/// A program with arguments or an environment is a `transport::stdio::Command`, and an endpoint with headers or limits
/// a `transport::http::Endpoint`: [`transport`](crate::transport) has them.
#[derive(Clone)]
pub struct Target {
    name: Arc<str>,
    dial: Arc<dyn Dial>,
}

impl Target {
    /// A connector of your own; the name appears in messages for people.
    pub fn connector(name: impl Into<String>, connector: impl Connector) -> Self {
        Self { name: name.into().into(), dial: Arc::new(Connecting::new(connector)) }
    }

    /// A service in this process as the server, such as a function, a mock, or the stack of another client.
    pub fn service(transport: impl Transport) -> Self {
        Self::connector("a service in this process", Shared::new(transport))
    }

    /// The server at `url`, with an OAuth login when the server asks for it (feature `oauth`).
    ///
    /// Unless `oauth` says otherwise, the user is asked in the browser of this machine.
    ///
    /// `Endpoint::oauth` does the same for an endpoint with further settings, which is a target too.
    #[cfg(feature = "oauth")]
    pub fn oauth(url: impl AsRef<str>, oauth: crate::oauth::OAuth) -> Self {
        let url = url.as_ref();
        match mcp_transport::http::Endpoint::parse(url) {
            Ok(endpoint) if is_http_sse(url) => Self::logging_in(endpoint.http_sse(), oauth),
            Ok(endpoint) => Self::logging_in(endpoint, oauth),
            Err(error) => Self::invalid(&without_secrets(url), error.to_string()),
        }
    }

    /// Creates a target for an endpoint with a login, and declares its extension.
    #[cfg(feature = "oauth")]
    pub(crate) fn logging_in<T: mcp_transport::http::MakeHttpService>(
        endpoint: mcp_transport::http::Endpoint<T>,
        oauth: crate::oauth::OAuth,
    ) -> Self {
        let oauth = oauth.default_receiver(crate::oauth::in_browser());
        let extension = oauth.extension().map(str::to_owned);
        let target = Self::from(endpoint.oauth(oauth));
        match extension {
            Some(id) => target.planned(move |plan| {
                plan.options.extensions.push(Arc::new(crate::oauth::Declared(id.clone())));
            }),
            None => target,
        }
    }

    /// A description of the target for people, without the arguments of a command and without possible secrets in a
    /// URL.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Creates a target that is dialed in its own way.
    pub(crate) fn dialed_by(name: String, dial: impl Dial + 'static) -> Self {
        Self { name: name.into(), dial: Arc::new(dial) }
    }

    pub(crate) fn dial(&self) -> Arc<dyn Dial> {
        Arc::clone(&self.dial)
    }

    /// Changes the plan of each connection.
    #[cfg(any(feature = "config", feature = "oauth"))]
    pub(crate) fn planned(self, change: impl Fn(&mut Plan) + Send + Sync + 'static) -> Self {
        let Self { name, dial } = self;
        Self { name, dial: Arc::new(Planned { inner: dial, change }) }
    }

    pub(crate) fn invalid(name: &str, reason: impl Into<String>) -> Self {
        Self { name: name.into(), dial: Arc::new(Invalid(reason.into())) }
    }

    fn parse(text: &str) -> Self {
        match kind_of(text) {
            Kind::Http { is_sse } => Self::http(text, is_sse),
            Kind::WebSocket => Self::web_socket(text),
            Kind::Path => Self::path(text),
            Kind::Nothing(reason) => Self::invalid(&without_secrets(text), reason),
        }
    }

    #[cfg(feature = "http")]
    fn http(text: &str, is_sse: bool) -> Self {
        match mcp_transport::http::Endpoint::parse(text) {
            Ok(endpoint) if is_sse => endpoint.http_sse().into(),
            Ok(endpoint) => endpoint.into(),
            Err(error) => Self::invalid(&without_secrets(text), error.to_string()),
        }
    }

    #[cfg(not(feature = "http"))]
    fn http(text: &str, _: bool) -> Self {
        Self::invalid(&without_secrets(text), "streamable HTTP needs the feature `http`")
    }

    #[cfg(feature = "ws")]
    fn web_socket(text: &str) -> Self {
        match mcp_transport::Url::parse(text) {
            Ok(url) => mcp_transport::websocket::WebSocket::new(url).into(),
            Err(error) => Self::invalid(&without_secrets(text), format!("it is {error}")),
        }
    }

    #[cfg(not(feature = "ws"))]
    fn web_socket(text: &str) -> Self {
        Self::invalid(&without_secrets(text), "WebSocket needs the feature `ws`")
    }

    fn path(text: &str) -> Self {
        Self { name: text.into(), dial: Arc::new(Place(text.into())) }
    }
}

/// What a text names.
#[derive(Debug, PartialEq, Eq)]
enum Kind {
    Http {
        /// Judged by the usual naming of endpoints of the older binding.
        is_sse: bool,
    },
    WebSocket,
    /// A script, a program or a socket: the file says which.
    Path,
    /// Not a target, and why.
    Nothing(String),
}

fn kind_of(text: &str) -> Kind {
    let Some((scheme, _)) = text.split_once("://") else {
        return match text.trim() {
            "" => Kind::Nothing("a target cannot be empty".to_owned()),
            _ => Kind::Path,
        };
    };
    match &*scheme.to_ascii_lowercase() {
        "http" | "https" => Kind::Http { is_sse: is_http_sse(text) },
        "ws" | "wss" => Kind::WebSocket,
        _ => Kind::Nothing(format!(
            "a target cannot have the scheme {scheme:?}: use http or https, or the path of a script"
        )),
    }
}

/// Strips what may be secret from a URL: user, password, query and fragment.
pub(crate) fn without_secrets(text: &str) -> String {
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), text),
    };
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.rsplit('@').next().unwrap_or_default();
    format!("{scheme}{host}{path}")
}

impl From<&str> for Target {
    fn from(text: &str) -> Self {
        Self::parse(text)
    }
}

impl From<String> for Target {
    fn from(text: String) -> Self {
        Self::parse(&text)
    }
}

impl From<mcp_transport::Url> for Target {
    fn from(url: mcp_transport::Url) -> Self {
        Self::parse(url.as_str())
    }
}

impl From<&std::path::Path> for Target {
    fn from(path: &std::path::Path) -> Self {
        match path.to_str() {
            Some(text) => Self::path(text),
            None => Self::invalid(&path.to_string_lossy(), "a path must be UTF-8"),
        }
    }
}

impl From<std::path::PathBuf> for Target {
    fn from(path: std::path::PathBuf) -> Self {
        path.as_path().into()
    }
}

#[cfg(feature = "stdio")]
impl From<mcp_transport::stdio::Command> for Target {
    fn from(command: mcp_transport::stdio::Command) -> Self {
        Self::connector(command.to_string(), command)
    }
}

#[cfg(feature = "http")]
impl<T> From<mcp_transport::http::Endpoint<T>> for Target
where
    mcp_transport::http::Endpoint<T>: Connector,
{
    fn from(endpoint: mcp_transport::http::Endpoint<T>) -> Self {
        Self::connector(endpoint.to_string(), endpoint)
    }
}

/// Implements the conversion for each type that starts a child process in its own way.
#[cfg(feature = "stdio")]
macro_rules! from_runner {
    ($($runner:ident),+) => {$(
        impl From<mcp_transport::stdio::$runner> for Target {
            fn from(runner: mcp_transport::stdio::$runner) -> Self {
                mcp_transport::stdio::Command::from(runner).into()
            }
        }
    )+};
}

#[cfg(feature = "stdio")]
from_runner!(Npx, Uv, Uvx);

#[cfg(feature = "socket")]
impl From<mcp_transport::socket::Tcp> for Target {
    fn from(tcp: mcp_transport::socket::Tcp) -> Self {
        Self::connector(tcp.to_string(), tcp)
    }
}

#[cfg(all(feature = "socket", unix))]
impl From<mcp_transport::socket::Unix> for Target {
    fn from(unix: mcp_transport::socket::Unix) -> Self {
        Self::connector(unix.to_string(), unix)
    }
}

#[cfg(feature = "ws")]
impl From<mcp_transport::websocket::WebSocket> for Target {
    fn from(socket: mcp_transport::websocket::WebSocket) -> Self {
        Self::connector(socket.to_string(), socket)
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Target").field(&self.name).finish()
    }
}

/// Whether the path of a URL, by the usual naming, suggests an endpoint of the older HTTP binding.
pub(crate) fn is_http_sse(text: &str) -> bool {
    mcp_transport::Url::parse(text)
        .is_ok_and(|url| url.path().split('/').any(|segment| segment == "sse"))
}

#[cfg(test)]
mod tests {
    use super::{Kind, kind_of, without_secrets};

    // seed: 18
    #[test]
    fn a_text_names_what_the_table_says() {
        let (http, sse) = (Kind::Http { is_sse: false }, Kind::Http { is_sse: true });
        for (expected, texts) in [
            (
                &sse,
                &[
                    "https://example.com/api/sse/stream",
                    "https://example.com/mcp/sse/endpoint",
                    "https://example.com/api/sse",
                    "https://example.com/api/sse/",
                    "https://example.com/mcp/sse/",
                    "https://example.com/api/sse?param=value",
                    "https://example.com/mcp/sse/?param=value",
                    "https://example.com/mcp/sse?x=1&y=2",
                ][..],
            ),
            (
                &http,
                &[
                    "http://example.com/api",
                    "https://example.com/mcp/",
                    "https://example.com/asset/image.jpg",
                    "https://example.com/sservice/endpoint",
                    "https://example.com/assets/file",
                    "https://example.com/mcp?x=/sse",
                    "HTTP://example.com",
                    "hTTps://example.com/mcp",
                ],
            ),
            (&Kind::WebSocket, &["ws://example.com", "WSS://example.com/mcp"]),
            (
                &Kind::Path,
                &[
                    "server.py",
                    "./server.js",
                    "/usr/bin/server",
                    "C:\\server.exe",
                    "http.py",
                    "npx",
                ],
            ),
        ] {
            for text in texts {
                assert_eq!(kind_of(text), *expected, "{text}");
            }
        }
        for (text, reason) in [
            ("", "empty"),
            ("  ", "empty"),
            ("httpx://example.com", "httpx"),
            ("ftp://example.com", "ftp"),
            ("://example.com", "scheme"),
        ] {
            let Kind::Nothing(said) = kind_of(text) else { panic!("{text}") };
            assert!(said.contains(reason), "{said}");
        }
    }

    // seed: 22
    #[test]
    fn what_may_be_secret_is_not_shown() {
        for (text, shown) in [
            ("ftp://me:secret@host/path?key=secret#secret", "ftp://host/path"),
            ("ftp://a@b:secret@host", "ftp://host"),
            ("ftp://host?user=a@b/secret", "ftp://host"),
            ("http://", "http://"),
            ("me@host/a@b", "host/a@b"),
        ] {
            assert_eq!(without_secrets(text), shown);
        }
    }
}
