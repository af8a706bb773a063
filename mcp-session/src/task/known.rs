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

/// The method of a call of which it is not known.
const UNKNOWN: &str = "tools/call";

/// A task, as far as it is known here. Clones know the same.
#[derive(Clone)]
pub(crate) struct Known {
    pub(crate) id: Arc<str>,
    /// The method of the call that it was made of.
    pub(super) method: Cow<'static, str>,
    /// Who wants to know of its progress.
    pub(super) listening: Listening,
    memory: Arc<Mutex<Memory>>,
    /// Has the last word about what comes of it.
    check: Option<Check>,
}

type Check = Arc<dyn Fn(&Reply) -> Result<(), Error> + Send + Sync>;

/// What was found out about a task.
#[derive(Default)]
pub(super) struct Memory {
    pub(super) pace: Pace,
    /// When it was first heard of, by the clock of this machine.
    since: Option<Instant>,
    /// The status that was told last.
    status: Option<TaskStatus>,
    /// The questions that were answered, or are being answered: none is asked twice.
    pub(super) asked: HashSet<String>,
    /// The last state, once it is reached: it is final.
    pub(super) end: Option<State>,
    /// What came of it.
    pub(super) outcome: Option<Reply>,
    /// What the server has said unasked since the task was made, for the first who waits.
    pub(super) pushes: Option<Pushes>,
}

impl Known {
    /// A task of which the id is known.
    pub(super) fn new(id: &str) -> Self {
        let (listening, memory) = (Listening::default(), Arc::default());
        Self { id: id.into(), method: UNKNOWN.into(), listening, memory, check: None }
    }

    /// The task that a server has made of a call of this method.
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

    /// The same task, with who wants to know of its progress, and what was said of it already.
    pub(super) fn heard_by(self, listening: Listening, pushes: Pushes) -> Self {
        self.memory().pushes = Some(pushes);
        Self { listening, ..self }
    }

    /// The same task, with a check of what comes of it.
    #[cfg(feature = "validate")]
    pub(crate) fn checked_by(
        self,
        check: impl Fn(&Reply) -> Result<(), Error> + Send + Sync + 'static,
    ) -> Self {
        Self { check: Some(Arc::new(check)), ..self }
    }

    /// What comes of the task, if it is as it should be.
    pub(super) fn checked(&self, outcome: Reply) -> Result<Reply, Error> {
        if let Some(check) = &self.check {
            check(&outcome)?;
        }
        Ok(outcome)
    }

    /// What records of this task have in common. Its id is a secret, of which this tells nothing.
    // spec: TASK25-15 TASKX-18
    pub(super) fn mark(&self) -> impl fmt::Display + use<> {
        let mut hasher = DefaultHasher::new();
        self.id.hash(&mut hasher);
        let mark = hasher.finish() >> 32;
        fmt::from_fn(move |f| write!(f, "{mark:08x}"))
    }

    /// Notes what the server has said; a task that was at its end stays as it is.
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

    /// Gives a task up that the server keeps no longer, by its own word, and that is not at its end all the same.
    ///
    /// Counted from when it was first heard of here, so that clocks need not agree.
    // spec: TASKX-14
    pub(super) fn in_time(&self, state: State) -> Result<State, Error> {
        // Nothing is kept for no time at all: that is no answer.
        let (since, kept) = (self.memory().since, state.ttl.filter(|ttl| !ttl.is_zero()));
        match (since, kept) {
            (Some(since), Some(after)) if !state.is_terminal() && since.elapsed() > after => {
                let (method, phase) = (self.method.as_ref().into(), Phase::Total);
                Err(Error::Timeout { method, phase, after })
            }
            _ => Ok(state),
        }
    }

    /// How the task ended, if that is known.
    pub(super) fn ended(&self) -> Option<TaskStatus> {
        let end = self.memory().end.as_ref().map(|end| end.status.clone());
        end.filter(is_terminal)
    }

    pub(super) fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a server says of a task that it has made, as far as it matters here.
pub(crate) struct Created {
    task_id: String,
    poll_interval: Option<RawJson>,
}

impl Created {
    /// Reads it.
    pub(crate) fn read(task: &RawJson) -> Result<Self, serde_json::Error> {
        Ok(Self { task_id: required(task, "taskId")?, poll_interval: pace::suggested(task)? })
    }

    /// The task in a result of a server with a handshake, if there is one.
    ///
    /// Servers that are older than the revision have it in `_meta`.
    pub(super) fn of_core(result: &RawJson) -> Result<Option<Self>, serde_json::Error> {
        for path in [&["task"][..], &["_meta", "modelcontextprotocol.io/task"]] {
            if let Some(task) = result.find(path).filter(|task| *task != "null") {
                return Self::read(&RawJson::from_joined(result.share(task))).map(Some);
            }
        }
        Ok(None)
    }
}
