//! The tasks of 2025-11-25.

use super::{
    AsTask, Created, Follow, Known, TaskOffer,
    pushes::{Listening, ProgressToken, Pushes},
    work::broken,
};
use crate::{
    BoxCallService, Call, Deadlines, Error, Params, Peer, Reply,
    member::{optional, text},
    tool_name::tool_name,
};
use futures_util::{FutureExt, future::BoxFuture};
use mcp_transport::BoxError;
use mcp_types::{ErrorCode, RawJson, rpc::Elements, tools::TaskSupport};
use memchr::memmem;
use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    future::{Future, poll_fn},
    mem,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};
use tower_service::Service;

/// The maximum number of tools remembered that allow or require tasks.
const MAX_TOOLS: usize = 10_000;
/// The maximum number of pages read to find one tool.
const MAX_PAGES: usize = 1_000;
/// How long a task may take in total, if the call sets no limit.
const LIMIT: Duration = Duration::from_secs(3600);

/// Calls tools that require it as tasks, and waits for those tasks; for servers of 2025-11-25 that offer tasks for
/// calls.
///
/// On the wire: `tools/call` with a member `task`, then `tasks/get` as often as the server suggests, then `tasks/result`.
/// What tools want is read from the `tools/list` results that pass; a server that refuses a call of an unknown tool is
/// asked for its tools, and the call is sent again if the tool wants a task. Prompts and resources are tasks only in the
/// hand of the caller.
///
/// # Cancel safety
///
/// Dropping the call sends `tasks/cancel`, as soon as the id of the task is known.
// spec: TASK25-02 TASK25-03 TASK25-04 TASK25-05 CAN-14
#[derive(Clone)]
pub(crate) struct FollowCoreTask {
    inner: BoxCallService,
    peer: Peer,
    offer: TaskOffer,
    tools: Arc<Mutex<HashMap<String, TaskSupport>>>,
}

impl FollowCoreTask {
    pub(crate) fn new(inner: BoxCallService, peer: Peer, offer: TaskOffer) -> Self {
        Self { inner, peer, offer, tools: Arc::default() }
    }
}

impl Service<Call> for FollowCoreTask {
    type Response = Reply;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Reply, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, call: Call) -> Self::Future {
        let clone = self.inner.clone();
        let inner = mem::replace(&mut self.inner, clone);
        let this = Self { inner, ..self.clone() };
        let by_handle = call.extensions.get::<AsTask>().copied();
        match &*call.method {
            "tools/list" => Box::pin(this.list_tools(call)),
            "tools/call" if self.offer.includes(&call.method) => {
                Box::pin(this.call_tool(call, by_handle))
            }
            "prompts/get" | "resources/read"
                if by_handle.is_some() && self.offer.includes(&call.method) =>
            {
                Box::pin(this.call_as_task(call, by_handle))
            }
            _ => {
                let mut inner = this.inner;
                inner.call(call)
            }
        }
    }
}

/// What is known about a tool's wish for tasks.
#[derive(Clone, Copy, PartialEq)]
enum Wish {
    Task,
    Either,
    NoTask,
    Unknown,
}

impl FollowCoreTask {
    async fn list_tools(mut self, call: Call) -> Result<Reply, BoxError> {
        let reply = self.inner.call(call).await?;
        self.learn(&reply.result);
        Ok(reply)
    }

    async fn call_tool(mut self, call: Call, by_handle: Option<AsTask>) -> Result<Reply, BoxError> {
        let Some(name) = tool_name(&call).map(|name| name.into_owned()) else {
            return self.inner.call(call).await;
        };
        let mut wish = self.wish(&name);
        if wish == Wish::Unknown && by_handle.is_some() {
            // The service is ready for one call, so another clone lists the tools.
            wish = self.look_up(&name).await?;
        }
        let as_task = wish == Wish::Task || (wish == Wish::Either && by_handle.is_some());
        if as_task {
            return self.call_as_task(call, by_handle).await;
        }
        let again = call.clone();
        let error = match self.inner.call(call).await {
            Err(error) if wish == Wish::Unknown && is_refusal(&error) => error,
            outcome => return outcome,
        };
        if self.look_up(&name).await? == Wish::Task {
            poll_fn(|cx| self.inner.poll_ready(cx)).await?;
            return self.call_as_task(again, by_handle).await;
        }
        Err(error)
    }

    async fn call_as_task(
        mut self,
        mut call: Call,
        by_handle: Option<AsTask>,
    ) -> Result<Reply, BoxError> {
        let limit = call.extensions.get::<Deadlines>().map_or(Some(LIMIT), |own| own.total);
        let ttl = by_handle.and_then(|handle| handle.ttl);
        let millis = ttl.map(|ttl| u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX));
        let task = match millis {
            Some(millis) => mcp_types::object([("ttl", millis.into())]),
            None => mcp_types::object([]),
        };
        let task = RawJson::encode(&task).map_err(crate::InvalidParams::from)?;
        call.params = call.params.with_members(&[("task", Some(&task))])?;
        // From before the call is sent, so that nothing sent right after its answer is missed.
        let pushes = Pushes::of(&self.peer);
        let token = ProgressToken::default();
        let listening = Listening::new(call.events.clone(), token.clone());
        call.extensions.insert(token.learn(call.extensions.get().cloned()));
        let method = call.method.clone();
        let reply = self.inner.call(call);
        let creating =
            Creating { reply: Some(reply), service: self.clone(), method: method.clone() };
        let mut reply = creating.await?;
        match created(&reply.result, method)?.map(|known| known.heard_by(listening, pushes)) {
            // Completed at once, although a task was asked for: better than nothing.
            None => Ok(reply),
            Some(known) if by_handle.is_some() => {
                reply.extensions.insert(known);
                Ok(reply)
            }
            Some(known) => {
                Ok(Follow::new(self.inner.clone(), self.peer.clone(), known).run(limit).await?)
            }
        }
    }

    fn wish(&self, name: &str) -> Wish {
        match self.tools.lock().unwrap_or_else(PoisonError::into_inner).get(name) {
            Some(TaskSupport::Required) => Wish::Task,
            Some(TaskSupport::Optional) => Wish::Either,
            Some(_) => Wish::NoTask,
            None => Wish::Unknown,
        }
    }

    /// Lists pages until the tool is found.
    async fn look_up(&self, name: &str) -> Result<Wish, BoxError> {
        let mut inner = self.inner.clone();
        let mut list = Call::new("tools/list");
        let mut seen = HashSet::new();
        for _ in 0..MAX_PAGES {
            poll_fn(|cx| inner.poll_ready(cx)).await?;
            let reply = inner.call(list.clone()).await?;
            let next = self.learn(&reply.result);
            match (self.wish(name), next) {
                (Wish::Unknown, Some(cursor)) if seen.insert(cursor.to_string()) => {
                    list.params = Params::default().with_members(&[("cursor", Some(&cursor))])?;
                }
                (wish, _) => return Ok(wish),
            }
        }
        Ok(Wish::Unknown)
    }

    /// Reads which tools want tasks; returns the cursor of the next page.
    fn learn(&self, result: &RawJson) -> Option<RawJson> {
        let next = optional(result, "nextCursor").ok().flatten();
        let mut tools = self.tools.lock().unwrap_or_else(PoisonError::into_inner);
        if tools.is_empty() && memmem::find(result.as_bytes(), b"taskSupport").is_none() {
            return next;
        }
        for tool in Elements::of(result.find(&["tools"]).unwrap_or_default()) {
            let tool = RawJson::from_joined(result.share(tool));
            let Some(name) = text(&tool, "name") else { continue };
            let support = tool.find(&["execution", "taskSupport"]).and_then(RawJson::read_str);
            if tools.len() < MAX_TOOLS || tools.contains_key(&*name) {
                let support = support.as_deref().unwrap_or("forbidden").into();
                tools.insert(name.into_owned(), support);
            }
        }
        next
    }
}

/// Returns the task that a server has made of a call; `None` if it has made none.
fn created(result: &RawJson, method: Cow<'static, str>) -> Result<Option<Known>, Error> {
    let created = Created::of_core(result).map_err(|source| broken(&method, Some(source)))?;
    Ok(created.map(|created| Known::created(&created, method)))
}

/// Whether the server may have refused the call because the tool requires a task.
fn is_refusal(error: &BoxError) -> bool {
    let said = error.downcast_ref::<Error>().and_then(Error::as_rpc);
    said.is_some_and(|said| said.code == ErrorCode::METHOD_NOT_FOUND)
}

/// A call that becomes a task. If dropped, it waits for the task in the background, to cancel it.
struct Creating {
    reply: Option<BoxFuture<'static, Result<Reply, BoxError>>>,
    service: FollowCoreTask,
    method: Cow<'static, str>,
}

impl Future for Creating {
    type Output = Result<Reply, BoxError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(reply) = &mut self.reply else { return Poll::Pending };
        let outcome = reply.as_mut().poll(cx);
        if outcome.is_ready() {
            self.reply = None;
        }
        outcome
    }
}

impl Drop for Creating {
    fn drop(&mut self) {
        let Some(reply) = self.reply.take() else { return };
        let FollowCoreTask { inner, peer, .. } = self.service.clone();
        let method = mem::take(&mut self.method);
        let errands = peer.clone();
        let cancel = async move {
            if let Ok(reply) = reply.await
                && let Ok(Some(known)) = created(&reply.result, method)
            {
                // Dropping it at once cancels the task.
                drop(Follow::new(inner, peer, known));
            }
        };
        errands.errands().leave(cancel.boxed());
    }
}
