//! A policy hook for calls and listed tools.

use crate::{Call, CallService, Error, Reply, tool_list::ToolList, tool_name::tool_name};
use async_trait::async_trait;
use futures_util::future::BoxFuture;
use mcp_transport::BoxError;
use mcp_types::RawJson;
use serde_json::Value;
use std::{
    borrow::Cow,
    collections::HashMap,
    fmt, mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};
use tower_layer::Layer;
use tower_service::Service;

/// The maximum number of denied tools remembered; a list with more is denied as a whole.
const MAX_DENIED: usize = 10_000;

/// A policy for a [`Guard`]: what the program allows.
///
/// ```
/// use mcp_session::{Call, GuardLayer, GuardPolicy, Verdict};
///
/// struct Readers;
///
/// #[async_trait::async_trait]
/// impl GuardPolicy for Readers {
///     async fn judge_call(&self, call: &Call) -> Verdict<Call> {
///         // A program with a person before it would ask here, and wait for the answer.
///         if call.method == "tools/call" { Verdict::deny("this program only reads") } else { Verdict::Allow }
///     }
/// }
///
/// let layer = GuardLayer::new(Readers);
/// ```
#[async_trait]
pub trait GuardPolicy: Send + Sync + 'static {
    /// Judges a call before it is sent. It may take time, for example to ask a person. Default: allowed.
    async fn judge_call(&self, call: &Call) -> Verdict<Call> {
        let _ = call;
        Verdict::Allow
    }

    /// Judges a tool that the server lists, given as the object that arrived: untrusted in all parts. Default: allowed.
    ///
    /// A rewritten tool should keep its `name`, by which it is called.
    async fn judge_tool(&self, tool: &Value) -> Verdict<Value> {
        let _ = tool;
        Verdict::Allow
    }
}

/// The decision of a [`GuardPolicy`].
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a policy answers in one of these ways")]
pub enum Verdict<T> {
    /// Let it pass as it is.
    Allow,
    /// Do not let it pass, for this reason.
    Deny(Box<str>),
    /// Let this pass instead.
    Rewrite(T),
}

impl<T> Verdict<T> {
    /// Denies it, for this reason.
    pub fn deny(reason: impl Into<Box<str>>) -> Self {
        Self::Deny(reason.into())
    }
}

/// Lets a [`GuardPolicy`] judge each call, and each tool of `tools/list` results.
///
/// On the wire: nothing for a call that is denied, which fails with [`Error::Denied`]; the new call for one that was
/// rewritten. A tool that is denied is removed from the list, and cannot be called until it has been listed again and
/// allowed. A list that cannot be read fails.
///
/// Belongs outside all other layers, so that a policy that waits for a person uses up no deadline.
///
/// # Cancel safety
///
/// Dropping the call drops the judgement or the request, whichever is in progress.
// spec: TOOL-02 TOOL-06 TRUST-03
#[derive(Clone)]
pub struct Guard<S> {
    inner: S,
    layer: GuardLayer,
}

/// Makes [`Guard`] services, which share what they know of denied tools: one layer for one server.
#[derive(Clone)]
pub struct GuardLayer {
    policy: Arc<dyn GuardPolicy>,
    denied: Arc<Mutex<HashMap<String, Box<str>>>>,
}

impl GuardLayer {
    /// Creates a layer with this policy.
    pub fn new(policy: impl GuardPolicy) -> Self {
        Self { policy: Arc::new(policy), denied: Arc::default() }
    }

    async fn judge_call(&self, call: Call) -> Result<Call, Error> {
        let call = match self.policy.judge_call(&call).await {
            Verdict::Allow => call,
            Verdict::Rewrite(call) => call,
            Verdict::Deny(reason) => return Err(denied(&call.method, reason)),
        };
        let reason = tool_name(&call).and_then(|name| self.denied().get(&*name).cloned());
        match reason {
            Some(reason) => Err(denied(&call.method, reason)),
            None => Ok(call),
        }
    }

    async fn judge_list(&self, mut reply: Reply) -> Result<Reply, Error> {
        let list = ToolList::read(&reply.result)?;
        let mut tools = Vec::with_capacity(list.tools().len());
        let mut is_changed = false;
        for raw in list.tools() {
            let Ok(tool) = RawJson::from_joined(reply.result.share(raw)).to_value() else {
                is_changed = true;
                continue;
            };
            let name = tool["name"].as_str().unwrap_or_default();
            let verdict = self.policy.judge_tool(&tool).await;
            is_changed |= !matches!(verdict, Verdict::Allow);
            if let Verdict::Deny(reason) = verdict {
                self.deny(name, reason)?;
                continue;
            }
            self.denied().remove(name);
            tools.push(match verdict {
                Verdict::Rewrite(new) => {
                    let new = RawJson::encode(&new).map_err(crate::InvalidParams::from)?;
                    Cow::Owned(new.to_string())
                }
                _ => Cow::Borrowed(*raw),
            });
        }
        if is_changed {
            reply.result = list.with_tools(&tools);
        }
        Ok(reply)
    }

    fn deny(&self, name: &str, reason: Box<str>) -> Result<(), Error> {
        tracing::debug!(tool = ?name, "left out a tool that is denied");
        let mut known = self.denied();
        if known.len() >= MAX_DENIED && !known.contains_key(name) {
            return Err(denied("tools/list", format!("more than {MAX_DENIED} tools are").into()));
        }
        known.insert(name.to_owned(), reason);
        Ok(())
    }

    fn denied(&self) -> MutexGuard<'_, HashMap<String, Box<str>>> {
        self.denied.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn denied(method: &str, reason: Box<str>) -> Error {
    Error::Denied { method: method.into(), reason }
}

impl<S> Layer<S> for GuardLayer {
    type Service = Guard<S>;

    fn layer(&self, inner: S) -> Guard<S> {
        Guard { inner, layer: self.clone() }
    }
}

impl<S: CallService> Service<Call> for Guard<S> {
    type Response = Reply;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Reply, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, call: Call) -> Self::Future {
        let clone = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, clone);
        let layer = self.layer.clone();
        Box::pin(async move {
            let call = layer.judge_call(call).await?;
            let is_list = call.method == "tools/list";
            let reply = inner.call(call).await?;
            if is_list { Ok(layer.judge_list(reply).await?) } else { Ok(reply) }
        })
    }
}

impl fmt::Debug for GuardLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let denied = self.denied().len();
        f.debug_struct("GuardLayer").field("denied", &denied).finish_non_exhaustive()
    }
}

impl<S: fmt::Debug> fmt::Debug for Guard<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").field("inner", &self.inner).finish_non_exhaustive()
    }
}
