//! Subscriptions to changes.

mod legacy;
mod listen;
mod watched;

pub(crate) use watched::Watched;

use crate::{Era, Error, Event, Session};
use futures_core::{Stream, future::BoxFuture, stream::BoxStream};
use mcp_types::{rpc::Notification, subscriptions::SubscriptionFilter};
use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

/// What changed at a server.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Notice {
    /// The list of tools.
    ToolsChanged,
    /// The list of prompts.
    PromptsChanged,
    /// The list of resources.
    ResourcesChanged,
    /// The contents of a resource.
    ResourceUpdated {
        /// Which resource: the one that was subscribed to, or one below it.
        uri: String,
    },
    /// The connection was replaced, or notifications were dropped because they were not read: anything may have
    /// changed.
    Missed,
    /// Any other notification.
    Other(Notification),
}

/// A subscription to changes at a server: a stream of [`Notice`]s.
///
/// It works the same in every revision. A stateless server is asked with `subscriptions/listen`, and again after a lost
/// connection; a server with a handshake is asked with `resources/subscribe`, and announces changes of lists by itself.
/// The stream ends when the server ends it, and with an error when the connection is lost for good.
///
/// See [the clause](https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/subscriptions).
///
/// # Cancel safety
///
/// Dropping it ends the subscription on the wire. It makes progress when it is polled: notifications are buffered in
/// between, up to a limit, and a subscription that falls behind starts anew with [`Notice::Missed`].
#[must_use = "a subscription ends when it is dropped"]
pub struct Subscription {
    acknowledged: SubscriptionFilter,
    notices: BoxStream<'static, Result<Notice, Error>>,
}

impl Subscription {
    /// Creates a subscription from a stream, for an [`Upstream`](crate::Upstream).
    pub fn new(
        acknowledged: SubscriptionFilter,
        notices: impl Stream<Item = Result<Notice, Error>> + Send + 'static,
    ) -> Self {
        Self { acknowledged, notices: Box::pin(notices) }
    }

    /// What the server agreed to send, which may be less than was requested.
    // spec: SUB-02
    pub fn acknowledged(&self) -> &SubscriptionFilter {
        &self.acknowledged
    }
}

impl Stream for Subscription {
    type Item = Result<Notice, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.notices.as_mut().poll_next(cx)
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("acknowledged", &self.acknowledged)
            .finish_non_exhaustive()
    }
}

impl Session {
    /// Subscribes to what the filter names; returns when the server has agreed.
    ///
    /// # Errors
    ///
    /// The server refuses, or does not answer in time.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the subscription on the wire.
    pub fn subscribe(
        &self,
        filter: SubscriptionFilter,
    ) -> BoxFuture<'_, Result<Subscription, Error>> {
        Box::pin(async move {
            if let Some(upstream) = self.upstream() {
                return upstream.subscribe(filter).await;
            }
            match self.server().era {
                Era::Modern => listen::subscribe(self.clone(), filter).await,
                Era::Legacy => legacy::subscribe(self.clone(), filter).await,
            }
        })
    }
}

/// Decodes a notification; `None` if it is malformed.
fn notice(notification: &Notification) -> Option<Notice> {
    Some(match &*notification.method {
        "notifications/tools/list_changed" => Notice::ToolsChanged,
        "notifications/prompts/list_changed" => Notice::PromptsChanged,
        "notifications/resources/list_changed" => Notice::ResourcesChanged,
        "notifications/resources/updated" => Notice::ResourceUpdated {
            uri: notification.params.as_ref()?.decode_at(&["uri"])?.ok()?,
        },
        _ => Notice::Other(notification.clone()),
    })
}

/// Whether a filter covers a notice.
// spec: SUB-05
fn covers(filter: &SubscriptionFilter, notice: &Notice) -> bool {
    match notice {
        Notice::ToolsChanged => filter.tools_list_changed == Some(true),
        Notice::PromptsChanged => filter.prompts_list_changed == Some(true),
        Notice::ResourcesChanged => filter.resources_list_changed == Some(true),
        Notice::ResourceUpdated { uri } => {
            let wanted = filter.resource_subscriptions.iter().flatten();
            wanted.into_iter().any(|wanted| is_at_or_below(uri, wanted))
        }
        Notice::Missed | Notice::Other(_) => true,
    }
}

/// Whether a resource is the subscribed one, or a part of it.
fn is_at_or_below(uri: &str, wanted: &str) -> bool {
    match uri.strip_prefix(wanted) {
        Some(rest) => rest.is_empty() || wanted.ends_with('/') || rest.starts_with(['/', '#', '?']),
        None => false,
    }
}

/// Returns the notification of an event, if it is one.
fn notification(event: Event) -> Option<Notification> {
    match event {
        Event::Notification(notification) => Some(notification),
        Event::Progress(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::is_at_or_below;

    #[test]
    fn parts_of_a_resource_belong_to_it() {
        let below = ["file:///a", "file:///a/b", "file:///a#x"];
        assert!(below.into_iter().all(|uri| is_at_or_below(uri, "file:///a")));
        let beside = ["file:///ab", "file:///", "other:///a"];
        assert!(!beside.into_iter().any(|uri| is_at_or_below(uri, "file:///a")));
    }
}
