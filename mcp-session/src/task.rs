//! Tasks: calls that a server runs in the background, and that can be found again by id.

mod core;
mod follow;
mod known;
mod list;
mod offer;
mod pace;
mod pushes;
mod state;
mod status_stream;
mod work;

pub(crate) use self::{
    core::FollowCoreTask,
    follow::Follow,
    known::{Created, Known},
    list::StartedTasks,
    offer::TaskOffer,
};
pub use self::{
    list::{ListedTask, TaskList},
    state::TaskState,
};

use crate::{
    Call, Era, Error, Misbehavior, Peer, Reply, Server, Session, result_type,
    session::{WeakSession, erase},
};
use futures_core::Stream;
use futures_util::{StreamExt, future::BoxFuture, stream};
use mcp_types::tasks_extension::TaskStatus;
use std::{fmt, sync::Arc, time::Duration};
use work::Work;

/// An extension of a [`Call`](Call#structfield.extensions) whose caller wants the task that the server makes of it,
/// rather than the result of the task. [`Session::call_as_task`] adds it.
///
/// A service that answers such a call itself puts the [`TaskHandle`] into the
/// [extensions](Reply#structfield.extensions) of its reply.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct AsTask {
    /// How long the server should keep the task; `None` leaves it to the server.
    pub ttl: Option<Duration>,
}

/// The outcome of a call that may have become a task.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Started {
    /// The server runs the call in the background.
    Task(TaskHandle),
    /// The server completed the call at once.
    Done(Reply),
}

/// A task: a call that a server runs in the background.
///
/// Works the same for both task protocols: the extension `io.modelcontextprotocol/tasks` and the core tasks of
/// 2025-11-25. Created by [`Session::call_as_task`], or from the id of a task left by an earlier session:
/// [`Session::task`]. Whoever has the id controls the task: it is a secret, and `Debug` does not show it.
///
/// Dropping a handle leaves the task alone. Clones refer to the same task: once one has learned how it ended, so have
/// the others. A handle does not keep the session open: when that is gone, anything not known yet is
/// [`Error::NotConnected`].
// spec: TASKX-06 TASKX-18
#[derive(Clone)]
pub struct TaskHandle {
    session: WeakSession,
    peer: Peer,
    server: Arc<Server>,
    known: Known,
    /// The id that others use, if they do not talk to the server themselves.
    alias: Option<Arc<str>>,
}

impl TaskHandle {
    pub(crate) fn new(session: &Session, known: Known) -> Self {
        let (peer, server) = (session.peer().clone(), Arc::clone(session.server()));
        Self { session: session.downgrade(), peer, server, known, alias: None }
    }

    /// The id, to find the task again. Treat it like a password.
    pub fn id(&self) -> &str {
        self.alias.as_deref().unwrap_or(&self.known.id)
    }

    /// Gives the task another id, by which an [`Upstream`](crate::Upstream) finds it. Requests to its server still use
    /// the server's own id.
    #[must_use]
    pub fn known_as(self, id: impl Into<Arc<str>>) -> Self {
        Self { alias: Some(id.into()), ..self }
    }

    /// Asks for the state of the task, unless it is known to have ended.
    ///
    /// # Errors
    ///
    /// The server does not know the task, or any other of [`Error`].
    pub fn status(&self) -> BoxFuture<'_, Result<TaskState, Error>> {
        Box::pin(async move { Ok(self.work().state().await?.public()) })
    }

    /// Waits for the end of the task, but not longer than the server keeps it ([`TaskState::ttl`]).
    ///
    /// It polls as often as the server suggests; without a suggestion after 50 ms, then after pauses that double up to
    /// 1 s. Status notifications are used as well; a stateless server is asked for them by a subscription if the pauses
    /// are 1 s or more. Questions of the task are answered by the handler of the session.
    ///
    /// # Errors
    ///
    /// The server does not know the task, the task asks a question that nobody answers, [`Error::Timeout`] if the
    /// server no longer keeps it before it has ended, or any other of [`Error`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future does not affect the task; wait again at any time.
    pub fn wait(&self) -> BoxFuture<'_, Result<TaskState, Error>> {
        Box::pin(async move { Ok(self.work().wait(None).await?.public()) })
    }

    /// Waits until the task has this status. Its questions are answered meanwhile, unless that status is
    /// `input_required`.
    ///
    /// # Errors
    ///
    /// [`Error::TaskEnded`] if the task has ended otherwise; else those of [`wait`](Self::wait).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the task alone.
    pub fn wait_for(&self, status: TaskStatus) -> BoxFuture<'_, Result<TaskState, Error>> {
        Box::pin(async move { Ok(self.work().wait(Some(&status)).await?.public()) })
    }

    /// A stream of the states of the task: the current one, then each change of its status or message. An error is the
    /// last item.
    ///
    /// It polls like [`wait`](Self::wait), but answers no questions.
    ///
    /// ```no_run
    /// # async fn example(task: mcp_session::TaskHandle) -> Result<(), mcp_session::Error> {
    /// use futures_util::TryStreamExt;
    ///
    /// let mut changes = std::pin::pin!(task.changes());
    /// while let Some(state) = changes.try_next().await? {
    ///     println!("{}: {}", state.status.as_str(), state.message.unwrap_or_default());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Cancel safety
    ///
    /// Dropping the stream does not affect the task.
    pub fn changes(&self) -> impl Stream<Item = Result<TaskState, Error>> + Send + use<> {
        let walk = (self.work(), None::<TaskState>);
        stream::try_unfold(Some(walk), async |walk| {
            let Some((mut work, mut last)) = walk else { return Ok(None) };
            loop {
                // The first query need not wait, since nothing is known here yet.
                let state = if last.is_none() { work.state().await? } else { work.next().await? };
                let state = state.public();
                let is_new = |last: &TaskState| {
                    (&last.status, &last.message) != (&state.status, &state.message)
                };
                if last.as_ref().is_none_or(is_new) {
                    let is_last = state.is_terminal();
                    last = Some(state.clone());
                    return Ok(Some((state, (!is_last).then_some((work, last)))));
                }
            }
        })
        .boxed()
    }

    /// Waits for the result of the task: the one that the call would have had. It is fetched only once.
    ///
    /// # Errors
    ///
    /// The error that the call would have had, [`Error::TaskCancelled`], or any other of [`Error`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the task alone.
    pub fn result(&self) -> BoxFuture<'_, Result<Reply, Error>> {
        Box::pin(async move { self.work().follow().await })
    }

    /// Asks the server to cancel the task, which may finish nevertheless.
    ///
    /// # Errors
    ///
    /// The task has ended, the server does not know it or cannot cancel it, or any other of [`Error`].
    // spec: TASKX-11 TASK25-12
    pub fn cancel(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            let method = "tasks/cancel";
            if self.server.era == Era::Legacy && !TaskOffer::of(&self.server).cancel {
                return Err(Error::NotOffered {
                    method: method.into(),
                    capability: "tasks.cancel",
                });
            }
            if let Some(status) = self.known.ended() {
                let wanted = TaskStatus::Cancelled;
                let method = self.known.method.as_ref().into();
                return Err(Error::TaskEnded { method, status, wanted });
            }
            self.work().cancel().await
        })
    }

    fn work(&self) -> Work {
        Work::new(erase(self.session.clone()), self.peer.clone(), self.known.clone())
    }
}

impl fmt::Debug for TaskHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskHandle").finish_non_exhaustive()
    }
}

impl Session {
    /// Makes a call, as a task if the server allows it, and does not wait for the task.
    ///
    /// A stateless server decides by itself of which calls of tools it makes tasks, if the [`Tasks`](crate::Tasks)
    /// extension is among the options. A server of 2025-11-25 is asked for a task if it offers tasks of such calls;
    /// what a tool allows is looked up in `tools/list`. Prompts and resources are tasks at servers that offer it beyond
    /// the specification. The `ttl` is how long the server should keep the task; a stateless server is not told.
    ///
    /// # Errors
    ///
    /// Any of [`Error`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives the call up, and a task that the server may already have made of it is cancelled.
    // spec: TASK25-02 TASK25-03 TASK25-04 TASK25-05
    pub fn call_as_task(
        &self,
        call: Call,
        ttl: Option<Duration>,
    ) -> BoxFuture<'_, Result<Started, Error>> {
        Box::pin(async move {
            let method = call.method.clone();
            let reply = self.call_raw(call.with_extension(AsTask { ttl })).await?;
            let made_here =
                || reply.extensions.get().cloned().map(|known| TaskHandle::new(self, known));
            if let Some(handle) = reply.extensions.get().cloned().or_else(made_here) {
                self.started().add(&handle);
                return Ok(Started::Task(handle));
            }
            // A task that was not offered.
            if self.server().era == Era::Modern
                && !matches!(result_type(&reply.result).as_deref(), Ok("complete"))
            {
                return Err(Error::misbehaved(&method, Misbehavior::UnknownResultType));
            }
            Ok(Started::Done(reply))
        })
    }

    /// Returns the task with this id, which may be from an earlier session. Sends nothing.
    pub fn task(&self, id: &str) -> TaskHandle {
        let behind = self.upstream().and_then(|upstream| upstream.task(id));
        behind.unwrap_or_else(|| TaskHandle::new(self, Known::new(id)))
    }
}
