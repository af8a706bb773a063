//! Checks of `Host` and `Origin`, against DNS rebinding.
//!
//! See [the clause](https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http#security-endpoint).

use super::{answer::Refusal, options::HttpOptions};
use crate::url::is_loopback;
use http::{
    HeaderValue, StatusCode, Uri, header,
    request::Parts,
    uri::{Authority, Scheme},
};
use mcp_types::ErrorCode;

/// The hosts that requests may name.
#[derive(Clone, Debug)]
pub(super) enum Hosts {
    Any,
    /// Loopback addresses, and these.
    These(Vec<Authority>),
}

/// The origins of web pages that may send requests.
#[derive(Clone, Debug)]
pub(super) enum Origins {
    Any,
    /// Those of loopback addresses, and these.
    These(Vec<String>),
}

impl Default for Hosts {
    fn default() -> Self {
        Self::These(Vec::new())
    }
}

impl Default for Origins {
    fn default() -> Self {
        Self::These(Vec::new())
    }
}

impl Hosts {
    pub(super) fn allow(&mut self, host: Authority) {
        if let Self::These(hosts) = self {
            hosts.push(host);
        }
    }

    fn permit(&self, host: &Authority) -> bool {
        let Self::These(hosts) = self else { return true };
        let is = |allowed: &Authority| {
            allowed.host().eq_ignore_ascii_case(host.host())
                && (allowed.port().is_none() || allowed.port_u16() == host.port_u16())
        };
        is_loopback(host.host()) || hosts.iter().any(is)
    }
}

impl Origins {
    pub(super) fn allow(&mut self, origin: String) {
        if let Self::These(origins) = self {
            origins.push(origin);
        }
    }

    fn permit(&self, origin: &str) -> bool {
        let Self::These(origins) = self else { return true };
        let is_local = || {
            let Ok(origin) = origin.parse::<Uri>() else { return false };
            let is_web = origin
                .scheme()
                .is_some_and(|scheme| *scheme == Scheme::HTTP || *scheme == Scheme::HTTPS);
            is_web && origin.host().is_some_and(is_loopback)
        };
        origins.iter().any(|allowed| allowed.eq_ignore_ascii_case(origin)) || is_local()
    }
}

/// Refuses a request whose host or origin is not allowed.
pub(super) fn check(head: &Parts, options: &HttpOptions) -> Result<(), Refusal> {
    let named = head.headers.get_all(header::HOST).iter().map(authority);
    let mut hosts: Vec<Option<Authority>> = named.collect();
    hosts.extend(head.uri.authority().cloned().map(Some));
    let permitted =
        |host: &Option<Authority>| host.as_ref().is_some_and(|host| options.hosts.permit(host));
    let any = matches!(options.hosts, Hosts::Any);
    if !any && (hosts.is_empty() || !hosts.iter().all(permitted)) {
        return Err(forbidden("host"));
    }
    let mut origins = head.headers.get_all(header::ORIGIN).iter();
    if !origins.all(|origin| origin.to_str().is_ok_and(|origin| options.origins.permit(origin))) {
        return Err(forbidden("origin"));
    }
    Ok(())
}

fn authority(value: &HeaderValue) -> Option<Authority> {
    Authority::try_from(value.as_bytes()).ok()
}

fn forbidden(what: &str) -> Refusal {
    let text = format!("requests of this {what} are not answered");
    Refusal::new(StatusCode::FORBIDDEN, None, ErrorCode::INVALID_REQUEST, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn status(options: &HttpOptions, headers: &[(&str, &str)]) -> u16 {
        let request = headers
            .iter()
            .fold(Request::post("/mcp"), |request, (name, value)| request.header(*name, *value));
        let (head, ()) = request.body(()).unwrap().into_parts();
        check(&head, options).map_or_else(|refusal| refusal.status().as_u16(), |()| 200)
    }

    #[test]
    fn only_loopback_is_answered_unless_more_is_allowed() {
        let options = HttpOptions::default();
        for host in
            ["localhost", "LOCALHOST:80", "127.0.0.1:8080", "127.9.9.9", "[::1]:1", "me.localhost"]
        {
            assert_eq!(status(&options, &[("host", host)]), 200, "{host}");
        }
        for host in
            ["example.com", "localhost.example.com", "127.0.0.1.nip.io", "0.0.0.0", "", "a b"]
        {
            assert_eq!(status(&options, &[("host", host)]), 403, "{host}");
        }
        assert_eq!(status(&options, &[]), 403);
        assert_eq!(status(&options, &[("host", "localhost"), ("host", "example.com")]), 403);

        let options = options
            .allow_host("example.com".parse().unwrap())
            .allow_host("example.org:8443".parse().unwrap());
        for (host, expected) in [
            ("Example.com:99", 200),
            ("example.org:8443", 200),
            ("example.org", 403),
            ("a.example.com", 403),
            ("localhost", 200),
        ] {
            assert_eq!(status(&options, &[("host", host)]), expected, "{host}");
        }
        assert_eq!(status(&options.allow_any_host(), &[]), 200);
    }

    #[test]
    fn only_pages_of_loopback_are_answered_unless_more_are_allowed() {
        let status = |options: &HttpOptions, origin| {
            status(options, &[("host", "localhost"), ("origin", origin)])
        };
        let options = HttpOptions::default();
        for (origin, expected) in [
            ("http://localhost:3000", 200),
            ("https://127.0.0.1", 200),
            ("http://[::1]:9", 200),
            ("null", 403),
            ("", 403),
            ("localhost", 403),
            ("file://localhost", 403),
            ("https://example.com", 403),
            ("http://localhost.example.com", 403),
        ] {
            assert_eq!(status(&options, origin), expected, "{origin}");
        }
        let options = options.allow_origin("https://example.com");
        assert_eq!(status(&options, "https://example.com"), 200);
        assert_eq!(status(&options, "http://example.com"), 403);
        assert_eq!(status(&options, "https://example.com.evil"), 403);
        assert_eq!(status(&options.allow_any_origin(), "null"), 200);
    }
}
