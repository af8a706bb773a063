//! Being told of changes.

use crate::{Client, Error};
use futures_core::Stream;
use futures_util::future::BoxFuture;
use mcp_session::{Incident, Subscription};
use mcp_types::subscriptions::SubscriptionFilter;
use std::future::IntoFuture;

/// A subscription to ask for: what [`Client::subscribe`] begins. Awaiting it gives the [`Subscription`].
#[derive(Clone, Debug)]
#[must_use = "nothing is sent until it is awaited"]
pub struct Subscribe {
    client: Client,
    filter: SubscriptionFilter,
}

impl Client {
    /// Subscribes to changes at the server: name what, then await it.
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
        Subscribe { client: self.clone(), filter: SubscriptionFilter::default() }
    }

    /// What the server does against the specification, from now on, over all sessions of this client.
    ///
    /// Nothing is lost for it; a strict client ([`Diagnostics::strict`](crate::Diagnostics::strict)) fails the call.
    pub fn diagnostics(&self) -> impl Stream<Item = Incident> + Send + use<> {
        self.options().diagnostics.subscribe()
    }
}

impl Subscribe {
    /// The list of tools.
    pub fn tools(mut self) -> Self {
        self.filter.tools_list_changed = Some(true);
        self
    }

    /// The list of prompts.
    pub fn prompts(mut self) -> Self {
        self.filter.prompts_list_changed = Some(true);
        self
    }

    /// The list of resources.
    pub fn resources(mut self) -> Self {
        self.filter.resources_list_changed = Some(true);
        self
    }

    /// The contents of a resource.
    pub fn resource(mut self, uri: impl Into<String>) -> Self {
        self.filter.resource_subscriptions.get_or_insert_default().push(uri.into());
        self
    }
}

impl IntoFuture for Subscribe {
    type Output = Result<Subscription, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.client.session()?.subscribe(self.filter).await })
    }
}
