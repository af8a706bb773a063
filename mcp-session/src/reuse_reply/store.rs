//! The trait for reply stores.

use super::CacheKey;
use mcp_types::RawJson;
use std::{fmt, time::Duration};
use tokio::time::Instant;

/// A store for cached replies. Implement it to keep them elsewhere than in the default store.
///
/// A store may forget any reply at any time, and need not know what is fresh: that is checked when a reply is taken
/// out.
pub trait ReplyStore: fmt::Debug + Send + Sync + 'static {
    /// The reply that was kept under a key.
    fn find(&self, key: &CacheKey) -> Option<CachedReply>;

    /// Keeps a reply; an earlier one under the same key is replaced.
    fn keep(&self, key: CacheKey, reply: CachedReply);

    /// Forgets the reply under a key.
    fn forget(&self, key: &CacheKey);

    /// Forgets all.
    fn clear(&self);
}

/// A cached reply, valid within this process only.
#[derive(Clone, Debug)]
pub struct CachedReply {
    pub(super) result: RawJson,
    pub(super) received: Instant,
    pub(super) ttl: Duration,
    /// The cache's moment when the reply was requested.
    pub(super) asked_at: u64,
}

impl CachedReply {
    /// The size of the result in bytes.
    pub fn size(&self) -> usize {
        self.result.as_bytes().len() + size_of::<Self>()
    }
}
