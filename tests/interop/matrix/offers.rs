//! What can be tried with a server.

use crate::expected::{Echo, Example, Expected, Prompt};

/// A call of a tool: its name, its arguments as JSON, and part of what it says.
#[derive(Clone)]
pub(super) struct Tool {
    pub(super) name: &'static str,
    pub(super) arguments: String,
    pub(super) says: String,
}

impl Tool {
    pub(super) fn new(name: &'static str, arguments: impl Into<String>, says: &str) -> Self {
        Self { name, arguments: arguments.into(), says: says.to_owned() }
    }

    fn of(example: &Example) -> Self {
        Self::new(example.tool, example.arguments, example.answer)
    }
}

/// The arguments of a prompt, or of a completion.
pub(super) type Texts = (&'static str, &'static str, &'static str, &'static str);

/// The features of a server; none where a feature is not supported.
#[derive(Clone, Default)]
pub(super) struct Offers {
    pub(super) call: Option<Tool>,
    pub(super) failing: Option<Tool>,
    pub(super) three_steps: Option<Tool>,
    pub(super) slow: Option<Tool>,
    /// A URI, and what its text begins with.
    pub(super) resource: Option<(&'static str, &'static str)>,
    /// Its name, the name and the value of its argument, its text.
    pub(super) prompt: Option<Texts>,
    /// The name of a prompt, of its argument, the beginning of a value, and one of the proposals.
    pub(super) completion: Option<Texts>,
    pub(super) form: Option<Tool>,
    pub(super) sampling: Option<Tool>,
    pub(super) roots: Option<Tool>,
    /// A tool that says that the list of tools has changed.
    pub(super) changes: Option<Tool>,
    /// A tool that may be done as a task.
    pub(super) task: Option<Tool>,
    pub(super) ping: bool,
}

impl Offers {
    /// Returns what the suite knows about a server.
    pub(super) fn of(expected: &Expected) -> Self {
        let Echo { tool, argument, before } = expected.echo;
        let Prompt { name, argument: (key, value), text } = expected.prompt;
        let (prompt, completed, begin, proposals) = expected.completion;
        Self {
            call: Some(Tool::new(
                tool,
                format!("{{{argument:?}: \"hello\"}}"),
                &format!("{before}hello"),
            )),
            failing: Some(Tool::of(&expected.failing)),
            three_steps: Some(Tool::of(&expected.three_steps)),
            slow: Some(Tool::of(&expected.slow)),
            resource: Some(expected.resource),
            prompt: Some((name, key, value, text)),
            completion: Some((prompt, completed, begin, proposals[0])),
            form: Some(Tool::of(&expected.form)),
            sampling: Some(Tool::of(&expected.sampling)),
            roots: Some(Tool::of(&expected.roots)),
            changes: None,
            task: None,
            ping: expected.era == mcp_client::Era::Legacy,
        }
    }
}
