//! Sending notifications.

use futures_util::future::BoxFuture;
use mcp_transport::{BoxError, ClientMessage, Transport};
use mcp_types::{ProtocolVersion, rpc::Notification};
use std::task::{Context, Poll};
use tower_service::Service;

/// A service that sends notifications over a transport.
#[derive(Clone, Debug)]
pub struct Notify<T> {
    transport: T,
    version: ProtocolVersion,
}

impl<T: Transport> Notify<T> {
    /// Sends over `transport`, in the revision `version`.
    pub fn new(transport: T, version: ProtocolVersion) -> Self {
        Self { transport, version }
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
        let message = ClientMessage::new(notification).with_extension(self.version.clone());
        let sent = self.transport.call(message);
        Box::pin(async move {
            drop(sent.await?);
            Ok(())
        })
    }
}
