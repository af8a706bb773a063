//! What a server says of a task, in either protocol.

use super::pace;
use crate::input::InputRequest;
use mcp_types::{ErrorObject, RawJson, tasks_extension::TaskStatus};
use serde::Deserialize;
use serde_json::Value;
use std::{collections::BTreeMap, time::Duration};

/// How far a task is.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TaskState {
    /// Where it is in its life.
    pub status: TaskStatus,
    /// What the server says to it, for a person. Untrusted.
    pub message: Option<String>,
    /// When it was made, as the server writes times.
    pub created_at: Option<String>,
    /// When it changed last, as the server writes times.
    pub last_updated_at: Option<String>,
    /// How long the server keeps it, from when it was made. `None` is for ever, or not said.
    pub ttl: Option<Duration>,
    /// How often to ask for it, if the server suggests something that makes sense.
    pub poll_interval: Option<Duration>,
}

impl TaskState {
    /// A state of which no more is known.
    pub fn new(status: TaskStatus) -> Self {
        let (message, created_at, last_updated_at) = (None, None, None);
        Self { status, message, created_at, last_updated_at, ttl: None, poll_interval: None }
    }

    /// Whether it changes no more.
    pub fn is_terminal(&self) -> bool {
        is_terminal(&self.status)
    }
}

/// Whether a status is the last one: any but the two that lead on.
// spec: TASK25-18
pub(super) fn is_terminal(status: &TaskStatus) -> bool {
    !matches!(status, TaskStatus::Working | TaskStatus::InputRequired)
}

/// The state of a task as it came. Of what is only told on, nothing makes the rest unreadable.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct State {
    pub(super) status: TaskStatus,
    #[serde(default)]
    pub(super) task_id: Value,
    poll_interval: Option<Value>,
    poll_interval_ms: Option<Value>,
    #[serde(default)]
    ttl: Value,
    #[serde(default)]
    ttl_ms: Value,
    #[serde(default)]
    status_message: Value,
    #[serde(default)]
    created_at: Value,
    #[serde(default)]
    last_updated_at: Value,
    pub(super) result: Option<RawJson>,
    pub(super) error: Option<ErrorObject>,
    #[serde(default)]
    pub(super) input_requests: BTreeMap<String, InputRequest>,
}

impl State {
    pub(super) fn is_terminal(&self) -> bool {
        is_terminal(&self.status)
    }

    /// How often to ask, if the server says something to that.
    pub(super) fn suggested(&self) -> Option<&Value> {
        self.poll_interval.as_ref().or(self.poll_interval_ms.as_ref())
    }

    pub(super) fn message(&self) -> Option<String> {
        text(&self.status_message)
    }

    /// How long the server keeps the task, from when it was made.
    pub(super) fn ttl(&self) -> Option<Duration> {
        self.ttl.as_u64().or_else(|| self.ttl_ms.as_u64()).map(Duration::from_millis)
    }

    pub(super) fn public(&self) -> TaskState {
        TaskState {
            status: self.status.clone(),
            message: self.message(),
            created_at: text(&self.created_at),
            last_updated_at: text(&self.last_updated_at),
            ttl: self.ttl(),
            poll_interval: self.suggested().and_then(pace::interval),
        }
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}
