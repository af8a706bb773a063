//! Requests to places that a server named.

use http::Uri;

/// An extension of requests that go where a server said: no redirect of theirs is followed.
///
/// The default [`Client`](super::Client) heeds it; a service of your own should.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Guarded {
    /// The MCP server that the client talks to. Where it is, others may be too.
    pub server: Uri,
}

impl Guarded {
    /// For a client of `server`.
    pub fn new(server: Uri) -> Self {
        Self { server }
    }
}
