//! The lists of a group.

use super::{Group, Merged, merge::Merge};
use crate::{Deadlines, Error};
use futures_util::future::BoxFuture;
use mcp_types::{
    ListPromptsRequest, ListResourceTemplatesRequest, ListResourcesRequest, ListToolsRequest,
    Prompt, Resource, ResourceTemplate, Tool,
};
use std::{future::IntoFuture, marker::PhantomData, time::Duration};

/// A list of a group that has not been read yet, made by [`Group::list_tools`] and similar methods. Awaiting it gives
/// the [`Merged`] list.
///
/// All members are asked concurrently, each for all of its pages. A failure of one is reported in [`Merged::missing`]
/// and is not an error; the only error is [`Error::NotConnected`].
///
/// # Cancel safety
///
/// Dropping the future cancels the requests in flight.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent until it is awaited"]
pub struct ListMembers<R> {
    group: Group,
    limits: Option<Deadlines>,
    request: PhantomData<fn() -> R>,
}

impl Group {
    /// Lists the tools of all members.
    ///
    /// ```
    /// # use mcp_client::{Client, Group, mock};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let client = Client::new(mock::Server::new().tool("now", |_| Ok("rain".into())));
    /// # let group = Group::builder().member("weather", client).build()?.connect().await?;
    /// let tools = group.list_tools().await?;
    /// for missing in &tools.missing {
    ///     eprintln!("{missing}");
    /// }
    /// for tool in tools {
    ///     println!("{}", tool.name);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn list_tools(&self) -> ListMembers<ListToolsRequest> {
        self.list()
    }

    /// Lists the prompts of all members.
    pub fn list_prompts(&self) -> ListMembers<ListPromptsRequest> {
        self.list()
    }

    /// Lists the resources of all members.
    pub fn list_resources(&self) -> ListMembers<ListResourcesRequest> {
        self.list()
    }

    /// Lists the resource templates of all members.
    pub fn list_resource_templates(&self) -> ListMembers<ListResourceTemplatesRequest> {
        self.list()
    }

    fn list<R>(&self) -> ListMembers<R> {
        ListMembers { group: self.clone(), limits: None, request: PhantomData }
    }
}

impl<R> ListMembers<R> {
    /// Limits how long each member may take for all of its pages, in place of its own limits; zero means no limit.
    pub fn timeout(self, limit: Duration) -> Self {
        let limits = if limit.is_zero() { Deadlines::NONE } else { Deadlines::total(limit) };
        Self { limits: Some(limits), ..self }
    }
}

async fn run<R: Merge>(list: ListMembers<R>) -> Result<Merged<R::Item>, Error> {
    let ListMembers { group, limits, .. } = list;
    Ok(group.connected()?.merged::<R>(limits).await)
}

/// Makes each list awaitable; a macro, because what the lists have in common is private.
macro_rules! into_future {
    ($($request:ident -> $item:ident;)+) => {$(
        impl IntoFuture for ListMembers<$request> {
            type Output = Result<Merged<$item>, Error>;
            type IntoFuture = BoxFuture<'static, Self::Output>;

            fn into_future(self) -> Self::IntoFuture {
                Box::pin(run(self))
            }
        }
    )+};
}

into_future! {
    ListToolsRequest -> Tool;
    ListPromptsRequest -> Prompt;
    ListResourcesRequest -> Resource;
    ListResourceTemplatesRequest -> ResourceTemplate;
}
