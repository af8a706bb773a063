//! Choosing the proxy for a connection.

use crate::{Delivery, Error, Url, error::Kind, url::is_loopback};
use http::Uri;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use std::{borrow::Cow, fmt, sync::Arc};

/// The proxies that connections go through.
///
/// By default those of the environment: `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, in upper or lower
/// case, read when the client is made. They are not used for servers on this machine (`localhost` and loopback
/// addresses).
///
/// A proxy may be an HTTP proxy (`http` or `https`) or SOCKS 5 (`socks5`; `socks5h` lets the proxy resolve names).
///
/// ```
/// use mcp_transport::http::{Endpoint, Proxy};
///
/// let proxy = Proxy::to("http://proxy.example.com:3128")?.except("localhost, .internal");
/// let endpoint = Endpoint::parse("https://example.com/mcp")?.proxy(proxy);
/// # Ok::<(), mcp_transport::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Proxy(Source);

#[derive(Clone, Default)]
enum Source {
    #[default]
    Environment,
    None,
    Fixed {
        url: Url,
        except: String,
    },
}

impl Proxy {
    /// Uses the proxies of the environment: the default.
    pub fn environment() -> Self {
        Self(Source::Environment)
    }

    /// Uses no proxy, whatever the environment says.
    pub fn none() -> Self {
        Self(Source::None)
    }

    /// Uses one proxy for everything. The user and password in its URL are sent only to the proxy.
    ///
    /// # Errors
    ///
    /// The URL cannot be read, or its scheme is none of `http`, `https`, `socks5` and `socks5h`.
    pub fn to(url: &str) -> Result<Self, Error> {
        let url = Url::parse(url).map_err(|error| invalid(format!("proxy has {error}")))?;
        if !is_known(url.scheme()) {
            return Err(invalid("proxy URL is none of `http`, `https`, `socks5` and `socks5h`"));
        }
        Ok(Self(Source::Fixed { url, except: String::new() }))
    }

    /// Excludes hosts: names, domains with a leading dot, addresses and networks, separated by commas. Only for a proxy
    /// set with [`to`](Self::to).
    #[must_use]
    pub fn except(mut self, hosts: &str) -> Self {
        if let Source::Fixed { except, .. } = &mut self.0 {
            hosts.clone_into(except);
        }
        self
    }

    /// Reads the environment, if it decides.
    pub(super) fn rules(&self) -> Rules {
        match &self.0 {
            Source::None => Rules { matcher: None, spare_loopback: false },
            Source::Environment => {
                Rules { matcher: Some(Arc::new(Matcher::from_env())), spare_loopback: true }
            }
            Source::Fixed { url, except } => {
                let matcher =
                    Matcher::builder().all(url.as_str().to_owned()).no(except.clone()).build();
                Rules { matcher: Some(Arc::new(matcher)), spare_loopback: false }
            }
        }
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Source::Environment => f.write_str("Proxy(environment)"),
            Source::None => f.write_str("Proxy(none)"),
            // Without user and password.
            Source::Fixed { url, .. } => {
                write!(f, "Proxy({}://{})", url.scheme(), url.host())
            }
        }
    }
}

/// Decides which proxy a request takes.
#[derive(Clone)]
pub(super) struct Rules {
    matcher: Option<Arc<Matcher>>,
    spare_loopback: bool,
}

impl Rules {
    /// Returns the proxy for requests to `uri`.
    pub(super) fn intercept(&self, uri: &Uri) -> Option<Intercept> {
        let matcher = self.matcher.as_ref()?;
        if self.spare_loopback && uri.host().is_some_and(is_loopback) {
            return None;
        }
        matcher.intercept(uri)
    }
}

pub(super) fn is_known(scheme: &str) -> bool {
    matches!(scheme, "http" | "https" | "socks5" | "socks5h")
}

fn invalid(message: impl Into<Cow<'static, str>>) -> Error {
    Error::new(Kind::Connect, Delivery::NotSent, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    // spec: SBP-05
    #[test]
    fn a_named_proxy_takes_everything_but_the_exceptions() {
        let proxy = Proxy::to("http://me:secret@proxy.example:3128").unwrap();
        assert_eq!(format!("{proxy:?}"), "Proxy(http://proxy.example)");
        let rules = proxy.except("localhost, .internal, 10.0.0.0/8").rules();
        let takes = |uri: &'static str| rules.intercept(&Uri::from_static(uri)).is_some();
        assert!(takes("http://example.com/mcp") && takes("https://example.com/mcp"));
        assert!(takes("http://127.0.0.1/mcp"), "the user named it");
        assert!(!takes("http://localhost/mcp") && !takes("https://a.internal/"));
        assert!(!takes("https://10.1.2.3/"));
        let none = Proxy::none().rules();
        assert!(none.intercept(&Uri::from_static("http://example.com")).is_none());
    }

    #[test]
    fn what_is_no_proxy_is_refused() {
        for url in ["", "proxy", "ftp://proxy", "file:///etc/passwd", "http://"] {
            assert!(Proxy::to(url).unwrap_err().is_connect(), "{url}");
        }
    }

    #[test]
    fn servers_on_this_machine_are_known() {
        for host in
            ["localhost", "a.localhost", "127.0.0.1", "127.9.9.9", "[::1]", "[::ffff:127.0.0.1]"]
        {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["example.com", "10.0.0.1", "[::2]", "localhost.example.com"] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
