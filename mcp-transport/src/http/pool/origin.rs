//! The origin of a request. Requests to the pool's own origin name their path alone.
//!
//! Those to the origin that a pool is for, which is its home, need not say so: they name their path alone.

use super::{Pool, Shared};
use crate::http::RequestBody;
use http::{
    HeaderValue, Request, Uri, Version, header,
    uri::{self, PathAndQuery, Scheme},
};
use std::{mem, ptr};

impl Pool {
    /// Returns whether a URI leads to the home origin, which requests may omit.
    pub(in crate::http) fn is_home(&self, uri: &Uri) -> bool {
        is_same_origin(&self.0.home.0, uri)
    }

    /// Adds the origin to a URI that omits it.
    pub(in crate::http) fn complete(&self, uri: &mut Uri) {
        self.0.complete(uri);
    }
}

impl Shared {
    /// Returns the origin of a request.
    pub(super) fn origin<'a>(&'a self, uri: &'a Uri) -> &'a Uri {
        if uri.authority().is_some() { uri } else { &self.home.0 }
    }

    /// Adds the origin to a URI that omits it.
    pub(super) fn complete(&self, uri: &mut Uri) {
        if uri.authority().is_none() {
            let home = &self.home.0;
            let mut parts = home.clone().into_parts();
            parts.path_and_query = mem::take(uri).into_parts().path_and_query;
            // It cannot fail: all parts are present, and each of them comes from a URI.
            *uri = Uri::from_parts(parts).unwrap_or_else(|_| home.clone());
        }
    }

    /// Converts a request to the form of HTTP/1.1; returns what its URI lost by that, if anything.
    pub(super) fn prepare(
        &self,
        request: &mut Request<RequestBody>,
        is_proxied: bool,
    ) -> Option<uri::Parts> {
        // Usually it is already there, and then it comes first.
        if request.headers().keys().next() != Some(&header::HOST) {
            let (home, known) = &self.home;
            let uri = self.origin(request.uri());
            let host = if is_same_origin(home, uri) { known.clone() } else { host(uri) };
            if let Some(host) = host {
                request.headers_mut().entry(header::HOST).or_insert(host);
            }
        }
        *request.version_mut() = Version::HTTP_11;
        if is_proxied {
            self.complete(request.uri_mut());
            return None;
        }
        // Usually there is no authority.
        request.uri().authority()?;
        let mut parts = mem::take(request.uri_mut()).into_parts();
        let path = parts.path_and_query.take();
        *request.uri_mut() = path.unwrap_or(PathAndQuery::from_static("/")).into();
        Some(parts)
    }
}

/// Returns whether two URLs have the same origin. Usually they are clones, which share their text.
pub(in crate::http) fn is_same_origin(one: &Uri, other: &Uri) -> bool {
    let (Some(a), Some(b)) = (one.authority(), other.authority()) else { return false };
    one.scheme() == other.scheme() && (ptr::eq(a.as_str(), b.as_str()) || a == b)
}

/// Returns the `Host` of requests to `uri`.
pub(in crate::http) fn host(uri: &Uri) -> Option<HeaderValue> {
    let default = if uri.scheme() == Some(&Scheme::HTTPS) { 443 } else { 80 };
    let host = uri.host()?;
    match uri.port_u16().filter(|port| *port != default) {
        Some(port) => HeaderValue::try_from(format!("{host}:{port}")).ok(),
        None => HeaderValue::from_str(host).ok(),
    }
}
