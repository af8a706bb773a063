//! Listing the tasks of a server, and those that this session started.

use super::{TaskHandle, TaskOffer, TaskState, state::State};
use crate::{Call, Endless, Era, Error, Params, Session, member::optional, task::work::broken};
use futures_util::future::BoxFuture;
use mcp_types::{RawJson, Request, tasks::ListTasksRequest};
use std::{
    collections::{HashSet, VecDeque},
    sync::{Mutex, PoisonError},
};

const METHOD: &str = ListTasksRequest::METHOD;
/// The maximum number of pages of tasks read.
const MAX_PAGES: usize = 1_000;
/// The maximum number of started tasks remembered; the oldest are forgotten.
const MAX_STARTED: usize = 1_000;

/// Some of the tasks of a server.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TaskList {
    /// The tasks, with their states.
    pub tasks: Vec<ListedTask>,
    /// The cursor of the next page, if there is one.
    pub next_cursor: Option<String>,
}

/// A task in a list.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ListedTask {
    /// The handle of the task.
    pub handle: TaskHandle,
    /// Its state when it was listed.
    pub state: TaskState,
}

/// The tasks that a session has started, the newest last.
#[derive(Default)]
pub(crate) struct StartedTasks(Mutex<VecDeque<TaskHandle>>);

impl StartedTasks {
    pub(super) fn add(&self, handle: &TaskHandle) {
        let mut started = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if started.len() == MAX_STARTED {
            started.pop_front();
        }
        started.push_back(handle.clone());
    }

    /// Returns the newest tasks.
    fn newest(&self, limit: usize) -> Vec<TaskHandle> {
        let started = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        started.iter().rev().take(limit).cloned().collect()
    }
}

impl Session {
    /// The tasks that a server of 2025-11-25 keeps for this client.
    ///
    /// # Errors
    ///
    /// The server is stateless or does not offer it, or any other of [`Error`].
    // spec: TASK25-13 TASKX-16
    pub fn tasks(&self) -> BoxFuture<'_, Result<Vec<TaskHandle>, Error>> {
        Box::pin(async move {
            let (mut found, mut seen) = (Vec::new(), HashSet::new());
            let mut cursor = None;
            for _ in 0..MAX_PAGES {
                let page = self.tasks_page(cursor).await?;
                found.extend(page.tasks.into_iter().map(|task| task.handle));
                let Some(next) = page.next_cursor else { return Ok(found) };
                if !seen.insert(next.clone()) {
                    let reason = Endless::RepeatedCursor;
                    return Err(Error::Endless { method: METHOD.into(), reason });
                }
                cursor = Some(next);
            }
            Err(Error::Endless { method: METHOD.into(), reason: Endless::Pages(MAX_PAGES) })
        })
    }

    /// One page of the tasks that a server of 2025-11-25 keeps for this client: the first, or that of a cursor.
    ///
    /// Malformed tasks are left out.
    ///
    /// # Errors
    ///
    /// The server is stateless or does not offer it, or any other of [`Error`].
    // spec: TASK25-13 TASKX-16
    pub fn tasks_page(&self, cursor: Option<String>) -> BoxFuture<'_, Result<TaskList, Error>> {
        Box::pin(async move {
            let server = self.server();
            if server.era == Era::Modern {
                let version = server.version.clone();
                return Err(Error::NotInVersion { method: METHOD.into(), version });
            }
            if !TaskOffer::of(server).list {
                return Err(Error::NotOffered { method: METHOD.into(), capability: "tasks.list" });
            }
            let mut list = Call::new(METHOD);
            if let Some(cursor) = cursor {
                list = list
                    .with_params(Params::encode(&mcp_types::object([("cursor", cursor.into())]))?);
            }
            let reply = self.call_raw(list).await?;
            let unreadable = |source| broken(METHOD, Some(source));
            let tasks: Option<Vec<RawJson>> =
                optional(&reply.result, "tasks").map_err(unreadable)?;
            let tasks = tasks.ok_or_else(|| broken(METHOD, None))?;
            let next_cursor = optional(&reply.result, "nextCursor").map_err(unreadable)?;
            let tasks = tasks.iter().filter_map(|task| {
                let state = State::read(task).ok()?;
                let handle = self.task(state.task_id.as_deref()?);
                Some(ListedTask { handle, state: state.public() })
            });
            Ok(TaskList { tasks: tasks.collect(), next_cursor })
        })
    }

    /// Lists the tasks of this client: a page of the list that the server keeps, or, if it keeps none or an empty one,
    /// at most `limit` of those that this session has [started](Self::started_tasks). With an
    /// [`Upstream`](crate::Upstream), the tasks that it lists.
    ///
    /// # Errors
    ///
    /// Any of [`Error`].
    pub fn list_tasks(
        &self,
        cursor: Option<String>,
        limit: usize,
    ) -> BoxFuture<'_, Result<TaskList, Error>> {
        Box::pin(async move {
            if let Some(upstream) = self.upstream() {
                let tasks = upstream.list_tasks(limit).await?;
                return Ok(TaskList { tasks, next_cursor: None });
            }
            let is_first = cursor.is_none();
            let page = match self.tasks_page(cursor).await {
                Err(Error::NotInVersion { .. } | Error::NotOffered { .. }) if is_first => None,
                page => Some(page?),
            };
            match page {
                Some(page)
                    if !(is_first && page.tasks.is_empty() && page.next_cursor.is_none()) =>
                {
                    Ok(page)
                }
                _ => Ok(TaskList { tasks: self.started_tasks(limit).await?, next_cursor: None }),
            }
        })
    }

    /// Lists at most `limit` of the tasks that this session has started, newest first. Asks for the state of each, and
    /// leaves out those that the server does not know any more.
    ///
    /// This is for servers that keep no list, like all stateless ones.
    ///
    /// # Errors
    ///
    /// The connection is gone.
    pub fn started_tasks(&self, limit: usize) -> BoxFuture<'_, Result<Vec<ListedTask>, Error>> {
        Box::pin(async move {
            let mut found = Vec::new();
            for handle in self.started().newest(limit) {
                match handle.status().await {
                    Ok(state) => found.push(ListedTask { handle, state }),
                    Err(error) if error.is_closed() => return Err(error),
                    Err(error) => tracing::debug!(%error, "a task of this session is left out"),
                }
            }
            Ok(found)
        })
    }
}
