//! The connection: a counted holder of a session.

use crate::{Client, Error, live::Hold};
use std::{fmt, ops::Deref, sync::Arc};

/// Holds the session of a [`Client`] open.
///
/// Dereferences to the client, so that calls read `connection.call_tool("echo")`. A clone holds the session too: give
/// one to each task that makes calls.
///
/// # Cancel safety
///
/// Dropping the last connection closes the session gracefully in the background: calls in flight have 8 s to finish,
/// and then the session is cut. [`close`](Self::close) waits until the session is closed, but not for calls.
#[must_use = "the session is closed when the last connection is dropped"]
pub struct Connection {
    client: Client,
    hold: Hold,
}

impl Connection {
    pub(crate) fn new(client: Client, hold: Hold) -> Self {
        Self { client, hold }
    }

    /// Waits until the session is over, and returns the reason.
    pub(crate) async fn ended(&self) -> Error {
        self.hold.live().ended().await
    }

    /// Releases the session. If this was the last connection, calls in flight fail, and it waits until the session is
    /// closed.
    pub async fn close(self) {
        let Self { hold, .. } = self;
        let live = Arc::clone(hold.live());
        drop(hold);
        live.closed_if_unused().await;
    }
}

/// Adds a holder of the same session.
impl Clone for Connection {
    fn clone(&self) -> Self {
        Self { client: self.client.clone(), hold: self.hold.another() }
    }
}

impl Deref for Connection {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("client", &self.client).finish_non_exhaustive()
    }
}
