//! Detecting tools that have changed since they were accepted.

mod digest;
mod pins;

pub use digest::{InvalidDigest, ToolDigest};
pub use pins::{ToolChange, ToolPins};

use crate::{Call, CallService, Error, Reply, tool_list::ToolList, tool_name::tool_name};
use futures_util::future::{BoxFuture, ready};
use mcp_transport::BoxError;
use pins::Standing;
use std::{
    borrow::Cow,
    mem,
    task::{Context, Poll},
};
use tower_layer::Layer;
use tower_service::Service;

/// What happens to a tool that has changed since it was accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OnChange {
    /// It is recorded and logged, and may be called.
    Warn,
    /// It is removed from the list, and calling it fails.
    #[default]
    Drop,
    /// The list fails, and so does calling it.
    Fail,
}

/// Detects tools whose definition has changed since it was accepted.
///
/// On the wire: nothing for a call of a changed tool, which fails with [`Error::ToolChanged`]; all else is unchanged.
/// The definitions in `tools/list` results are compared with those in [`ToolPins`] by a digest over name, title,
/// description, schemas, annotations and execution, in canonical JSON: the order of members does not matter, but every
/// character does. A tool that is seen for the first time is accepted, unless the layer is
/// [locked](PinToolsLayer::locked); a changed one waits in [`ToolPins::changes`] until a person accepts it.
///
/// Changes are detected in lists only: a tool that this process has not listed yet passes, so list first.
// spec: TRUST-03 TOOL-03
#[derive(Clone, Debug)]
pub struct PinTools<S> {
    inner: S,
    layer: PinToolsLayer,
}

/// Makes [`PinTools`] services, which share their pins: one layer for one server.
#[derive(Clone, Debug)]
pub struct PinToolsLayer {
    pins: ToolPins,
    on_change: OnChange,
    is_locked: bool,
}

impl PinToolsLayer {
    /// Compares tools with these pins.
    pub fn new(pins: ToolPins, on_change: OnChange) -> Self {
        Self { pins, on_change, is_locked: false }
    }

    /// Treats a tool that was never accepted as changed, instead of accepting it.
    #[must_use]
    pub fn locked(self) -> Self {
        Self { is_locked: true, ..self }
    }

    async fn judge(&self, mut reply: Reply) -> Result<Reply, Error> {
        let list = ToolList::read(&reply.result)?;
        let kept: Vec<&str> =
            list.tools().iter().copied().filter(|tool| self.passes(tool)).collect();
        if kept.len() < list.tools().len() {
            if self.on_change == OnChange::Fail {
                let mut tools = list.tools().iter();
                let changed =
                    tools.find(|tool| !kept.iter().any(|kept| std::ptr::eq(*kept, **tool)));
                let tool = changed.and_then(|tool| pins::name(tool)).unwrap_or_default();
                return Err(Error::ToolChanged { tool: tool.into() });
            }
            let kept: Vec<_> = kept.into_iter().map(Cow::Borrowed).collect();
            reply.result = list.with_tools(&kept);
        }
        if let Err(error) = self.pins.save().await {
            tracing::warn!(%error, "cannot write the file of accepted tools");
        }
        Ok(reply)
    }

    fn passes(&self, tool: &str) -> bool {
        match self.pins.compare(tool, self.is_locked) {
            Standing::Accepted => true,
            // If it cannot be compared, it cannot be known to be unchanged.
            Standing::Unreadable => false,
            Standing::Changed(name) => {
                tracing::warn!(tool = ?name, "the definition of a tool is not the one that was accepted");
                self.on_change == OnChange::Warn
            }
        }
    }

    /// Returns the tool that a call is for, if it must not be called.
    fn refused(&self, call: &Call) -> Option<Box<str>> {
        let tool = tool_name(call)?;
        let may = self.on_change == OnChange::Warn || self.pins.is_accepted(&tool, self.is_locked);
        (!may).then(|| tool.into())
    }
}

impl<S> Layer<S> for PinToolsLayer {
    type Service = PinTools<S>;

    fn layer(&self, inner: S) -> PinTools<S> {
        PinTools { inner, layer: self.clone() }
    }
}

impl<S: CallService> Service<Call> for PinTools<S> {
    type Response = Reply;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Reply, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, call: Call) -> Self::Future {
        if let Some(tool) = self.layer.refused(&call) {
            return Box::pin(ready(Err(Error::ToolChanged { tool }.into())));
        }
        if call.method != "tools/list" {
            return Box::pin(self.inner.call(call));
        }
        let clone = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, clone);
        let layer = self.layer.clone();
        Box::pin(async move { Ok(layer.judge(inner.call(call).await?).await?) })
    }
}
