//! One task, from its creation to its end.

use crate::{Call, CallService, Error, Misbehavior, Params, Peer, Phase, Reply, input};
use futures_util::{FutureExt, future::join_all};
use mcp_types::{
    ErrorCode, ErrorObject, RawJson, Request,
    tasks_extension::{CancelTaskRequest, GetTaskRequest, TaskStatus},
};
use serde::Deserialize;
use std::{
    collections::{BTreeMap, HashSet},
    future::poll_fn,
    time::Duration,
};
use tower::ServiceExt;

const METHOD: &str = "tools/call";
/// How often a task is asked for, where the server suggests nothing; and the limits to what it may suggest.
const INTERVAL: Duration = Duration::from_secs(1);
const MIN_INTERVAL: Duration = Duration::from_millis(100);
const MAX_INTERVAL: Duration = Duration::from_secs(60);

/// Drives a task. Dropped before the end, it cancels the task.
pub(super) struct Drive<S: CallService> {
    service: S,
    peer: Peer,
    id: String,
    interval: Duration,
    /// The questions that were answered, or could not be: none is asked twice.
    asked: HashSet<String>,
    finished: bool,
}

/// What a server says of a task that it has made, as far as it matters here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Created {
    task_id: String,
    #[serde(default)]
    poll_interval_ms: serde_json::Value,
}

/// The state of a task, as far as it matters here; questions stay as they came.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct State {
    status: TaskStatus,
    poll_interval_ms: Option<serde_json::Value>,
    status_message: Option<String>,
    result: Option<RawJson>,
    error: Option<ErrorObject>,
    #[serde(default)]
    input_requests: BTreeMap<String, Question>,
}

#[derive(Deserialize)]
struct Question {
    method: String,
    params: Option<RawJson>,
}

impl<S: CallService> Drive<S> {
    pub(super) fn new(service: S, peer: Peer, task: Created) -> Self {
        let interval = interval(&task.poll_interval_ms);
        let (id, asked) = (task.task_id, HashSet::new());
        Self { service, peer, id, interval, asked, finished: false }
    }

    /// Waits for the end, but not longer than the limit.
    pub(super) async fn run(mut self, limit: Option<Duration>) -> Result<Reply, Error> {
        let Some(after) = limit else { return self.follow().await };
        match tokio::time::timeout(after, self.follow()).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Error::Timeout { method: METHOD.into(), phase: Phase::Total, after }),
        }
    }

    async fn follow(&mut self) -> Result<Reply, Error> {
        loop {
            tokio::time::sleep(self.interval).await;
            let state = self.state().await?;
            self.finished =
                !matches!(state.status, TaskStatus::Working | TaskStatus::InputRequired);
            match state.status {
                TaskStatus::Working => {}
                TaskStatus::InputRequired => self.answer(state.input_requests).await?,
                TaskStatus::Completed => {
                    let result = state.result.ok_or_else(|| broken(None))?;
                    return Ok(Reply::new(result));
                }
                TaskStatus::Failed => return Err(failure(state.error, state.status_message)),
                TaskStatus::Cancelled => {
                    return Err(Error::TaskCancelled { method: METHOD.into() });
                }
                _ => return Err(broken(None)),
            }
        }
    }

    /// Asks how far the task is.
    // spec: TASKX-05 TASKX-15
    async fn state(&mut self) -> Result<State, Error> {
        let reply = self.call(Call::of(GetTaskRequest::new(self.id.as_str()))?).await?;
        let state: State = reply.decode().map_err(|source| broken(Some(source)))?;
        if let Some(suggested) = &state.poll_interval_ms {
            self.interval = interval(suggested);
        }
        Ok(state)
    }

    /// Answers the questions that are new, all at once.
    // spec: TASKX-07 TASKX-08 TASKX-09 TASKX-10
    async fn answer(&mut self, questions: BTreeMap<String, Question>) -> Result<(), Error> {
        let mut questions = questions;
        questions.retain(|key, _| self.asked.insert(key.clone()));
        if questions.is_empty() {
            return Ok(());
        }
        let handler = self.peer.input();
        let answers = questions.iter().map(|(key, Question { method, params })| async move {
            if !input::is_declared(&**handler, method) {
                return Err(Error::misbehaved(METHOD, Misbehavior::UndeclaredInputRequest));
            }
            match input::answer(&**handler, method, params.as_ref()).await {
                Ok(answer) => Ok((key.as_str(), answer)),
                Err(error) => Err(Error::InputRequired {
                    method: METHOD.into(),
                    reason: format!("{method}: {}", error.message).into(),
                }),
            }
        });
        let answers: Result<BTreeMap<_, _>, Error> = join_all(answers).await.into_iter().collect();
        let answers = serde_json::json!({"taskId": self.id, "inputResponses": answers?});
        let update = Call::new("tasks/update").with_params(Params::encode(&answers)?);
        self.call(update).await.map(drop)
    }

    async fn call(&mut self, call: Call) -> Result<Reply, Error> {
        let ready = poll_fn(|cx| self.service.poll_ready(cx)).await;
        let reply = match ready {
            Ok(()) => self.service.call(call).await,
            Err(error) => Err(error),
        };
        reply.map_err(Error::from_layers)
    }
}

/// How long to wait, by how many milliseconds the server suggests: any number, or anything else.
fn interval(suggested: &serde_json::Value) -> Duration {
    let millis = suggested.as_f64().map(|millis| millis.min(1e9));
    let suggested = millis.and_then(|millis| Duration::try_from_secs_f64(millis / 1e3).ok());
    suggested.unwrap_or(INTERVAL).clamp(MIN_INTERVAL, MAX_INTERVAL)
}

// spec: TASKX-13
fn failure(error: Option<ErrorObject>, message: Option<String>) -> Error {
    let unknown = || {
        let message = message.unwrap_or_else(|| "the task failed".into());
        ErrorObject::new(ErrorCode::INTERNAL_ERROR, message)
    };
    Error::rpc(METHOD, error.unwrap_or_else(unknown))
}

fn broken(source: Option<serde_json::Error>) -> Error {
    let misbehavior = Misbehavior::InvalidResult;
    Error::Misbehaved { method: GetTaskRequest::METHOD.into(), misbehavior, source }
}

impl<S: CallService> Drop for Drive<S> {
    fn drop(&mut self) {
        if self.finished {
            return;
        }
        // Cancelling says what is wished, no more: whether it came true is not asked.
        if let Ok(cancel) = Call::of(CancelTaskRequest::new(self.id.as_str())) {
            let cancel = self.service.clone().oneshot(cancel).map(drop);
            self.peer.errands().leave(cancel.boxed());
        }
    }
}
