//! What the client has declared that it can answer.

use crate::member::{is_there, optional};
use mcp_types::{
    ErrorCode, ErrorObject, RawJson,
    capabilities::{ClientCapabilities, ElicitationCapability},
};

/// Whether the client has declared that it answers a method.
pub(crate) fn is_declared(capabilities: &ClientCapabilities, method: &str) -> bool {
    match method {
        "elicitation/create" => capabilities.elicitation.is_some(),
        "sampling/createMessage" => capabilities.sampling.is_some(),
        "roots/list" => capabilities.roots.is_some(),
        _ => false,
    }
}

/// Checks that the client answers this variant of a method.
// spec: ELI-03 ELI-04 ELI-05 ELI-06 SAMP-04
pub(crate) fn check_variety(
    capabilities: &ClientCapabilities,
    method: &str,
    params: Option<&RawJson>,
) -> Result<(), ErrorObject> {
    let refusal = match (method, &capabilities.elicitation, &capabilities.sampling) {
        ("elicitation/create", Some(declared), _) => elicitation(declared, params),
        ("sampling/createMessage", _, Some(declared)) if declared.tools.is_none() => {
            sampling(params)
        }
        _ => None,
    };
    match refusal {
        Some(message) => Err(ErrorObject::new(ErrorCode::INVALID_PARAMS, message)),
        None => Ok(()),
    }
}

fn elicitation(declared: &ElicitationCapability, params: Option<&RawJson>) -> Option<&'static str> {
    // If it cannot be decoded, decoding the whole request reports that later.
    let mode: Option<String> = optional(params?, "mode").ok()?;
    let forms = declared.form.is_some() || declared.url.is_none();
    match mode.as_deref() {
        None | Some("form") => (!forms).then_some("this client shows no forms"),
        Some("url") => declared.url.is_none().then_some("this client opens no URLs"),
        Some(_) => Some("the mode is neither that of a form nor that of a URL"),
    }
}

fn sampling(params: Option<&RawJson>) -> Option<&'static str> {
    let params = params?;
    let wants_tools = is_there(params, "tools") || is_there(params, "toolChoice");
    wants_tools.then_some("this client gives its model no tools of servers")
}
