//! The headers that mirror a request of the stateless protocol, and their encoding.
//!
//! See [the
//! clause](https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http#request-metadata).

use super::{endpoint::USER_AGENT, mirrored::Mirrored, pool};
use crate::{Delivery, Error, MirroredParams, error::Kind};
use base64::{Engine, prelude::BASE64_STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue, Uri, header, header::InvalidHeaderValue};
use mcp_types::{ProtocolVersion, rpc::Message};
use std::borrow::Cow;

pub(super) const PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
pub(super) const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");
pub(super) const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
const METHOD: HeaderName = HeaderName::from_static("mcp-method");
pub(super) const NAME: HeaderName = HeaderName::from_static("mcp-name");
const PARAM_PREFIX: &str = "mcp-param-";

const SENTINEL_START: &str = "=?base64?";
const SENTINEL_END: &str = "?=";

/// Headers for the HTTP requests of one message, as an extension of a [`ClientMessage`](crate::ClientMessage).
///
/// They take precedence over those of the endpoint, and count as secrets too. Headers that belong to the protocol or to
/// HTTP itself are ignored.
///
/// ```
/// use http::{HeaderMap, HeaderValue};
/// use mcp_transport::{ClientMessage, http::RequestHeaders};
/// use mcp_types::rpc::Request;
///
/// let mut headers = HeaderMap::new();
/// headers.insert("x-tenant", HeaderValue::from_static("blue"));
/// let message =
///     ClientMessage::new(Request::new(1, "tools/list")).with_extension(RequestHeaders(headers));
/// ```
#[derive(Clone, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "headers and nothing else")]
pub struct RequestHeaders(pub HeaderMap);

/// Adds the headers of one message, which are sent to no other origin.
pub(super) fn add_own(headers: &mut HeaderMap, own: Option<&RequestHeaders>) {
    for (name, value) in own.into_iter().flat_map(|own| &own.0) {
        let is_reserved = RESERVED.contains(name) || name.as_str().starts_with("mcp-");
        if !is_reserved {
            let mut value = value.clone();
            value.set_sensitive(true);
            headers.insert(name, value);
        }
    }
}

const RESERVED: [HeaderName; 10] = [
    header::ACCEPT,
    header::ACCEPT_ENCODING,
    header::CONNECTION,
    header::CONTENT_ENCODING,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::HOST,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    LAST_EVENT_ID,
];

/// Builds the headers of all requests to `uri`: those of the endpoint, and those of the protocol.
///
/// `Host` comes first, as RFC 9110 recommends, unless a layer may change where requests go.
pub(super) fn of_all(mut own: HeaderMap, uri: &Uri, is_bare: bool) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let host = own.remove(header::HOST).or_else(|| pool::host(uri).filter(|_| is_bare));
    if let Some(host) = host {
        headers.insert(header::HOST, host);
    }
    headers.extend(own);
    let accept = HeaderValue::from_static("application/json, text/event-stream");
    headers.insert(header::ACCEPT, accept);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.entry(header::USER_AGENT).or_insert(HeaderValue::from_static(USER_AGENT));
    headers.clone()
}

/// A static, so that requests need no reference count for its text.
static LATEST: ProtocolVersion = ProtocolVersion::LATEST;

/// The method of most requests.
const MOST: &str = "tools/call";

/// Builds the headers that most modern requests share: a slot for each of them, filled with the values that rarely
/// differ.
///
/// The headers that differ with each request come early, so that they are found quickly: `Mcp-Name`, and the length if
/// `is_bare`. A layer may replace the body; then hyper sets the length.
pub(super) fn template(shared: &HeaderMap, is_bare: bool) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(shared.len() + 4);
    if let Some(host) = shared.get(header::HOST) {
        headers.insert(header::HOST, host.clone());
    }
    headers.insert(NAME, HeaderValue::from_static(""));
    if is_bare {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    for (name, value) in shared.iter().filter(|(name, _)| *name != header::HOST) {
        headers.append(name, value.clone());
    }
    headers.insert(PROTOCOL_VERSION, HeaderValue::from_static(LATEST.as_str()));
    headers.insert(METHOD, HeaderValue::from_static(MOST));
    // It lives as long as the connection, and a clone allocates no more than it needs.
    headers.clone()
}

/// Builds the headers of a tool call with this name from [`template`], which has nearly all of them.
pub(super) fn of_tool_call(template: &HeaderMap, name: HeaderValue) -> HeaderMap {
    let mut headers = template.clone();
    match place(&mut headers, &NAME) {
        Some(value) => *value = name,
        None => drop(headers.insert(NAME, name)),
    }
    headers
}

/// Sets the length of the body if [`template`] has a slot for it. Otherwise hyper does.
pub(super) fn fill_in_length(headers: &mut HeaderMap, length: usize) {
    if let Some(value) = place(headers, &header::CONTENT_LENGTH) {
        // Parsed from text it takes one allocation; converted from a number it takes three.
        let digits = itoa::Buffer::new().format(length).parse();
        *value = digits.unwrap_or_else(|_| HeaderValue::from(length));
    }
}

/// Returns the value of a header that is among the first: a scan of those is cheaper than a lookup.
fn place<'a>(headers: &'a mut HeaderMap, name: &HeaderName) -> Option<&'a mut HeaderValue> {
    headers.iter_mut().find(|(of, _)| *of == name).map(|(_, value)| value)
}

/// Sets the headers of a modern message in those of [`template`].
///
/// # Errors
///
/// A method, a version or the name of a mirrored parameter cannot be written as a header, or the headers are larger
/// than `limit`.
pub(super) fn mirror(
    headers: &mut HeaderMap,
    message: &Message,
    mirrored: &Mirrored<'_>,
    version: &ProtocolVersion,
    params: Option<&MirroredParams>,
    limit: usize,
) -> Result<(), Error> {
    if *version != ProtocolVersion::LATEST {
        headers.insert(PROTOCOL_VERSION, plain("protocol version", version.as_str())?);
    }
    let (method, subject) = match message {
        Message::Request(request) => (&request.method, mirrored.subject(request)),
        Message::Notification(notification) => (&notification.method, None),
        Message::Response(_) => {
            headers.remove(METHOD);
            headers.remove(NAME);
            return Ok(());
        }
    };
    if subject.is_none() {
        headers.remove(NAME);
    }
    let mut size = 0;
    let mut insert = |name: HeaderName, value: HeaderValue| {
        size += name.as_str().len() + value.len();
        headers.insert(name, value);
        if size > limit { Err(too_large(limit)) } else { Ok(()) }
    };
    if method != MOST {
        insert(METHOD, plain("method", method)?)?;
    }
    if let Some(subject) = subject {
        insert(NAME, encoded(&subject)?)?;
    }
    for (name, value) in params.into_iter().flat_map(|params| &params.0) {
        insert(param_name(name)?, encoded(value)?)?;
    }
    Ok(())
}

/// Returns the value of `Mcp-Name`, if it is the only header of the message that differs from those of [`template`].
///
/// # Errors
///
/// The header is larger than `limit`.
pub(super) fn only_name(
    message: &Message,
    mirrored: &Mirrored<'_>,
    limit: usize,
) -> Option<Result<HeaderValue, Error>> {
    let Message::Request(request) = message else { return None };
    let subject = Some(request).filter(|request| request.method == MOST)?;
    // Copied: for so few bytes it is cheaper than sharing the memory of the parameters.
    let name = encoded(&mirrored.subject(subject)?);
    let is_small = |name: &HeaderValue| NAME.as_str().len() + name.len() <= limit;
    Some(name.and_then(|name| if is_small(&name) { Ok(name) } else { Err(too_large(limit)) }))
}

fn param_name(name: &str) -> Result<HeaderName, Error> {
    // Without a name the header would be just the prefix.
    let valid = Some(name).filter(|name| !name.is_empty());
    let parsed = valid.and_then(|name| format!("{PARAM_PREFIX}{name}").parse().ok());
    parsed.ok_or_else(|| {
        unsendable(format!(
            "mirrored parameter {name:?} cannot name a header: use a token of RFC 9110"
        ))
    })
}

/// Converts a value that must not be encoded.
pub(super) fn plain(what: &str, text: &str) -> Result<HeaderValue, Error> {
    let visible = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    let value = Some(text).filter(|_| visible).and_then(|text| HeaderValue::from_str(text).ok());
    value
        .ok_or_else(|| unsendable(format!("{what} {text:?} cannot be a header: use visible ASCII")))
}

fn encoded(text: &str) -> Result<HeaderValue, Error> {
    HeaderValue::from_str(&encode(text)).map_err(unsendable_value)
}

/// Encodes a value for a header: unchanged if that is safe and unambiguous, otherwise as Base64.
fn encode(text: &str) -> Cow<'_, str> {
    let printable = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    let padded = text.starts_with(' ') || text.ends_with(' ');
    let ambiguous = text.starts_with(SENTINEL_START) && text.ends_with(SENTINEL_END);
    if printable && !padded && !ambiguous {
        Cow::Borrowed(text)
    } else {
        let value = BASE64_STANDARD.encode(text);
        Cow::Owned(format!("{SENTINEL_START}{value}{SENTINEL_END}"))
    }
}

#[cold]
fn unsendable_value(source: InvalidHeaderValue) -> Error {
    unsendable("header value cannot be sent").with_source(source)
}

fn unsendable(message: impl Into<Cow<'static, str>>) -> Error {
    Error::new(Kind::Other, Delivery::NotSent, message)
}

fn too_large(limit: usize) -> Error {
    let message =
        format!("headers that mirror the request are larger than the limit of {limit} bytes");
    Error::new(Kind::TooLarge, Delivery::NotSent, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::mirrored::Familiar;
    use mcp_types::{RawJson, rpc::Request};
    use proptest::prelude::*;

    /// Decodes a header value as a server does.
    fn decode(value: &str) -> String {
        let inner = value.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?="));
        inner.map_or_else(
            || value.to_owned(),
            |inner| String::from_utf8(BASE64_STANDARD.decode(inner).unwrap()).unwrap(),
        )
    }

    fn headers_of(
        message: impl Into<Message>,
        params: &[(&str, &str)],
    ) -> Result<HeaderMap, Error> {
        let message = message.into();
        let params = params.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let params = MirroredParams(params.collect());
        let mut headers = template(&HeaderMap::new(), false);
        let mirrored = Mirrored::of(&message, &Familiar::default());
        mirror(&mut headers, &message, &mirrored, &ProtocolVersion::LATEST, Some(&params), 1000)?;
        Ok(headers)
    }

    fn request(method: &'static str, params: &str) -> Request {
        Request::new(1, method).with_params(RawJson::parse(params.to_owned()).unwrap())
    }

    // spec: HDR-04 HDR-17 HDR-18 HDR-19
    #[test]
    fn values_take_the_form_that_the_specification_shows() {
        for (text, header) in [
            ("us-west1", "us-west1"),
            ("Hello, \u{4e16}\u{754c}", "=?base64?SGVsbG8sIOS4lueVjA==?="),
            (" padded ", "=?base64?IHBhZGRlZCA=?="),
            ("line1\nline2", "=?base64?bGluZTEKbGluZTI=?="),
            ("=?base64?literal?=", "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?="),
            ("a\tb", "=?base64?YQli?="),
            ("=?BASE64?x?=", "=?BASE64?x?="),
            ("", ""),
        ] {
            assert_eq!(encode(text), header, "{text:?}");
        }
    }

    #[test]
    fn a_request_says_its_length_unless_a_layer_may_change_it() {
        let name = HeaderValue::from_static("n");
        for (is_bare, length) in [(true, Some("42")), (false, None)] {
            let mut headers = of_tool_call(&template(&HeaderMap::new(), is_bare), name.clone());
            fill_in_length(&mut headers, 42);
            let said = headers.get(header::CONTENT_LENGTH).map(|value| value.to_str().unwrap());
            assert_eq!((said, &headers[NAME]), (length, &name));
        }
    }

    // spec: HDR-01 HDR-02 HDR-03 TASKX-12
    #[test]
    fn the_name_comes_from_the_member_that_the_method_names() {
        let params = r#"{"name":"n","uri":"file:///u","taskId":"t"}"#;
        for (method, name) in [
            ("tools/call", Some("n")),
            ("prompts/get", Some("n")),
            ("resources/read", Some("file:///u")),
            ("tasks/get", Some("t")),
            ("tasks/update", Some("t")),
            ("tasks/cancel", Some("t")),
            ("tools/list", None),
        ] {
            let headers = headers_of(request(method, params), &[]).unwrap();
            assert_eq!(headers["mcp-method"], method);
            let value = headers.get("mcp-name").map(|value| value.to_str().unwrap());
            assert_eq!(value, name, "{method}");
        }
    }

    #[test]
    fn parameters_that_cannot_be_read_are_left_to_the_server() {
        for params in [r#"{"name":5}"#, "[]", "{}"] {
            let headers = headers_of(request("tools/call", params), &[]).unwrap();
            assert!(!headers.contains_key("mcp-name"), "{params}");
        }
        // A server that reads the other one finds that the header does not match, and refuses.
        let twice = headers_of(request("tools/call", r#"{"name":"a","name":"b"}"#), &[]).unwrap();
        assert_eq!(twice["mcp-name"], "a");
    }

    // spec: HDR-07 HDR-24 HDR-25
    #[test]
    fn a_mirrored_parameter_has_its_own_header_or_is_refused() {
        let call = || request("tools/call", r#"{"name":"n"}"#);
        let headers = headers_of(call(), &[("Method", "m"), ("Region", "")]).unwrap();
        assert_eq!(
            (&headers["mcp-method"], &headers["mcp-param-method"]),
            (&"tools/call".parse().unwrap(), &"m".parse().unwrap())
        );
        assert_eq!(headers["mcp-param-region"], "");
        for name in ["", "a b", "a:b", "a\r\nx", "\u{e9}"] {
            assert_eq!(
                headers_of(call(), &[(name, "v")]).unwrap_err().delivery(),
                Delivery::NotSent
            );
        }
        assert!(headers_of(Request::new(1, "a\nb"), &[]).is_err());
        assert!(headers_of(call(), &[("a", &"v".repeat(1000))]).unwrap_err().is_too_large());
    }

    proptest! {
        // spec: HDR-17 HDR-19 HDR-24
        #[test]
        fn no_value_splits_the_headers_and_every_value_can_be_read_back(text in any::<String>()) {
            let form = encode(&text);
            prop_assert!(form.bytes().all(|byte| matches!(byte, b' '..=b'~')));
            prop_assert!(!form.starts_with(' ') && !form.ends_with(' '));
            prop_assert_eq!(decode(&form), text);
        }

        #[test]
        fn values_that_look_like_the_encoded_form_survive(inner in "[ -~]{0,12}") {
            let text = format!("=?base64?{inner}?=");
            prop_assert_eq!(decode(&encode(&text)), text);
        }
    }
}
