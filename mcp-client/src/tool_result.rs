//! The result of a tool call.

use crate::{Content, Error, content::joined_text, operation, tool_name::ToolName};
use mcp_session::Reply;
use mcp_types::{
    CallToolResult, ContentBlock, MetaObject, Request, ResourceLink, tools::CallToolRequest,
};
use serde::{
    Deserialize,
    de::{DeserializeOwned, Error as _},
};
use serde_json::{Value, value::RawValue};
use std::borrow::Cow;

const METHOD: &str = CallToolRequest::METHOD;

/// The result of a tool, or how it says that it failed.
///
/// All of it is server text: untrusted, also when a model reads it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ToolResult {
    /// The output for people and models.
    pub content: Vec<ContentBlock>,
    /// The output for programs, any JSON value. Absent is not the same as `null`.
    pub structured_content: Option<Value>,
    /// Metadata of the server and of extensions.
    pub meta: Option<MetaObject>,
    /// Whether the tool failed; the content says why.
    pub is_error: bool,
    tool: ToolName,
    /// Whether the tool's listing declares that it wraps its output.
    wraps: bool,
}

/// The tool that a result comes from, and what is known about it.
pub(crate) struct Origin {
    pub(crate) tool: ToolName,
    /// Whether the tool's listing declares that it wraps its output.
    pub(crate) wraps: bool,
}

impl ToolResult {
    /// The text blocks of the content, each starting on a new line. Other content is left out.
    pub fn text(&self) -> Cow<'_, str> {
        joined_text(&self.content)
    }

    /// Links to resources, which need not be among those that the server lists; [`Client::read_resource`] reads them.
    ///
    /// [`Client::read_resource`]: crate::Client::read_resource
    // spec: TOOL-18
    pub fn resource_links(&self) -> impl Iterator<Item = &ResourceLink> {
        self.content.iter().filter_map(|block| match block {
            ContentBlock::ResourceLink(link) => Some(&**link),
            _ => None,
        })
    }

    /// The blocks with bytes: images, audio, and files. [`Content::bytes`] decodes them, one by one.
    pub fn media(&self) -> impl Iterator<Item = &ContentBlock> {
        self.content.iter().filter(|block| block.as_base64().is_some())
    }

    /// The structured output; `None` if there is none, or if the tool failed. If the server says that it wrapped a
    /// value as `{"result": value}`, the value is unwrapped.
    ///
    /// A server says so in `_meta` of the result (`fastmcp.wrap_result`), or in the output schema of the tool
    /// (`x-fastmcp-wrap-result`), which is known once the tools have been listed.
    pub fn data(&self) -> Option<&Value> {
        let data = self.structured_content.as_ref().filter(|_| !self.is_error)?;
        let is_wrapped = self.wraps || self.meta.as_ref().is_some_and(is_wrapped);
        Some(data.get("result").filter(|_| is_wrapped).unwrap_or(data))
    }

    /// [`data`](Self::data) as a type of your own. [`Operation::typed`](crate::Operation::typed) is faster, and accepts more.
    ///
    /// # Errors
    ///
    /// [`Error::Decode`] if there is none, or it does not fit the type.
    pub fn data_as<T: DeserializeOwned>(&self) -> Result<T, Error> {
        let data = match self.data() {
            Some(data) => T::deserialize(data).map_err(|error| unfit(&self.tool, &error)),
            None => Err(serde_json::Error::custom(format!(
                "tool {:?} gave no structured output",
                self.tool
            ))),
        };
        data.map_err(|source| Error::Decode { method: METHOD.into(), source })
    }

    /// Returns the result itself, unless the tool failed.
    ///
    /// # Errors
    ///
    /// [`Error::Tool`] if [`is_error`](Self::is_error) is set.
    pub fn require_success(self) -> Result<Self, Error> {
        if self.is_error { Err(failed(&self.tool, self.content)) } else { Ok(self) }
    }

    pub(crate) fn read(origin: Origin, reply: Reply) -> Result<Self, Error> {
        let result: CallToolResult = operation::decode(METHOD, reply)?;
        Ok(Self {
            content: result.content,
            structured_content: result.structured_content,
            meta: result.meta,
            is_error: result.is_error.unwrap_or_default(),
            tool: origin.tool,
            wraps: origin.wraps,
        })
    }
}

fn failed(tool: &ToolName, content: Vec<ContentBlock>) -> Error {
    let message = match joined_text(&content) {
        text if text.trim().is_empty() => "it did not say why".into(),
        text => text.into(),
    };
    Error::Tool { tool: (*tool.read()).into(), message, content }
}

/// Describes structured output of another type than the program wants.
fn unfit(tool: &ToolName, error: &serde_json::Error) -> serde_json::Error {
    serde_json::Error::custom(format!("the output of tool {tool:?} does not fit: {error}"))
}

/// Whether `_meta` says that the structured output is wrapped.
fn is_wrapped(meta: &MetaObject) -> bool {
    let wrap = meta.as_map().get("fastmcp").and_then(|fastmcp| fastmcp.get("wrap_result"));
    wrap == Some(&Value::Bool(true))
}

/// Decodes the structured output; again if strings in it contain invalid text.
pub(crate) fn read_typed<T: DeserializeOwned>(origin: &Origin, reply: &Reply) -> Result<T, Error> {
    read_as_it_is(origin, reply).or_else(|error| match (&error, reply.repaired()) {
        (Error::Decode { .. }, Some(repaired)) => read_as_it_is(origin, &repaired),
        _ => Err(error),
    })
}

fn read_as_it_is<T: DeserializeOwned>(origin: &Origin, reply: &Reply) -> Result<T, Error> {
    // Nearly always this case, which needs a single pass.
    if !origin.wraps
        && let Ok(Direct { structured_content, is_error, meta }) = reply.decode()
        && !is_error.unwrap_or_default()
        && !meta.is_some_and(|meta| is_wrapped(&meta))
    {
        return Ok(structured_content);
    }
    let parts: Parts<'_> =
        reply.decode().map_err(|source| Error::Decode { method: METHOD.into(), source })?;
    if parts.is_error.unwrap_or_default() {
        let CallToolResult { content, .. } = operation::decode(METHOD, reply.clone())?;
        return Err(failed(&origin.tool, content));
    }
    parts.read(origin).map_err(|source| Error::Decode { method: METHOD.into(), source })
}

/// A result whose structured output has the expected type.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Direct<T> {
    structured_content: T,
    is_error: Option<bool>,
    #[serde(rename = "_meta")]
    meta: Option<MetaObject>,
}

/// A result whose parts are examined one by one.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Parts<'a> {
    #[serde(borrow)]
    structured_content: Option<&'a RawValue>,
    is_error: Option<bool>,
    #[serde(rename = "_meta")]
    meta: Option<MetaObject>,
    #[serde(borrow)]
    content: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Wrapped<T> {
    result: T,
}

impl Parts<'_> {
    fn read<T: DeserializeOwned>(&self, origin: &Origin) -> Result<T, serde_json::Error> {
        let Some(structured) = self.structured_content else {
            return self.read_text(&origin.tool);
        };
        if self.meta.as_ref().is_some_and(is_wrapped) {
            return serde_json::from_str(structured.get())
                .map(|Wrapped { result }| result)
                .map_err(|error| unfit(&origin.tool, &error));
        }
        if origin.wraps
            && let Some(result) = unwrap_only(structured)
        {
            return Ok(result);
        }
        serde_json::from_str(structured.get()).or_else(|error| {
            // An older server does not declare that it wraps; of two errors, that of the whole is clearer.
            unwrap_only(structured).ok_or_else(|| unfit(&origin.tool, &error))
        })
    }

    fn read_text<T: DeserializeOwned>(&self, tool: &ToolName) -> Result<T, serde_json::Error> {
        let content: Option<Vec<ContentBlock>> =
            self.content.and_then(|content| serde_json::from_str(content.get()).ok());
        let Some([ContentBlock::Text(block)]) = content.as_deref() else {
            let nothing = "neither structured output nor a single text";
            return Err(serde_json::Error::custom(format!("tool {tool:?} gave {nothing}")));
        };
        serde_json::from_str(&block.text).map_err(|error| {
            let reason = "gave no structured output, and its text does not fit as JSON";
            serde_json::Error::custom(format!("tool {tool:?} {reason}: {error}"))
        })
    }
}

/// Returns the value of an object whose only member is `result`.
fn unwrap_only<T: DeserializeOwned>(structured: &RawValue) -> Option<T> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Only<T> {
        result: T,
    }

    serde_json::from_str(structured.get()).ok().map(|Only { result }| result)
}
