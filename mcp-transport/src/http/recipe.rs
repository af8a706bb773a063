//! Making the headers of a request again.

use super::{compose::legacy_headers, headers, session::Session, state::Target};
use http::{HeaderMap, HeaderValue, Uri};
use std::sync::Arc;

/// What the headers of a request are made of.
///
/// A redirect needs them again, and seldom comes: each request would pay for a copy of them.
#[derive(Debug)]
pub(super) struct Recipe {
    target: Arc<Target>,
    more: More,
}

#[derive(Debug)]
enum More {
    /// The name of a tool.
    Name(HeaderValue),
    Session {
        session: Option<Arc<Session>>,
        version: Option<HeaderValue>,
    },
}

impl Recipe {
    /// Those of a call of a tool by a stateless server.
    pub(super) fn of_tool_call(target: &Arc<Target>, name: HeaderValue) -> Self {
        Self { target: Arc::clone(target), more: More::Name(name) }
    }

    /// Those of a request in a legacy session.
    pub(super) fn of_session(
        target: &Arc<Target>,
        session: Option<&Arc<Session>>,
        version: Option<&HeaderValue>,
    ) -> Self {
        let more = More::Session { session: session.cloned(), version: version.cloned() };
        Self { target: Arc::clone(target), more }
    }

    /// Where the request goes.
    pub(super) fn uri(&self) -> &Uri {
        &self.target.uri
    }

    pub(super) fn headers(&self) -> HeaderMap {
        match &self.more {
            More::Name(name) => headers::of_tool_call(&self.target.template, name),
            More::Session { session, version } => {
                legacy_headers(&self.target, session.as_deref(), version.as_ref())
            }
        }
    }
}
