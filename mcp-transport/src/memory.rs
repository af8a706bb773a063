//! A byte stream inside the process, for tests and embedded servers.

use crate::{
    Link,
    duplex::{self, Multiplex},
};
use tokio::io::DuplexStream;

/// Creates a connected pair: the client's link, and the stream that a server reads from and writes to.
///
/// Each direction buffers at most `capacity` bytes.
///
/// ```
/// # async fn example() {
/// let (link, server) = mcp_transport::memory::pair(64 * 1024);
/// // Give `server` to a server that speaks newline-delimited JSON, and poll `link.driver`.
/// # drop((link, server));
/// # }
/// ```
pub fn pair(capacity: usize) -> (Link<Multiplex>, DuplexStream) {
    let (client, server) = tokio::io::duplex(capacity);
    (duplex::connect(client), server)
}
