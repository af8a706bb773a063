//! The latest known state of a task.

use super::{
    pace::{self, Pace},
    pushes::{Listening, Pushes},
    state::{State, is_terminal},
};
use crate::{Error, Phase, Reply, member::required};
use mcp_types::{RawJson, tasks_extension::TaskStatus};
use std::{
    borrow::Cow,
    collections::HashSet,
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::time::Instant;

/// The method of a call whose method is unknown.
const UNKNOWN: &str = "tools/call";

/// A task, as far as it is known here. Clones share what they know.
#[derive(Clone)]
pub(crate) struct Known {
    pub(crate) id: Arc<str>,
    /// The method of the call that became the task.
    pub(super) method: Cow<'static, str>,
    /// The listeners for its progress.
    pub(super) listening: Listening,
    memory: Arc<Mutex<Memory>>,
    /// A final check of the outcome.
    check: Option<Check>,
}

type Check = Arc<dyn Fn(&Reply) -> Result<(), Error> + Send + Sync>;

/// What is known about a task.
#[derive(Default)]
pub(super) struct Memory {
    pub(super) pace: Pace,
    /// When the task was first heard of, by the local clock.
    since: Option<Instant>,
    /// The last reported status.
    status: Option<TaskStatus>,
    /// The questions that were answered, or are being answered: each is asked only once.
    pub(super) asked: HashSet<String>,
    /// The final state, once reached.
    pub(super) end: Option<State>,
    /// The outcome of the task.
    pub(super) outcome: Option<Reply>,
    /// What the server has sent unasked since the task was created, for the first waiter.
    pub(super) pushes: Option<Pushes>,
}

impl Known {
    /// Creates a task from its id alone.
    pub(super) fn new(id: &str) -> Self {
        let (listening, memory) = (Listening::default(), Arc::default());
        Self { id: id.into(), method: UNKNOWN.into(), listening, memory, check: None }
    }

    /// Creates the task that a server has made of a call of this method.
    pub(crate) fn created(created: &Created, method: Cow<'static, str>) -> Self {
        let known = Self { method, ..Self::new(&created.task_id) };
        {
            let mut memory = known.memory();
            memory.pace.suggest(created.poll_interval.as_ref());
            memory.pace.heard();
            memory.since = Some(Instant::now());
        }
        tracing::debug!(task = %known.mark(), method = &*known.method, "a call has become a task");
        known
    }

    /// Adds the listeners for its progress, and what was sent about it already.
    pub(super) fn heard_by(self, listening: Listening, pushes: Pushes) -> Self {
        self.memory().pushes = Some(pushes);
        Self { listening, ..self }
    }

    /// Adds a check of the outcome.
    #[cfg(feature = "validate")]
    pub(crate) fn checked_by(
        self,
        check: impl Fn(&Reply) -> Result<(), Error> + Send + Sync + 'static,
    ) -> Self {
        Self { check: Some(Arc::new(check)), ..self }
    }

    /// Returns the outcome of the task, if it passes the check.
    pub(super) fn checked(&self, outcome: Reply) -> Result<Reply, Error> {
        if let Some(check) = &self.check {
            check(&outcome)?;
        }
        Ok(outcome)
    }

    /// Returns a mark that connects the log records of this task. It reveals nothing of the id, which is a secret.
    // spec: TASK25-15 TASKX-18
    pub(super) fn mark(&self) -> impl fmt::Display + use<> {
        let mut hasher = DefaultHasher::new();
        self.id.hash(&mut hasher);
        let mark = hasher.finish() >> 32;
        fmt::from_fn(move |f| write!(f, "{mark:08x}"))
    }

    /// Records a state sent by the server; a task that has ended stays as it is.
    // spec: TASK25-18
    pub(super) fn note(&self, state: State) -> State {
        let mut memory = self.memory();
        if let Some(end) = &memory.end {
            return end.clone();
        }
        memory.pace.heard();
        memory.since.get_or_insert_with(Instant::now);
        if let Some(suggested) = &state.poll_interval {
            memory.pace.suggest(Some(suggested));
        }
        if memory.status.as_ref() != Some(&state.status) {
            tracing::debug!(task = %self.mark(), status = state.status.as_str(), "a task has a new status");
            memory.status = Some(state.status.clone());
        }
        if state.is_terminal() {
            memory.end = Some(state.clone());
        }
        state
    }

    /// Fails if, by the server's own word, it no longer keeps the task although the task has not ended.
    ///
    /// Measured from when the task was first heard of here, so that clocks need not agree.
    // spec: TASKX-14
    pub(super) fn in_time(&self, state: State) -> Result<State, Error> {
        // A time to live of zero is nonsense and is ignored.
        let (since, kept) = (self.memory().since, state.ttl.filter(|ttl| !ttl.is_zero()));
        match (since, kept) {
            (Some(since), Some(after)) if !state.is_terminal() && since.elapsed() > after => {
                let (method, phase) = (self.method.as_ref().into(), Phase::Total);
                Err(Error::Timeout { method, phase, after })
            }
            _ => Ok(state),
        }
    }

    /// Returns how the task ended, if known.
    pub(super) fn ended(&self) -> Option<TaskStatus> {
        let end = self.memory().end.as_ref().map(|end| end.status.clone());
        end.filter(is_terminal)
    }

    pub(super) fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a server says about a task that it has created, as far as it matters here.
pub(crate) struct Created {
    task_id: String,
    poll_interval: Option<RawJson>,
}

impl Created {
    /// Decodes it.
    pub(crate) fn read(task: &RawJson) -> Result<Self, serde_json::Error> {
        Ok(Self { task_id: required(task, "taskId")?, poll_interval: pace::suggested(task)? })
    }

    /// Returns the task in a result of a server with a handshake, if there is one.
    ///
    /// Servers older than the revision put it in `_meta`.
    pub(super) fn of_core(result: &RawJson) -> Result<Option<Self>, serde_json::Error> {
        for path in [&["task"][..], &["_meta", "modelcontextprotocol.io/task"]] {
            if let Some(task) = result.find(path).filter(|task| *task != "null") {
                return Self::read(&RawJson::from_joined(result.share(task))).map(Some);
            }
        }
        Ok(None)
    }
}
