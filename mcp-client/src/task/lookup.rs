//! Finding tasks by id.

use crate::{Client, Error, TaskHandle, TaskList, TaskState};
use mcp_types::RawJson;

impl Client {
    /// The task with this id, maybe one that an earlier process has left. Nothing is sent.
    ///
    /// What comes of it is what the server says; [`Operation::resume_task`](crate::Operation::resume_task) knows how to
    /// read it.
    ///
    /// # Errors
    ///
    /// There is no open session.
    pub fn task(&self, id: &str) -> Result<TaskHandle, Error> {
        Ok(self.session()?.task(id))
    }

    /// Asks how far a task is.
    ///
    /// # Errors
    ///
    /// The server does not know the task, or any other of [`Error`].
    pub async fn task_status(&self, id: &str) -> Result<TaskState, Error> {
        self.task(id)?.status().await
    }

    /// Waits for what comes of a task, as the server says it.
    ///
    /// # Errors
    ///
    /// The error that the call would have had, or any other of [`Error`].
    pub async fn task_result(&self, id: &str) -> Result<RawJson, Error> {
        Ok(self.task(id)?.result().await?.result)
    }

    /// Asks the server to give a task up. It may finish it all the same.
    ///
    /// # Errors
    ///
    /// The task is at its end, the server does not know it or cannot cancel, or any other of [`Error`].
    pub async fn cancel_task(&self, id: &str) -> Result<(), Error> {
        self.task(id)?.cancel().await
    }

    /// The tasks of this client, a page at a time, each with how far it is.
    ///
    /// From a server that keeps a list, one page of that: the first, or that of a cursor. Where there is none, or it is
    /// empty, the tasks that this session has started, the newest first, at most `limit`.
    ///
    /// # Errors
    ///
    /// Any of [`Error`].
    pub async fn list_tasks(
        &self,
        cursor: Option<String>,
        limit: usize,
    ) -> Result<TaskList, Error> {
        self.session()?.list_tasks(cursor, limit).await
    }
}
