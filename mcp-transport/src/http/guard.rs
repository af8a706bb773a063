//! Guarded requests: those to addresses that a server named.

mod pool;
mod reach;
mod screen;

pub(super) use pool::Guard;

use http::Uri;

/// An extension that marks requests to a URL which a server named: they may go only where the server itself could be.
///
/// Redirects of such a request are not followed. Addresses of this machine, of private networks and reserved ones are
/// refused when the connection is made, whatever their name, unless the server is in the same kind of network. A proxy
/// that carries the request resolves names by its own rules.
///
/// The default [`Client`](super::Client) enforces it; a service of your own should too.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Guarded {
    /// The MCP server that the client talks to, whose network is allowed.
    pub server: Uri,
    /// Whether addresses of private networks and of this machine are allowed wherever the server is.
    pub allows_private: bool,
}

impl Guarded {
    /// Creates the extension for a client of `server`.
    pub fn new(server: Uri) -> Self {
        Self { server, allows_private: false }
    }
}
