//! Where a client connects to.

use crate::dial::{Connecting, Dial, Invalid};
use mcp_transport::{Connector, Shared, Transport};
use std::{fmt, sync::Arc};

/// Where a client connects to, and how.
///
/// Made from a URL, the path of a script or program, a command, a socket, a service in this process, or any [`Connector`]. Making
/// one does no IO: what is wrong with it is said when the client connects.
///
/// | text | target |
/// |---|---|
/// | `http://…`, `https://…` with a segment `sse` in its path | HTTP with server-sent events, as 2024-11-05 has it |
/// | any other `http://…`, `https://…` | streamable HTTP |
/// | a path that ends in `.py` | `python3` and the script (`python` on Windows) |
/// | a path that ends in `.js`, `.mjs` or `.cjs` | `node` and the script |
/// | any other path | the program |
///
/// ```
/// use mcp_client::Client;
///
/// let remote = Client::new("https://example.com/mcp");
/// let child = Client::new("servers/weather.py");
/// ```
#[derive(Clone)]
pub struct Target {
    name: Arc<str>,
    dial: Arc<dyn Dial>,
}

impl Target {
    /// A connector of any kind; the name is for messages to people.
    pub fn connector(name: impl Into<String>, connector: impl Connector) -> Self {
        Self { name: name.into().into(), dial: Arc::new(Connecting(Arc::new(connector))) }
    }

    /// A service in this process as the server: a function, a mock, another client's stack.
    pub fn service(transport: impl Transport) -> Self {
        Self::connector("a service in this process", Shared::new(transport))
    }

    /// The target for a person to read; secrets are left out.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn dial(&self) -> Arc<dyn Dial> {
        Arc::clone(&self.dial)
    }

    pub(crate) fn invalid(name: &str, reason: impl Into<String>) -> Self {
        Self { name: name.into(), dial: Arc::new(Invalid(reason.into())) }
    }

    fn parse(text: &str) -> Self {
        match text.split_once("://") {
            Some(("http" | "https", _)) => Self::url(text),
            Some((scheme, _)) => Self::invalid(
                text,
                format!("a target cannot have the scheme {scheme:?}: use http or https"),
            ),
            None if text.is_empty() => Self::invalid(text, "a target cannot be empty"),
            None => Self::path(text),
        }
    }

    #[cfg(feature = "http")]
    fn url(text: &str) -> Self {
        match mcp_transport::http::Endpoint::parse(text) {
            Ok(endpoint) if is_http_sse(text) => endpoint.http_sse().into(),
            Ok(endpoint) => endpoint.into(),
            Err(error) => Self::invalid("an invalid URL", error.to_string()),
        }
    }

    #[cfg(not(feature = "http"))]
    fn url(text: &str) -> Self {
        Self::invalid(text, "streamable HTTP needs the feature `http`")
    }

    #[cfg(feature = "stdio")]
    fn path(text: &str) -> Self {
        use mcp_transport::stdio::Command;

        match std::path::Path::new(text).extension().and_then(|extension| extension.to_str()) {
            Some("py") => Command::python(text).into(),
            Some("js" | "mjs" | "cjs") => Command::node(text).into(),
            _ => Command::new(text).into(),
        }
    }

    #[cfg(not(feature = "stdio"))]
    fn path(text: &str) -> Self {
        Self::invalid(text, "child processes need the feature `stdio`")
    }
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

impl From<url::Url> for Target {
    fn from(url: url::Url) -> Self {
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

/// A target of each type that starts a child process in its own way.
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

/// Whether the path of a URL names an endpoint of the older HTTP binding, by the habit of naming it so.
#[cfg(feature = "http")]
pub(crate) fn is_http_sse(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| url.path().split('/').any(|segment| segment == "sse"))
}

#[cfg(all(test, feature = "http"))]
mod tests {
    use super::is_http_sse;

    #[test]
    fn the_path_alone_tells_the_older_binding() {
        for path in [
            "/api/sse/stream",
            "/mcp/sse/endpoint",
            "/api/sse",
            "/api/sse/",
            "/mcp/sse/",
            "/api/sse?param=value",
            "/mcp/sse/?param=value",
            "/mcp/sse?x=1&y=2",
        ] {
            assert!(is_http_sse(&format!("https://example.com{path}")), "{path}");
        }
        for path in [
            "/api",
            "/mcp/",
            "/asset/image.jpg",
            "/sservice/endpoint",
            "/assets/file",
            "/mcp?x=/sse",
        ] {
            assert!(!is_http_sse(&format!("https://example.com{path}")), "{path}");
        }
    }
}
