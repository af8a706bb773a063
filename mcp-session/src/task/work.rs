//! One task on the wire, in the protocol of its era.

use super::{ByHandle, TaskState};
use crate::{
    Call, CallService, Deadlines, Error, Misbehavior, Params, Peer, Reply,
    input::{InputRequest, answer_all},
};
use mcp_types::{ErrorCode, ErrorObject, RawJson, tasks_extension::TaskStatus};
use serde::Deserialize;
use serde_json::Value;
use std::{
    collections::{BTreeMap, HashSet},
    future::poll_fn,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

pub(super) const METHOD: &str = "tools/call";
/// How often a task is asked for, where the server suggests nothing; and the limits to what it may suggest.
const INTERVAL: Duration = Duration::from_secs(1);
const MIN_INTERVAL: Duration = Duration::from_millis(100);
const MAX_INTERVAL: Duration = Duration::from_secs(60);

/// A task, as far as it is known here. Clones know the same.
#[derive(Clone)]
pub(crate) struct Known {
    pub(crate) id: Arc<str>,
    pub(crate) interval: Duration,
    /// The questions that were answered, or could not be: none is asked twice.
    asked: Arc<Mutex<HashSet<String>>>,
}

impl Known {
    /// A task of which the id is known.
    pub(super) fn new(id: &str) -> Self {
        Self { id: id.into(), interval: INTERVAL, asked: Arc::default() }
    }

    /// The task that a server has made of a call.
    pub(crate) fn created(created: &Created) -> Self {
        let Created { task_id, poll_interval } = created;
        Self { interval: interval(poll_interval), ..Self::new(task_id) }
    }
}

/// What a server says of a task that it has made, as far as it matters here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Created {
    task_id: String,
    #[serde(default, alias = "pollIntervalMs")]
    poll_interval: Value,
}

/// The state of a task; questions stay as they came.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct State {
    pub(super) status: TaskStatus,
    #[serde(alias = "pollIntervalMs")]
    poll_interval: Option<Value>,
    status_message: Option<String>,
    result: Option<RawJson>,
    error: Option<ErrorObject>,
    #[serde(default)]
    input_requests: BTreeMap<String, InputRequest>,
}

impl State {
    // spec: TASK25-18
    fn is_terminal(&self) -> bool {
        !matches!(self.status, TaskStatus::Working | TaskStatus::InputRequired)
    }

    pub(super) fn public(&self) -> TaskState {
        TaskState { status: self.status.clone(), message: self.status_message.clone() }
    }
}

/// A task, and the way to its server.
pub(crate) struct Work<S> {
    pub(super) service: S,
    pub(super) peer: Peer,
    pub(super) known: Known,
    /// Whether the task was seen at its end.
    pub(super) ended: bool,
}

impl<S: CallService> Work<S> {
    pub(crate) fn new(service: S, peer: Peer, known: Known) -> Self {
        Self { service, peer, known, ended: false }
    }

    /// Waits for the end, and gives what came of it.
    pub(super) async fn follow(&mut self) -> Result<Reply, Error> {
        let end = self.wait().await?;
        self.outcome(end).await
    }

    /// Asks as often as the server suggests until the task is at its end; answers what it asks meanwhile.
    // spec: TASK25-06 TASK25-07 TASK25-08
    pub(super) async fn wait(&mut self) -> Result<State, Error> {
        loop {
            tokio::time::sleep(self.known.interval).await;
            let state = self.state().await?;
            match state.status {
                TaskStatus::Working => {}
                TaskStatus::InputRequired if self.peer.is_modern() => {
                    self.answer(state.input_requests).await?;
                }
                // Its questions come as requests while somebody waits for the result.
                TaskStatus::InputRequired => drop(self.payload().await),
                TaskStatus::Completed | TaskStatus::Failed | TaskStatus::Cancelled => {
                    return Ok(state);
                }
                _ => return Err(broken("tasks/get", None)),
            }
        }
    }

    /// What came of a task that is at its end.
    // spec: TASKX-13
    async fn outcome(&mut self, end: State) -> Result<Reply, Error> {
        match end.status {
            TaskStatus::Cancelled => Err(Error::TaskCancelled { method: METHOD.into() }),
            _ if !self.peer.is_modern() => self.payload().await,
            TaskStatus::Completed => {
                let result = end.result.ok_or_else(|| broken("tasks/get", None))?;
                Ok(Reply::new(result))
            }
            _ => {
                let message = end.status_message.unwrap_or_else(|| "the task failed".into());
                let unknown = || ErrorObject::new(ErrorCode::INTERNAL_ERROR, message);
                Err(Error::rpc(METHOD, end.error.unwrap_or_else(unknown)))
            }
        }
    }

    /// Asks how far the task is.
    // spec: TASKX-05 TASKX-15
    pub(super) async fn state(&mut self) -> Result<State, Error> {
        let reply = self.call("tasks/get", None).await?;
        let state: State = reply.decode().map_err(|source| broken("tasks/get", Some(source)))?;
        if let Some(suggested) = &state.poll_interval {
            self.known.interval = interval(suggested);
        }
        self.ended = state.is_terminal();
        tracing::debug!(status = state.status.as_str(), "a task was asked for");
        Ok(state)
    }

    /// Waits for the result of a task in the core protocol, however long it takes.
    async fn payload(&mut self) -> Result<Reply, Error> {
        self.call("tasks/result", Some(Deadlines::NONE)).await
    }

    /// Asks the server to give the task up.
    pub(super) async fn cancel(&mut self) -> Result<(), Error> {
        self.call("tasks/cancel", None).await.map(drop)
    }

    /// Answers the questions that are new, all at once.
    // spec: TASKX-07 TASKX-08 TASKX-09 TASKX-10
    async fn answer(&mut self, mut questions: BTreeMap<String, InputRequest>) -> Result<(), Error> {
        {
            let mut asked = self.known.asked.lock().unwrap_or_else(PoisonError::into_inner);
            questions.retain(|key, _| asked.insert(key.clone()));
        }
        if questions.is_empty() {
            return Ok(());
        }
        let asker = self.peer.asker();
        let answers = answer_all(&**self.peer.input(), &asker, METHOD, &questions).await?;
        let answers = serde_json::json!({"taskId": &*self.known.id, "inputResponses": answers});
        let update = Call::new("tasks/update").with_params(Params::encode(&answers)?);
        self.send(update).await.map(drop)
    }

    async fn call(
        &mut self,
        method: &'static str,
        deadlines: Option<Deadlines>,
    ) -> Result<Reply, Error> {
        let params = Params::encode(&serde_json::json!({"taskId": &*self.known.id}))?;
        let mut call = Call::new(method).with_params(params).with_extension(ByHandle::default());
        if let Some(deadlines) = deadlines {
            call = call.with_extension(deadlines);
        }
        self.send(call).await
    }

    async fn send(&mut self, call: Call) -> Result<Reply, Error> {
        let ready = poll_fn(|cx| self.service.poll_ready(cx)).await;
        let reply = match ready {
            Ok(()) => self.service.call(call).await,
            Err(error) => Err(error),
        };
        reply.map_err(Error::from_layers)
    }
}

/// How long to wait, by how many milliseconds the server suggests: any number, or anything else.
fn interval(suggested: &Value) -> Duration {
    let millis = suggested.as_f64().map(|millis| millis.min(1e9));
    let suggested = millis.and_then(|millis| Duration::try_from_secs_f64(millis / 1e3).ok());
    suggested.unwrap_or(INTERVAL).clamp(MIN_INTERVAL, MAX_INTERVAL)
}

pub(super) fn broken(method: &str, source: Option<serde_json::Error>) -> Error {
    let misbehavior = Misbehavior::InvalidResult;
    Error::Misbehaved { method: method.into(), misbehavior, source }
}
