//! The span of a call.

use crate::{Call, Error, Reply, tool_name::target_name};
use mcp_transport::BoxError;
use mcp_types::ProtocolVersion;
use memchr::memmem;
use std::borrow::Cow;
use tracing::{Span, field::Empty};

/// The number of characters of a name that are recorded.
const MAX_NAME: usize = 128;

/// The span of a call; records that the call was dropped if it is itself dropped early.
pub(super) struct CallSpan {
    span: Span,
    is_tool: bool,
    is_closed: bool,
}

impl CallSpan {
    pub(super) fn open(call: &Call, version: Option<&ProtocolVersion>, records_uris: bool) -> Self {
        let span = tracing::info_span!(
            "mcp.client",
            otel.name = Empty,
            otel.kind = "client",
            otel.status_code = Empty,
            mcp.method.name = %printable(&call.method),
            mcp.protocol.version = version.map(ProtocolVersion::as_str),
            mcp.resource.uri = Empty,
            jsonrpc.request.id = Empty,
            gen_ai.operation.name = Empty,
            gen_ai.tool.name = Empty,
            gen_ai.prompt.name = Empty,
            rpc.response.status_code = Empty,
            error.type = Empty,
        );
        let is_tool = call.method == "tools/call";
        if !span.is_disabled() {
            describe(&span, call, records_uris);
        }
        Self { span, is_tool, is_closed: false }
    }

    pub(super) fn as_span(&self) -> &Span {
        &self.span
    }

    /// Records how the call ended.
    pub(super) fn close(&mut self, outcome: &Result<Reply, BoxError>) {
        self.is_closed = true;
        match outcome {
            Ok(reply) if self.is_tool && is_tool_error(reply) => self.fail("tool_error"),
            Ok(_) => {}
            Err(error) => {
                let error_type = error_type(error);
                if let Some(Error::Rpc { error, .. }) = error.downcast_ref() {
                    self.span.record("rpc.response.status_code", error.code.0.to_string());
                }
                self.fail(&error_type);
            }
        }
    }

    fn fail(&self, error_type: &str) {
        self.span.record("error.type", error_type);
        self.span.record("otel.status_code", "ERROR");
    }
}

impl Drop for CallSpan {
    fn drop(&mut self) {
        if !self.is_closed {
            self.fail("cancelled");
        }
    }
}

/// Records the subject of the call.
fn describe(span: &Span, call: &Call, records_uris: bool) {
    let method = printable(&call.method);
    let target = match &*call.method {
        "tools/call" => {
            span.record("gen_ai.operation.name", "execute_tool");
            Some("gen_ai.tool.name")
        }
        "prompts/get" => Some("gen_ai.prompt.name"),
        _ => None,
    };
    match target.and_then(|field| Some((field, target_name(&call.params)?))) {
        Some((field, name)) => {
            let name = printable(&name);
            span.record(field, &*name);
            span.record("otel.name", format!("{method} {name}"));
        }
        None => _ = span.record("otel.name", &*method),
    }
    if records_uris && let Some(uri) = uri(call) {
        span.record("mcp.resource.uri", &*printable(&uri));
    }
}

fn uri(call: &Call) -> Option<String> {
    let is_of_resource = call.method.starts_with("resources/");
    is_of_resource.then(|| call.params.as_raw().decode_at(&["uri"]))??.ok()
}

fn is_tool_error(reply: &Reply) -> bool {
    memmem::find(reply.result.as_bytes(), br#""isError""#).is_some()
        && matches!(reply.result.decode_at(&["isError"]), Some(Ok(true)))
}

/// Returns the kind of a failure: one of a small set, without any text from the server.
fn error_type(error: &BoxError) -> Cow<'static, str> {
    if let Some(error) = Error::transport_of(error) {
        return match error.status() {
            Some(status) => status.as_u16().to_string().into(),
            None if error.is_timeout() => "timeout".into(),
            None if error.is_closed() => "connection_closed".into(),
            None => "transport_error".into(),
        };
    }
    match error.downcast_ref::<Error>() {
        Some(Error::Rpc { error, .. }) => error.code.0.to_string().into(),
        Some(error) if error.is_timeout() => "timeout".into(),
        Some(Error::Misbehaved { .. }) => "protocol_error".into(),
        Some(Error::Denied { .. }) => "denied".into(),
        _ => "_OTHER".into(),
    }
}

/// Strips what could trick a terminal or fill a log from a name.
fn printable(name: &str) -> Cow<'_, str> {
    if name.len() <= MAX_NAME && name.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return Cow::Borrowed(name);
    }
    let is_plain = |c: char| c == ' ' || c.is_alphanumeric() || c.is_ascii_punctuation();
    name.chars().take(MAX_NAME).map(|c| if is_plain(c) { c } else { '\u{fffd}' }).collect()
}
