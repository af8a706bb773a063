//! Answering calls from cached replies.

mod flight;
mod hints;
mod key;
#[cfg(feature = "cache")]
mod memory;
mod state;
mod store;

pub use key::{AuthorizationContext, CacheKey};
#[cfg(feature = "cache")]
pub use memory::MemoryStore;
pub use state::ReplyCache;
pub use store::{CachedReply, ReplyStore};

use crate::{Call, CallService, Deadlines, Error, Reply};
use flight::{Landed, Lead, Place};
use futures_util::future::{BoxFuture, ready};
use key::Question;
use mcp_transport::BoxError;
use mcp_types::ErrorCode;
use std::{
    mem,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tower_layer::Layer;
use tower_service::Service;

/// How replies are cached; every field has a default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReuseOptions {
    /// The longest time that a reply is fresh, whatever the server says. Default: 24 h.
    pub max_ttl: Duration,
    /// How long a stale reply may be used when the server cannot be reached. Default: not at all.
    pub stale_if_error: Duration,
    /// How many bytes of replies the default store keeps. Default: 16 MiB.
    pub max_bytes: u64,
}

impl Default for ReuseOptions {
    fn default() -> Self {
        Self {
            max_ttl: Duration::from_secs(24 * 60 * 60),
            stale_if_error: Duration::ZERO,
            max_bytes: 16 * 1024 * 1024,
        }
    }
}

/// How one call uses the cache, as an extension of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reuse {
    /// Uses a fresh reply if there is one.
    #[default]
    Use,
    /// Asks the server, and caches the reply.
    Refresh,
    /// Asks the server, and does not touch the cache.
    Bypass,
}

/// An extension of a reply that came from the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reused {
    /// The age of the reply.
    pub age: Duration,
    /// Whether the reply is stale, and was used because the server cannot be reached.
    pub is_stale: bool,
}

/// Answers lists, `resources/read` and `server/discover` with replies that the server said to be fresh for longer.
///
/// On the wire: nothing, where a reply to the same method and parameters came less than its `ttlMs` ago. Replies whose
/// `cacheScope` is not `public` are kept apart by [`AuthorizationContext`]; without one they all belong to the context
/// of the layer. A notification `list_changed` or `resources/updated` that comes to a `subscriptions/listen` call
/// through this layer drops what it is about at once; so does a refused cursor, and a new subscription drops all. What
/// was asked for before that is not kept when it comes. A reply that took the client's input is never kept. Nothing is
/// fetched unless it is asked for.
///
/// Identical calls in flight are coalesced: a call waits for the one that was sent first, unless it has [`Deadlines`]
/// of its own, and shares its reply if that is cached. When the first caller gives up, another one sends the call.
///
/// See [the clause](https://modelcontextprotocol.io/specification/2026-07-28/server/utilities/caching).
// spec: CACHE-01 CACHE-02 CACHE-03 CACHE-04 CACHE-05 CACHE-06 CACHE-07 CACHE-09 CACHE-10 CACHE-11 CACHE-14 CACHE-15
// spec: CACHE-16 TRUST-02
#[derive(Clone, Debug)]
pub struct ReuseReply<S> {
    inner: S,
    cache: ReplyCache,
}

/// Makes [`ReuseReply`] services, which share their replies: one layer for one server.
#[derive(Clone, Debug)]
pub struct ReuseReplyLayer(ReplyCache);

impl ReuseReplyLayer {
    /// Caches replies in memory.
    #[cfg(feature = "cache")]
    pub fn new(options: ReuseOptions) -> Self {
        Self::with_store(Arc::new(MemoryStore::new(options.max_bytes)), options)
    }

    /// Caches replies in `store`, which must not be shared with another layer.
    pub fn with_store(store: Arc<dyn ReplyStore>, options: ReuseOptions) -> Self {
        Self(ReplyCache::new(store, options))
    }

    /// The cache, for example to invalidate it.
    pub fn cache(&self) -> &ReplyCache {
        &self.0
    }
}

impl<S> Layer<S> for ReuseReplyLayer {
    type Service = ReuseReply<S>;

    fn layer(&self, inner: S) -> ReuseReply<S> {
        ReuseReply { inner, cache: self.0.clone() }
    }
}

impl<S: CallService> Service<Call> for ReuseReply<S> {
    type Response = Reply;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Reply, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut call: Call) -> Self::Future {
        if call.method == "subscriptions/listen" {
            // There were no notifications since the last subscription ended.
            self.cache.invalidate_all();
            call.events = self.cache.listen(mem::take(&mut call.events));
        }
        let mode = call.extensions.get::<Reuse>().copied().unwrap_or_default();
        let question = if mode == Reuse::Bypass { None } else { Question::of(&call) };
        let Some(question) = question else { return Box::pin(self.inner.call(call)) };
        if mode == Reuse::Use
            && let Some(reply) = self.cache.fresh(&question)
        {
            return Box::pin(ready(Ok(reply)));
        }
        // A call with deadlines of its own does not wait for another call.
        let follows = mode == Reuse::Use && call.extensions.get::<Deadlines>().is_none();
        let clone = self.inner.clone();
        let inner = mem::replace(&mut self.inner, clone);
        let asking = Asking { inner, cache: self.cache.clone(), question, mode };
        Box::pin(asking.run(call, follows))
    }
}

/// A call whose reply may be cached.
struct Asking<S> {
    inner: S,
    cache: ReplyCache,
    question: Question,
    mode: Reuse,
}

impl<S: CallService> Asking<S> {
    async fn run(self, call: Call, follows: bool) -> Result<Reply, BoxError> {
        loop {
            let asked_at = self.cache.moment();
            match self.cache.join(&self.question, asked_at) {
                Place::Lead(lead) => return self.ask(call, asked_at, Some(lead)).await,
                Place::Follow(_) if !follows => return self.ask(call, asked_at, None).await,
                Place::Follow(mut landed) => {
                    let is_down = |landed: &Landed| !matches!(landed, Landed::Flying);
                    match landed.wait_for(is_down).await.map(|landed| landed.clone()) {
                        Ok(Landed::With(mut reply)) => {
                            reply
                                .extensions
                                .insert(Reused { age: Duration::ZERO, is_stale: false });
                            return Ok(reply);
                        }
                        Ok(_) => return self.ask(call, asked_at, None).await,
                        // The caller that made the call has given up: another one makes it.
                        Err(_) => {}
                    }
                }
            }
        }
    }

    async fn ask(
        mut self,
        call: Call,
        asked_at: u64,
        lead: Option<Lead>,
    ) -> Result<Reply, BoxError> {
        let reply = self.inner.call(call).await;
        let Self { cache, question, mode, .. } = &self;
        let error = match reply {
            Ok(reply) => {
                let is_kept = cache.keep(question, &reply, asked_at);
                if let Some(lead) = lead {
                    lead.land(Some(&reply).filter(|_| is_kept));
                }
                return Ok(reply);
            }
            Err(error) => error,
        };
        if let Some(lead) = lead {
            lead.land(None);
        }
        if question.has_cursor && is_invalid_params(&error) {
            cache.invalidate(question);
        }
        let stands_in = *mode == Reuse::Use && is_unreachable(&error);
        let stale = if stands_in { cache.stale(question) } else { None };
        stale.ok_or(error)
    }
}

fn is_invalid_params(error: &BoxError) -> bool {
    let error = error.downcast_ref::<Error>().and_then(Error::as_rpc);
    error.is_some_and(|error| error.code == ErrorCode::INVALID_PARAMS)
}

/// Whether the server seems unreachable; an authorization refusal counts as an answer.
fn is_unreachable(error: &BoxError) -> bool {
    if let Some(error) = Error::transport_of(error) {
        return error.status().is_none_or(|status| status.is_server_error() || status == 429);
    }
    error.downcast_ref::<Error>().is_some_and(Error::is_timeout)
}
