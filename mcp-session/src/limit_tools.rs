//! Concurrency limits for single tools.

use crate::{Call, CallService, Error, Reply, tool_name::tool_name};
use futures_util::future::BoxFuture;
use mcp_transport::BoxError;
use std::{
    collections::HashMap,
    mem,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};
use tokio::sync::{Semaphore, SemaphorePermit};
use tower_layer::Layer;
use tower_service::Service;

/// The maximum number of idle tools remembered.
const MAX_IDLE: usize = 1_024;

/// Limits how many calls of a tool are in flight at the same time; others wait in order.
///
/// On the wire: the same calls, some of them later. When too many wait, a further call fails with
/// [`Error::Overloaded`]. Belongs outside [`Deadline`](crate::Deadline), so that the wait does not count. Other methods
/// pass.
///
/// # Cancel safety
///
/// Dropping the call passes its permit, or its place in the queue, to the next.
#[derive(Clone, Debug)]
pub struct LimitTools<S> {
    inner: S,
    limits: Arc<Limits>,
}

/// Makes [`LimitTools`] services. Each has its own count, which its clones share.
///
/// ```
/// use mcp_session::LimitToolsLayer;
///
/// let layer = LimitToolsLayer::new(8).with_tool("render", 1);
/// ```
#[derive(Clone, Debug)]
pub struct LimitToolsLayer {
    each: usize,
    tools: HashMap<Box<str>, usize>,
    waiting: usize,
}

impl LimitToolsLayer {
    /// Allows this many calls of each tool at a time, at least one.
    pub fn new(each: usize) -> Self {
        Self { each, tools: HashMap::new(), waiting: 1_000 }
    }

    /// Allows this many calls of this tool at a time, at least one.
    #[must_use]
    pub fn with_tool(mut self, tool: impl Into<Box<str>>, limit: usize) -> Self {
        self.tools.insert(tool.into(), limit);
        self
    }

    /// Sets how many calls of one tool may wait. Default: 1000.
    #[must_use]
    pub fn with_waiting(self, waiting: usize) -> Self {
        Self { waiting, ..self }
    }
}

impl<S> Layer<S> for LimitToolsLayer {
    type Service = LimitTools<S>;

    fn layer(&self, inner: S) -> LimitTools<S> {
        let limits = Limits { layer: self.clone(), gates: Mutex::default() };
        LimitTools { inner, limits: Arc::new(limits) }
    }
}

#[derive(Debug)]
struct Limits {
    layer: LimitToolsLayer,
    gates: Mutex<HashMap<Box<str>, Arc<Gate>>>,
}

impl Limits {
    fn gate(&self, tool: &str) -> Arc<Gate> {
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(gate) = gates.get(tool) {
            return Arc::clone(gate);
        }
        if gates.len() >= MAX_IDLE {
            gates.retain(|_, gate| Arc::strong_count(gate) > 1);
        }
        let limit = self.layer.tools.get(tool).copied().unwrap_or(self.layer.each);
        let turns = Semaphore::new(limit.clamp(1, Semaphore::MAX_PERMITS));
        let gate = Arc::new(Gate { turns, waiting: AtomicUsize::new(0) });
        gates.insert(tool.into(), Arc::clone(&gate));
        gate
    }
}

#[derive(Debug)]
struct Gate {
    turns: Semaphore,
    waiting: AtomicUsize,
}

impl Gate {
    /// Waits for a turn; `None` if too many calls are waiting already.
    async fn enter(&self, max_waiting: usize) -> Option<SemaphorePermit<'_>> {
        // Turns go to waiters first, so that one is free only if nobody is waiting.
        if let Ok(turn) = self.turns.try_acquire() {
            return Some(turn);
        }
        let place = Place(&self.waiting);
        if place.0.fetch_add(1, Ordering::Relaxed) >= max_waiting {
            return None;
        }
        // The semaphore is never closed.
        self.turns.acquire().await.ok()
    }
}

/// A place in the queue, given up when dropped.
struct Place<'a>(&'a AtomicUsize);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl<S: CallService> Service<Call> for LimitTools<S> {
    type Response = Reply;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Reply, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, call: Call) -> Self::Future {
        let gate = tool_name(&call).map(|tool| self.limits.gate(&tool));
        let Some(gate) = gate else { return Box::pin(self.inner.call(call)) };
        let clone = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, clone);
        let limit = self.limits.layer.waiting;
        Box::pin(async move {
            let Some(_turn) = gate.enter(limit).await else {
                let method = (*call.method).into();
                return Err(Error::Overloaded { method, limit }.into());
            };
            inner.call(call).await
        })
    }
}
