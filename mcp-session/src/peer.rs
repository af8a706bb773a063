//! The client's side of a session: its ids, its handlers, its revision.

use crate::{
    Diagnostics, Error, Event, Events, HostTasks, Incident, InputHandler, Misbehavior, Params,
    SameConnection,
    call::Witness,
    errands::Errands,
    host_tasks::HostedTasks,
    input::{self, Asker},
    open_questions::OpenQuestions,
    subscription::Watched,
    swap::FIRST,
};
use futures_util::future::BoxFuture;
use mcp_transport::{ClientMessage, Extensions, Patience, Transport};
use mcp_types::{
    ErrorCode, ErrorObject, ProtocolVersion, RawJson, RequestId,
    capabilities::Implementation,
    keys,
    rpc::{Notification, Request, Response},
};
use memchr::memmem;
use std::{
    fmt,
    future::Future,
    pin::pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{broadcast, watch},
    time::{Instant, timeout_at},
};
use tower::ServiceExt;

/// The number of notifications that belong to no call buffered for a slow subscription.
const NOTIFICATIONS: usize = 256;

/// The maximum number of requests of a legacy server answered at a time, within a call or outside calls; more are
/// refused.
pub(crate) const MAX_ANSWERS: usize = 16;

/// The client's side of a session: its request ids, handlers and revision. Clones share it.
#[derive(Clone)]
pub struct Peer(Arc<State>);

struct State {
    next_id: AtomicI64,
    version: OnceLock<Negotiated>,
    /// What the program calls the server.
    name: OnceLock<Arc<str>>,
    /// What the server calls itself.
    info: OnceLock<Arc<Implementation>>,
    input: Arc<dyn InputHandler>,
    events: Events,
    diagnostics: Diagnostics,
    /// Created for the first subscription, because it allocates its full capacity.
    notifications: OnceLock<broadcast::Sender<Notification>>,
    connections: watch::Sender<Connections>,
    watched: Watched,
    errands: Errands,
    asked: OpenQuestions,
    /// How long the connections wait for a person, and how long they had when the session began.
    patience: OnceLock<(Patience, Duration)>,
    /// The tasks that the server may create for its questions, if allowed.
    tasks: OnceLock<HostedTasks>,
    /// Whether the server has refused to notify about its tasks.
    tells_no_tasks: AtomicBool,
}

/// The state of a session's connections.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    /// The number that replaced a lost one.
    pub(crate) replaced: u64,
    /// Why there will be no more.
    pub(crate) over: Option<mcp_transport::Error>,
}

struct Negotiated {
    version: ProtocolVersion,
    /// Read by each call.
    is_modern: bool,
}

impl Peer {
    /// Creates a peer that answers the server's questions through `input`, sends notifications that belong to no call
    /// to `events`, and reports violations of the specification to `diagnostics`.
    pub fn new(input: Arc<dyn InputHandler>, events: Events, diagnostics: Diagnostics) -> Self {
        Self(Arc::new(State {
            next_id: AtomicI64::new(1),
            version: OnceLock::new(),
            name: OnceLock::new(),
            info: OnceLock::new(),
            input,
            events,
            diagnostics,
            notifications: OnceLock::new(),
            connections: watch::Sender::default(),
            watched: Watched::default(),
            errands: Errands::default(),
            asked: OpenQuestions::default(),
            patience: OnceLock::new(),
            tasks: OnceLock::new(),
            tells_no_tasks: AtomicBool::new(false),
        }))
    }

    /// Returns the id of the next request, never used before in this session.
    // spec: MSG-05 MSG-06
    pub(crate) fn next_id(&self) -> i64 {
        self.0.next_id.fetch_add(1, Ordering::Relaxed)
    }

    /// The handler of the server's questions.
    pub fn input(&self) -> &Arc<dyn InputHandler> {
        &self.0.input
    }

    /// The negotiated revision, once it is known.
    pub fn version(&self) -> Option<&ProtocolVersion> {
        self.0.version.get().map(|negotiated| &negotiated.version)
    }

    pub(crate) fn negotiated(&self, version: ProtocolVersion) {
        // All connections of a session agree on one revision; the first one stays.
        let _ = self.0.version.set(Negotiated { is_modern: version.is_modern(), version });
    }

    /// Whether it makes sense to ask the server to notify about its tasks.
    pub(crate) fn tells_of_tasks(&self) -> bool {
        !self.0.tells_no_tasks.load(Ordering::Relaxed)
    }

    /// Records that the server has refused to do so.
    pub(crate) fn tells_no_tasks(&self) {
        self.0.tells_no_tasks.store(true, Ordering::Relaxed);
    }

    /// Sets the program's name for the server.
    pub(crate) fn named(self, name: Option<Arc<str>>) -> Self {
        if let Some(name) = name {
            // A peer is named when it is created.
            let _ = self.0.name.set(name);
        }
        self
    }

    /// Lets the server create tasks for its questions.
    pub(crate) fn hosting(self, tasks: Option<HostTasks>) -> Self {
        if let Some(tasks) = tasks {
            // Set once, like the name.
            let _ = self.0.tasks.set(HostedTasks::new(tasks));
        }
        self
    }

    /// Sets the patience of a connection. All connections of a session share one.
    pub(crate) fn waits_with(&self, patience: Option<Patience>) {
        if let Some(patience) = patience {
            let before = patience.waited();
            // The first one stays.
            let _ = self.0.patience.set((patience, before));
        }
    }

    /// Returns the patience of this session's connections, if they wait for anyone.
    pub(crate) fn patience(&self) -> Option<&Patience> {
        self.0.patience.get().map(|(patience, _)| patience)
    }

    /// Runs a future for up to `limit`, not counting the time that a person took; `None` if it takes longer.
    pub(crate) async fn within<F: Future>(&self, limit: Duration, future: F) -> Option<F::Output> {
        let waited = || {
            let patience = self.0.patience.get();
            patience.map_or(Duration::ZERO, |(patience, before)| patience.waited() - *before)
        };
        let (start, before) = (Instant::now(), waited());
        let end = || start.checked_add(limit.saturating_add(waited() - before));
        let mut future = pin!(future);
        loop {
            // A limit whose end cannot be represented is no limit.
            let Some(at) = end() else { return Some(future.await) };
            if let Ok(output) = timeout_at(at, &mut future).await {
                return Some(output);
            }
            if end().is_some_and(|at| at <= Instant::now()) {
                return None;
            }
        }
    }

    /// Records the server's name for itself.
    pub(crate) fn introduced(&self, info: &Implementation) {
        // The first one stays.
        let _ = self.0.info.set(Arc::new(info.clone()));
    }

    /// Identifies the server to whoever answers its questions.
    pub(crate) fn asker(&self) -> Asker {
        let State { name, info, .. } = &*self.0;
        Asker { name: name.get().cloned(), info: info.get().cloned(), ..Asker::default() }
    }

    pub(crate) fn is_modern(&self) -> bool {
        self.0.version.get().is_some_and(|negotiated| negotiated.is_modern)
    }

    /// Answers one request of a legacy server.
    ///
    /// A stateless server must not send any: that is reported, and nothing is sent back.
    // spec: MSG-15 MSG-16
    pub(crate) async fn answer<T: Transport>(
        &self,
        request: Request,
        asker: Asker,
        transport: T,
        extensions: Extensions,
    ) {
        let response = match self.outcome(&request, asker).await {
            Ok(result) => Response::success(request.id, result),
            Err(error) => Response::failure(request.id, error),
        };
        send(response, transport, extensions).await;
    }

    /// Returns the reply to a request: a result, or a task that will have one.
    fn outcome<'a>(
        &'a self,
        request: &'a Request,
        asker: Asker,
    ) -> BoxFuture<'a, Result<RawJson, ErrorObject>> {
        Box::pin(async move {
            let (method, params) = (&*request.method, request.params.as_ref());
            let input = Arc::clone(&self.0.input);
            let hosted = self.0.tasks.get();
            let is_of_tasks = self.version() == Some(&ProtocolVersion::V2025_11_25);
            if let Some(tasks) = hosted.filter(|_| is_of_tasks) {
                if HostedTasks::is_about_tasks(method) {
                    return tasks.answer(method, params).await;
                }
                if let Some(ttl) = HostedTasks::wanted(&input.capabilities(), method, params) {
                    let answer = answer(input, asker, request.clone());
                    return tasks.create(method, ttl, Box::pin(answer), self.errands());
                }
            }
            answer(input, asker, request.clone()).await
        })
    }

    /// Refuses a request of a legacy server that exceeds the limit.
    pub(crate) async fn refuse<T: Transport>(
        &self,
        id: RequestId,
        transport: T,
        extensions: Extensions,
    ) {
        let error = ErrorObject::new(ErrorCode::INTERNAL_ERROR, "too many requests at a time");
        send(Response::failure(id, error), transport, extensions).await;
    }

    /// Publishes a notification that belongs to no call. Slow subscribers miss it: the session waits for nobody.
    pub(crate) fn tell(&self, notification: Notification) {
        if let Some(sender) = self.0.notifications.get()
            && sender.receiver_count() > 0
        {
            // It does not matter if all subscribers have gone in the meantime.
            let _ = sender.send(notification.clone());
        }
        self.0.events.offer(&Event::Notification(notification));
    }

    /// Subscribes to the notifications that belong to no call, from now on.
    pub(crate) fn notifications(&self) -> broadcast::Receiver<Notification> {
        self.0.notifications.get_or_init(|| broadcast::Sender::new(NOTIFICATIONS)).subscribe()
    }

    /// Returns a tie to the connection that is open now, or was open last.
    pub(crate) fn this_connection(&self) -> SameConnection {
        SameConnection::to(self.connection())
    }

    /// Returns the number of the connection that is open now, or was open last.
    pub(crate) fn connection(&self) -> u64 {
        FIRST + self.0.connections.borrow().replaced
    }

    /// Records that a lost connection was replaced.
    pub(crate) fn note_reconnected(&self) {
        self.0.connections.send_modify(|connections| connections.replaced += 1);
    }

    /// Records that there is no connection and will be none. The first reason stays.
    pub(crate) fn note_over(&self, error: mcp_transport::Error) {
        self.0.connections.send_if_modified(|connections| {
            let is_new = connections.over.is_none();
            connections.over.get_or_insert(error);
            is_new
        });
    }

    /// Watches for a lost connection being replaced, and for the end of the last one.
    pub(crate) fn connections(&self) -> watch::Receiver<Connections> {
        self.0.connections.subscribe()
    }

    pub(crate) fn watched(&self) -> &Watched {
        &self.0.watched
    }

    pub(crate) fn asked(&self) -> &OpenQuestions {
        &self.0.asked
    }

    pub(crate) fn errands(&self) -> &Errands {
        &self.0.errands
    }

    /// Records that the server broke a rule.
    ///
    /// # Errors
    ///
    /// It happened in a call, and the session is strict.
    pub(crate) fn report(&self, misbehavior: Misbehavior, method: &str) -> Result<(), Error> {
        if self.0.diagnostics.is_strict() {
            // Recorded when the error leaves the session.
            return Err(Error::misbehaved(method, misbehavior));
        }
        self.incident(misbehavior, Some(method), None);
        Ok(())
    }

    /// Records that the server broke a rule apart from the result of the call.
    ///
    /// # Errors
    ///
    /// The session is strict.
    pub(crate) fn report_beside(
        &self,
        misbehavior: Misbehavior,
        method: &str,
    ) -> Result<(), Error> {
        self.incident(misbehavior, Some(method), None);
        match self.0.diagnostics.is_strict() {
            true => Err(Error::misbehaved(method, misbehavior)),
            false => Ok(()),
        }
    }

    /// Records what the error of a call reveals about the server.
    pub(crate) fn note_error(&self, error: &Error) {
        let Error::Misbehaved { method, misbehavior, source } = error else { return };
        // A subscription that is lost on the way has no response.
        if **method != *"subscriptions/listen" || *misbehavior != Misbehavior::NoResponse {
            let detail = source.as_ref().map(ToString::to_string);
            self.incident(*misbehavior, Some(method), detail);
        }
    }

    /// Whether an incident in a call fails the call.
    #[cfg(feature = "validate")]
    pub(crate) fn is_strict(&self) -> bool {
        self.0.diagnostics.is_strict()
    }

    /// Records that the server broke a rule, and what is known of it.
    pub(crate) fn incident(
        &self,
        misbehavior: Misbehavior,
        method: Option<&str>,
        detail: Option<String>,
    ) {
        let (method, detail) = (method.map(Into::into), detail.map(Into::into));
        self.0.diagnostics.tell(Incident { misbehavior, method, detail });
    }
}

impl Witness for Peer {
    fn peer(&self) -> &Peer {
        self
    }
}

async fn answer(
    input: Arc<dyn InputHandler>,
    asker: Asker,
    request: Request,
) -> Result<RawJson, ErrorObject> {
    let params = request.params.as_ref();
    let answer = input::answer(&*input, asker, &request.method, params).await?;
    Ok(related(params, answer))
}

/// Marks the answer to a task's question with the task that it belongs to.
// spec: TASK25-10
fn related(question: Option<&RawJson>, answer: RawJson) -> RawJson {
    let Some(question) = question else { return answer };
    if memmem::find(question.as_bytes(), keys::RELATED_TASK.as_bytes()).is_none() {
        return answer;
    }
    let task =
        Params::split(question).ok().and_then(|(_, meta)| meta.value(keys::RELATED_TASK).cloned());
    match (task, Params::split(&answer)) {
        (Some(task), Ok((result, mut meta))) => {
            meta.insert(keys::RELATED_TASK, task);
            result.join(&meta)
        }
        _ => answer,
    }
}

async fn send<T: Transport>(response: Response, transport: T, extensions: Extensions) {
    let mut message = ClientMessage::new(response);
    message.extensions = extensions;
    if let Err(error) = transport.oneshot(message).await {
        tracing::debug!(%error, "could not answer a request of the server");
    }
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer").field("version", &self.version()).finish_non_exhaustive()
    }
}
