//! Who calls, and how.

use crate::{
    Client, Deadlines, Error, Events, Progress, Server, in_flight::InFlight,
    known_tools::KnownTools, listeners::Listeners,
};
use mcp_session::{
    Call, Cancellation, Era, Event, Meta, OnRequestId, Params, Reply, Reuse, SameConnection,
    Session, Started,
};
use mcp_transport::Extensions;
use mcp_types::RawJson;
use std::{borrow::Cow, sync::Arc, time::Duration};

/// Who calls, and how.
#[derive(Clone)]
pub(crate) struct Caller {
    // Not the client: one that keeps its session alive is not kept by its calls.
    session: Session,
    listeners: Arc<Listeners>,
    known_tools: Arc<KnownTools>,
    in_flight: Arc<InFlight>,
    /// The limits of calls that bring none of their own.
    defaults: Deadlines,
    deadlines: Option<Deadlines>,
    events: Events,
    hears_logs: bool,
    /// Whether the call has listeners of its own to progress, or none by its own wish.
    hears_progress: bool,
    meta: Meta,
    extensions: Extensions,
    on_request_id: Option<OnRequestId>,
    /// Whether the server is asked whatever is known already.
    refreshes: bool,
}

impl Caller {
    pub(crate) fn new(client: &Client) -> Result<Self, Error> {
        let session = client.session()?;
        let era = session.server().era;
        let mut caller = Self {
            session,
            listeners: Arc::clone(client.listeners()),
            known_tools: Arc::clone(client.known_tools()),
            in_flight: Arc::clone(client.in_flight()),
            defaults: client.options().deadlines,
            deadlines: None,
            events: client.listeners().of_calls(era),
            hears_logs: false,
            hears_progress: false,
            meta: Meta::default(),
            extensions: Extensions::new(),
            on_request_id: None,
            refreshes: false,
        };
        // A stateless server logs only what a request asks for; what it sends beside that nobody hears.
        if era == Era::Legacy || client.options().log_level.is_some() {
            caller.listen_to_logs();
        }
        Ok(caller)
    }

    pub(crate) fn session(&self) -> &Session {
        &self.session
    }

    pub(crate) fn server(&self) -> &Server {
        self.session.server()
    }

    /// What the server's lists have said about its tools.
    pub(crate) fn known_tools(&self) -> Arc<KnownTools> {
        Arc::clone(&self.known_tools)
    }

    /// The same caller, which asks the server even if a reply that was kept is still good.
    pub(crate) fn refreshing(self) -> Self {
        Self { refreshes: true, ..self }
    }

    /// The same caller, whose calls to a server with a handshake all go over one connection.
    pub(crate) fn on_one_connection(mut self) -> Self {
        if self.server().era == Era::Legacy {
            self.extensions.insert(SameConnection::new());
        }
        self
    }

    /// The limits that apply.
    pub(crate) fn limits(&self) -> Deadlines {
        self.deadlines.unwrap_or(self.defaults)
    }

    /// How long the call may take in all, if it was told that itself.
    pub(crate) fn own_limit(&self) -> Option<Duration> {
        self.deadlines?.total
    }

    pub(crate) fn limit(&mut self, deadlines: Deadlines) {
        self.deadlines = Some(deadlines);
    }

    /// The same caller with other limits.
    pub(crate) fn with_limits(mut self, deadlines: Deadlines) -> Self {
        self.deadlines = Some(deadlines);
        self
    }

    pub(crate) async fn call(&self, method: &'static str, params: Params) -> Result<Reply, Error> {
        let call = self.prepare(method, params);
        match &self.on_request_id {
            None => self.session.call_raw(call).await,
            Some(told) => {
                let (call, _watch) = self.in_flight.watch(call, told.clone());
                self.session.call_raw(call).await
            }
        }
    }

    pub(crate) async fn call_as_task(
        &self,
        method: &'static str,
        params: Params,
        ttl: Option<Duration>,
    ) -> Result<Started, Error> {
        let call = self.prepare(method, params);
        match &self.on_request_id {
            None => self.session.call_as_task(call, ttl).await,
            Some(told) => {
                let (call, _watch) = self.in_flight.watch(call, told.clone());
                self.session.call_as_task(call, ttl).await
            }
        }
    }

    fn prepare(&self, method: &'static str, params: Params) -> Call {
        let mut events = self.events.clone();
        if !self.hears_progress {
            events = self.listeners.progress.listen(events);
        }
        let mut call = Call::new(method).with_params(params).with_events(events);
        call.meta = self.meta.clone();
        call.extensions = self.extensions.clone();
        if self.refreshes {
            call.extensions.insert(Reuse::Refresh);
        }
        match self.deadlines {
            Some(deadlines) => call.with_extension(deadlines),
            None => call,
        }
    }

    pub(crate) fn listen(&mut self, listener: impl Fn(&Event) + Send + Sync + 'static) {
        self.events = std::mem::take(&mut self.events).and_listener(listener);
    }

    /// Listens to progress, in place of those who listen to that of all calls.
    pub(crate) fn listen_to_progress(
        &mut self,
        listener: impl Fn(Progress) + Send + Sync + 'static,
    ) {
        self.hears_progress = true;
        self.listen(move |event| {
            if let Event::Progress(progress) = event {
                listener(progress.clone());
            }
        });
    }

    pub(crate) fn listen_to_logs(&mut self) {
        if !self.hears_logs {
            self.hears_logs = true;
            let events = std::mem::take(&mut self.events);
            self.events = self.listeners.log.listen(events);
        }
    }

    /// Tells these listeners and no others.
    pub(crate) fn tell_only(&mut self, events: Events) {
        (self.events, self.hears_logs, self.hears_progress) = (events, true, true);
    }

    pub(crate) fn insert_meta(&mut self, key: impl Into<Cow<'static, str>>, value: RawJson) {
        self.meta.insert(key, value);
    }

    pub(crate) fn cancel_with(&mut self, cancellation: Cancellation) {
        self.extensions.insert(cancellation);
    }

    #[cfg(feature = "validate")]
    pub(crate) fn validate<T: Clone + Send + Sync + 'static>(&mut self, what: T) {
        self.extensions.insert(what);
    }

    pub(crate) fn on_request_id(&mut self, listener: OnRequestId) {
        self.on_request_id = Some(listener);
    }

    #[cfg(feature = "http")]
    pub(crate) fn add_header(&mut self, name: http::HeaderName, value: http::HeaderValue) {
        use mcp_transport::http::RequestHeaders;

        let headers = self.extensions.get_or_insert_default::<RequestHeaders>();
        headers.0.insert(name, value);
    }
}
