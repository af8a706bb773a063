//! A call of a tool under way.

use super::{CallTool, METHOD, Read};
use crate::{
    Error, Operation,
    caller::{Caller, Sent},
    tool_result::Origin,
};
use pin_project_lite::pin_project;
use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

pin_project! {
    /// A call of a tool, from its first poll to its result.
    ///
    /// # Cancel safety
    ///
    /// Nothing is sent before the first poll. Dropping it cancels the request on the wire.
    #[must_use = "futures do nothing unless polled"]
    pub struct CallingTool<O> {
        #[pin]
        stage: Stage<O>,
    }
}

pin_project! {
    #[project = StageProjection]
    enum Stage<O> {
        Begun { operation: Option<Operation<CallTool<O>>> },
        // Without the arguments, which are encoded by then.
        Waiting { #[pin] reply: Sent, caller: Caller, tool: Box<str>, read: Read<O> },
        Over,
    }
}

impl<O> CallingTool<O> {
    pub(super) fn new(operation: Operation<CallTool<O>>) -> Self {
        Self { stage: Stage::Begun { operation: Some(operation) } }
    }
}

impl<O> Stage<O> {
    fn send(operation: Operation<CallTool<O>>) -> Result<Self, Error> {
        let (caller, CallTool { name, arguments, read }) = operation.into_parts();
        let caller = caller?;
        let reply = caller.send(METHOD, arguments.encode()?);
        Ok(Self::Waiting { reply, caller, tool: name, read })
    }
}

impl<O> Future for CallingTool<O> {
    type Output = Result<O, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut stage = self.project().stage;
        if let StageProjection::Begun { operation } = stage.as_mut().project()
            && let Some(operation) = operation.take()
        {
            stage.set(Stage::Over);
            stage.set(Stage::send(operation)?);
        }
        let StageProjection::Waiting { reply, caller, tool, read } = stage.as_mut().project()
        else {
            return Poll::Pending;
        };
        let outcome = ready!(reply.poll(cx)).and_then(|reply| {
            let wraps = caller.known_tools().wraps(tool);
            read(Origin { tool: std::mem::take(tool), wraps }, reply)
        });
        stage.set(Stage::Over);
        Poll::Ready(outcome)
    }
}

impl<O> fmt::Debug for CallingTool<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.stage {
            Stage::Begun { .. } => "CallingTool(begun)",
            Stage::Waiting { .. } => "CallingTool(waiting)",
            Stage::Over => "CallingTool(over)",
        })
    }
}
