//! Liveness pings for servers with a handshake.

use crate::{Call, Dispatch, Error, Peer};
use mcp_transport::{Delivery, Error as Lost, Transport};
use mcp_types::ProtocolVersion;
use std::time::Duration;
use tokio::time::sleep;
use tower::ServiceExt;

/// The minimum interval between pings.
const SHORTEST: Duration = Duration::from_secs(1);

/// How often a server with a handshake is pinged, and how long it may take to answer.
///
/// A server that does not answer in time counts as lost; [`Reconnect`](crate::Reconnect) decides what follows. Any
/// answer will do, even an error. There is one ping at a time. Stateless servers, which have no such request, are never
/// pinged.
///
/// A server that handles one request at a time answers a ping late: choose a timeout longer than its longest call.
///
/// See [the
/// clause](https://modelcontextprotocol.io/specification/2025-11-25/basic/utilities/ping#implementation-considerations).
// spec: PING-02 PING-03 PING-04
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PingOptions {
    /// The pause between an answer and the next ping, at least 1 s. Default: 30 s.
    pub interval: Duration,
    /// How long the server may take to answer a ping, not counting the time of a person who logs in. Default: 30 s.
    pub timeout: Duration,
}

impl Default for PingOptions {
    fn default() -> Self {
        Self { interval: Duration::from_secs(30), timeout: Duration::from_secs(30) }
    }
}

impl PingOptions {
    /// Pings at this interval, with the default timeout.
    pub fn every(interval: Duration) -> Self {
        Self { interval, ..Self::default() }
    }

    /// Pings a connection until it is found to be lost.
    pub(crate) async fn watch<T: Transport>(
        self,
        transport: T,
        peer: Peer,
        version: ProtocolVersion,
    ) -> Lost {
        let dispatch = Dispatch::new(transport, peer.clone());
        loop {
            sleep(self.interval.max(SHORTEST)).await;
            // The binding learns the revision from this.
            let ping = Call::new("ping").with_extension(version.clone());
            let answer = peer.within(self.timeout, dispatch.clone().oneshot(ping)).await;
            let Some(answer) = answer else {
                let after = self.timeout;
                tracing::warn!(?after, "the server did not answer a ping");
                return Lost::closed("the server did not answer a ping in time", Delivery::Unknown);
            };
            if let Err(error) = answer.map_err(Error::from_layers) {
                tracing::warn!(%error, "a ping failed");
                if let Some(lost) = error.as_transport().filter(|error| is_lost(error)) {
                    return lost.clone();
                }
            }
        }
    }
}

/// Whether the server is gone: one that refuses a request is still there.
fn is_lost(error: &Lost) -> bool {
    error.is_closed() || (error.status().is_none() && (error.is_connect() || error.is_io()))
}
