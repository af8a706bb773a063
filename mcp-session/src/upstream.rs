//! The trait for the servers behind a proxy.

use crate::{Error, ListedTask, Subscription, TaskHandle};
use async_trait::async_trait;
use mcp_types::subscriptions::SubscriptionFilter;

/// The servers behind one that only passes things on, in this process: a session that has it
/// ([`Builder::upstream`](crate::Builder::upstream)) takes its subscriptions and tasks from there.
///
/// Calls go the way of all calls; a layer of the session sends them to whom they are for. One that was asked for
/// [as a task](crate::AsTask) is answered with the [`TaskHandle`] of the server that has made it.
#[async_trait]
pub trait Upstream: Send + Sync + 'static {
    /// Subscribes to what the filter names; ready when the servers that it concerns have agreed.
    async fn subscribe(&self, filter: SubscriptionFilter) -> Result<Subscription, Error>;

    /// The task with this id; none if the id is of no server behind. Nothing is sent.
    fn task(&self, id: &str) -> Option<TaskHandle>;

    /// Tasks of this client at all servers, at most so many of each.
    async fn list_tasks(&self, limit: usize) -> Result<Vec<ListedTask>, Error>;
}
