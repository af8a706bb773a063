//! Finding tasks by id.

use crate::{Client, Error, TaskHandle, TaskList, TaskState};
use mcp_types::RawJson;

impl Client {
    /// Returns the task with this id, which may be from an earlier process. Sends nothing.
    ///
    /// Its result is untyped; [`Operation::resume_task`](crate::Operation::resume_task) knows the type.
    ///
    /// # Errors
    ///
    /// There is no open session.
    pub fn task(&self, id: &str) -> Result<TaskHandle, Error> {
        Ok(self.session()?.task(id))
    }

    /// Asks for the state of a task.
    ///
    /// # Errors
    ///
    /// The server does not know the task, or any other of [`Error`].
    pub async fn task_status(&self, id: &str) -> Result<TaskState, Error> {
        self.task(id)?.status().await
    }

    /// Waits for the result of a task, as raw JSON.
    ///
    /// # Errors
    ///
    /// The error that the call would have had, or any other of [`Error`].
    pub async fn task_result(&self, id: &str) -> Result<RawJson, Error> {
        Ok(self.task(id)?.result().await?.result)
    }

    /// Asks the server to cancel a task, which may finish all the same.
    ///
    /// # Errors
    ///
    /// The task has ended, the server does not know it or cannot cancel, or any other of [`Error`].
    pub async fn cancel_task(&self, id: &str) -> Result<(), Error> {
        self.task(id)?.cancel().await
    }

    /// Lists the tasks of this client with their states, a page at a time.
    ///
    /// If the server keeps a list, one page of it: the first, or the one at a cursor. If there is none, or it is empty,
    /// at most `limit` of the tasks that this session has started, newest first.
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
