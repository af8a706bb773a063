//! The service that answers, as the serving side sees it.

use crate::{BoxError, ClientMessage, Replies};
use futures_util::future::BoxFuture;
use std::{fmt, future::poll_fn, sync::Arc};
use tower_service::Service;

/// Answers client messages: any service of the shape of a [`Transport`](crate::Transport), with errors of any type.
///
/// Never implemented by hand: any matching [`Service`] has it.
pub trait Server:
    Service<ClientMessage, Response = Replies, Error: Into<BoxError>, Future: Send + 'static>
    + Clone
    + Send
    + Sync
    + 'static
{
}

impl<S> Server for S where
    S: Service<ClientMessage, Response = Replies, Error: Into<BoxError>, Future: Send + 'static>
        + Clone
        + Send
        + Sync
        + 'static
{
}

/// A type-erased server.
#[derive(Clone)]
pub(super) struct Backend(Arc<Answer>);

type Answer = dyn Fn(ClientMessage) -> Answering + Send + Sync;

/// The future of a call: it waits until a clone of the service is ready.
pub(super) type Answering = BoxFuture<'static, Result<Replies, BoxError>>;

impl Backend {
    pub(super) fn new(service: impl Server) -> Self {
        Self(Arc::new(move |message| {
            let mut service = service.clone();
            Box::pin(async move {
                poll_fn(|cx| service.poll_ready(cx)).await.map_err(Into::into)?;
                service.call(message).await.map_err(Into::into)
            })
        }))
    }

    pub(super) fn call(&self, message: ClientMessage) -> Answering {
        (self.0)(message)
    }
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Backend")
    }
}
