//! Sending notifications.

use crate::{
    Deadlines,
    deadline::{Expiring, Ground},
};
use futures_util::{TryFutureExt, future::BoxFuture};
use mcp_transport::{BoxError, ClientMessage, Patience, Transport};
use mcp_types::{ProtocolVersion, rpc::Notification};
use std::{
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
        let sent = self.transport.call(message).map_err(Into::into);
        let ground = self.ground.clone();
        Box::pin(async move {
            let replies = match ground {
                Some(ground) => Expiring::new(sent, method, ground).await?,
                None => sent.await?,
            };
            drop(replies);
            Ok(())
        })
    }
}
