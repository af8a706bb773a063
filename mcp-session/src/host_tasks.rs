//! Questions of a server that the client runs as tasks.

mod table;
mod timestamp;

use crate::{errands::Errands, input::is_declared, member::optional};
use futures_util::future::{AbortHandle, Abortable, BoxFuture};
use mcp_types::{
    ErrorCode, ErrorObject, JsonObject, RawJson,
    capabilities::{
        ClientCapabilities, ClientTaskRequests, ClientTasksCapability, ElicitationTaskRequests,
        SamplingTaskRequests,
    },
    keys, object,
};
use serde_json::Value;
use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};
use table::{Entry, Outcome, Table};
use tokio::time::Instant;

/// Lets servers of 2025-11-25 send sampling and elicitation requests as tasks, which may take a long time.
///
/// The client declares it in the handshake, for the kinds of questions that its handler declares. A question with a
/// member `task` is answered with the task at once. Its handler then runs beside all calls while the session is driven,
/// and the server asks for the state and the result when it likes. A task is cancelled when the server asks for that,
/// when its time is over, and when the session ends.
///
/// See [the clause](https://modelcontextprotocol.io/specification/2025-11-25/basic/utilities/tasks).
// spec: TASK25-01 TASK25-16 TASK25-17
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HostTasks {
    /// How many tasks may run at the same time; further questions are refused. Default: 16.
    pub concurrent: usize,
    /// How many tasks are kept with their results; the oldest finished ones make room. Default: 64.
    pub kept: usize,
    /// How long a task is kept from its creation, unless the server asks for less. Default: 1 h.
    pub max_ttl: Duration,
    /// How often servers should ask for the state of a task. Default: 1 s.
    pub poll_interval: Duration,
}

impl Default for HostTasks {
    fn default() -> Self {
        let (max_ttl, poll_interval) = (Duration::from_secs(3600), Duration::from_secs(1));
        Self { concurrent: 16, kept: 64, max_ttl, poll_interval }
    }
}

impl HostTasks {
    /// Creates the default limits.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds task support to the declared capabilities of a handler.
    pub(crate) fn declare(capabilities: &mut ClientCapabilities) {
        let mut requests = ClientTaskRequests::default();
        if capabilities.elicitation.is_some() {
            let mut elicitation = ElicitationTaskRequests::default();
            elicitation.create = Some(JsonObject::new());
            requests.elicitation = Some(elicitation);
        }
        if capabilities.sampling.is_some() {
            let mut sampling = SamplingTaskRequests::default();
            sampling.create_message = Some(JsonObject::new());
            requests.sampling = Some(sampling);
        }
        if requests == ClientTaskRequests::default() {
            return;
        }
        let mut tasks = ClientTasksCapability::default();
        tasks.requests = Some(requests);
        tasks.list = Some(JsonObject::new());
        tasks.cancel = Some(JsonObject::new());
        capabilities.tasks = Some(tasks);
    }
}

/// The tasks that a server has created for its questions.
pub(crate) struct HostedTasks {
    options: HostTasks,
    table: Arc<Mutex<Table>>,
}

type Answer = BoxFuture<'static, Result<RawJson, ErrorObject>>;

impl HostedTasks {
    pub(crate) fn new(options: HostTasks) -> Self {
        Self { options, table: Arc::default() }
    }

    /// Whether a request concerns tasks.
    pub(crate) fn is_about_tasks(method: &str) -> bool {
        matches!(method, "tasks/get" | "tasks/result" | "tasks/list" | "tasks/cancel")
    }

    /// How long the server wants the task of a question to be kept, if it asks for a task; `Some(None)` if it does not
    /// say.
    pub(crate) fn wanted(
        capabilities: &ClientCapabilities,
        method: &str,
        params: Option<&RawJson>,
    ) -> Option<Option<Duration>> {
        let may_be = matches!(method, "elicitation/create" | "sampling/createMessage");
        if !may_be || !is_declared(capabilities, method) {
            return None;
        }
        let params = params?;
        params.find(&["task"]).filter(|task| task.starts_with('{'))?;
        let ttl = params.find(&["task", "ttl"]).and_then(|ttl| ttl.parse().ok());
        Some(ttl.map(Duration::from_millis))
    }

    /// Creates a task for an answer, leaves the work to the session's driver, and returns the reply for the server.
    pub(crate) fn create(
        &self,
        method: &str,
        ttl: Option<Duration>,
        answer: Answer,
        errands: &Errands,
    ) -> Result<RawJson, ErrorObject> {
        let HostTasks { concurrent, kept, max_ttl, .. } = self.options;
        let ttl = ttl.unwrap_or(max_ttl).min(max_ttl);
        let (abort, registration) = AbortHandle::new_pair();
        let id = random_id()?;
        let entry = Entry::new(SystemTime::now(), Instant::now(), ttl, abort);
        let created = object([("task", self.describe(&id, &entry))]);
        if !self.lock().insert(id.clone(), entry, concurrent, kept) {
            return Err(failure("the client has too many tasks"));
        }
        tracing::info!(method, task = %id, "a question of the server has become a task");
        let name = id.clone();
        let (table, limited) = (Arc::clone(&self.table), tokio::time::timeout(ttl, answer));
        let work = Abortable::new(limited, registration);
        let done = async move {
            let outcome = match work.await {
                Ok(Ok(outcome)) => outcome,
                Ok(Err(_)) => Err(failure("the time of the task is over")),
                // Cancelled, which has already been recorded.
                Err(_) => return,
            };
            let mut table = table.lock().unwrap_or_else(PoisonError::into_inner);
            table.finish(&id, outcome, SystemTime::now());
        };
        if !errands.leave_work(Box::pin(done)) {
            self.lock().cancel(&name, SystemTime::now());
            return Err(failure("the client has too much to do"));
        }
        RawJson::encode(&created).map_err(|error| failure(error.to_string()))
    }

    /// Answers a request that concerns tasks.
    pub(crate) async fn answer(
        &self,
        method: &str,
        params: Option<&RawJson>,
    ) -> Result<RawJson, ErrorObject> {
        self.lock().sweep(Instant::now());
        if method == "tasks/list" {
            return self.list(params);
        }
        let id = text(params, "taskId")?.unwrap_or_default();
        match method {
            "tasks/result" => self.result(&id).await,
            "tasks/cancel" => self.cancel(&id),
            _ => self.state(&id),
        }
    }

    fn state(&self, id: &str) -> Result<RawJson, ErrorObject> {
        let table = self.lock();
        let entry = table.find(id).ok_or_else(unknown)?;
        encode(&self.describe(id, entry))
    }

    fn cancel(&self, id: &str) -> Result<RawJson, ErrorObject> {
        let mut table = self.lock();
        let is_over = table.find(id).ok_or_else(unknown)?.outcome().is_some();
        if is_over {
            return Err(invalid("the task is at its end"));
        }
        table.cancel(id, SystemTime::now());
        tracing::info!(task = id, "the server has cancelled a task");
        encode(&self.describe(id, table.find(id).ok_or_else(unknown)?))
    }

    /// Waits for the task to end.
    async fn result(&self, id: &str) -> Result<RawJson, ErrorObject> {
        let mut ended = self.lock().find(id).ok_or_else(unknown)?.watch();
        // The sender is dropped with the entry; after that, the task is unknown.
        let outcome = ended.wait_for(Option::is_some).await.map_err(|_| unknown())?.clone();
        let result = outcome.unwrap_or(Outcome::Cancelled).into_result()?;
        related(&result, id)
    }

    fn list(&self, params: Option<&RawJson>) -> Result<RawJson, ErrorObject> {
        let cursor = text(params, "cursor")?;
        let table = self.lock();
        let (page, next) =
            table.page(cursor.as_deref()).ok_or_else(|| invalid("unknown cursor"))?;
        let tasks: Vec<_> = page.into_iter().map(|(id, entry)| self.describe(id, entry)).collect();
        let mut list = object([("tasks", Value::Array(tasks))]);
        if let Some(next) = next {
            list["nextCursor"] = next.into();
        }
        encode(&list)
    }

    fn describe(&self, id: &str, entry: &Entry) -> Value {
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let mut task = object([
            ("taskId", id.into()),
            ("status", entry.status().into()),
            ("ttl", millis(entry.ttl).into()),
            ("createdAt", timestamp::format(entry.created).into()),
            ("lastUpdatedAt", timestamp::format(entry.updated).into()),
            ("pollInterval", millis(self.options.poll_interval).into()),
        ]);
        if let Some(Outcome::Failed(error)) = entry.outcome() {
            task["statusMessage"] = error.message.into();
        }
        task
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Records in a result which task it belongs to.
// spec: TASK25-10
fn related(result: &RawJson, id: &str) -> Result<RawJson, ErrorObject> {
    let split = crate::Params::split(result);
    let (members, mut meta) = split.map_err(|error| failure(error.to_string()))?;
    meta.insert(keys::RELATED_TASK, encode(&object([("taskId", id.into())]))?);
    Ok(members.join(&meta))
}

/// Returns an unguessable id.
fn random_id() -> Result<String, ErrorObject> {
    let mut bytes = [0; 16];
    getrandom::getrandom(&mut bytes).map_err(|error| failure(error.to_string()))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Returns a string parameter of a request.
fn text(params: Option<&RawJson>, name: &str) -> Result<Option<String>, ErrorObject> {
    let text = params.map_or(Ok(None), |params| optional(params, name));
    text.map_err(|error| invalid(error.to_string()))
}

fn encode(value: &Value) -> Result<RawJson, ErrorObject> {
    RawJson::encode(value).map_err(|error| failure(error.to_string()))
}

fn unknown() -> ErrorObject {
    invalid("there is no such task")
}

fn invalid(message: impl Into<String>) -> ErrorObject {
    ErrorObject::new(ErrorCode::INVALID_PARAMS, message)
}

fn failure(message: impl Into<String>) -> ErrorObject {
    ErrorObject::new(ErrorCode::INTERNAL_ERROR, message)
}

impl fmt::Debug for HostedTasks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostedTasks").field("options", &self.options).finish_non_exhaustive()
    }
}
