//! Rebuilding a request for a redirect.

use super::{
    RequestBody,
    compose::{encoded, legacy_headers},
    headers,
    mirrored::{Familiar, Mirrored},
    session::Session,
    state::Target,
};
use http::{HeaderMap, HeaderValue};
use mcp_types::rpc::Message;
use std::sync::Arc;

/// What the headers of a request were made of, besides its message.
///
/// A redirect needs the request again, but is rare: otherwise each request would pay for a copy.
#[derive(Debug)]
pub(super) enum Recipe {
    /// A tool call to a stateless server.
    ToolCall,
    /// A request in a legacy session.
    Session { session: Option<Arc<Session>>, version: Option<HeaderValue> },
}

impl Recipe {
    /// Rebuilds the headers and the body of a request.
    pub(super) fn follow(&self, target: &Target, message: &Message) -> (HeaderMap, RequestBody) {
        let mut made = match self {
            Self::ToolCall => {
                let mirrored = Mirrored::of(message, &Familiar::default());
                let name = headers::only_name(message, &mirrored, usize::MAX);
                match name.and_then(Result::ok) {
                    Some(name) => headers::of_tool_call(&target.template, name),
                    None => target.template.clone(),
                }
            }
            Self::Session { session, version } => {
                legacy_headers(target, session.as_deref(), version.as_ref())
            }
        };
        let body = encoded(message);
        headers::fill_in_length(&mut made, body.size());
        (made, body)
    }
}
