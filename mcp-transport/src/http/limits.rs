//! What a server may ask this client to keep.

/// The limits of a connection. Exceeding one fails the call that it concerns, or is a diagnostic.
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
    /// The most bytes of headers that mirror one request. Default: 64 KiB.
    pub mirrored_headers: usize,
    /// The most messages that wait in [`Unsolicited`](crate::Unsolicited); the oldest are dropped. Default: 1024.
    pub unsolicited: usize,
    /// The most bytes of messages that wait there. Default: 64 MiB.
    pub unsolicited_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        const MIB: usize = 1024 * 1024;
        Self {
            body: 64 * MIB,
            event: 64 * MIB,
            mirrored_headers: 64 * 1024,
            unsolicited: 1024,
            unsolicited_bytes: 64 * MIB,
        }
    }
}
