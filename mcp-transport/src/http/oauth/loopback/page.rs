//! The page that the browser shows at the end.
//!
//! The texts are fixed: the parameters may have been written by whoever sent the browser here, and are verified only
//! later.

use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Bytes;

/// The answer has arrived; it may still turn out to be invalid.
pub(super) const RECEIVED: &str =
    "The answer has arrived. You can close this page and go on in the application.";

/// The answer is that access was denied.
pub(super) const REFUSED: &str =
    "You are not logged in. The application knows why; you can close this page.";

/// Not an answer that is waited for.
pub(super) const OTHER: &str =
    "This is not the answer to a login that waits here. You can close this page.";

/// Builds a page that loads nothing, runs nothing and sends no referrer.
pub(super) fn of(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    let page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Log in</title><p>{text}</p></html>\n"
    );
    let mut response = Response::new(Full::new(Bytes::from(page)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
