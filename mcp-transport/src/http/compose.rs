//! Composing the HTTP request for a message.

use super::{
    RequestBody,
    headers::{self, RequestHeaders},
    mirrored::Mirrored,
    pool::Endless,
    recipe::Recipe,
    refusal,
    session::Session,
    state::{Cancel, State, Target},
};
use crate::{ClientMessage, Delivery, Error, Extensions, MirroredParams};
use http::{HeaderMap, HeaderValue, Method, Request};
use mcp_types::{
    ProtocolVersion, RawJson, RequestId,
    rpc::{Message, Notification, Request as RpcRequest},
};
use std::{mem, sync::Arc};

/// What must be remembered about a message to understand its answer.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    /// The id, if it was a request.
    pub(super) id: Option<RequestId>,
    pub(super) step: Step,
    /// Whether it belongs to a revision with a handshake.
    pub(super) is_legacy: bool,
    /// The session that it was sent in.
    pub(super) session: Option<Arc<Session>>,
}

/// The place of a message in the life of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Initialize,
    Initialized,
    /// `server/discover`, which asks for the capabilities of a stateless server.
    Discover,
    /// A subscription, which has no end of its own.
    Listen,
    Other,
}

/// A request to send, and what to remember about it.
#[derive(Debug)]
pub(super) struct Composed {
    pub(super) request: Request<RequestBody>,
    /// How to rebuild the request from its message, if there is a quick way.
    pub(super) recipe: Option<Recipe>,
    pub(super) sent: Sent,
    /// How to cancel it; a modern request is cancelled by closing its stream.
    pub(super) cancel: Option<Cancel>,
}

/// Composes the POST of one message.
///
/// # Errors
///
/// The message cannot be sent: it is a response to a modern server, a value cannot be written as a header, or its
/// session has expired.
pub(super) fn compose(state: &State, message: &mut ClientMessage) -> Result<Composed, Error> {
    let target = &state.target;
    let ClientMessage { body, extensions } = message;
    let (headers, recipe, sent, cancel) = match era(state, body, extensions.get()) {
        Era::Modern { version, mirrored } => {
            if matches!(body, Message::Response(_)) {
                let message = "a server of a stateless revision takes no responses";
                return Err(Error::other(message, Delivery::NotSent));
            }
            let (headers, recipe) = modern_headers(target, body, extensions, &version, &mirrored)?;
            // This era has no handshake, whatever the method is called.
            let step = match step(body) {
                step @ (Step::Listen | Step::Discover) => step,
                _ => Step::Other,
            };
            (headers, recipe, Sent { id: id(body), step, is_legacy: false, session: None }, None)
        }
        Era::Legacy(version) => {
            let sent = Sent::legacy(state, body);
            if sent.session.as_ref().is_some_and(|session| session.is_expired()) {
                return Err(refusal::expired(&target.url));
            }
            let version = version.filter(|_| sent.step != Step::Initialize);
            let version =
                version.map(|version| headers::plain("protocol version", version.as_str()));
            let version = version.transpose()?;
            let headers = legacy_headers(target, sent.session.as_deref(), version.as_ref());
            let recipe =
                Recipe::Session { session: sent.session.clone(), version: version.clone() };
            let (headers, recipe) = with_own(headers, Some(recipe), extensions);
            let recipe = recipe.filter(|_| sent.step != Step::Listen);
            let cancel = cancel(body, &sent, version);
            (headers, recipe, sent, cancel)
        }
    };
    let mut request = post(target, body, headers);
    if !target.is_bare {
        *request.extensions_mut() = mem::take(extensions).into();
    }
    if sent.step == Step::Listen {
        request.extensions_mut().insert(Endless);
    }
    Ok(Composed { request, recipe, sent, cancel })
}

/// Builds the headers of a request to a stateless server.
fn modern_headers(
    target: &Target,
    body: &Message,
    extensions: &Extensions,
    version: &ProtocolVersion,
    mirrored: &Mirrored<'_>,
) -> Result<(HeaderMap, Option<Recipe>), Error> {
    let (params, limit) = (extensions.get::<MirroredParams>(), target.limits.mirrored_headers);
    // Most requests are tool calls, whose headers differ in one value only.
    let is_usual = *version == ProtocolVersion::LATEST && params.is_none();
    if let Some(name) = headers::only_name(body, mirrored, limit).filter(|_| is_usual) {
        let headers = headers::of_tool_call(&target.template, name?);
        return Ok(with_own(headers, Some(Recipe::ToolCall), extensions));
    }
    let (mut headers, _) = with_own(target.template.clone(), None, extensions);
    headers::mirror(&mut headers, body, mirrored, version, params, limit)?;
    Ok((headers, None))
}

/// Adds the headers set for this message alone; no recipe includes them.
fn with_own(
    mut headers: HeaderMap,
    recipe: Option<Recipe>,
    extensions: &Extensions,
) -> (HeaderMap, Option<Recipe>) {
    let own = extensions.get::<RequestHeaders>();
    headers::add_own(&mut headers, own);
    (headers, recipe.filter(|_| own.is_none()))
}

/// Builds the headers of a request in a legacy session; `version` takes precedence over the version of the session.
pub(super) fn legacy_headers(
    target: &Target,
    session: Option<&Session>,
    version: Option<&HeaderValue>,
) -> HeaderMap {
    let mut headers = target.headers.clone();
    if let Some(version) = version {
        headers.insert(headers::PROTOCOL_VERSION, version.clone());
    }
    if let Some(session) = session {
        session.apply(&mut headers);
    }
    headers
}

/// Builds a POST of `body` with `headers`.
pub(super) fn post(
    target: &Target,
    body: &Message,
    mut headers: HeaderMap,
) -> Request<RequestBody> {
    let body = encoded(body);
    headers::fill_in_length(&mut headers, body.size());
    request(target, Method::POST, headers, body)
}

/// Encodes a message as the body of a request.
pub(super) fn encoded(body: &Message) -> RequestBody {
    if let Some(parts) = body.encode_parts() {
        return parts.into();
    }
    let mut bytes = Vec::with_capacity(room(body));
    body.encode(&mut bytes);
    bytes.into()
}

/// Returns the encoded size of a message. It is exact for most requests, so that buffers which share the bytes need no
/// memory of their own.
fn room(body: &Message) -> usize {
    const ENVELOPE: usize = r#"{"jsonrpc":"2.0","id":,"method":"","params":}"#.len();
    match body {
        Message::Request(RpcRequest { id: RequestId::Integer(id), method, params, .. }) => {
            let digits = id.checked_ilog10().map_or(1, |log| log as usize + 1);
            ENVELOPE + digits + method.len() + params.as_ref().map_or(0, RawJson::size)
        }
        Message::Request(RpcRequest { params, .. })
        | Message::Notification(Notification { params, .. }) => {
            2 * ENVELOPE + params.as_ref().map_or(0, RawJson::size)
        }
        Message::Response(_) => 2 * ENVELOPE,
    }
}

/// Builds a request with `headers` and nothing else.
pub(super) fn request(
    target: &Target,
    method: Method,
    headers: HeaderMap,
    body: RequestBody,
) -> Request<RequestBody> {
    let mut request = Request::new(body);
    *request.method_mut() = method;
    *request.uri_mut() = target.requested.clone();
    *request.headers_mut() = headers;
    request
}

enum Era<'a> {
    Modern { version: ProtocolVersion, mirrored: Mirrored<'a> },
    Legacy(Option<ProtocolVersion>),
}

/// Returns the era of a message: as set by the layer above, or else as the message itself says.
fn era<'a>(state: &State, body: &'a Message, negotiated: Option<&ProtocolVersion>) -> Era<'a> {
    if let Some(legacy) = negotiated.filter(|version| !version.is_modern()) {
        return Era::Legacy(Some(legacy.clone()));
    }
    let mirrored = Mirrored::of(body, &state.familiar);
    // The header must match the body, so the body takes precedence.
    match mirrored.version().or(negotiated).cloned() {
        Some(version) if negotiated.is_some() || version.is_modern() => {
            Era::Modern { version, mirrored }
        }
        _ => Era::Legacy(None),
    }
}

impl Sent {
    fn legacy(state: &State, body: &Message) -> Self {
        let step = step(body);
        let session = if step == Step::Initialize { None } else { state.session() };
        Self { id: id(body), step, is_legacy: true, session }
    }
}

fn step(body: &Message) -> Step {
    match body {
        Message::Request(request) if request.method == "initialize" => Step::Initialize,
        Message::Request(request) if request.method == "subscriptions/listen" => Step::Listen,
        Message::Request(request) if request.method == "server/discover" => Step::Discover,
        Message::Notification(told) if told.method == "notifications/initialized" => {
            Step::Initialized
        }
        _ => Step::Other,
    }
}

fn id(body: &Message) -> Option<RequestId> {
    match body {
        Message::Request(request) => Some(request.id.clone()),
        Message::Notification(_) | Message::Response(_) => None,
    }
}

fn cancel(body: &Message, sent: &Sent, version: Option<HeaderValue>) -> Option<Cancel> {
    match body {
        // Clause LIFE-09: `initialize` is never cancelled by a notification.
        Message::Request(request) if sent.step != Step::Initialize => Some(Cancel {
            id: request.id.clone(),
            params: request.params.clone(),
            session: sent.session.clone(),
            version,
        }),
        _ => None,
    }
}
