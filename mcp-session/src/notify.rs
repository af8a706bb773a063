//! Sending notifications.

use crate::{
    Deadlines,
    deadline::{Countdown, Ground},
};
use futures_util::future::BoxFuture;
use mcp_transport::{BoxError, ClientMessage, Patience, Transport};
use mcp_types::{ProtocolVersion, rpc::Notification};
use std::{
    borrow::Cow,
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
    task::{Context, Poll},
};
use tower_service::Service;

/// A service that sends notifications over a transport.
#[derive(Clone, Debug)]
pub struct Notify<T> {
    transport: T,
    version: ProtocolVersion,
    ground: Option<Arc<Ground>>,
}

impl<T: Transport> Notify<T> {
    /// Sends over `transport`, in the revision `version`.
    pub fn new(transport: T, version: ProtocolVersion) -> Self {
        Self { transport, version, ground: None }
    }

    /// Returns the service with time limits: a server that never takes a notification holds the caller up no longer
    /// than that.
    pub(crate) fn with_deadlines(
        mut self,
        deadlines: Deadlines,
        patience: Option<Patience>,
    ) -> Self {
        self.ground = Some(Arc::new(Ground::new(deadlines, patience)));
        self
    }
}

impl<T: Transport> Service<Notification> for Notify<T> {
    type Response = ();
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<(), BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.transport.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, notification: Notification) -> Self::Future {
        let method = notification.method.clone();
        let message = ClientMessage::new(notification).with_extension(self.version.clone());
        let (sent, ground) = (self.transport.call(message), self.ground.clone());
        Box::pin(async move {
            let replies = match ground {
                Some(ground) => in_time(sent, method, ground).await?,
                None => sent.await?,
            };
            drop(replies);
            Ok(())
        })
    }
}

/// What is sent, unless that takes too long.
async fn in_time<T, E: Into<BoxError>>(
    sent: impl Future<Output = Result<T, E>>,
    method: Cow<'static, str>,
    ground: Arc<Ground>,
) -> Result<T, BoxError> {
    let mut limit = Limit { countdown: Countdown::new(None, &ground), ground };
    let mut sent = pin!(sent);
    poll_fn(|cx| {
        if let Poll::Ready(sent) = sent.as_mut().poll(cx) {
            return Poll::Ready(sent.map_err(Into::into));
        }
        let Limit { countdown, ground } = &mut limit;
        countdown.poll_end(None, None, ground, cx).map(|end| Err(end.error(&method).into()))
    })
    .await
}

/// The time that is left for one notification.
struct Limit {
    countdown: Countdown,
    ground: Arc<Ground>,
}

impl Drop for Limit {
    fn drop(&mut self) {
        self.countdown.leave(&self.ground);
    }
}
