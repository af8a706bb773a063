//! The tasks of a group.

use super::{Group, Shared, member::Member};
use crate::{Error, TaskHandle, join_boxed::join_boxed};
use async_trait::async_trait;
use futures_util::future::BoxFuture;
use mcp_session::{InvalidParams, ListedTask, Subscription, Upstream};
use mcp_types::subscriptions::SubscriptionFilter;

impl Group {
    /// The task with this id, possibly from an earlier process. Sends nothing.
    ///
    /// In a group, a task id is prefixed with the name of the member: `{member}:{id}`. That is what
    /// [`Task::id`](crate::Task::id) returns for a call of the group. So requests about a task go to the server that
    /// has it, and no other server learns its id.
    ///
    /// # Errors
    ///
    /// The id names no member, that member is not ready, or the group is not connected.
    // spec: TASKX-18
    pub fn task(&self, id: &str) -> Result<TaskHandle, Error> {
        self.connected()?.task(id)
    }

    /// Lists the tasks of all members with their states, at most `limit` of each. See
    /// [`Client::list_tasks`](crate::Client::list_tasks).
    ///
    /// A member that fails is left out, and logged.
    ///
    /// # Errors
    ///
    /// The group is not connected, or all members fail.
    pub async fn list_tasks(&self, limit: usize) -> Result<Vec<ListedTask>, Error> {
        self.connected()?.tasks(limit).await
    }
}

impl Shared {
    fn task(&self, id: &str) -> Result<TaskHandle, Error> {
        let found = self.members.iter().find_map(|member| Some((member, member.own_task_id(id)?)));
        // The id is a secret, so the error does not show it.
        let (member, bare) = found.ok_or_else(|| {
            InvalidParams::new("in a group, the id of a task begins with its member: `member:id`")
        })?;
        let task = member.ready()?.session()?.task(bare);
        Ok(member.task_of_group(task))
    }

    async fn tasks(&self, limit: usize) -> Result<Vec<ListedTask>, Error> {
        let listing = self.members.iter().map(|member| member.tasks(limit));
        let (mut tasks, mut failed, mut is_any) = (Vec::new(), None, false);
        for (member, outcome) in self.members.iter().zip(join_boxed(listing.collect()).await) {
            match outcome {
                Ok(its) => {
                    is_any = true;
                    tasks.extend(its);
                }
                Err(error) => {
                    let member = &*member.name;
                    tracing::warn!(member, %error, "the tasks of a member of a group are left out");
                    failed.get_or_insert(error);
                }
            }
        }
        match failed {
            Some(error) if !is_any => Err(error),
            _ => Ok(tasks),
        }
    }
}

impl Member {
    fn tasks(&self, limit: usize) -> BoxFuture<'_, Result<Vec<ListedTask>, Error>> {
        Box::pin(async move {
            let mut tasks = self.ready()?.session()?.list_tasks(None, limit).await?.tasks;
            tasks.truncate(limit);
            for task in &mut tasks {
                task.handle = self.task_of_group(task.handle.clone());
            }
            Ok(tasks)
        })
    }
}

/// For a session whose server is a group.
#[async_trait]
impl Upstream for Group {
    async fn subscribe(&self, filter: SubscriptionFilter) -> Result<Subscription, Error> {
        self.subscribe_to(filter).await
    }

    fn task(&self, id: &str) -> Option<TaskHandle> {
        Self::task(self, id).ok()
    }

    async fn list_tasks(&self, limit: usize) -> Result<Vec<ListedTask>, Error> {
        Self::list_tasks(self, limit).await
    }
}
