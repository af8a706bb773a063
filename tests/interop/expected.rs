//! What the suite expects of a server.

use mcp_client::Era;
use mcp_types::{ErrorCode, ProtocolVersion};
use serde_json::Value;

/// The names of a server's tools, and their answers.
pub(crate) struct Expected {
    /// Its name in `serverInfo`.
    pub(crate) name: &'static str,
    pub(crate) era: Era,
    pub(crate) version: ProtocolVersion,
    /// Some of its tools; the last one is at the end of the list.
    pub(crate) tools: &'static [&'static str],
    pub(crate) echo: Echo,
    /// A tool with structured output; the answer is JSON.
    pub(crate) structured: Example,
    /// A tool that fails; the answer is in what it says.
    pub(crate) failing: Example,
    /// The result of calling an unknown tool.
    pub(crate) unknown_tool: Refusal,
    /// A tool that reports progress for each of three steps.
    pub(crate) three_steps: Example,
    /// A tool that takes some seconds.
    pub(crate) slow: Example,
    /// The URI of a resource, and what its text begins with.
    pub(crate) resource: (&'static str, &'static str),
    pub(crate) missing_resource: ErrorCode,
    pub(crate) prompt: Prompt,
    /// An argument of a prompt, the beginning of its value, and the proposals.
    pub(crate) completion: (&'static str, &'static str, &'static str, &'static [&'static str]),
    /// A tool that asks the user for a name; the answer is in its text.
    pub(crate) form: Example,
    /// A tool that asks a model; the answer is in its text.
    pub(crate) sampling: Example,
    /// A tool that asks for the roots; the answer is in its text.
    pub(crate) roots: Example,
}

/// A call of a tool, and its answer.
pub(crate) struct Example {
    pub(crate) tool: &'static str,
    /// An object in JSON.
    pub(crate) arguments: &'static str,
    pub(crate) answer: &'static str,
}

impl Example {
    pub(crate) fn arguments(&self) -> Value {
        serde_json::from_str(self.arguments).unwrap()
    }
}

/// A tool that returns its input, after a prefix.
pub(crate) struct Echo {
    pub(crate) tool: &'static str,
    pub(crate) argument: &'static str,
    pub(crate) before: &'static str,
}

/// A prompt with one argument, and its text once filled in.
pub(crate) struct Prompt {
    pub(crate) name: &'static str,
    pub(crate) argument: (&'static str, &'static str),
    pub(crate) text: &'static str,
}

/// How a server refuses a call: both ways occur, and the text is part of its message.
pub(crate) enum Refusal {
    /// With an error of the protocol.
    Error(ErrorCode, &'static str),
    /// With the result of a tool that failed.
    Result(&'static str),
}
