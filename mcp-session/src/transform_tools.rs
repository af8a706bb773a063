//! Renaming, hiding and narrowing tools.

mod arguments;
mod definition;
mod rules;

pub use rules::{ArgumentTransform, ToolTransform};

use crate::{Call, CallService, Error, Reply, tool_list::ToolList, tool_name::tool_name};
use futures_util::future::{BoxFuture, ready};
use mcp_transport::BoxError;
use mcp_types::RawJson;
use rules::Rules;
use std::{
    borrow::Cow,
    mem,
    sync::Arc,
    task::{Context, Poll},
};
use tower_layer::Layer;
use tower_service::Service;

/// Changes how tools are shown: with other names, descriptions and arguments, or not at all.
///
/// On the wire: calls with the names and arguments that the server knows. A call of a hidden tool is not sent and fails
/// with [`Error::Denied`]; one with a hidden argument fails with [`Error::InvalidParams`]. Input schemas in
/// `tools/list` results are changed to match. All else is unchanged.
///
/// Tags come from the `_meta` of tools (`fastmcp.tags`), which is known once they have been listed, so list first.
///
/// This is for convenience, not for security; for that, use a [`Guard`](crate::Guard).
#[derive(Clone, Debug)]
pub struct TransformTools<S> {
    inner: S,
    rules: Arc<Rules>,
}

/// Makes [`TransformTools`] services, which share what they know about tools: one layer for one server.
///
/// ```
/// use mcp_session::{ArgumentTransform, ToolTransform, TransformToolsLayer};
///
/// let forecast = ToolTransform::new()
///     .rename("weather")
///     .describe("The weather of tomorrow, in metric units.")
///     .argument("units", ArgumentTransform::fix("metric"))
///     .argument("q", ArgumentTransform::new().rename("city"));
/// let layer = TransformToolsLayer::new()
///     .exclude("delete_*")
///     .tool("get_forecast", forecast);
/// ```
#[derive(Clone, Debug, Default)]
pub struct TransformToolsLayer(Rules);

impl TransformToolsLayer {
    /// Creates a layer that shows all tools unchanged.
    pub fn new() -> Self {
        Self::default()
    }

    /// Shows only tools whose name at the server matches this or another included pattern. `*` stands for any text, `?`
    /// for one character.
    #[must_use]
    pub fn include(mut self, pattern: &str) -> Self {
        self.0.include(pattern);
        self
    }

    /// Hides tools whose name at the server matches a pattern, even if they are included.
    #[must_use]
    pub fn exclude(mut self, pattern: &str) -> Self {
        self.0.exclude(pattern);
        self
    }

    /// Shows only tools with this or another included tag.
    #[must_use]
    pub fn include_tag(mut self, tag: impl Into<String>) -> Self {
        self.0.include_tag(tag.into());
        self
    }

    /// Hides tools with a tag, even if they are included.
    #[must_use]
    pub fn exclude_tag(mut self, tag: impl Into<String>) -> Self {
        self.0.exclude_tag(tag.into());
        self
    }

    /// Changes how one tool is shown. `name` is its name at the server.
    #[must_use]
    pub fn tool(mut self, name: impl Into<String>, transform: ToolTransform) -> Self {
        self.0.transform(name.into(), transform);
        self
    }
}

impl<S> Layer<S> for TransformToolsLayer {
    type Service = TransformTools<S>;

    fn layer(&self, inner: S) -> TransformTools<S> {
        TransformTools { inner, rules: Arc::new(self.0.clone()) }
    }
}

impl Rules {
    /// Translates a call to what the server expects.
    fn call(&self, mut call: Call) -> Result<Call, Error> {
        let Some(name) = tool_name(&call).map(Cow::into_owned) else { return Ok(call) };
        let Some(original) = self.original(&name).filter(|original| self.may_call(original)) else {
            let reason = format!("this client does not show a tool {name:?}");
            return Err(Error::Denied { method: "tools/call".into(), reason: reason.into() });
        };
        let Some(transform) = self.of(original) else { return Ok(call) };
        let arguments = arguments::original(&call.params, transform)?;
        let original = RawJson::encode(original).map_err(crate::InvalidParams::from)?;
        let mut changes = vec![("name", Some(&original))];
        changes.extend(arguments.as_ref().map(|arguments| ("arguments", Some(arguments))));
        call.params = call.params.with_members(&changes)?;
        Ok(call)
    }

    /// Transforms a list for display.
    fn list(&self, mut reply: Reply) -> Result<Reply, Error> {
        let list = ToolList::read(&reply.result)?;
        let shown: Vec<Cow<'_, str>> =
            list.tools().iter().filter_map(|tool| self.shown(tool)).collect();
        let is_changed = shown.len() < list.tools().len()
            || shown.iter().any(|tool| matches!(tool, Cow::Owned(_)));
        if is_changed {
            reply.result = list.with_tools(&shown);
        }
        Ok(reply)
    }

    /// Returns a tool as it is shown; `None` if it is hidden.
    fn shown<'a>(&self, tool: &'a str) -> Option<Cow<'a, str>> {
        let Some(head) = definition::Head::read(tool) else {
            // Without a name, it can be matched neither by name nor by tag.
            return (!self.has_filter()).then_some(Cow::Borrowed(tool));
        };
        if !self.shows(&head.name, &head.tags()) {
            return None;
        }
        match self.of(&head.name) {
            Some(transform) => definition::transformed(tool, transform).map(Cow::Owned),
            None => Some(Cow::Borrowed(tool)),
        }
    }
}

impl<S: CallService> Service<Call> for TransformTools<S> {
    type Response = Reply;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Reply, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, call: Call) -> Self::Future {
        let is_list = call.method == "tools/list";
        let call = match self.rules.call(call) {
            Ok(call) => call,
            Err(error) => return Box::pin(ready(Err(error.into()))),
        };
        if !is_list {
            return Box::pin(self.inner.call(call));
        }
        let clone = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, clone);
        let rules = Arc::clone(&self.rules);
        Box::pin(async move { Ok(rules.list(inner.call(call).await?)?) })
    }
}
