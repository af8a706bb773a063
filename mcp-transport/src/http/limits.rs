//! Limits for what a server sends.

use crate::queue::Limit;
use std::time::Duration;

/// The limits of a connection. Exceeding one fails the call that it concerns, or is reported as a diagnostic.
///
/// ```
/// use mcp_transport::http::Limits;
///
/// let mut limits = Limits::default();
/// limits.body = 1024 * 1024;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The largest JSON answer, in bytes. Default: 64 MiB.
    pub body: usize,
    /// The largest event of an event stream, in bytes. Default: 64 MiB.
    pub event: usize,
    /// The maximum size of the headers that mirror one request, in bytes. Default: 64 KiB.
    pub mirrored_headers: usize,
    /// The maximum number of messages in one batch, which a server of revision 2025-03-26 may send. Default: 4096.
    pub batch: usize,
    /// How many consecutive attempts to resume the stream of a call may fail. Default: 5.
    pub resumes: u32,
    /// The longest wait before a stream is resumed, whatever the server asks for. Default: 30 s.
    pub resume_wait: Duration,
    /// The longest event id that is sent back and remembered, in bytes. Default: 4 KiB.
    pub event_id: usize,
    /// How many event ids of a stream are remembered, at least one; an older event counts as new. Default: 256.
    pub event_ids: usize,
    /// The maximum size of the body of an error status that is read, in bytes; a larger one is ignored. Default: 1 MiB.
    pub refusal: usize,
    /// The maximum number of messages that wait for a call before its response, over HTTP+SSE. Default: 1024.
    pub replies: usize,
    /// The maximum number of messages that wait in [`Unsolicited`](crate::Unsolicited); the oldest are dropped.
    /// Default: 1024.
    pub unsolicited: usize,
    /// The maximum size of the messages that wait there, in bytes. Default: 64 MiB.
    pub unsolicited_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        const MIB: usize = 1024 * 1024;
        Self {
            body: 64 * MIB,
            event: 64 * MIB,
            mirrored_headers: 64 * 1024,
            batch: 4096,
            resumes: 5,
            resume_wait: Duration::from_secs(30),
            event_id: 4096,
            event_ids: 256,
            refusal: MIB,
            replies: 1024,
            unsolicited: 1024,
            unsolicited_bytes: 64 * MIB,
        }
    }
}

impl Limits {
    pub(crate) fn of_unsolicited(&self) -> Limit {
        Limit { items: self.unsolicited, bytes: self.unsolicited_bytes }
    }
}
