//! A call of a tool under way.

use super::{CallTool, METHOD, Read};
use crate::{
    Error, Operation,
    caller::{Caller, Waiting},
    tool_result::Origin,
};
use mcp_session::Reply;
use std::{
    fmt,
    future::Future,
    mem,
    pin::Pin,
    task::{Context, Poll, ready},
};

/// A call of a tool, from its first poll to its result.
///
/// # Cancel safety
///
/// Nothing is sent before the first poll. Dropping it cancels the request on the wire.
#[must_use = "futures do nothing unless polled"]
pub struct CallingTool<O>(Stage<O>);

enum Stage<O> {
    Begun(Operation<CallTool<O>>),
    // Without the arguments, which are encoded by then.
    Waiting { reply: Waiting, reading: Reading<O> },
    Over,
}

/// What it takes to read the reply.
struct Reading<O> {
    caller: Caller,
    tool: Box<str>,
    read: Read<O>,
}

impl<O> CallingTool<O> {
    pub(super) fn new(operation: Operation<CallTool<O>>) -> Self {
        Self(Stage::Begun(operation))
    }

    /// Sends the call, and reads the reply if it is there at once.
    fn begin(
        &mut self,
        operation: Operation<CallTool<O>>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<O, Error>> {
        let (caller, CallTool { name: tool, arguments, read }) = operation.into_parts();
        let caller = caller?;
        let mut reply = caller.send(METHOD, arguments.encode()?);
        let reading = Reading { caller, tool, read };
        if let Poll::Ready(outcome) = Pin::new(&mut reply).poll(cx) {
            return Poll::Ready(reading.read(outcome));
        }
        self.0 = Stage::Waiting { reply: reply.compact(), reading };
        Poll::Pending
    }
}

impl<O> Reading<O> {
    fn read(self, outcome: Result<Reply, Error>) -> Result<O, Error> {
        let Self { caller, tool, read } = self;
        let wraps = caller.known_tools().wraps(&tool);
        read(Origin { tool, wraps }, outcome?)
    }
}

impl<O> Future for CallingTool<O> {
    type Output = Result<O, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Stage::Waiting { reply, .. } = &mut self.0 {
            let outcome = ready!(Pin::new(reply).poll(cx));
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
