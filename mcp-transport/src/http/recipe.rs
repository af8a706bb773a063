//! Making a request again.

use super::{
    RequestBody,
    compose::{encoded, legacy_headers},
    headers,
    mirrored::{Familiar, Mirrored},
    session::Session,
    state::Target,
};
use http::{HeaderMap, HeaderValue, Uri};
use mcp_types::rpc::Message;
use std::sync::Arc;

/// What a request is made of.
///
/// A redirect needs it again, and seldom comes: each request would pay for a copy.
#[derive(Debug)]
pub(super) struct Recipe {
    target: Arc<Target>,
    message: Message,
    headers: Headers,
}

/// What headers are made of.
#[derive(Debug)]
pub(super) enum Headers {
    /// Those of a call of a tool by a stateless server.
    ToolCall,
    /// Those of a request in a legacy session.
    Session { session: Option<Arc<Session>>, version: Option<HeaderValue> },
}

impl Recipe {
    pub(super) fn new(target: &Arc<Target>, message: Message, headers: Headers) -> Self {
        Self { target: Arc::clone(target), message, headers }
    }

    /// Where the request goes.
    pub(super) fn uri(&self) -> &Uri {
        &self.target.uri
    }

    /// The headers, with the length of the body.
    pub(super) fn headers(&self, body: &RequestBody) -> HeaderMap {
        let mut made = match &self.headers {
            Headers::ToolCall => {
                let mirrored = Mirrored::of(&self.message, &Familiar::default());
                let name = headers::only_name(&self.message, &mirrored, usize::MAX);
                let template = &self.target.template;
                match name.and_then(Result::ok) {
                    Some(name) => headers::of_tool_call(template, name),
                    None => template.clone(),
                }
            }
            Headers::Session { session, version } => {
                legacy_headers(&self.target, session.as_deref(), version.as_ref())
            }
        };
        headers::fill_in_length(&mut made, body.size());
        made
    }

    pub(super) fn body(&self) -> RequestBody {
        encoded(&self.message)
    }
}
