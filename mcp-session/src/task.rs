//! Tasks: calls that a server does in the background, and that can be left alone and found again.

mod core;
mod follow;
mod work;

pub(crate) use self::{
    core::FollowCoreTask,
    follow::Follow,
    work::{Created, Known},
};

use crate::{Call, Endless, Era, Error, Misbehavior, Reply, Session, result_type};
use mcp_types::{Request, tasks::ListTasksRequest, tasks_extension::TaskStatus};
use std::{collections::HashSet, fmt, time::Duration};
use work::Work;

/// How many pages of tasks are read.
const MAX_PAGES: usize = 1_000;

/// Says of a call that its task is not followed, and for how long the server should keep the task.
#[derive(Clone, Copy, Default)]
pub(crate) struct ByHandle {
    pub(crate) ttl: Option<Duration>,
}

/// What came of a call that may have become a task.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Started {
    /// The server does it in the background.
    Task(TaskHandle),
    /// The server did it at once.
    Done(Reply),
}

/// How far a task is.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TaskState {
    /// Where it is in its life.
    pub status: TaskStatus,
    /// What the server says to it, for a person. Untrusted.
    pub message: Option<String>,
}

/// A task: a call that a server does in the background.
///
/// The same for both protocols of tasks: the extension `io.modelcontextprotocol/tasks` and the core tasks of 2025-11-25.
/// Made by [`Session::call_as_task`], or from the id of a task that an earlier session has left: [`Session::task`]. Who
/// has the id has the task: it is a secret, and `Debug` does not show it.
///
/// Dropping a handle leaves the task alone. Clones are the same task.
// spec: TASKX-06 TASKX-18
#[derive(Clone)]
pub struct TaskHandle {
    session: Session,
    known: Known,
}

impl TaskHandle {
    /// The id, to find the task again. Keep it as one keeps a password.
    pub fn id(&self) -> &str {
        &self.known.id
    }

    /// Asks how far the task is.
    ///
    /// # Errors
    ///
    /// The server does not know the task, or any other of [`Error`].
    pub async fn status(&self) -> Result<TaskState, Error> {
        Ok(self.work().state().await?.public())
    }

    /// Waits for the end of the task, however long it takes. What it asks meanwhile the handler of the session answers.
    ///
    /// # Errors
    ///
    /// The server does not know the task, or any other of [`Error`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the task alone; wait again when you like.
    pub async fn wait(&self) -> Result<TaskState, Error> {
        Ok(self.work().wait().await?.public())
    }

    /// Waits for what comes of the task: the result that the call would have had.
    ///
    /// # Errors
    ///
    /// The error that the call would have had, [`Error::TaskCancelled`], or any other of [`Error`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the task alone.
    pub async fn result(&self) -> Result<Reply, Error> {
        self.work().follow().await
    }

    /// Asks the server to give the task up. It may finish it all the same.
    ///
    /// # Errors
    ///
    /// The task is at its end, the server does not know it or cannot cancel, or any other of [`Error`].
    // spec: TASKX-11 TASK25-12
    pub async fn cancel(&self) -> Result<(), Error> {
        let server = self.session.server();
        let tasks = server.capabilities.tasks.as_ref();
        if server.era == Era::Legacy && tasks.is_none_or(|tasks| tasks.cancel.is_none()) {
            let method = "tasks/cancel".into();
            return Err(Error::NotOffered { method, capability: "tasks.cancel" });
        }
        self.work().cancel().await
    }

    fn work(&self) -> Work<Session> {
        Work::new(self.session.clone(), self.session.peer().clone(), self.known.clone())
    }
}

impl fmt::Debug for TaskHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskHandle").finish_non_exhaustive()
    }
}

impl Session {
    /// Calls a tool, as a task if server and tool allow it, and does not wait for the task.
    ///
    /// A stateless server decides by itself, if the [`Tasks`](crate::Tasks) extension is among the options. A server of
    /// 2025-11-25 is asked for a task if it offers tasks of tool calls and the tool allows it; what the tool allows is
    /// looked up in `tools/list`. The `ttl` is how long it should keep the task; a stateless server is not told.
    ///
    /// # Errors
    ///
    /// Any of [`Error`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives the call up, and a task that the server may already have made of it is cancelled.
    // spec: TASK25-02 TASK25-03 TASK25-04 TASK25-05
    pub async fn call_as_task(&self, call: Call, ttl: Option<Duration>) -> Result<Started, Error> {
        let method = call.method.clone();
        let reply = self.call_raw(call.with_extension(ByHandle { ttl })).await?;
        if let Some(known) = reply.extensions.get::<Known>() {
            let handle = TaskHandle { session: self.clone(), known: known.clone() };
            return Ok(Started::Task(handle));
        }
        // A task that was not offered.
        if self.server().era == Era::Modern
            && !matches!(result_type(&reply.result).as_deref(), Ok("complete"))
        {
            return Err(Error::misbehaved(&method, Misbehavior::UnknownResultType));
        }
        Ok(Started::Done(reply))
    }

    /// The task with this id, that an earlier session may have left. Nothing is sent.
    pub fn task(&self, id: &str) -> TaskHandle {
        TaskHandle { session: self.clone(), known: Known::new(id) }
    }

    /// The tasks that a server of 2025-11-25 keeps for this client.
    ///
    /// # Errors
    ///
    /// The server is stateless or does not offer it, or any other of [`Error`].
    // spec: TASK25-13 TASKX-16
    pub async fn tasks(&self) -> Result<Vec<TaskHandle>, Error> {
        let (server, method) = (self.server(), ListTasksRequest::METHOD);
        if server.era == Era::Modern {
            let version = server.version.clone();
            return Err(Error::NotInVersion { method: method.into(), version });
        }
        if server.capabilities.tasks.as_ref().is_none_or(|tasks| tasks.list.is_none()) {
            return Err(Error::NotOffered { method: method.into(), capability: "tasks.list" });
        }
        let (mut found, mut seen) = (Vec::new(), HashSet::new());
        let mut request = ListTasksRequest::default();
        for _ in 0..MAX_PAGES {
            let page = self.request(request.clone()).await?;
            found.extend(page.tasks.iter().map(|task| self.task(&task.task_id)));
            let Some(cursor) = page.next_cursor else { return Ok(found) };
            if !seen.insert(cursor.clone()) {
                let reason = Endless::RepeatedCursor;
                return Err(Error::Endless { method: method.into(), reason });
            }
            request.cursor = Some(cursor);
        }
        Err(Error::Endless { method: method.into(), reason: Endless::Pages(MAX_PAGES) })
    }
}
