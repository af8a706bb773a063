//! The name of the tool that a call is for.

use crate::{Call, Params, member};
use std::borrow::Cow;

/// Returns the name of the tool that a `tools/call` is for; `None` for other methods.
pub(crate) fn tool_name(call: &Call) -> Option<Cow<'_, str>> {
    if call.method == "tools/call" { target_name(&call.params) } else { None }
}

/// Returns the member `name` of the parameters, which names the tool or the prompt.
pub(crate) fn target_name(params: &Params) -> Option<Cow<'_, str>> {
    member::text(params.as_raw(), "name")
}
