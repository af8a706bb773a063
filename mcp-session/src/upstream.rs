//! The trait for the servers behind a proxy.

use crate::{Error, ListedTask, Subscription, TaskHandle};
use async_trait::async_trait;
use mcp_types::subscriptions::SubscriptionFilter;

/// The servers behind a proxy in this process. A session with one ([`Builder::upstream`](crate::Builder::upstream))
/// takes its subscriptions and tasks from there.
///
/// Calls go through the stack as usual, and a layer of the session routes them. A call [as a task](crate::AsTask) is
/// answered with the [`TaskHandle`] of the server that created the task.
#[async_trait]
pub trait Upstream: Send + Sync + 'static {
    /// Subscribes to what the filter names; returns once the servers concerned have agreed.
    async fn subscribe(&self, filter: SubscriptionFilter) -> Result<Subscription, Error>;

    /// Returns the task with this id, or `None` if no server has it. Sends nothing.
    fn task(&self, id: &str) -> Option<TaskHandle>;

    /// Lists the tasks of this client on all servers, at most `limit` of each.
    async fn list_tasks(&self, limit: usize) -> Result<Vec<ListedTask>, Error>;
}
