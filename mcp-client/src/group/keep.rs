//! Keeping one member connected.

use super::{
    Shared,
    member::{GOOD, MemberState},
    routes::Kind,
};
use crate::{Connection, Error};
use futures_util::future::BoxFuture;
use std::sync::Arc;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

impl Shared {
    /// Connects a member, reads what must be known about it first, and records the outcome.
    pub(super) fn connect(&self, index: usize) -> BoxFuture<'_, Result<Connection, Arc<Error>>> {
        Box::pin(async move {
            let member = &self.members[index];
            match member.client.connect().await {
                Ok(connection) => {
                    self.greet(index).await;
                    member.state.send_replace(MemberState::Ready);
                    Ok(connection)
                }
                Err(error) => {
                    let error = Arc::new(error);
                    tracing::warn!(member = &*member.name, %error, "a member of a group cannot be connected");
                    member.state.send_replace(MemberState::Failed(Arc::clone(&error)));
                    Err(error)
                }
            }
        })
    }

    /// Keeps a member connected until the group is released, and then closes it.
    pub(super) fn keep<'a>(
        &'a self,
        index: usize,
        mut connection: Option<Connection>,
        released: &'a CancellationToken,
    ) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let member = &self.members[index];
            let mut failures = u32::from(connection.is_none());
            loop {
                if member.has_no_target() {
                    return;
                }
                if let Some(open) = connection.take() {
                    let since = Instant::now();
                    let Some(error) = released.run_until_cancelled(open.ended()).await else {
                        return open.close().await;
                    };
                    tracing::warn!(member = &*member.name, %error, "a member of a group is lost");
                    member.state.send_replace(MemberState::Reconnecting(Arc::new(error)));
                    failures = if since.elapsed() >= GOOD { 1 } else { failures.saturating_add(1) };
                }
                let again = async {
                    sleep(self.backoff.after(failures)).await;
                    self.connect(index).await
                };
                connection = match released.run_until_cancelled(again).await {
                    None => return,
                    Some(outcome) => outcome.ok(),
                };
                failures = failures.saturating_add(u32::from(connection.is_none()));
            }
        })
    }

    /// Reads the lists of a member, if names alone do not identify it.
    async fn greet(&self, index: usize) {
        if !self.needs_lists() {
            return;
        }
        let client = &self.members[index].client;
        for kind in [Kind::Tool, Kind::Prompt, Kind::Resource, Kind::ResourceTemplate] {
            if let Err(error) = self.learn(index, client, kind).await {
                let member = &*self.members[index].name;
                tracing::warn!(member, %error, "cannot read a list of a member of a group");
            }
        }
    }
}
