//! Guarded requests: those to addresses that a server named.

mod pool;
mod reach;
mod screen;

pub(super) use pool::Guard;

use http::Uri;

/// An extension of requests that go where a server said: what is there is asked only if the server could be there itself.
///
/// No redirect of such a request is followed. Addresses of this machine, of private networks and of no network are
/// refused when the connection is made, whatever name they have, unless the server is in the same network: then its
/// neighbours may be asked too. A proxy that carries the request has its own rules for what names stand for.
///
/// The default [`Client`](super::Client) heeds it; a service of your own should.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Guarded {
    /// The MCP server that the client talks to. Where it is, others may be too.
    pub server: Uri,
    /// Whether addresses of private networks and of this machine are taken wherever the server is.
    pub allows_private: bool,
}

impl Guarded {
    /// For a client of `server`.
    pub fn new(server: Uri) -> Self {
        Self { server, allows_private: false }
    }
}
