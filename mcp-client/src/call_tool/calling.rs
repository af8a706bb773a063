//! A tool call in flight.

use super::{CallTool, METHOD, Read};
use crate::{
    Error, Operation, caller::Footing, in_flight::Watch, live::Opened, tool_name::ToolName,
    tool_result::Origin,
};
use mcp_session::{
    Reply,
    future::{Begun, CompactCall},
};
use std::{
    fmt,
    future::Future,
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

/// The future of a tool call.
///
/// # Cancel safety
///
/// Nothing is sent before the first poll. Dropping it cancels the request on the wire.
#[must_use = "futures do nothing unless polled"]
pub struct CallingTool<O>(Stage<O>);

enum Stage<O> {
    Begun(Operation<CallTool<O>>),
    // Without the arguments, which have been encoded by then.
    Waiting { reply: CompactCall, reading: Reading<O>, _watch: Option<Box<Watch>> },
    Over,
}

/// What is needed to decode the reply.
struct Reading<O> {
    footing: Arc<Opened<Footing>>,
    tool: ToolName,
    read: Read<O>,
}

impl<O> CallingTool<O> {
    pub(super) fn new(operation: Operation<CallTool<O>>) -> Self {
        Self(Stage::Begun(operation))
    }

    /// Sends the call, and decodes the reply if it is available at once.
    fn begin(
        &mut self,
        operation: Operation<CallTool<O>>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<O, Error>> {
        let (caller, CallTool { arguments, read }) = operation.into_parts();
        let caller = caller?;
        let (params, tool) = arguments.encode()?;
        let (begun, footing, watch) = caller.begin(METHOD, params, cx);
        let reading = Reading { footing, tool, read };
        match begun {
            Begun::Ended(outcome) => Poll::Ready(reading.read(outcome)),
            Begun::Waiting(reply) => {
                self.0 = Stage::Waiting { reply, reading, _watch: watch };
                Poll::Pending
            }
        }
    }
}

impl<O> Reading<O> {
    fn read(self, outcome: Result<Reply, Error>) -> Result<O, Error> {
        let Self { footing, tool, read } = self;
        let wraps = footing.ground.known_tools.wraps(&tool);
        read(Origin { tool, wraps }, outcome?)
    }
}

impl<O> Future for CallingTool<O> {
    type Output = Result<O, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Stage::Waiting { reply, reading, .. } = &mut self.0 {
            let outcome = ready!(reply.poll_reply(&reading.footing.session, cx));
            return match mem::replace(&mut self.0, Stage::Over) {
                Stage::Waiting { reading, .. } => Poll::Ready(reading.read(outcome)),
                Stage::Begun(_) | Stage::Over => Poll::Pending,
            };
        }
        match mem::replace(&mut self.0, Stage::Over) {
            Stage::Begun(operation) => self.begin(operation, cx),
            Stage::Waiting { .. } | Stage::Over => Poll::Pending,
        }
    }
}

impl<O> fmt::Debug for CallingTool<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Stage::Begun(_) => "CallingTool(begun)",
            Stage::Waiting { .. } => "CallingTool(waiting)",
            Stage::Over => "CallingTool(over)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::CallingTool;
    use crate::ToolResult;

    #[test]
    fn it_takes_little_room() {
        assert!(size_of::<CallingTool<ToolResult>>() <= 88);
    }
}
