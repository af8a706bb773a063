//! Cache keys: what makes two calls the same.

use crate::{
    Call, Meta,
    canonical::canonical,
    member::{is_there, optional},
};
use mcp_types::{ProtocolVersion, keys};
use std::{fmt, sync::Arc};

/// On whose behalf a call is made, as an extension of it: private replies of one context are never given to another.
///
/// Any text that differs for each access token, such as a hash of it or the name of the account. Not shown by `Debug`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct AuthorizationContext(Arc<str>);

impl AuthorizationContext {
    /// Creates the context with this name.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self(name.into())
    }
}

impl fmt::Debug for AuthorizationContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuthorizationContext(..)")
    }
}

/// The key of a cached reply: method, parameters, and authorization context.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CacheKey {
    audience: Audience,
    method: &'static str,
    params: Arc<[u8]>,
}

impl CacheKey {
    /// The approximate size in bytes.
    pub fn size(&self) -> usize {
        self.params.len() + size_of::<Self>()
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Audience {
    Public,
    Private(Option<AuthorizationContext>),
}

/// The possible subjects of a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Topic {
    Tools,
    Prompts,
    Resources,
    Contents,
    Server,
}

/// A call whose reply may be cached.
#[derive(Clone, Debug)]
pub(super) struct Question {
    pub(super) topic: Topic,
    pub(super) method: &'static str,
    pub(super) is_list: bool,
    pub(super) has_cursor: bool,
    pub(super) uri: Option<String>,
    context: Option<AuthorizationContext>,
    params: Arc<[u8]>,
}

impl Question {
    /// Returns `None` if the reply must not be cached.
    // spec: CACHE-01 CACHE-02 MRTR-12
    pub(super) fn of(call: &Call) -> Option<Self> {
        let (method, topic) = match &*call.method {
            "tools/list" => ("tools/list", Topic::Tools),
            "prompts/list" => ("prompts/list", Topic::Prompts),
            "resources/list" => ("resources/list", Topic::Resources),
            "resources/templates/list" => ("resources/templates/list", Topic::Resources),
            "resources/read" => ("resources/read", Topic::Contents),
            "server/discover" => ("server/discover", Topic::Server),
            _ => return None,
        };
        // A call with its own revision may be answered differently.
        if call.extensions.get::<ProtocolVersion>().is_some() {
            return None;
        }
        let params = call.params.as_raw();
        if is_there(params, "inputResponses") || is_there(params, "requestState") {
            return None;
        }
        Some(Self {
            topic,
            method,
            is_list: method.ends_with("/list"),
            has_cursor: is_there(params, "cursor"),
            uri: optional(params, "uri").ok()?,
            context: call.extensions.get().cloned(),
            params: canonical(&call.params.join(&relevant(&call.meta))).ok()?.into(),
        })
    }

    pub(super) fn key(&self, is_public: bool) -> CacheKey {
        let audience = match is_public {
            true => Audience::Public,
            false => Audience::Private(self.context.clone()),
        };
        CacheKey { audience, method: self.method, params: Arc::clone(&self.params) }
    }
}

/// Keeps the part of `_meta` that may affect the answer, without what differs for each call.
fn relevant(meta: &Meta) -> Meta {
    const PER_CALL: [&str; 4] =
        [keys::TRACEPARENT, keys::TRACESTATE, keys::BAGGAGE, keys::PROGRESS_TOKEN];
    let mut relevant = Meta::default();
    for (key, value) in meta.shared() {
        if !PER_CALL.contains(&&*key) {
            relevant.insert(key, value);
        }
    }
    relevant
}
