//! Supervising a session: runs its connections one after the other.

use crate::{
    Era, Error, Options, Peer, Reconnect, Server, When,
    negotiate::Negotiation,
    swap::{Current, FIRST, Signals, Swap},
};
use futures_util::FutureExt;
use http::StatusCode;
use mcp_transport::{Connector, Delivery, Driver, Error as Lost, PollOnWake};
use std::{
    collections::VecDeque,
    future::{Future, pending},
    sync::Arc,
};
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;

/// Drives the connections of a session, one after the other.
pub(crate) struct Supervisor<C: Connector> {
    pub(crate) connector: C,
    pub(crate) options: Options,
    pub(crate) peer: Peer,
    pub(crate) server: Arc<Server>,
    pub(crate) current: watch::Sender<Current<C::Transport>>,
    pub(crate) signals: Arc<Signals>,
    /// Cancelled when the session has no more holders, or must not be used any more.
    pub(crate) released: CancellationToken,
    /// Cancelled when the session must end, whoever still uses it.
    pub(crate) closing: CancellationToken,
}

/// How a connection ended.
enum End {
    Released,
    Lost(Lost),
}

impl<C: Connector> Supervisor<C> {
    /// Runs until the session is released, or its connection is lost and will not be replaced.
    pub(crate) async fn run(self: Box<Self>, mut driver: Driver) -> Result<(), Lost> {
        let mut losses = VecDeque::new();
        for number in FIRST.. {
            let error = match self.drive(&mut driver, number).await {
                End::Released => {
                    self.close(ended());
                    // The driver shuts the connection down after the last call, or does not wait for that.
                    if let Some(end) = self.closing.run_until_cancelled(&mut driver).await {
                        return end;
                    }
                    driver.shut_down();
                    return driver.await;
                }
                End::Lost(error) => error,
            };
            drop(driver);
            // Boxed, so that a session takes no space for what few of them need.
            let Some(reopened) = Box::pin(self.reopen(&error, &mut losses)).await else {
                self.close(error.clone());
                return Err(error);
            };
            let (transport, next) = reopened;
            driver = next;
            tracing::info!(%error, "connected again");
            // Counted first: nothing is received over a connection before it is counted.
            self.peer.note_reconnected();
            self.current.send_replace(Current::Open(transport, number + 1));
        }
        Ok(())
    }

    async fn drive(&self, driver: &mut Driver, number: u64) -> End {
        tokio::select! {
            biased;
            end = PollOnWake::new(self.signalled(number)) => end,
            end = driver => match end {
                Err(error) => End::Lost(error),
                Ok(()) if self.released.is_cancelled() => End::Released,
                Ok(()) => End::Lost(Lost::closed("server closed the connection", Delivery::Unknown)),
            },
        }
    }

    /// Waits until the session is released, or a call or ping has found its connection broken.
    async fn signalled(&self, number: u64) -> End {
        tokio::select! {
            biased;
            () = self.released.cancelled() => End::Released,
            error = self.broken(number) => End::Lost(error),
            error = self.unanswered() => End::Lost(error),
        }
    }

    /// Waits until a ping over the open connection has failed, if pings are enabled.
    async fn unanswered(&self) -> Lost {
        let Self { options, peer, server, current, .. } = self;
        let pings = options.ping.filter(|_| server.era == Era::Legacy);
        let open = match &*current.borrow() {
            Current::Open(transport, number) => Some(Swap::alone(transport.clone(), *number)),
            Current::Lost | Current::Closed(_) => None,
        };
        let (Some(pings), Some(transport)) = (pings, open) else { return pending().await };
        // Boxed, because few sessions ping.
        Box::pin(pings.watch(transport, peer.clone(), server.version.clone())).await
    }

    async fn broken(&self, number: u64) -> Lost {
        loop {
            self.signals.broke.notified().await;
            if let Some(error) = self.signals.broken(number) {
                return error;
            }
        }
    }

    /// Reconnects, if the policy allows it.
    async fn reopen(
        &self,
        error: &Lost,
        losses: &mut VecDeque<Instant>,
    ) -> Option<(C::Transport, Driver)> {
        let policy = self.options.reconnect;
        let expired = is_expired(error);
        if policy.when == When::Never && !expired {
            return None;
        }
        // Requests that waited for the lost connection have already had their effect.
        let _ = self.signals.wanted.notified().now_or_never();
        self.current.send_replace(Current::Lost);
        if policy.when == When::OnCall && !expired {
            self.unless_released(self.signals.wanted.notified()).await?;
        }
        loop {
            let attempt = count(losses, &policy)?;
            self.unless_released(sleep(policy.backoff(attempt))).await?;
            match self.unless_released(self.connect()).await? {
                Ok(opened) => return Some(opened),
                Err(error) => tracing::warn!(%error, "cannot connect again"),
            }
        }
    }

    async fn connect(&self) -> Result<(C::Transport, Driver), Error> {
        let Self { connector, options, peer, server, released, .. } = self;
        let opening = Negotiation { connector, options, peer, released }.again(server).await?;
        Ok((opening.transport.clone(), opening.into_driver()))
    }

    async fn unless_released<F: Future>(&self, future: F) -> Option<F::Output> {
        self.released.run_until_cancelled(future).await
    }

    fn close(&self, error: Lost) {
        self.peer.note_over(error.clone());
        self.current.send_replace(Current::Closed(error));
    }
}

/// A dropped driver has ended its session as well.
impl<C: Connector> Drop for Supervisor<C> {
    fn drop(&mut self) {
        self.peer.note_over(ended());
    }
}

fn ended() -> Lost {
    Lost::closed("session has ended", Delivery::NotSent)
}

/// Counts an attempt; returns its number within the window, from 0, or `None` if there were too many.
fn count(losses: &mut VecDeque<Instant>, policy: &Reconnect) -> Option<u32> {
    let now = Instant::now();
    while losses.front().is_some_and(|at| now - *at > policy.window) {
        losses.pop_front();
    }
    let attempt = u32::try_from(losses.len()).ok().filter(|attempt| *attempt < policy.attempts)?;
    losses.push_back(now);
    Some(attempt)
}

/// Whether a legacy server has forgotten the session
/// ([clause](https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#session-management)).
// spec: H25-15 H25-16 H25-17
fn is_expired(error: &Lost) -> bool {
    error.is_closed() && error.status() == Some(StatusCode::NOT_FOUND)
}
