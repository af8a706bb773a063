//! A connection before anything has been negotiated.

use crate::{
    Call, Dispatch, Peer, Reply,
    inbox::{Desk, Inbox},
    swap::Swap,
};
use futures_util::future::BoxFuture;
use mcp_transport::{Binding, BoxError, Driver, Link, PollOnWake, Transport};
use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
    time::Duration,
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// How long a failed connection may take to shut down gracefully before it is cut.
const SHUT_DOWN: Duration = Duration::from_secs(3);

/// An open connection, its driver, and the inbox that answers the server in the meantime.
pub(crate) struct Opening<T> {
    pub(crate) transport: T,
    pub(crate) dispatch: Dispatch<Swap<T>>,
    pub(crate) binding: Binding,
    driver: Result<Driver, Result<(), mcp_transport::Error>>,
    /// A probe that was not answered in time; its answer is no longer wanted.
    pub(super) late: Option<BoxFuture<'static, Result<Reply, BoxError>>>,
    /// Ends the use of this connection only.
    released: CancellationToken,
}

impl<T: Transport> Opening<T> {
    pub(crate) fn new(link: Link<T>, peer: Peer, session: &CancellationToken) -> Self {
        let released = session.child_token();
        let Link { transport, unsolicited, driver, binding, patience, .. } = link;
        peer.waits_with(patience);
        let alone = Swap::alone(transport.clone(), peer.connection());
        let desk = Desk { transport: alone.clone(), peer: peer.clone() };
        let inbox = Inbox { unsolicited, desk, released: released.clone() };
        // Boxed, so that the driver holds it only once.
        let mut inbox = Box::pin(PollOnWake::new(inbox.run()));
        let driver = driver.map(|mut driver| async move {
            // The inbox ends with the last handle of the session, and with it the last use of the transport.
            tokio::select! {
                biased;
                end = &mut driver => end.map(|()| inbox)?.await,
                () = &mut inbox => driver.await?,
            }
            Ok(())
        });
        let dispatch = Dispatch::new(alone, peer);
        Self { transport, dispatch, binding, driver: Ok(driver), late: None, released }
    }

    /// Runs a future of the handshake while driving the connection.
    pub(super) async fn run<F: Future>(&mut self, future: F) -> F::Output {
        let mut future = pin!(future);
        poll_fn(|cx| {
            if let Ok(driver) = &mut self.driver
                && let Poll::Ready(end) = pin!(driver).poll(cx)
            {
                self.driver = Err(end);
            }
            if let Some(late) = &mut self.late
                && late.as_mut().poll(cx).is_ready()
            {
                self.late = None;
            }
            future.as_mut().poll(cx)
        })
        .await
    }

    /// Sends one call without any layers.
    pub(super) fn call(&mut self, call: Call) -> BoxFuture<'_, Result<Reply, BoxError>> {
        Box::pin(async move {
            let dispatch = self.dispatch.clone();
            self.run(dispatch.oneshot(call)).await
        })
    }

    /// Shuts down a failed connection: a child process sees the end of its input, a session over HTTP is deleted.
    ///
    /// Dropping the future cuts the connection.
    pub(super) fn shut_down(self) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let Self { transport, dispatch, driver, late, released, .. } = self;
            // Nobody else can use the transport, so the driver comes to its end.
            drop((transport, dispatch, late));
            released.cancel();
            let Ok(driver) = driver else { return };
            match tokio::time::timeout(SHUT_DOWN, driver).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::debug!(%error, "closing"),
                Err(_) => tracing::debug!("closing took too long; the connection is cut"),
            }
        })
    }

    /// Returns the driver of the established session.
    pub(crate) fn into_driver(self) -> Driver {
        self.driver.unwrap_or_else(|end| Driver::new(std::future::ready(end)))
    }
}
