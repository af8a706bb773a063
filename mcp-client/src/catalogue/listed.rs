//! The lists that a catalogue can hold.

use crate::{ListRequest, Notice};
use mcp_types::{
    ListPromptsRequest, ListResourceTemplatesRequest, ListResourcesRequest, ListToolsRequest,
    Prompt, Resource, ResourceTemplate, ServerCapabilities, Tool,
    subscriptions::SubscriptionFilter,
};
use serde::Serialize;

/// An item that a server lists, and whose list it announces changes of.
///
/// Implement it for the items of an extension, to keep a [`Catalogue`](crate::Catalogue) of them with
/// [`Client::catalogue`](crate::Client::catalogue).
pub trait Listed: Clone + PartialEq + Serialize + Send + Sync + 'static {
    /// The request of one page.
    type Request: ListRequest<Item = Self>;

    /// What tells it from all others of the list.
    fn key(&self) -> &str;

    /// What to subscribe to; `None` if the server has not announced that it tells of changes.
    fn subscription(capabilities: &ServerCapabilities) -> Option<SubscriptionFilter>;

    /// Whether a notice says that the list has changed.
    fn is_changed_by(notice: &Notice) -> bool;
}

/// Implements [`Listed`].
macro_rules! listed {
    ($($item:ident: $request:ident, $key:ident, $capability:ident -> $filter:ident, $notice:ident;)+) => {$(
        impl Listed for $item {
            type Request = $request;

            fn key(&self) -> &str {
                &self.$key
            }

            // spec: SUB-01 SUB-11
            fn subscription(capabilities: &ServerCapabilities) -> Option<SubscriptionFilter> {
                let announced = capabilities.$capability.as_ref()?.list_changed?;
                let mut filter = SubscriptionFilter::default();
                filter.$filter = Some(true);
                announced.then_some(filter)
            }

            fn is_changed_by(notice: &Notice) -> bool {
                *notice == Notice::$notice
            }
        }
    )+};
}

listed! {
    Prompt: ListPromptsRequest, name, prompts -> prompts_list_changed, PromptsChanged;
    Resource: ListResourcesRequest, uri, resources -> resources_list_changed, ResourcesChanged;
    // Resources and their templates share one notice.
    ResourceTemplate: ListResourceTemplatesRequest, uri_template, resources -> resources_list_changed, ResourcesChanged;
    Tool: ListToolsRequest, name, tools -> tools_list_changed, ToolsChanged;
}
