//! Where metadata is looked for, and which URLs may be used at all: rules without IO.
//!
//! See [the clause](https://modelcontextprotocol.io/specification/2026-07-28/basic/authorization/authorization-server-discovery).

use super::{Error, ErrorKind};
use crate::Url;

const RESOURCE: &str = "/.well-known/oauth-protected-resource";
const OAUTH: &str = "/.well-known/oauth-authorization-server";
const OPENID: &str = "/.well-known/openid-configuration";

/// Returns where the metadata of a server may be, in the order of the search: where its challenge says, under its own
/// path, at its root.
///
/// URLs at other origins are left out, unless `foreign` ones are allowed: otherwise the server would choose whom this
/// machine talks to.
// spec: AUTH-05
pub(super) fn of_resource(server: &Url, named: Option<&str>, foreign: bool) -> Vec<Url> {
    let named = named.and_then(|named| Url::parse(named).ok());
    let named = named.filter(|url| foreign || url.origin() == server.origin());
    let path = Some(server.path()).filter(|path| *path != "/");
    let of_path = path.and_then(|path| at(server, &format!("{RESOURCE}{path}")));
    let mut places: Vec<Url> = Vec::new();
    for place in named.into_iter().chain(of_path).chain(at(server, RESOURCE)) {
        if !places.contains(&place) {
            places.push(place);
        }
    }
    places
}

/// Returns where the metadata of an authorization server may be, in the order of the search.
// spec: AUTH-06 AUTH-07
pub(super) fn of_issuer(issuer: &Url) -> Vec<Url> {
    let paths = match issuer.path().trim_end_matches('/') {
        "" => vec![OAUTH.to_owned(), OPENID.to_owned()],
        path => {
            vec![format!("{OAUTH}{path}"), format!("{OPENID}{path}"), format!("{path}{OPENID}")]
        }
    };
    paths.iter().filter_map(|path| at(issuer, path)).collect()
}

/// Builds a URL with another path at the same origin. Concatenated as text, because a path that begins with two slashes
/// is not a valid reference.
fn at(url: &Url, path: &str) -> Option<Url> {
    Url::parse(&format!("{}{path}", url.origin())).ok()
}

/// Returns the identifier of a server that does not give one: its URL, without an insignificant trailing slash.
// spec: RSRC-02 RSRC-03
pub(super) fn canonical(server: &Url) -> String {
    let path = Some(server.path()).filter(|path| *path != "/");
    format!("{}{}", server.origin(), path.unwrap_or_default())
}

/// Checks that metadata for `resource` is that of the server: the same origin, and a path that equals its own or is
/// above it.
///
/// # Errors
///
/// It belongs to another server.
// spec: AUTH-11
pub(super) fn check_resource(resource: &str, server: &Url) -> Result<(), Error> {
    let url = Url::parse(resource).ok();
    let is_above = url.is_some_and(|url| {
        let path = url.path().trim_end_matches('/');
        let below = server.path().strip_prefix(path);
        url.origin() == server.origin()
            && !resource.contains('#')
            && below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    });
    if is_above {
        return Ok(());
    }
    let server = canonical(server);
    let message = format!(
        "metadata of {server} is for {resource:?}: tokens for another server are not asked for"
    );
    Err(Error::new(ErrorKind::Metadata, message))
}

/// Checks that a login with `server` may use a URL: `https`, or `http` on this machine if the server is there too.
///
/// # Errors
///
/// The URL is not safe; nothing was sent there.
// spec: FLOW-12 SBP-02 SBP-07 SBP-08
pub(super) fn check_endpoint(url: &Url, server: &Url) -> Result<(), Error> {
    let has_user = !url.username().is_empty() || url.password().is_some();
    let is_safe = match url.scheme() {
        "https" => true,
        "http" => url.is_loopback() && server.is_loopback(),
        _ => false,
    };
    if is_safe && !has_user {
        return Ok(());
    }
    let origin = url.origin();
    let message = format!(
        "{origin} is not a safe place to log in: authorization servers are https, \
         or http on this machine for a server on this machine"
    );
    Err(Error::new(ErrorKind::Metadata, message))
}

/// Checks that users may return to a URI: `https`, or `http` on this machine.
///
/// # Errors
///
/// It is `http` elsewhere, or not a URI.
// spec: FLOW-05
pub(super) fn check_redirect(uri: &str) -> Result<Url, Error> {
    let invalid = |message: String| Error::new(ErrorKind::Configuration, message);
    let url = Url::parse(uri)
        .map_err(|source| invalid("redirect URI is not a URI".to_owned()).with_source(source))?;
    match url.scheme() {
        "https" => Ok(url),
        "http" if url.is_loopback() => Ok(url),
        _ => Err(invalid(format!(
            "redirect URI cannot be {}: use https, or http on 127.0.0.1, [::1] or localhost",
            canonical(&url)
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    fn texts(urls: &[Url]) -> Vec<String> {
        urls.iter().map(Url::to_string).collect()
    }

    // spec: AUTH-05
    #[test]
    fn metadata_of_a_server_is_looked_for_where_it_says_then_by_path_then_at_the_root() {
        let server = url("https://user:pw@example.com/public/mcp?key=1");
        let root = "https://example.com/.well-known/oauth-protected-resource";
        let by_path = format!("{root}/public/mcp");
        assert_eq!(texts(&of_resource(&server, None, false)), [&*by_path, root]);
        let named = "https://example.com/custom.json?a=b";
        assert_eq!(texts(&of_resource(&server, Some(named), false)), [named, &*by_path, root]);
        assert_eq!(texts(&of_resource(&server, Some(&by_path), false)), [&*by_path, root]);
        assert_eq!(texts(&of_resource(&url("https://example.com"), None, false)), [root]);
        for foreign in ["https://evil.example/x", "http://example.com/x", "https://example.com:1/"]
        {
            assert_eq!(texts(&of_resource(&server, Some(foreign), false)), [&*by_path, root]);
            assert_eq!(of_resource(&server, Some(foreign), true)[0], url(foreign));
        }
    }

    // spec: AUTH-06 AUTH-07
    #[test]
    fn metadata_of_an_issuer_is_never_looked_for_outside_its_path() {
        assert_eq!(
            texts(&of_issuer(&url("https://as.example.com/tenant/1/"))),
            [
                "https://as.example.com/.well-known/oauth-authorization-server/tenant/1",
                "https://as.example.com/.well-known/openid-configuration/tenant/1",
                "https://as.example.com/tenant/1/.well-known/openid-configuration",
            ]
        );
        assert_eq!(
            texts(&of_issuer(&url("https://as.example.com"))),
            [
                "https://as.example.com/.well-known/oauth-authorization-server",
                "https://as.example.com/.well-known/openid-configuration",
            ]
        );
    }

    // spec: AUTH-11 RSRC-02 RSRC-03
    #[test]
    fn a_resource_is_the_server_or_above_it() {
        let server = url("https://example.com/api/mcp");
        for resource in [
            "https://example.com/api/mcp",
            "HTTPS://EXAMPLE.com:443/api/mcp/",
            "https://example.com/api",
            "https://example.com/",
            "https://example.com",
        ] {
            assert!(check_resource(resource, &server).is_ok(), "{resource}");
        }
        for resource in [
            "https://evil.example.com/api/mcp",
            "https://example.com:8443/api/mcp",
            "http://example.com/api/mcp",
            "https://example.com/api/mcp/other",
            "https://example.com/ap",
            "https://example.com#fragment",
            "example.com",
            "",
        ] {
            let error = check_resource(resource, &server).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Metadata, "{resource}");
        }
        assert!(
            check_resource("https://example.com/mcp", &url("https://example.com/mcp/")).is_ok()
        );
        assert_eq!(canonical(&url("HTTPS://Example.com/?a=b#c")), "https://example.com");
        assert_eq!(canonical(&server), "https://example.com/api/mcp");
    }

    // spec: FLOW-12 SBP-02 SBP-07 SBP-08
    #[test]
    fn only_https_is_safe_except_on_this_machine() {
        let (remote, local) = (url("https://example.com/mcp"), url("http://127.0.0.1:3000/mcp"));
        assert!(check_endpoint(&url("https://as.example.com/authorize"), &remote).is_ok());
        for loopback in ["http://localhost:1/a", "http://127.0.0.1/a", "http://[::1]:1/a"] {
            assert!(check_endpoint(&url(loopback), &local).is_ok(), "{loopback}");
            assert!(check_endpoint(&url(loopback), &remote).is_err(), "{loopback}");
        }
        for unsafe_one in [
            "http://as.example.com/authorize",
            "http://127.0.0.1.example.com/",
            "https://user@as.example.com/",
            "javascript://localhost/%0Aalert(1)",
            "ws://localhost/",
        ] {
            assert!(check_endpoint(&url(unsafe_one), &local).is_err(), "{unsafe_one}");
        }
        for no_url in
            ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "vbscript:x"]
        {
            assert!(Url::parse(no_url).is_err(), "{no_url}");
        }
    }

    // spec: FLOW-05
    #[test]
    fn users_come_back_to_https_or_to_this_machine() {
        for uri in ["https://app.example.com/cb", "http://localhost:1/cb", "http://[::1]/cb"] {
            assert!(check_redirect(uri).is_ok(), "{uri}");
        }
        for uri in ["http://app.example.com/cb", "callback", "javascript:alert(1)", "app:/cb"] {
            let error = check_redirect(uri).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Configuration, "{uri}");
        }
    }
}
