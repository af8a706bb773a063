//! The state of a task, in either protocol.

use super::pace;
use crate::{
    input::Questions,
    member::{optional, required, text},
};
use mcp_types::{ErrorObject, RawJson, tasks_extension::TaskStatus};
use std::{borrow::Cow, time::Duration};

/// The state of a task.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TaskState {
    /// The status.
    pub status: TaskStatus,
    /// A message of the server about it, for a person. Untrusted.
    pub message: Option<String>,
    /// When the task was created, as the server wrote it.
    pub created_at: Option<String>,
    /// When the task last changed, as the server wrote it.
    pub last_updated_at: Option<String>,
    /// How long the server keeps the task, from its creation. `None` means forever, or not specified.
    pub ttl: Option<Duration>,
    /// The polling interval that the server suggests, if it is a sensible one.
    pub poll_interval: Option<Duration>,
}

impl TaskState {
    /// Creates a state with this status alone.
    pub fn new(status: TaskStatus) -> Self {
        let (message, created_at, last_updated_at) = (None, None, None);
        Self { status, message, created_at, last_updated_at, ttl: None, poll_interval: None }
    }

    /// Whether the status is final.
    pub fn is_terminal(&self) -> bool {
        is_terminal(&self.status)
    }
}

/// Whether a status is final: any but the two that are not.
// spec: TASK25-18
pub(super) fn is_terminal(status: &TaskStatus) -> bool {
    !matches!(status, TaskStatus::Working | TaskStatus::InputRequired)
}

/// The state of a task as received. Members that are merely passed on cannot make the rest unreadable.
#[derive(Clone)]
pub(super) struct State {
    pub(super) status: TaskStatus,
    pub(super) task_id: Option<String>,
    /// How often to poll, if the server says.
    pub(super) poll_interval: Option<RawJson>,
    /// How long the server keeps the task, counted from its creation.
    pub(super) ttl: Option<Duration>,
    pub(super) message: Option<String>,
    created_at: Option<String>,
    last_updated_at: Option<String>,
    pub(super) result: Option<RawJson>,
    pub(super) error: Option<ErrorObject>,
    pub(super) questions: Questions,
}

impl State {
    pub(super) fn read(said: &RawJson) -> Result<Self, serde_json::Error> {
        let string = |name| text(said, name).map(Cow::into_owned);
        let millis = |name| said.find(&[name])?.parse().ok().map(Duration::from_millis);
        Ok(Self {
            status: required(said, "status")?.into(),
            task_id: string("taskId"),
            poll_interval: pace::suggested(said)?,
            ttl: millis("ttl").or_else(|| millis("ttlMs")),
            message: string("statusMessage"),
            created_at: string("createdAt"),
            last_updated_at: string("lastUpdatedAt"),
            result: optional(said, "result")?,
            error: match said.find(&["error"]) {
                None | Some("null") => None,
                Some(error) => Some(ErrorObject::from_json(error)?),
            },
            questions: Questions::of(said)?.unwrap_or_default(),
        })
    }

    pub(super) fn is_terminal(&self) -> bool {
        is_terminal(&self.status)
    }

    pub(super) fn public(&self) -> TaskState {
        TaskState {
            status: self.status.clone(),
            message: self.message.clone(),
            created_at: self.created_at.clone(),
            last_updated_at: self.last_updated_at.clone(),
            ttl: self.ttl,
            poll_interval: self.poll_interval.as_ref().and_then(pace::interval),
        }
    }
}
