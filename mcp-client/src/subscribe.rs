//! Subscribing to changes.

use crate::{Client, Error, Group};
use futures_core::Stream;
use futures_util::future::BoxFuture;
use mcp_session::{Incident, Subscription};
use mcp_types::subscriptions::SubscriptionFilter;
use std::future::IntoFuture;

/// A subscription that has not been requested yet, made by [`Client::subscribe`] and [`Group::subscribe`]. Awaiting it
/// gives the [`Subscription`].
#[derive(Clone, Debug)]
#[must_use = "nothing is sent until it is awaited"]
pub struct Subscribe {
    from: Source,
    filter: SubscriptionFilter,
}

/// Who is asked for the subscription.
#[derive(Clone, Debug)]
enum Source {
    Client(Client),
    Group(Group),
}

impl Client {
    /// Subscribes to changes at the server: choose what to watch, then await it.
    ///
    /// ```no_run
    /// use futures_util::StreamExt;
    ///
    /// # async fn example(client: &mcp_client::Client) -> Result<(), mcp_client::Error> {
    /// let mut changes = client.subscribe().tools().resource("file:///srv/config.json").await?;
    /// while let Some(change) = changes.next().await {
    ///     println!("{:?}", change?);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// See [the clause](https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/subscriptions).
    pub fn subscribe(&self) -> Subscribe {
        Subscribe::from(Source::Client(self.clone()))
    }

    /// A stream of what the server does against the specification, from now on, over all sessions of this client.
    ///
    /// Calls go on regardless, except with a strict client ([`Diagnostics::strict`](crate::Diagnostics::strict)).
    pub fn diagnostics(&self) -> impl Stream<Item = Incident> + Send + use<> {
        self.options().diagnostics.subscribe()
    }
}

impl Group {
    /// Subscribes to changes at the members: choose what to watch, then await it.
    ///
    /// ```no_run
    /// use futures_util::StreamExt;
    ///
    /// # async fn example(group: &mcp_client::Group) -> Result<(), mcp_client::Error> {
    /// let mut changes = group.subscribe().tools().resource("file://files//srv/config.json").await?;
    /// while let Some(change) = changes.next().await {
    ///     println!("{:?}", change?);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// A list is that of all members, and a resource is named by its URI in the group. What at least one member agrees
    /// to is acknowledged. A member that is lost, or ends the subscription, is asked again when it is back, and
    /// [`Notice::Missed`](crate::Notice::Missed) says so; one that was not connected at first is asked when it
    /// connects. The stream ends when the group is closed.
    ///
    /// # Errors
    ///
    /// No member has a resource of that name ([`Error::NoRoute`]), all members that are asked refuse, or the group is
    /// not connected.
    pub fn subscribe(&self) -> Subscribe {
        Subscribe::from(Source::Group(self.clone()))
    }
}

impl From<Source> for Subscribe {
    fn from(from: Source) -> Self {
        Self { from, filter: SubscriptionFilter::default() }
    }
}

impl Subscribe {
    /// Watches the list of tools.
    pub fn tools(mut self) -> Self {
        self.filter.tools_list_changed = Some(true);
        self
    }

    /// Watches the list of prompts.
    pub fn prompts(mut self) -> Self {
        self.filter.prompts_list_changed = Some(true);
        self
    }

    /// Watches the list of resources.
    pub fn resources(mut self) -> Self {
        self.filter.resources_list_changed = Some(true);
        self
    }

    /// Watches the contents of a resource.
    pub fn resource(mut self, uri: impl Into<String>) -> Self {
        self.filter.resource_subscriptions.get_or_insert_default().push(uri.into());
        self
    }
}

impl IntoFuture for Subscribe {
    type Output = Result<Subscription, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { from, filter } = self;
        Box::pin(async move {
            match from {
                Source::Client(client) => client.session()?.subscribe(filter).await,
                Source::Group(group) => group.subscribe_to(filter).await,
            }
        })
    }
}
