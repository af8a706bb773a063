//! Which calls are safe to retry.

use crate::{Call, Params, member::text, tool_name::tool_name};
use mcp_transport::{Delivery, Error};
use mcp_types::{RawJson, rpc::Elements};
use memchr::memmem;
use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

/// The maximum number of tools remembered; calls of any beyond are not repeated.
const MAX_TOOLS: usize = 10_000;

/// The methods without side effects.
const READS: &[&str] = &[
    "completion/complete",
    "ping",
    "prompts/get",
    "prompts/list",
    "resources/list",
    "resources/read",
    "resources/templates/list",
    "server/discover",
    "tasks/get",
    "tasks/list",
    "tools/list",
];

/// The effect of executing a call twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Safety {
    /// The same as executing it once.
    Idempotent,
    /// The effect is unknown.
    Unknown,
}

impl Safety {
    pub(super) fn of(call: &Call, is_trusted_tool: impl FnOnce() -> bool) -> Self {
        let idempotent = READS.contains(&&*call.method) || is_trusted_tool();
        // Answers may be accepted only once.
        if idempotent && !carries_answers(&call.params) { Self::Idempotent } else { Self::Unknown }
    }

    /// Whether a call that failed with this error may be repeated.
    pub(super) fn allows(self, error: &Error) -> bool {
        // The same message would fail again in the same way.
        if error.is_too_large() || error.is_malformed() || error.is_overflow() {
            return false;
        }
        match (error.status().map(|status| status.as_u16()), error.delivery()) {
            (Some(429), _) | (None, Delivery::NotSent) => true,
            (Some(502..=504), _) | (None, Delivery::Unknown) => self == Self::Idempotent,
            (Some(_), _) | (None, Delivery::Delivered) => false,
        }
    }
}

fn carries_answers(params: &Params) -> bool {
    let bytes = params.as_raw().as_bytes();
    [&br#""inputResponses""#[..], br#""requestState""#]
        .iter()
        .any(|member| memmem::find(bytes, member).is_some())
}

/// The tools that are annotated as safe to call twice.
#[derive(Debug, Default)]
pub(super) struct Annotated(Mutex<HashSet<String>>);

impl Annotated {
    /// Reads a `tools/list` result; the most recent listing of a tool counts.
    pub(super) fn learn(&self, result: &RawJson) {
        let Some(tools) = result.find(&["tools"]) else { return };
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for tool in Elements::of(tools) {
            let tool = RawJson::from_joined(result.share(tool));
            let Some(name) = text(&tool, "name") else { continue };
            let hint = |hint: &str| tool.find(&["annotations", hint]) == Some("true");
            if !hint("idempotentHint") && !hint("readOnlyHint") {
                known.remove(&*name);
            } else if known.len() < MAX_TOOLS {
                known.insert(name.into_owned());
            }
        }
    }

    /// Whether a call is for one of these tools.
    pub(super) fn contains(&self, call: &Call) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tool_name(call).is_some_and(|name| known.contains(&*name))
    }
}
