//! Following calls that a server runs as tasks.

use crate::{
    BoxCallService, Call, CallService, Deadlines, Error, Extension, Misbehavior, Peer, Reply,
    result_type,
    session::erase,
    task::{AsTask, Created, Follow, Known},
};
use futures_util::future::BoxFuture;
use mcp_transport::BoxError;
use std::{
    mem,
    task::{Context, Poll},
    time::Duration,
};
use tower::util::BoxCloneSyncService;
use tower_service::Service;

/// The extension `io.modelcontextprotocol/tasks`: calls that a server runs in the background look like any other.
///
/// Add it to the options of a session, and [`FollowTask`] is part of its stack.
///
/// See [the extension](https://modelcontextprotocol.io/extensions/tasks/overview).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Tasks {
    /// How long a task may take in total, unless the call has a limit of its own. Default: 1 h.
    pub limit: Option<Duration>,
}

impl Default for Tasks {
    fn default() -> Self {
        Self { limit: Some(Duration::from_secs(3600)) }
    }
}

impl Tasks {
    /// The extension, with its default limit.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Extension for Tasks {
    fn id(&self) -> &str {
        "io.modelcontextprotocol/tasks"
    }

    // spec: TASKX-01 TASKX-02
    fn layer(&self, service: BoxCallService, peer: &Peer) -> BoxCallService {
        let (limit, peer) = (self.limit, peer.clone());
        BoxCloneSyncService::new(FollowTask { inner: service, limit, peer })
    }
}

/// Waits for the task that a server has made of a call, and gives the call its result.
///
/// On the wire: after a result of type `task` to a `tools/call`, `tasks/get` as often as the server suggests, until the
/// task is finished. What the task asks for is answered through the session's handler and sent with `tasks/update`,
/// each question once.
///
/// # Cancel safety
///
/// Dropping the call sends `tasks/cancel`; the server may finish the work all the same.
// spec: TASKX-02 TASKX-05 TASKX-06 TASKX-11 TASKX-13 CAN-15
#[derive(Clone, Debug)]
pub struct FollowTask<S> {
    inner: S,
    limit: Option<Duration>,
    peer: Peer,
}

impl<S: CallService> Service<Call> for FollowTask<S> {
    type Response = Reply;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Reply, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, call: Call) -> Self::Future {
        let clone = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, clone);
        // The extension defines tasks for tool calls only; elsewhere the result type is unknown.
        if call.method != "tools/call" {
            return Box::pin(inner.call(call));
        }
        let deadlines = call.extensions.get::<Deadlines>().copied();
        let limit = deadlines.map_or(self.limit, |own| own.total);
        let by_handle = call.extensions.get::<AsTask>().is_some();
        let peer = self.peer.clone();
        let reply = inner.call(call);
        Box::pin(async move {
            let mut reply = reply.await?;
            if result_type(&reply.result).ok().as_deref() != Some("task") {
                return Ok(reply);
            }
            let task = Created::read(&reply.result).map_err(|source| Error::Misbehaved {
                method: "tools/call".into(),
                misbehavior: Misbehavior::InvalidResult,
                source: Some(source),
            })?;
            let known = Known::created(&task, "tools/call".into());
            if by_handle {
                reply.extensions.insert(known);
                return Ok(reply);
            }
            Ok(Follow::new(erase(inner), peer, known).run(limit).await?)
        })
    }
}
