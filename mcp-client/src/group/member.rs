//! One member of a group, and its state.

use crate::{Client, Error, TaskHandle, operation::TaskPrefix};
use std::{fmt, sync::Arc, time::Duration};
use tokio::sync::watch;

/// A connection that lasted this long was good: after it, backoff starts over.
pub(super) const GOOD: Duration = Duration::from_secs(30);

/// The state of a member of a group.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum MemberState {
    /// The group is not connected.
    Idle,
    /// It is being connected for the first time.
    Connecting,
    /// It is connected.
    Ready,
    /// It could not be connected. That is retried later, unless its target is invalid.
    Failed(Arc<Error>),
    /// Its connection was lost for this reason, and is being replaced.
    Reconnecting(Arc<Error>),
}

impl MemberState {
    /// Whether the member can be called.
    pub fn is_ready(&self) -> bool {
        matches!(self, Self::Ready)
    }

    /// Why the member cannot be called, if something went wrong.
    pub fn error(&self) -> Option<&Arc<Error>> {
        match self {
            Self::Failed(error) | Self::Reconnecting(error) => Some(error),
            Self::Idle | Self::Connecting | Self::Ready => None,
        }
    }
}

impl fmt::Display for MemberState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Idle => f.write_str("idle"),
            Self::Connecting => f.write_str("connecting"),
            Self::Ready => f.write_str("ready"),
            Self::Failed(error) => write!(f, "failed: {error}"),
            Self::Reconnecting(error) => write!(f, "reconnecting: {error}"),
        }
    }
}

/// The delays between attempts to connect a member.
#[derive(Clone, Copy, Debug)]
pub(super) struct Backoff {
    pub(super) first: Duration,
    pub(super) most: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { first: Duration::from_millis(500), most: Duration::from_secs(30) }
    }
}

impl Backoff {
    /// Returns the delay after this many failures.
    pub(super) fn after(&self, failures: u32) -> Duration {
        let factor = 2_u32.saturating_pow(failures.saturating_sub(1));
        self.first.saturating_mul(factor).min(self.most)
    }
}

/// One member of a group.
pub(super) struct Member {
    pub(super) name: Box<str>,
    /// The prefix of its task ids in the group.
    pub(super) task_prefix: Option<TaskPrefix>,
    pub(super) client: Client,
    pub(super) state: watch::Sender<MemberState>,
}

impl Member {
    pub(super) fn new(name: Box<str>, client: Client, task_prefix: Option<TaskPrefix>) -> Self {
        Self { name, task_prefix, client, state: watch::Sender::new(MemberState::Idle) }
    }

    /// Returns one of its tasks under the group's id.
    pub(super) fn task_of_group(&self, task: TaskHandle) -> TaskHandle {
        match &self.task_prefix {
            Some(_) => {
                let id = self.task_id_of_group(task.id());
                task.known_as(id)
            }
            None => task,
        }
    }

    /// Returns the group's id for one of its tasks.
    pub(super) fn task_id_of_group(&self, own: &str) -> String {
        format!("{}{own}", self.task_prefix())
    }

    /// Returns its own id for a task of the group, if the task is one of its own.
    pub(super) fn own_task_id<'a>(&self, id: &'a str) -> Option<&'a str> {
        id.strip_prefix(self.task_prefix())
    }

    fn task_prefix(&self) -> &str {
        self.task_prefix.as_ref().map_or("", |prefix| prefix)
    }

    /// Returns the client, if it can be called.
    pub(super) fn ready(&self) -> Result<&Client, Error> {
        match &*self.state.borrow() {
            MemberState::Ready => Ok(&self.client),
            MemberState::Failed(source) | MemberState::Reconnecting(source) => {
                let (target, source) = (format!("the member {:?}", self.name), Arc::clone(source));
                Err(Error::Connect { target: target.into(), source })
            }
            MemberState::Idle | MemberState::Connecting => Err(Error::NotConnected),
        }
    }

    /// Whether retrying is pointless.
    pub(super) fn has_no_target(&self) -> bool {
        matches!(&*self.state.borrow(), MemberState::Failed(error) if is_final(error))
    }
}

fn is_final(error: &Error) -> bool {
    match error {
        Error::InvalidTarget { .. } => true,
        Error::Connect { source, .. } => is_final(source),
        _ => false,
    }
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member")
            .field("name", &self.name)
            .field("state", &*self.state.borrow())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::Backoff;

    #[test]
    fn the_wait_doubles_up_to_a_limit() {
        let waits = [0, 1, 2, 3, 8, u32::MAX].map(|failures| Backoff::default().after(failures));
        assert_eq!(waits.map(|wait| wait.as_millis()), [500, 500, 1_000, 2_000, 30_000, 30_000]);
    }
}
