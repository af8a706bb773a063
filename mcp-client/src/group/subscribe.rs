//! Subscriptions of a group: one per member, merged into one stream.

use super::{
    Group, Shared,
    calls::no_route,
    member::{GOOD, MemberState},
    routes::Kind,
};
use crate::{Error, join_boxed::join_boxed};
use futures_util::{
    future::BoxFuture,
    stream::{self, StreamExt},
};
use mcp_session::{Notice, Subscription};
use mcp_types::{Request, SubscriptionsListenRequest, subscriptions::SubscriptionFilter};
use std::{collections::HashMap, sync::Arc};
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;

impl Group {
    /// Subscribes at all members that a filter concerns, and waits until each has acknowledged its part or has failed.
    ///
    /// The acknowledged filter is the union over the members. If one member does not notify about a list, notifications
    /// from the others are still delivered: nobody would receive them otherwise.
    // spec: SUB-02
    pub(crate) async fn subscribe_to(
        &self,
        filter: SubscriptionFilter,
    ) -> Result<Subscription, Error> {
        let open = self.0.slot.current().ok_or(Error::NotConnected)?.session()?;
        let released = open.released();
        drop(open);
        let mut parts = parts(&self.0.shared, &filter, &released)?;
        let outcomes = join_boxed(parts.iter_mut().map(Part::open).collect()).await;
        let mut agreed = SubscriptionFilter::default();
        let (mut is_any, mut failed) = (parts.is_empty(), None);
        for (part, outcome) in parts.iter().zip(outcomes) {
            match outcome {
                Ok(()) => {
                    is_any = true;
                    part.add_agreed(&mut agreed);
                }
                Err(error) => drop(failed.get_or_insert(error)),
            }
        }
        if let Some(error) = failed.filter(|_| !is_any) {
            return Err(error);
        }
        let notices = parts.into_iter().map(|part| stream::unfold(part, Part::next).boxed());
        Ok(Subscription::new(agreed, stream::select_all(notices)))
    }
}

/// Splits a filter into each member's part; a member without any has none.
fn parts(
    shared: &Arc<Shared>,
    filter: &SubscriptionFilter,
    released: &CancellationToken,
) -> Result<Vec<Part>, Error> {
    let mut lists = filter.clone();
    (lists.resource_subscriptions, lists.task_ids) = (None, None);
    let mut parts: Vec<Part> = shared
        .members
        .iter()
        .enumerate()
        .map(|(index, member)| Part {
            shared: Arc::clone(shared),
            index,
            wanted: lists.clone(),
            named: HashMap::new(),
            state: member.state.subscribe(),
            subscription: None,
            is_refused: false,
            failures: 0,
            released: released.clone(),
        })
        .collect();
    for uri in filter.resource_subscriptions.iter().flatten() {
        let (index, bare) = shared.routes.find(Kind::Resource, uri).ok_or_else(|| {
            let near = shared.routes.near(Kind::Resource, uri);
            no_route(SubscriptionsListenRequest::METHOD, uri, near)
        })?;
        // One resource may have two names, and is requested only once.
        if parts[index].named.insert(bare.clone(), uri.clone()).is_none() {
            parts[index].wanted.resource_subscriptions.get_or_insert_default().push(bare);
        }
    }
    for id in filter.task_ids.iter().flatten() {
        for part in &mut parts {
            if let Some(bare) = shared.members[part.index].own_task_id(id) {
                part.wanted.task_ids.get_or_insert_default().push(bare.to_owned());
            }
        }
    }
    parts.retain(|part| part.wanted != SubscriptionFilter::default());
    Ok(parts)
}

/// The subscription at one member, which is renewed when lost.
struct Part {
    shared: Arc<Shared>,
    index: usize,
    wanted: SubscriptionFilter,
    /// The subscriber's names for the resources.
    named: HashMap<String, String>,
    state: watch::Receiver<MemberState>,
    /// The open subscription, and when it began.
    subscription: Option<(Subscription, Instant)>,
    /// Whether the member refuses to notify, for as long as the connection is the same.
    is_refused: bool,
    failures: u32,
    /// Cancelled when the group is closed.
    released: CancellationToken,
}

impl Part {
    /// Subscribes at the member, if it is ready.
    fn open(&mut self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            let member = &self.shared.members[self.index];
            self.state.mark_unchanged();
            let asked = async { member.ready()?.session()?.subscribe(self.wanted.clone()).await };
            match asked.await {
                Ok(subscription) => {
                    self.subscription = Some((subscription, Instant::now()));
                    Ok(())
                }
                Err(error) => {
                    tracing::debug!(member = &*member.name, %error, "a member of a group does not tell");
                    self.is_refused = error.as_rpc().is_some();
                    self.failures = self.failures.saturating_add(1);
                    Err(error)
                }
            }
        })
    }

    /// Returns the next change, until the group is closed.
    async fn next(mut self) -> Option<(Result<Notice, Error>, Self)> {
        let released = self.released.clone();
        let notice = released.run_until_cancelled(self.told()).await?;
        Some((Ok(notice), self))
    }

    async fn told(&mut self) -> Notice {
        loop {
            if let Some((subscription, since)) = &mut self.subscription {
                let told = tokio::select! {
                    told = subscription.next() => told,
                    _ = self.state.wait_for(|state| !state.is_ready()) => None,
                };
                match told {
                    Some(Ok(notice)) => return self.renamed(notice),
                    Some(Err(error)) => tracing::debug!(%error, "a part of a subscription is lost"),
                    None => {}
                }
                let was_good = since.elapsed() >= GOOD;
                self.failures = if was_good { 1 } else { self.failures.saturating_add(1) };
                self.subscription = None;
            }
            self.pause().await;
            if self.open().await.is_ok() {
                return Notice::Missed;
            }
        }
    }

    /// Waits until it makes sense to ask again.
    async fn pause(&mut self) {
        if self.is_refused {
            self.is_refused = self.state.changed().await.is_err();
        } else {
            sleep(self.shared.backoff.after(self.failures)).await;
        }
        // The sender lives as long as the group.
        drop(self.state.wait_for(MemberState::is_ready).await);
    }

    /// Translates a notice to the group's names.
    fn renamed(&self, notice: Notice) -> Notice {
        match notice {
            Notice::ResourceUpdated { uri } => Notice::ResourceUpdated { uri: self.exposed(&uri) },
            other => other,
        }
    }

    fn exposed(&self, uri: &str) -> String {
        let named = self.named.get(uri).cloned();
        named.unwrap_or_else(|| self.shared.routes.exposed(self.index, Kind::Resource, uri))
    }

    /// Adds what the member has acknowledged to what others have.
    fn add_agreed(&self, agreed: &mut SubscriptionFilter) {
        let Some((subscription, _)) = &self.subscription else { return };
        let its = subscription.acknowledged();
        for (all, one) in [
            (&mut agreed.tools_list_changed, its.tools_list_changed),
            (&mut agreed.prompts_list_changed, its.prompts_list_changed),
            (&mut agreed.resources_list_changed, its.resources_list_changed),
        ] {
            *all = all.or(one.filter(|is_told| *is_told));
        }
        if let Some(uris) = &its.resource_subscriptions {
            let uris = uris.iter().map(|uri| self.exposed(uri));
            agreed.resource_subscriptions.get_or_insert_default().extend(uris);
        }
        if let Some(ids) = &its.task_ids {
            let member = &self.shared.members[self.index];
            let ids = ids.iter().map(|id| member.task_id_of_group(id));
            agreed.task_ids.get_or_insert_default().extend(ids);
        }
    }
}
