//! The requests about a task, in the protocol of its era.

use super::{AsTask, known::Known, pushes::Pushes, state::State};
use crate::{
    BoxCallService, Call, Deadlines, Error, Misbehavior, Params, Peer, Reply, input::Questions,
};
use futures_util::future::BoxFuture;
use mcp_types::{
    ErrorCode, ErrorObject, capabilities::ClientCapabilities, tasks_extension::TaskStatus,
};
use std::{future::poll_fn, sync::Arc};
use tokio::time::Instant;
use tower_service::Service;

/// A task, and the means to reach its server.
pub(crate) struct Work {
    pub(super) service: BoxCallService,
    pub(super) peer: Peer,
    pub(super) known: Known,
    pushes: Option<Pushes>,
}

impl Work {
    pub(crate) fn new(service: BoxCallService, peer: Peer, known: Known) -> Self {
        Self { service, peer, known, pushes: None }
    }

    /// Waits for the end, and returns the outcome.
    pub(super) fn follow(&mut self) -> BoxFuture<'_, Result<Reply, Error>> {
        Box::pin(async move {
            let known = self.known.memory().outcome.clone();
            if let Some(outcome) = known {
                return self.known.checked(outcome);
            }
            let end = self.wait(None).await?;
            let outcome = self.outcome(end).await?;
            self.known.memory().outcome = Some(outcome.clone());
            self.known.checked(outcome)
        })
    }

    /// Waits until the task has a status, or has ended; meanwhile answers what it asks.
    // spec: TASK25-06 TASK25-08
    pub(super) async fn wait(&mut self, wanted: Option<&TaskStatus>) -> Result<State, Error> {
        loop {
            let state = self.next().await?;
            if wanted == Some(&state.status) {
                return Ok(state);
            }
            match (&state.status, wanted) {
                (TaskStatus::Working, _) => {}
                (TaskStatus::InputRequired, _) if self.peer.is_modern() => {
                    self.answer(state.questions).await?;
                }
                (TaskStatus::InputRequired, _) => self.be_asked().await?,
                (_, None) => return Ok(state),
                (ended, Some(wanted)) => {
                    let (method, status) = (self.known.method.as_ref().into(), ended.clone());
                    return Err(Error::TaskEnded { method, status, wanted: wanted.clone() });
                }
            }
        }
    }

    /// Returns the state when it is time to poll again, or earlier if the server sends it. A task that outlives the
    /// time for which the server keeps it is polled once more and then given up.
    pub(super) async fn next(&mut self) -> Result<State, Error> {
        let Self { service, known, pushes, peer } = self;
        let (end, time, kept) = {
            let mut memory = known.memory();
            (memory.end.clone(), memory.pace.next(), memory.pushes.take())
        };
        if let Some(end) = end {
            return Ok(end);
        }
        let pushes = pushes.get_or_insert_with(|| kept.unwrap_or_else(|| Pushes::of(peer)));
        pushes.ask(service, peer, &known.id, time.saturating_duration_since(Instant::now()));
        let told = tokio::select! {
            biased;
            state = pushes.next(peer, &known.id, &mut known.listening) => Some(state),
            () = tokio::time::sleep_until(time) => None,
        };
        let told = match told {
            Some(state) if is_known(&state.status) => Ok(self.known.note(state)),
            _ => self.state().await,
        };
        told.and_then(|state| self.known.in_time(state))
    }

    /// Returns the outcome of a task that has ended.
    // spec: TASKX-13
    async fn outcome(&mut self, end: State) -> Result<Reply, Error> {
        let message = end.message;
        match end.status {
            TaskStatus::Cancelled => {
                Err(Error::TaskCancelled { method: self.known.method.as_ref().into() })
            }
            _ if !self.peer.is_modern() => self.payload().await,
            TaskStatus::Completed => {
                let result = end.result.ok_or_else(|| broken("tasks/get", None))?;
                let method = self.known.method.clone();
                Ok(Reply::new(result).answering(Arc::new(self.peer.clone()), method))
            }
            _ => {
                let message = message.unwrap_or_else(|| "the task failed".into());
                let unknown = || ErrorObject::new(ErrorCode::INTERNAL_ERROR, message);
                Err(Error::rpc(&self.known.method, end.error.unwrap_or_else(unknown)))
            }
        }
    }

    /// Polls the state of the task, unless it is known to have ended.
    // spec: TASKX-15
    pub(super) async fn state(&mut self) -> Result<State, Error> {
        let ended = self.known.memory().end.clone();
        if let Some(end) = ended {
            return Ok(end);
        }
        let reply = self.send(self.about("tasks/get")?).await?;
        let state = State::read(&reply.result);
        let state = state.map_err(|source| broken("tasks/get", Some(source)))?;
        if !is_known(&state.status) {
            return Err(broken("tasks/get", None));
        }
        tracing::debug!(task = %self.known.mark(), "a task was asked for");
        Ok(self.known.note(state))
    }

    /// Waits for the result of a task in the core protocol, without a limit.
    async fn payload(&mut self) -> Result<Reply, Error> {
        let call = self.about("tasks/result")?.with_extension(Deadlines::NONE);
        // A server may send its progress on the stream of this request.
        self.send(call.with_events(self.known.listening.events().clone())).await
    }

    /// Waits for the result because the task asks something: its questions arrive as requests meanwhile.
    async fn be_asked(&mut self) -> Result<(), Error> {
        if self.peer.input().capabilities() == ClientCapabilities::default() {
            let reason = "its task asks something, and nobody is there to answer".into();
            return Err(Error::InputRequired { method: self.known.method.as_ref().into(), reason });
        }
        // An error is not the end of it: the task's state is polled next.
        if let Ok(reply) = self.payload().await {
            self.known.memory().outcome = Some(reply);
        }
        Ok(())
    }

    /// Asks the server to cancel the task.
    pub(super) async fn cancel(&mut self) -> Result<(), Error> {
        tracing::debug!(task = %self.known.mark(), "a task is cancelled");
        self.send(self.about("tasks/cancel")?).await.map(drop)
    }

    /// Answers the new questions, concurrently.
    // spec: TASKX-07 TASKX-08 TASKX-09 TASKX-10
    async fn answer(&mut self, mut questions: Questions) -> Result<(), Error> {
        {
            let asked = &mut self.known.memory().asked;
            questions.retain(|key| asked.insert(key.to_owned()));
        }
        if questions.is_empty() {
            return Ok(());
        }
        let answering = Answering { known: &self.known, questions: Some(&questions) };
        let (asker, method) = (self.peer.asker(), &self.known.method);
        let answers = questions.answer(&**self.peer.input(), &asker, method).await?;
        let mut update = self.about("tasks/update")?;
        update.params = update.params.with_members(&[("inputResponses", Some(&answers))])?;
        answering.done();
        tracing::debug!(task = %self.known.mark(), "questions of a task are answered");
        self.send(update).await.map(drop)
    }

    /// Builds a request about the task.
    fn about(&self, method: &'static str) -> Result<Call, Error> {
        let params = Params::encode(&mcp_types::object([("taskId", (&*self.known.id).into())]))?;
        Ok(Call::new(method).with_params(params).with_extension(AsTask::default()))
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

/// Questions that are being answered. Those that could not be answered may be asked again.
struct Answering<'a> {
    known: &'a Known,
    questions: Option<&'a Questions>,
}

impl Answering<'_> {
    fn done(mut self) {
        self.questions = None;
    }
}

impl Drop for Answering<'_> {
    fn drop(&mut self) {
        let mut memory = self.known.memory();
        for key in self.questions.iter().flat_map(|questions| questions.keys()) {
            memory.asked.remove(key);
        }
    }
}

fn is_known(status: &TaskStatus) -> bool {
    matches!(
        status,
        TaskStatus::Working
            | TaskStatus::InputRequired
            | TaskStatus::Completed
            | TaskStatus::Failed
            | TaskStatus::Cancelled
    )
}

pub(super) fn broken(method: &str, source: Option<serde_json::Error>) -> Error {
    let misbehavior = Misbehavior::InvalidResult;
    Error::Misbehaved { method: method.into(), misbehavior, source }
}
