//! Type erasure for transports, so that what is generic over them is compiled once.

use futures_util::future::BoxFuture;
#[cfg(feature = "http")]
use mcp_transport::http::Http;
use mcp_transport::{
    ClientMessage, Connector, Error, Link, Replies, Transport,
    duplex::{Multiplex, Sending},
};
use std::{
    any::Any,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};
use tower::{Service, util::BoxCloneSyncService};

/// A connector of any type.
#[derive(Clone)]
pub(crate) struct AnyConnector(Arc<dyn Connect>);

impl AnyConnector {
    pub(crate) fn new(connector: impl Connector) -> Self {
        Self(Arc::new(connector))
    }
}

impl Connector for AnyConnector {
    type Transport = AnyTransport;

    fn connect(&self) -> impl Future<Output = Result<Link<AnyTransport>, Error>> + Send {
        self.0.connect_any()
    }
}

trait Connect: Send + Sync {
    fn connect_any(&self) -> BoxFuture<'_, Result<Link<AnyTransport>, Error>>;
}

impl<C: Connector> Connect for C {
    fn connect_any(&self) -> BoxFuture<'_, Result<Link<AnyTransport>, Error>> {
        Box::pin(async move { Ok(self.connect().await?.map(AnyTransport::new)) })
    }
}

/// A transport of any type. The usual ones keep their own type, so that their calls cost no more.
#[derive(Clone)]
pub(crate) enum AnyTransport {
    Multiplex(Multiplex),
    #[cfg(feature = "http")]
    Http(Http),
    Other(BoxCloneSyncService<ClientMessage, Replies, Error>),
}

impl AnyTransport {
    fn new(transport: impl Transport) -> Self {
        let any: &dyn Any = &transport;
        if let Some(multiplex) = any.downcast_ref::<Multiplex>() {
            return Self::Multiplex(multiplex.clone());
        }
        #[cfg(feature = "http")]
        if let Some(http) = any.downcast_ref::<Http>() {
            return Self::Http(http.clone());
        }
        Self::Other(BoxCloneSyncService::new(transport))
    }
}

impl Service<ClientMessage> for AnyTransport {
    type Response = Replies;
    type Error = Error;
    type Future = AnySending;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        match self {
            Self::Multiplex(multiplex) => multiplex.poll_ready(cx),
            #[cfg(feature = "http")]
            Self::Http(http) => http.poll_ready(cx),
            Self::Other(other) => other.poll_ready(cx),
        }
    }

    fn call(&mut self, message: ClientMessage) -> AnySending {
        match self {
            Self::Multiplex(multiplex) => AnySending::Multiplex(multiplex.call(message)),
            #[cfg(feature = "http")]
            Self::Http(http) => AnySending::Boxed(http.call(message)),
            Self::Other(other) => AnySending::Boxed(other.call(message)),
        }
    }
}

/// A message being sent over a transport of any type.
pub(crate) enum AnySending {
    Multiplex(Sending),
    Boxed(BoxFuture<'static, Result<Replies, Error>>),
}

impl Future for AnySending {
    type Output = Result<Replies, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.get_mut() {
            Self::Multiplex(sending) => Pin::new(sending).poll(cx),
            Self::Boxed(sending) => sending.as_mut().poll(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mcp_transport::Shared;
    use mcp_types::rpc::Notification;
    use tower::ServiceExt;

    /// Becomes ready on the second poll.
    #[derive(Clone)]
    struct Slow {
        asked: u32,
    }

    impl Service<ClientMessage> for Slow {
        type Response = Replies;
        type Error = Error;
        type Future = std::future::Ready<Result<Replies, Error>>;

        fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
            self.asked += 1;
            cx.waker().wake_by_ref();
            if self.asked < 2 { Poll::Pending } else { Poll::Ready(Ok(())) }
        }

        fn call(&mut self, _: ClientMessage) -> Self::Future {
            assert!(self.asked >= 2, "called before it was ready");
            std::future::ready(Ok(Replies::empty()))
        }
    }

    #[tokio::test]
    async fn a_service_in_this_process_is_called_when_it_is_ready() {
        let link = AnyConnector::new(Shared::new(Slow { asked: 0 })).connect().await.unwrap();
        assert!(matches!(link.transport, AnyTransport::Other(_)));
        let notification = Notification::new("notifications/progress");
        drop(link.transport.oneshot(notification.into()).await.unwrap());
    }

    #[tokio::test]
    async fn byte_streams_keep_their_own_type() {
        let (ours, _theirs) = tokio::io::duplex(64);
        let link = mcp_transport::duplex::connect(ours).map(AnyTransport::new);
        assert!(matches!(link.transport, AnyTransport::Multiplex(_)));
    }

    #[cfg(feature = "http")]
    #[tokio::test]
    async fn http_keeps_its_own_type() {
        let endpoint = mcp_transport::http::Endpoint::parse("http://localhost/mcp").unwrap();
        let link = AnyConnector::new(endpoint).connect().await.unwrap();
        assert!(matches!(link.transport, AnyTransport::Http(_)));
    }
}
