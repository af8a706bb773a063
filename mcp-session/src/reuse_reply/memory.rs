//! A reply store in memory.

use super::{CacheKey, CachedReply, ReplyStore};
use std::fmt;

/// A store in memory with a limit in bytes; the least useful replies are evicted first.
pub struct MemoryStore {
    replies: moka::sync::Cache<CacheKey, CachedReply>,
    max_bytes: u64,
}

impl MemoryStore {
    /// Creates an empty store for this many bytes.
    pub fn new(max_bytes: u64) -> Self {
        let replies = moka::sync::Cache::builder().max_capacity(max_bytes).weigher(weigh).build();
        Self { replies, max_bytes }
    }
}

fn weigh(key: &CacheKey, reply: &CachedReply) -> u32 {
    u32::try_from(key.size() + reply.size()).unwrap_or(u32::MAX)
}

impl ReplyStore for MemoryStore {
    fn find(&self, key: &CacheKey) -> Option<CachedReply> {
        self.replies.get(key)
    }

    fn keep(&self, key: CacheKey, reply: CachedReply) {
        // An oversized reply would evict all others, and then itself.
        if u64::from(weigh(&key, &reply)) <= self.max_bytes {
            self.replies.insert(key, reply);
        }
    }

    fn forget(&self, key: &CacheKey) {
        self.replies.invalidate(key);
    }

    fn clear(&self) {
        self.replies.invalidate_all();
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("replies", &self.replies.entry_count()).finish()
    }
}
