//! Calls that run as tasks on the server.

mod lookup;

use crate::{
    Error, Operation, Phase, TaskState, call_tool::CallTool, get_prompt::GetPrompt,
    operation::Caller, read_resource::ReadResource,
};
use futures_core::{Stream, future::BoxFuture};
use futures_util::stream::{self, StreamExt};
use mcp_session::{Params, Reply, Started, TaskHandle};
use mcp_types::{GetPromptResult, tasks_extension::TaskStatus};
use std::{
    fmt,
    future::{Future, IntoFuture, ready},
    sync::Arc,
    time::Duration,
};

/// A call as sent, and how its result is decoded.
pub(crate) struct Prepared<O> {
    pub(crate) method: &'static str,
    pub(crate) params: Params,
    pub(crate) read: Reader<O>,
}

/// Decodes a result.
pub(crate) type Reader<O> = Box<dyn Fn(Reply) -> Result<O, Error> + Send + Sync>;

/// A call that the server runs in the background, if it agreed to. Awaiting it gives the result of the call.
///
/// Works the same for both task protocols, and for a server that completed the call at once, whose result is already
/// here. The settings of the operation apply to the task too: its limit to each wait, its listeners, how its result is
/// decoded.
///
/// ```
/// use std::time::Duration;
///
/// # use mcp_client::{Client, mock};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), mcp_client::Error> {
/// # let client = Client::connect_to(mock::Server::new().tool("report", |_| Ok("done".into()))).await?;
/// let report = client.call_tool("report").argument("year", 2026).task(Some(Duration::from_secs(3600))).await?;
/// if let Some(id) = report.id() {
///     println!("started; its id is {} characters long", id.len());
/// }
/// println!("{}", report.await?.text());
/// # Ok(())
/// # }
/// ```
///
/// # Cancel safety
///
/// Dropping it, or a future of it, leaves the task alone. It does not keep the session open.
// spec: TASKX-06
#[must_use = "the result is fetched when it is awaited"]
pub struct Task<O> {
    method: &'static str,
    started: Started,
    read: Reader<O>,
    limit: Option<Duration>,
}

impl<O> Task<O> {
    /// The id, to find the task again; `None` if the server completed the call at once. Treat it like a password.
    pub fn id(&self) -> Option<&str> {
        self.handle().map(TaskHandle::id)
    }

    /// Whether the server completed the call at once, so that there is no task.
    pub fn returned_immediately(&self) -> bool {
        self.handle().is_none()
    }

    /// The task without its type; `None` if the server completed the call at once.
    pub fn handle(&self) -> Option<&TaskHandle> {
        match &self.started {
            Started::Task(handle) => Some(handle),
            _ => None,
        }
    }

    /// Asks for the state of the task, unless it is known to have ended. A call that was done at once is completed.
    ///
    /// # Errors
    ///
    /// The server does not know the task, or any other of [`Error`].
    pub async fn status(&self) -> Result<TaskState, Error> {
        match self.handle() {
            Some(handle) => handle.status().await,
            None => Ok(completed()),
        }
    }

    /// Waits until the task has ended, in whatever way. See [`TaskHandle::wait`].
    ///
    /// # Errors
    ///
    /// [`Error::Timeout`] after the limit of the operation, or any other of [`Error`].
    pub async fn wait(&self) -> Result<TaskState, Error> {
        match self.handle() {
            Some(handle) => self.within(handle.wait()).await,
            None => Ok(completed()),
        }
    }

    /// Waits until the task has this status.
    ///
    /// # Errors
    ///
    /// [`Error::TaskEnded`] if it can no longer get there, [`Error::Timeout`] after the limit of the operation, or any other of
    /// [`Error`].
    pub async fn wait_for(&self, status: TaskStatus) -> Result<TaskState, Error> {
        match self.handle() {
            Some(handle) => self.within(handle.wait_for(status)).await,
            None if status == TaskStatus::Completed => Ok(completed()),
            None => {
                let (method, ended) = (self.method.into(), TaskStatus::Completed);
                Err(Error::TaskEnded { method, status: ended, wanted: status })
            }
        }
    }

    /// A stream of the states of the task, from the current one to the last. See [`TaskHandle::changes`].
    pub fn changes(&self) -> impl Stream<Item = Result<TaskState, Error>> + Send + use<O> {
        match self.handle() {
            Some(handle) => handle.changes().left_stream(),
            None => stream::once(ready(Ok(completed()))).right_stream(),
        }
    }

    /// Waits for the result of the task. It is fetched once; reading it again costs no request.
    ///
    /// # Errors
    ///
    /// The error that the call would have had, [`Error::TaskCancelled`], [`Error::Timeout`] after the limit of the
    /// operation, or any other of [`Error`].
    pub async fn result(&self) -> Result<O, Error> {
        match &self.started {
            Started::Task(handle) => (self.read)(self.within(handle.result()).await?),
            Started::Done(reply) => (self.read)(reply.clone()),
            _ => Err(Error::NotConnected),
        }
    }

    /// Asks the server to cancel the task, which may finish all the same. A call that was done at once stays done.
    ///
    /// # Errors
    ///
    /// The task has ended, the server does not know it or cannot cancel, or any other of [`Error`].
    pub async fn cancel(&self) -> Result<(), Error> {
        match self.handle() {
            Some(handle) => handle.cancel().await,
            None => Ok(()),
        }
    }

    async fn within<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let Some(after) = self.limit else { return work.await };
        tokio::time::timeout(after, work).await.unwrap_or_else(|_| {
            let method = self.method.into();
            Err(Error::Timeout { method, phase: Phase::Total, after })
        })
    }
}

impl<O: 'static> IntoFuture for Task<O> {
    type Output = Result<O, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.result().await })
    }
}

impl<O> fmt::Debug for Task<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task").field("method", &self.method).finish_non_exhaustive()
    }
}

/// Returns the state of a call that was completed at once.
fn completed() -> TaskState {
    TaskState::new(TaskStatus::Completed)
}

/// Lets a kind of call become a task.
macro_rules! tasks {
    ($(($($param:ident)?) $kind:ty => $output:ty, $what:literal;)+) => {$(
        impl$(<$param: 'static>)? Operation<$kind> {
            #[doc = $what]
            ///
            /// The `ttl` is how long the server should keep the task, from its creation. A stateless server decides by
            /// itself which calls become tasks, if the client supports [`Tasks`](crate::Tasks); a server of 2025-11-25
            /// is asked, if it offers that. A server that makes no task returns the result at once.
            ///
            /// # Errors
            ///
            /// Any of [`Error`].
            ///
            /// # Cancel safety
            ///
            /// Dropping the future cancels the call, and a task that the server may already have made of it.
            pub async fn task(self, ttl: Option<Duration>) -> Result<Task<$output>, Error> {
                let prefix = self.task_prefix();
                let (caller, kind) = self.into_parts();
                let caller = caller?;
                let prepared = kind.prepare(Arc::clone(caller.known_tools()))?;
                let mut task = start(caller, prepared, ttl).await?;
                if let (Some(prefix), Started::Task(handle)) = (prefix, &mut task.started) {
                    *handle = handle.clone().known_as(format!("{prefix}{}", handle.id()));
                }
                Ok(task)
            }

            /// Returns the task of an earlier call like this one, by its id, even from an earlier process. Sends
            /// nothing.
            ///
            /// # Errors
            ///
            /// There is no open session, or something is wrong with the call.
            pub fn resume_task(self, id: &str) -> Result<Task<$output>, Error> {
                let prefix = self.task_prefix();
                let (caller, kind) = self.into_parts();
                let caller = caller?;
                let Prepared { method, read, .. } = kind.prepare(Arc::clone(caller.known_tools()))?;
                let bare = prefix.and_then(|prefix| id.strip_prefix(&**prefix));
                let handle = match bare {
                    Some(bare) => caller.session().task(bare).known_as(id),
                    None => caller.session().task(id),
                };
                let started = Started::Task(handle);
                Ok(Task { method, started, read, limit: caller.own_limit() })
            }
        }
    )+};
}

tasks! {
    (O) CallTool<O> => O, "Calls the tool as a task, and does not wait for that.";
    () GetPrompt => GetPromptResult, "Fetches the prompt as a task, and does not wait for that.";
    (O) ReadResource<O> => O, "Reads the resource as a task, and does not wait for that.";
}

async fn start<O>(
    caller: Caller,
    prepared: Prepared<O>,
    ttl: Option<Duration>,
) -> Result<Task<O>, Error> {
    let Prepared { method, params, read } = prepared;
    let started = caller.call_as_task(method, params, ttl).await?;
    Ok(Task { method, started, read, limit: caller.own_limit() })
}
