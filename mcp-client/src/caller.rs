//! A session, with the call settings of its client.

use crate::{
    Client, Deadlines, Error, Events, Progress, Server,
    in_flight::{InFlight, Watch},
    known_tools::KnownTools,
    listeners::Listeners,
    live::Opened,
    offer::{self, Offer},
};
use mcp_session::{
    Call, Cancellation, Era, Event, Meta, OnRequestId, Params, Reply, Reuse, SameConnection,
    Session, Started, future::Begun,
};
use mcp_transport::Extensions;
use mcp_types::RawJson;
use std::{
    borrow::Cow,
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

/// Makes calls over a session, possibly with settings of their own.
#[derive(Clone)]
pub(crate) struct Caller {
    // Not the client: calls must not keep alive a client that keeps its session open.
    footing: Arc<Opened<Footing>>,
    /// The settings of this call. Most calls have none.
    own: Option<Box<Own>>,
}

/// What a call needs while it is in flight, behind a single reference count.
pub(crate) struct Footing {
    pub(crate) session: Session,
    pub(crate) ground: Arc<Ground>,
}

/// What all calls of a client share, whatever the session.
pub(crate) struct Ground {
    pub(crate) listeners: Arc<Listeners>,
    pub(crate) known_tools: Arc<KnownTools>,
    pub(crate) in_flight: Arc<InFlight>,
    /// The limits of calls that bring none of their own.
    pub(crate) deadlines: Deadlines,
    /// Whether stateless servers are asked to log what they do about every call.
    pub(crate) asks_for_logs: bool,
}

/// The settings of a single call.
#[derive(Clone)]
struct Own {
    deadlines: Option<Deadlines>,
    events: Events,
    hears_logs: bool,
    /// Whether the call has its own progress listeners, or has opted out.
    hears_progress: bool,
    meta: Meta,
    extensions: Extensions,
    on_request_id: Option<OnRequestId>,
    /// Whether to ask the server even if a reply is cached.
    refreshes: bool,
}

impl Ground {
    /// Whether calls to a server of this era receive its log without asking for it themselves.
    ///
    /// A stateless server logs only what a request asks for; anything else it sends is ignored.
    fn hears_logs(&self, era: Era) -> bool {
        era == Era::Legacy || self.asks_for_logs
    }

    /// Returns the listeners for calls without their own, except for progress.
    fn events(&self, era: Era) -> Events {
        let events = self.listeners.of_calls(era);
        if self.hears_logs(era) { self.listeners.log.listen(events) } else { events }
    }
}

impl Caller {
    pub(crate) fn new(client: &Client) -> Result<Self, Error> {
        Ok(Self { footing: client.footing()?, own: None })
    }

    /// Returns the same caller, if the server has offered what a method needs.
    pub(crate) fn offered(
        client: &Client,
        method: &'static str,
        offer: Offer,
    ) -> Result<Self, Error> {
        let caller = Self::new(client)?;
        offer::require(caller.server(), method, offer)?;
        Ok(caller)
    }

    /// Returns the call's own settings, creating them if necessary.
    fn own(&mut self) -> &mut Own {
        let Self { footing, own } = self;
        own.get_or_insert_with(|| {
            let Footing { session, ground } = &***footing;
            let era = session.server().era;
            Box::new(Own {
                deadlines: None,
                events: ground.events(era),
                hears_logs: ground.hears_logs(era),
                hears_progress: false,
                meta: Meta::default(),
                extensions: Extensions::new(),
                on_request_id: None,
                refreshes: false,
            })
        })
    }

    pub(crate) fn session(&self) -> &Session {
        &self.footing.session
    }

    fn ground(&self) -> &Arc<Ground> {
        &self.footing.ground
    }

    pub(crate) fn server(&self) -> &Server {
        self.session().server()
    }

    /// Returns what the server's lists have said about its tools.
    pub(crate) fn known_tools(&self) -> &Arc<KnownTools> {
        &self.ground().known_tools
    }

    /// Makes the caller ask the server even if a cached reply is still fresh.
    pub(crate) fn refreshing(mut self) -> Self {
        self.own().refreshes = true;
        self
    }

    /// Ties all calls to a server with a handshake to one connection.
    pub(crate) fn on_one_connection(mut self) -> Self {
        if self.server().era == Era::Legacy {
            self.own().extensions.insert(SameConnection::new());
        }
        self
    }

    /// Returns the limits that apply.
    pub(crate) fn limits(&self) -> Deadlines {
        self.own_deadlines().unwrap_or(self.ground().deadlines)
    }

    /// Returns the total limit, if the call sets its own.
    pub(crate) fn own_limit(&self) -> Option<Duration> {
        self.own_deadlines()?.total
    }

    fn own_deadlines(&self) -> Option<Deadlines> {
        self.own.as_ref()?.deadlines
    }

    pub(crate) fn limit(&mut self, deadlines: Deadlines) {
        self.own().deadlines = Some(deadlines);
    }

    /// Replaces the limits.
    pub(crate) fn with_limits(mut self, deadlines: Deadlines) -> Self {
        self.limit(deadlines);
        self
    }

    pub(crate) async fn call(&self, method: &'static str, params: Params) -> Result<Reply, Error> {
        let (call, _watch) = self.prepare(method, params);
        let (session, mut call) = (self.session(), Some(call));
        let begin = |cx: &mut Context<'_>| match call.take() {
            Some(call) => Poll::Ready(session.begin(call, cx)),
            None => Poll::Pending,
        };
        match poll_fn(begin).await {
            Begun::Ended(outcome) => outcome,
            Begun::Waiting(mut reply) => poll_fn(|cx| reply.poll_reply(session, cx)).await,
        }
    }

    /// Makes the call and polls it for the first time. The returned watch, which tracks its ids, must be kept while it
    /// waits.
    pub(crate) fn begin(
        self,
        method: &'static str,
        params: Params,
        cx: &mut Context<'_>,
    ) -> (Begun, Arc<Opened<Footing>>, Option<Box<Watch>>) {
        let (call, watch) = self.prepare(method, params);
        (self.session().begin(call, cx), self.footing, watch)
    }

    pub(crate) async fn call_as_task(
        &self,
        method: &'static str,
        params: Params,
        ttl: Option<Duration>,
    ) -> Result<Started, Error> {
        let (call, _watch) = self.prepare(method, params);
        self.session().call_as_task(call, ttl).await
    }

    /// Prepares the call, and a watch that tracks the ids of its requests if someone wants to know them.
    fn prepare(&self, method: &'static str, params: Params) -> (Call, Option<Box<Watch>>) {
        let Ground { listeners, in_flight, .. } = &**self.ground();
        let mut call = Call::new(method).with_params(params);
        let Some(own) = &self.own else {
            call.events = listeners.progress.listen(self.ground().events(self.server().era));
            return (call, None);
        };
        call.events = own.events.clone();
        if !own.hears_progress {
            call.events = listeners.progress.listen(call.events);
        }
        call.meta = own.meta.clone();
        call.extensions = own.extensions.clone();
        if own.refreshes {
            call.extensions.insert(Reuse::Refresh);
        }
        if let Some(deadlines) = own.deadlines {
            call.extensions.insert(deadlines);
        }
        let Some(told) = &own.on_request_id else { return (call, None) };
        let (call, watch) = in_flight.watch(call, told.clone());
        (call, Some(watch))
    }

    pub(crate) fn listen(&mut self, listener: impl Fn(&Event) + Send + Sync + 'static) {
        let own = self.own();
        own.events = std::mem::take(&mut own.events).and_listener(listener);
    }

    /// Listens to progress, in place of the listeners for all calls.
    pub(crate) fn listen_to_progress(
        &mut self,
        listener: impl Fn(Progress) + Send + Sync + 'static,
    ) {
        self.own().hears_progress = true;
        self.listen(move |event| {
            if let Event::Progress(progress) = event {
                listener(progress.clone());
            }
        });
    }

    pub(crate) fn listen_to_logs(&mut self) {
        let ground = Arc::clone(self.ground());
        let own = self.own();
        if !own.hears_logs {
            own.hears_logs = true;
            own.events = ground.listeners.log.listen(std::mem::take(&mut own.events));
        }
    }

    /// Notifies only these listeners.
    pub(crate) fn tell_only(&mut self, events: Events) {
        let own = self.own();
        (own.events, own.hears_logs, own.hears_progress) = (events, true, true);
    }

    pub(crate) fn insert_meta(&mut self, key: impl Into<Cow<'static, str>>, value: RawJson) {
        self.own().meta.insert(key, value);
    }

    pub(crate) fn cancel_with(&mut self, cancellation: Cancellation) {
        self.own().extensions.insert(cancellation);
    }

    #[cfg(feature = "validate")]
    pub(crate) fn validate<T: Clone + Send + Sync + 'static>(&mut self, what: T) {
        self.own().extensions.insert(what);
    }

    pub(crate) fn on_request_id(&mut self, listener: OnRequestId) {
        self.own().on_request_id = Some(listener);
    }

    #[cfg(feature = "http")]
    pub(crate) fn add_header(&mut self, name: http::HeaderName, value: http::HeaderValue) {
        use mcp_transport::http::RequestHeaders;

        let headers = self.own().extensions.get_or_insert_default::<RequestHeaders>();
        headers.0.insert(name, value);
    }
}
