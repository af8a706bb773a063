//! The session: a negotiated connection as one service.

use crate::{
    Call, CallService, Cancellable, Cancellation, CheckInput, Dispatch, Era, Error, InputHandler,
    Notify, Options, Peer, Reconnect, Reply, Server, Upstream, When,
    call_raw::{Begun, CallRaw},
    input::Limited,
    negotiate::Negotiation,
    prior_discover::{Check, CheckPrior},
    spare::{Calling, Spare},
    stack,
    supervise::Supervisor,
    swap::{Current, FIRST, Signals, Swap},
    task::{FollowCoreTask, StartedTasks, TaskOffer},
};
use futures_util::future::{Either, Ready, ready};
use mcp_transport::{Binding, BoxError, Connector, Driver, Transport};
use mcp_types::{Request, rpc::Notification};
use std::{
    any::Any,
    fmt,
    sync::{Arc, Weak},
    task::{Context, Poll},
};
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};
use tower::{ServiceExt, util::BoxCloneSyncService};
use tower_layer::{Identity, Layer};
use tower_service::Service;

/// The type-erased stack of a session.
pub type BoxCallService = BoxCloneSyncService<Call, Reply, BoxError>;

/// A negotiated connection to one server: a [`CallService`].
///
/// Clones share the connection. It is shut down gracefully when the last clone is gone and the [`Driver`] has run to
/// its end; dropping the driver cuts it at once.
#[derive(Clone)]
pub struct Session(Arc<Inner>);

struct Inner {
    service: Arc<Spare>,
    notify: BoxCloneSyncService<Notification, (), BoxError>,
    server: Arc<Server>,
    peer: Peer,
    reconnect: Reconnect,
    started: StartedTasks,
    upstream: Option<Arc<dyn Upstream>>,
    is_connected: Box<dyn Fn() -> bool + Send + Sync>,
    /// Dropping it ends the connection.
    _handle: DropGuard,
}

impl Session {
    /// Starts configuring a session with the server that `connector` connects to.
    pub fn builder<C: Connector>(connector: C) -> Builder<C> {
        Builder { connector, options: Options::default(), upstream: None, layer: Identity::new() }
    }

    /// What the server said about itself.
    pub fn server(&self) -> &Arc<Server> {
        &self.0.server
    }

    /// Whether there is a live connection. There is none while [`Reconnect`] replaces a lost one; calls wait for the
    /// new one.
    pub fn is_connected(&self) -> bool {
        (self.0.is_connected)()
    }

    pub(crate) fn peer(&self) -> &Peer {
        &self.0.peer
    }

    pub(crate) fn reconnect(&self) -> &Reconnect {
        &self.0.reconnect
    }

    /// Returns the tasks that were started in this session.
    pub(crate) fn started(&self) -> &StartedTasks {
        &self.0.started
    }

    /// Returns who provides subscriptions and tasks, if not the server itself.
    pub(crate) fn upstream(&self) -> Option<&dyn Upstream> {
        self.0.upstream.as_deref()
    }

    /// Returns a handle to the same session that does not keep it open.
    pub(crate) fn downgrade(&self) -> WeakSession {
        WeakSession(Arc::downgrade(&self.0))
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
        reply.into_decoded().map_err(|source| Error::Decode { method: R::METHOD.into(), source })
    }

    /// Calls a method.
    ///
    /// # Errors
    ///
    /// Any of [`Error`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels the request on the wire, and so does a [`Cancellation`](crate::Cancellation).
    pub fn call_raw(&self, call: Call) -> CallRaw {
        CallRaw::new(self.calling(call), self.0.peer.clone())
    }

    /// Calls a method, and polls the call for the first time: one that is answered at once takes no memory of its own,
    /// and one that waits is as small as possible. The caller keeps the session for later polls.
    ///
    /// # Cancel safety
    ///
    /// As of [`call_raw`](Self::call_raw).
    pub fn begin(&self, call: Call, cx: &mut Context<'_>) -> Begun {
        if call.extensions.get::<Cancellation>().is_some() {
            return Begun::poll_cancellable(self.call_raw(call), cx);
        }
        Begun::poll(self.0.service.begin(call, cx), self, cx)
    }

    fn calling(&self, call: Call) -> Cancellable<Calling> {
        Cancellable::new(call, |call| Calling::new(Arc::clone(&self.0.service), call))
    }

    /// Sends a notification; returns when it has been handed to the transport.
    ///
    /// # Errors
    ///
    /// The connection is gone, the server refused it, or it was not taken within the deadlines of the session.
    pub async fn notify(&self, notification: Notification) -> Result<(), Error> {
        self.0.notify.clone().oneshot(notification).await.map_err(Error::from_layers)
    }
}

impl Service<Call> for Session {
    type Response = Reply;
    type Error = BoxError;
    type Future = Cancellable<Calling>;

    /// Always ready: the call itself waits.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: Call) -> Self::Future {
        self.calling(call)
    }
}

/// A handle that does not keep the session open.
#[derive(Clone)]
pub(crate) struct WeakSession(Weak<Inner>);

impl Service<Call> for WeakSession {
    type Response = Reply;
    type Error = BoxError;
    type Future = Either<<Session as Service<Call>>::Future, Ready<Result<Reply, BoxError>>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: Call) -> Self::Future {
        match self.0.upgrade() {
            Some(session) => Either::Left(Session(session).call(call)),
            None => Either::Right(ready(Err(Error::NotConnected.into()))),
        }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("server", &self.0.server).finish_non_exhaustive()
    }
}

/// Sets up a [`Session`].
#[must_use = "nothing happens before `connect`"]
pub struct Builder<C, L = Identity> {
    connector: C,
    options: Options,
    upstream: Option<Arc<dyn Upstream>>,
    layer: L,
}

impl<C: Connector, L> Builder<C, L> {
    /// Sets the options.
    pub fn options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// Takes subscriptions and tasks from the servers behind a proxy. Default: from the server itself.
    pub fn upstream(mut self, upstream: Arc<dyn Upstream>) -> Self {
        self.upstream = Some(upstream);
        self
    }

    /// Adds a layer around the default stack, inside of those that were added before.
    ///
    /// The service of a layer has to be `Clone`, because calls run at the same time: what clones share, like a count, is in an
    /// `Arc`. A tower service that is not `Clone`, like `RateLimit`, goes inside of a `tower::buffer::Buffer`.
    pub fn layer<M>(self, layer: M) -> Builder<C, tower_layer::Stack<M, L>> {
        let Self { connector, options, upstream, layer: outer } = self;
        let layer = tower_layer::Stack::new(layer, outer);
        Builder { connector, options, upstream, layer }
    }

    /// Connects and negotiates; returns the session and the future that does its work.
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
        let Self { connector, mut options, upstream, layer } = self;
        options.input = answering(&options);
        let peer = Peer::new(
            Arc::clone(&options.input),
            options.events.clone(),
            options.diagnostics.clone(),
        )
        .named(options.server_name.clone())
        .hosting(options.host_tasks);
        let (released, closing) = (CancellationToken::new(), CancellationToken::new());
        let negotiation = Negotiation {
            connector: &connector,
            options: &options,
            peer: &peer,
            released: &released,
        };
        let (opening, server) = negotiation.run().await?;
        if let Some(info) = &server.info {
            peer.introduced(info);
        }
        let (server, binding) = (Arc::new(server), opening.binding);
        let keeps = options.reconnect.when != When::Never
            || (binding == Binding::Http && server.era == Era::Legacy);
        let signals = Arc::new(Signals::new(keeps));
        let (current, swap) = watch::channel(Current::Open(opening.transport.clone(), FIRST));
        let swap = Swap::new(swap, Arc::clone(&signals));
        let session = Inner {
            service: Arc::new(Spare::new(erase(
                layer.layer(erased(&swap, &peer, binding, &server, &options, &released)),
            ))),
            notify: BoxCloneSyncService::new(
                Notify::new(swap.clone(), server.version.clone())
                    .with_deadlines(options.deadlines, peer.patience().cloned()),
            ),
            server: Arc::clone(&server),
            peer: peer.clone(),
            reconnect: options.reconnect,
            started: StartedTasks::default(),
            upstream,
            is_connected: Box::new(move || swap.is_open()),
            _handle: released.clone().drop_guard(),
        };
        let driver = opening.into_driver();
        // `closing` comes first: whoever finds the session released checks whether it is closed.
        let ends = [closing.clone(), released.clone()];
        let supervisor =
            Supervisor { connector, options, peer, server, current, signals, released, closing };
        // Boxed: a future reserves space for each place that its values move through.
        let supervisor = Box::new(supervisor);
        let driver = Driver::new(async move {
            let peer = supervisor.peer.clone();
            peer.errands().run_beside(supervisor.run(driver)).await
        });
        let driver = driver.with_shut_down(move || ends.iter().for_each(CancellationToken::cancel));
        Ok((Session(Arc::new(session)), driver))
    }
}

impl<C: fmt::Debug, L: fmt::Debug> fmt::Debug for Builder<C, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("connector", &self.connector)
            .field("options", &self.options)
            .field("layer", &self.layer)
            .finish_non_exhaustive()
    }
}

/// Returns the handler of the options, with their limits and its answers checked.
fn answering(options: &Options) -> Arc<dyn InputHandler> {
    let handler = Arc::clone(&options.input);
    let limited = Limited::new(handler, options.input_timeout, options.input_rate);
    Arc::new(CheckInput::new(Arc::new(limited)).fill_in_defaults(options.fill_in_defaults))
}

/// Erases the type of a service, unless already erased.
pub(crate) fn erase<S: CallService>(service: S) -> BoxCallService {
    match (&service as &dyn Any).downcast_ref::<BoxCallService>() {
        Some(erased) => erased.clone(),
        None => BoxCloneSyncService::new(service),
    }
}

/// Builds the stack for the server, with its type erased.
fn erased<T: Transport>(
    transport: &Swap<T>,
    peer: &Peer,
    binding: Binding,
    server: &Server,
    options: &Options,
    released: &CancellationToken,
) -> BoxCallService {
    let dispatch = Dispatch::new(transport.clone(), peer.clone());
    let version = server.version.clone();
    match server.era {
        Era::Modern => {
            let stack = stack::modern(dispatch, version.clone(), binding, options);
            let Some(prior) = options.prior.clone().filter(|_| server.is_recalled) else {
                return stack;
            };
            let (limit, released) = (options.probe_timeout, released.clone());
            let check = Check::new(prior, binding, version, limit, released);
            BoxCloneSyncService::new(CheckPrior::new(stack, check))
        }
        Era::Legacy => {
            let stack = stack::legacy(dispatch, version, options);
            let offer = TaskOffer::of(server);
            if offer.is_empty() {
                return stack;
            }
            BoxCloneSyncService::new(FollowCoreTask::new(stack, peer.clone(), offer))
        }
    }
}
