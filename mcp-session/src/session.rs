//! The session: a negotiated connection as one service.

use crate::{
    Call, CallService, Era, Error, Notify, Options, Phase, Reply, Server, negotiate::negotiate,
    stack,
};
use mcp_transport::{BoxError, Connector, Driver};
use mcp_types::{Request, rpc::Notification};
use std::{
    convert::Infallible,
    fmt,
    future::Future,
    sync::Arc,
    task::{Context, Poll},
};
use tokio::sync::mpsc;
use tower::{ServiceExt, util::BoxCloneSyncService};
use tower_layer::{Identity, Layer};
use tower_service::Service;

/// The type-erased stack of a session.
pub type BoxCallService = BoxCloneSyncService<Call, Reply, BoxError>;

/// A negotiated connection to one server: a [`CallService`].
///
/// Clones share the connection. It is shut down in good order when the last clone is gone and the [`Driver`] has run to
/// its end; dropping the driver ends it at once.
#[derive(Clone)]
pub struct Session {
    service: BoxCallService,
    notify: BoxCloneSyncService<Notification, (), BoxError>,
    server: Arc<Server>,
    _handle: mpsc::Sender<Infallible>,
}

impl Session {
    /// Begins to set up a session with the server that `connector` connects to.
    pub fn builder<C: Connector>(connector: C) -> Builder<C> {
        Builder { connector, options: Options::default(), layer: Identity::new() }
    }

    /// What the server said of itself.
    pub fn server(&self) -> &Arc<Server> {
        &self.server
    }

    /// Calls a method and decodes its result.
    ///
    /// # Errors
    ///
    /// Any of [`Error`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels the request on the wire.
    pub async fn request<R: Request>(&self, request: R) -> Result<R::Result, Error> {
        let reply = self.call_raw(Call::of(request)?).await?;
        reply.decode().map_err(|source| Error::Decode { method: R::METHOD.into(), source })
    }

    /// Calls a method.
    ///
    /// # Errors
    ///
    /// Any of [`Error`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels the request on the wire.
    pub async fn call_raw(&self, call: Call) -> Result<Reply, Error> {
        self.service.clone().oneshot(call).await.map_err(Error::from_layers)
    }

    /// Sends a notification; ready when it has been handed to the transport.
    ///
    /// # Errors
    ///
    /// The connection is gone, or the server refused it.
    pub async fn notify(&self, notification: Notification) -> Result<(), Error> {
        self.notify.clone().oneshot(notification).await.map_err(Error::from_layers)
    }
}

impl Service<Call> for Session {
    type Response = Reply;
    type Error = BoxError;
    type Future = <BoxCallService as Service<Call>>::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, call: Call) -> Self::Future {
        self.service.call(call)
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("server", &self.server).finish_non_exhaustive()
    }
}

/// Sets up a [`Session`].
#[derive(Debug)]
#[must_use = "nothing happens before `connect`"]
pub struct Builder<C, L = Identity> {
    connector: C,
    options: Options,
    layer: L,
}

impl<C: Connector, L> Builder<C, L> {
    /// With these options.
    pub fn options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// With one more layer around the default stack, inside of those that were added before.
    pub fn layer<M>(self, layer: M) -> Builder<C, tower_layer::Stack<M, L>> {
        let Self { connector, options, layer: outer } = self;
        Builder { connector, options, layer: tower_layer::Stack::new(layer, outer) }
    }

    /// Connects, negotiates, and gives the session and the future that does its work.
    ///
    /// # Errors
    ///
    /// The server cannot be reached, speaks no revision that the options allow, or takes too long.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes what it has opened.
    pub async fn connect(self) -> Result<(Session, Driver), Error>
    where
        L: Layer<BoxCallService>,
        L::Service: CallService,
    {
        let Self { connector, options, layer } = self;
        let opened = limited(negotiate(&connector, &options), &options).await?;
        let (opening, server) = opened;
        let version = server.version.clone();
        let dispatch = opening.dispatch.clone();
        let notify = Notify::new(dispatch.transport().clone(), version.clone());
        let service = match server.era {
            Era::Modern => BoxCloneSyncService::new(stack::modern(
                dispatch,
                version,
                opening.binding,
                &options,
            )),
            Era::Legacy => BoxCloneSyncService::new(stack::legacy(dispatch, version, &options)),
        };
        let session = Session {
            service: BoxCloneSyncService::new(layer.layer(service)),
            notify: BoxCloneSyncService::new(notify),
            server: Arc::new(server),
            _handle: opening.handle.clone(),
        };
        Ok((session, opening.into_driver()))
    }
}

async fn limited<T>(
    opening: impl Future<Output = Result<T, Error>>,
    options: &Options,
) -> Result<T, Error> {
    let Some(after) = options.connect_timeout else { return opening.await };
    match tokio::time::timeout(after, opening).await {
        Ok(outcome) => outcome,
        Err(_) => Err(Error::Timeout { method: "connect".into(), phase: Phase::Connect, after }),
    }
}
