//! Strict URLs: equal URLs are equal text.

mod host;

use iri_string::{
    format::ToDedicatedString,
    resolve::FixedBaseResolver,
    types::{IriReferenceStr, IriStr, UriAbsoluteStr, UriString},
};
use std::{error, fmt, str::FromStr};

#[cfg(feature = "http")]
pub(crate) use host::is_loopback;

/// The URL of a server or of a page: a scheme, a host and a path, as in [RFC 3986].
///
/// Parsing is strict, so that all parsers see the same host in the same text: no backslashes, no control characters, no
/// spaces, and a host that is a DNS name or an address in its usual form. Letters outside of ASCII are percent-encoded
/// in the path and the query; in a host they must be in Punycode.
///
/// Scheme and host are converted to lower case, the default port of `http`, `https`, `ws` and `wss` is dropped, an
/// empty path becomes `/`, and dot segments are resolved. So equal URLs are equal text.
///
/// ```
/// use mcp_transport::Url;
///
/// let url: Url = "HTTPS://Example.com:443/a/../mcp?key=1".parse()?;
/// assert_eq!(url.as_str(), "https://example.com/mcp?key=1");
/// assert_eq!(url.join("messages")?.as_str(), "https://example.com/messages");
/// assert_eq!(format!("{url:?}"), r#"Url("https://example.com/mcp")"#);
/// # Ok::<(), mcp_transport::InvalidUrl>(())
/// ```
///
/// [RFC 3986]: https://www.rfc-editor.org/rfc/rfc3986
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Url(UriString);

impl Url {
    /// Parses a URL.
    ///
    /// # Errors
    ///
    /// The text is not a valid URL with a host. The error does not quote it, because it may contain secrets.
    pub fn parse(text: &str) -> Result<Self, InvalidUrl> {
        let iri = IriStr::new(text).map_err(|_| InvalidUrl(fault(text)))?;
        // The host has to be checked before anything is encoded.
        let host = iri.authority_components().map_or("", |authority| authority.host());
        if !host.is_ascii() {
            return Err(InvalidUrl("its host must be in Punycode, like xn--…"));
        }
        let uri: UriString = iri.encode_to_uri().to_dedicated_string();
        // Resolving an absolute URL against any base removes dot segments from its path.
        let dots = FixedBaseResolver::new(uri.to_absolute()).resolve(uri.as_ref());
        Parts::of(&dots.to_dedicated_string())?.assemble()
    }

    /// Resolves a reference against this URL; an absolute one is returned as it is.
    ///
    /// # Errors
    ///
    /// The reference is invalid, or does not resolve to a URL with a host.
    pub fn join(&self, reference: &str) -> Result<Self, InvalidUrl> {
        let reference =
            IriReferenceStr::new(reference).map_err(|_| InvalidUrl(fault(reference)))?;
        let reference = reference.encode_to_uri().to_dedicated_string();
        let base: &UriAbsoluteStr = self.0.to_absolute();
        let joined = FixedBaseResolver::new(base).resolve(&reference).to_dedicated_string();
        Self::parse(joined.as_str())
    }

    /// The whole text, including secrets.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The scheme, in lower case.
    pub fn scheme(&self) -> &str {
        self.0.scheme_str()
    }

    /// Whether the scheme is `http` or `https`.
    pub fn is_web(&self) -> bool {
        matches!(self.scheme(), "http" | "https")
    }

    /// Whether the host is certainly this machine: `localhost` or a loopback address.
    pub fn is_loopback(&self) -> bool {
        host::is_loopback(self.host())
    }

    /// The host, in lower case: a name, an IPv4 address, or an IPv6 address in brackets.
    pub fn host(&self) -> &str {
        self.0.authority_components().map_or("", |authority| authority.host())
    }

    /// The port, if it is not the default of the scheme.
    pub fn port(&self) -> Option<u16> {
        self.0.authority_components()?.port()?.parse().ok()
    }

    /// The port, or the default of `http`, `https`, `ws` and `wss`.
    pub fn port_or_default(&self) -> Option<u16> {
        self.port().or_else(|| default_port(self.scheme()))
    }

    /// The path, which begins with `/`.
    pub fn path(&self) -> &str {
        self.0.path_str()
    }

    /// The query, after `?`.
    pub fn query(&self) -> Option<&str> {
        self.0.query_str()
    }

    /// The user, still percent-encoded; empty if there is none.
    pub fn username(&self) -> &str {
        let info = self.user_info().unwrap_or_default();
        info.split_once(':').map_or(info, |(user, _)| user)
    }

    /// The password, still percent-encoded.
    pub fn password(&self) -> Option<&str> {
        Some(self.user_info()?.split_once(':')?.1)
    }

    fn user_info(&self) -> Option<&str> {
        self.0.authority_components()?.userinfo()
    }

    /// The origin: scheme, host and port.
    pub fn origin(&self) -> String {
        let port = self.port().map(|port| format!(":{port}")).unwrap_or_default();
        format!("{}://{}{port}", self.scheme(), self.host())
    }

    /// Removes user and password.
    #[must_use]
    pub fn without_credentials(self) -> Self {
        self.rebuilt(|parts| parts.user_info = None)
    }

    /// Removes the fragment.
    #[must_use]
    pub fn without_fragment(self) -> Self {
        self.rebuilt(|parts| parts.fragment = None)
    }

    /// Removes the query.
    #[must_use]
    pub fn without_query(self) -> Self {
        self.rebuilt(|parts| parts.query = None)
    }

    fn rebuilt(self, change: impl FnOnce(&mut Parts<'_>)) -> Self {
        let rebuilt = Parts::of(&self.0).and_then(|mut parts| {
            change(&mut parts);
            parts.assemble()
        });
        // It cannot fail, because only optional parts were removed.
        rebuilt.unwrap_or(self)
    }
}

/// The parts that a URL is built from.
struct Parts<'a> {
    scheme: String,
    user_info: Option<&'a str>,
    host: String,
    port: Option<u16>,
    path: &'a str,
    query: Option<&'a str>,
    fragment: Option<&'a str>,
}

impl<'a> Parts<'a> {
    fn of(uri: &'a UriString) -> Result<Self, InvalidUrl> {
        let authority = uri.authority_components().ok_or(InvalidUrl(NO_HOST))?;
        let scheme = uri.scheme_str().to_ascii_lowercase();
        let port = match authority.port().filter(|port| !port.is_empty()) {
            Some(port) => {
                let port = port.parse::<u16>();
                Some(port.map_err(|_| InvalidUrl("its port is not between 0 and 65535"))?)
            }
            None => None,
        };
        Ok(Self {
            user_info: authority.userinfo().filter(|info| !matches!(*info, "" | ":")),
            host: host::normalize(authority.host()).map_err(InvalidUrl)?,
            port: port.filter(|port| default_port(&scheme) != Some(*port)),
            path: uri.path_str(),
            query: uri.query_str(),
            fragment: uri.fragment_str(),
            scheme,
        })
    }

    fn assemble(self) -> Result<Url, InvalidUrl> {
        let mut text = format!("{}://", self.scheme);
        let mut push = |before: &str, part: &str, after: &str| {
            text.extend([before, part, after]);
        };
        if let Some(info) = self.user_info {
            push("", info, "@");
        }
        push("", &self.host, "");
        if let Some(port) = self.port {
            push(":", &port.to_string(), "");
        }
        push("", if self.path.is_empty() { "/" } else { self.path }, "");
        if let Some(query) = self.query {
            push("?", query, "");
        }
        if let Some(fragment) = self.fragment {
            push("#", fragment, "");
        }
        UriString::try_from(text).map(Url).map_err(|_| InvalidUrl(NO_URL))
    }
}

const NO_HOST: &str = "it has no host, as in https://example.com/mcp";
const NO_URL: &str = "it is not written like https://example.com/mcp";

/// Returns why a text is not a URL, as far as that can be told.
fn fault(text: &str) -> &'static str {
    let is_forbidden = |c: char| c.is_control() || c.is_whitespace() || "\"<>\\^`{|}".contains(c);
    if text.contains(is_forbidden) {
        "a character in it has to be percent-encoded"
    } else if text.contains("://") {
        NO_URL
    } else {
        "it has no scheme, as in https://example.com/mcp"
    }
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" | "ws" => Some(80),
        "https" | "wss" => Some(443),
        _ => None,
    }
}

impl FromStr for Url {
    type Err = InvalidUrl;

    fn from_str(text: &str) -> Result<Self, InvalidUrl> {
        Self::parse(text)
    }
}

impl AsRef<str> for Url {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for Url {
    /// Shows the whole URL.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Url {
    /// Shows origin and path: everything else may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Url").field(&format_args!("\"{}{}\"", self.origin(), self.path())).finish()
    }
}

/// A text that is not a valid URL, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidUrl(&'static str);

impl fmt::Display for InvalidUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no usable URL: {}", self.0)
    }
}

impl error::Error for InvalidUrl {}

#[cfg(test)]
mod tests;
