//! Redirect policy: whether a redirect is followed, and with which headers.

use super::{RequestBody, headers::SESSION_ID};
use crate::Url;
use http::{Extensions, HeaderMap, Method, Request, Response, StatusCode, Uri, header};

/// How many redirects one request follows.
pub(super) const MAX_REDIRECTS: usize = 5;

/// Which redirects a client follows: at most five per request, and never from `https` to `http`.
///
/// A POST follows only 307 and 308, because other redirects would turn it into a GET. A redirect that is not followed
/// fails the call with an error that names its target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Redirects {
    /// No redirects.
    Never,
    /// Redirects to the same scheme, host and port.
    #[default]
    SameOrigin,
    /// Redirects to other origins too. Those get no headers of the endpoint or the message, no credentials and no
    /// session.
    Anywhere,
}

/// Who follows the redirects of a request.
pub(super) enum Follows {
    /// The client, after this many earlier redirects.
    Client(usize),
    /// The sender, for the first redirect: it can rebuild the request, so no copy is kept.
    Sender,
}

/// A copy of a request in flight, to be sent again to the target of a redirect.
pub(super) struct Spare {
    body: RequestBody,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    extensions: Extensions,
}

impl Spare {
    /// Copies what is needed of a request.
    pub(super) fn of(request: &Request<RequestBody>) -> Self {
        Self {
            body: request.body().clone(),
            method: request.method().clone(),
            uri: request.uri().clone(),
            headers: request.headers().clone(),
            extensions: request.extensions().clone(),
        }
    }

    /// Rebuilds a POST that was sent.
    pub(super) fn post(uri: Uri, headers: HeaderMap, body: RequestBody) -> Self {
        Self { body, method: Method::POST, uri, headers, extensions: Extensions::new() }
    }

    /// Returns where the request was sent.
    pub(super) fn uri(&self) -> &Uri {
        &self.uri
    }

    pub(super) fn method(&self) -> &Method {
        &self.method
    }

    /// Builds the request to another place. Headers dropped for another origin stay dropped, wherever later redirects
    /// lead.
    pub(super) fn follow(&mut self, to: Uri) -> Request<RequestBody> {
        protect(&mut self.headers, &self.uri, &to);
        self.uri = to;
        let mut request = Request::new(self.body.clone());
        request.method_mut().clone_from(&self.method);
        request.uri_mut().clone_from(&self.uri);
        request.headers_mut().clone_from(&self.headers);
        request.extensions_mut().clone_from(&self.extensions);
        request
    }
}

/// Returns the target of a redirect; none if it is not followed.
pub(super) fn target<B>(
    policy: Redirects,
    method: &Method,
    from: &Uri,
    response: &Response<B>,
) -> Option<Uri> {
    let keeps_method = match response.status() {
        StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => true,
        StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND | StatusCode::SEE_OTHER => {
            method == Method::GET
        }
        _ => false,
    };
    if !keeps_method || policy == Redirects::Never {
        return None;
    }
    let from = Url::parse(&from.to_string()).ok()?;
    let location = response.headers().get(header::LOCATION)?.to_str().ok()?;
    let to = from.join(location).ok()?;
    let leaves = to.origin() != from.origin();
    let is_downgrade = from.scheme() == "https" && to.scheme() != "https";
    if !to.is_web() || is_downgrade || (leaves && policy != Redirects::Anywhere) {
        return None;
    }
    // Only the client sets user names.
    to.without_credentials().without_fragment().as_str().parse().ok()
}

/// Removes what another origin must not see, if `to` is one.
fn protect(headers: &mut HeaderMap, from: &Uri, to: &Uri) {
    let origin = |uri: &Uri| Url::parse(&uri.to_string()).ok().map(|url| url.origin());
    if origin(from) == origin(to) {
        return;
    }
    let secret: Vec<_> = headers
        .iter()
        .filter(|(name, value)| {
            value.is_sensitive()
                || [
                    header::AUTHORIZATION,
                    header::COOKIE,
                    header::HOST,
                    header::PROXY_AUTHORIZATION,
                    SESSION_ID,
                ]
                .contains(name)
        })
        .map(|(name, _)| name.clone())
        .collect();
    for name in secret {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    const FROM: &str = "https://example.com/mcp?key=1";

    fn follow(policy: Redirects, method: &Method, status: u16, to: &'static str) -> Option<String> {
        let response = Response::builder().status(status).header("location", to).body(()).unwrap();
        let to = target(policy, method, &Uri::from_static(FROM), &response);
        to.map(|to| to.to_string())
    }

    #[test]
    fn f34_a_post_stays_a_post_at_the_same_origin() {
        let post = |status, to| follow(Redirects::SameOrigin, &Method::POST, status, to);
        for status in [307, 308] {
            assert_eq!(post(status, "/v2/mcp#x").unwrap(), "https://example.com/v2/mcp");
            assert_eq!(post(status, "https://example.com:443/a").unwrap(), "https://example.com/a");
            assert_eq!(
                post(status, "https://me:pw@example.com/a").unwrap(),
                "https://example.com/a"
            );
        }
        for status in [300, 301, 302, 303, 304, 305, 200, 404] {
            assert_eq!(post(status, "/v2/mcp"), None, "{status}");
        }
        for to in [
            "https://other.example/",
            "https://example.com:444/",
            "http://example.com/",
            "//x",
            "file:///x",
        ] {
            assert_eq!(post(307, to), None, "{to}");
        }
        assert_eq!(follow(Redirects::Never, &Method::POST, 307, "/v2"), None);
        assert!(follow(Redirects::SameOrigin, &Method::GET, 302, "/v2").is_some());
    }

    #[test]
    fn f34_anywhere_is_not_everywhere() {
        let post = |to| follow(Redirects::Anywhere, &Method::POST, 307, to);
        assert!(post("https://other.example/mcp").is_some());
        for to in
            ["http://other.example/mcp", "file:///etc/passwd", "javascript:alert(1)", "ftp://x"]
        {
            assert_eq!(post(to), None, "{to}");
        }
    }

    #[test]
    fn another_origin_sees_no_secret() {
        let mut secret = HeaderValue::from_static("x");
        secret.set_sensitive(true);
        let mut headers = HeaderMap::new();
        for name in ["authorization", "cookie", "mcp-session-id", "accept"] {
            headers.insert(name, HeaderValue::from_static("x"));
        }
        headers.insert("x-api-key", secret);
        let from = Uri::from_static(FROM);
        protect(&mut headers, &from, &Uri::from_static("https://example.com/other"));
        assert_eq!(headers.len(), 5);
        protect(&mut headers, &from, &Uri::from_static("https://example.org/mcp"));
        assert_eq!(headers.keys().collect::<Vec<_>>(), ["accept"]);
    }
}
