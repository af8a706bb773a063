//! Subscriptions at servers with a handshake.

use super::{Notice, Subscription, covers, notice};
use crate::{Error, Session, peer::Connections};
use futures_util::{FutureExt, stream};
use mcp_types::{
    ServerCapabilities,
    resources::{SubscribeRequest, UnsubscribeRequest},
    rpc::Notification,
    subscriptions::SubscriptionFilter,
};
use tokio::sync::{
    broadcast::{self, error::RecvError},
    watch,
};

// spec: SUB-11
pub(super) async fn subscribe(
    session: Session,
    wanted: SubscriptionFilter,
) -> Result<Subscription, Error> {
    let agreed = offered(&session.server().capabilities, wanted);
    let notifications = session.peer().notifications();
    let connections = session.peer().connections();
    let mut watching = Watching { session, uris: Vec::new() };
    for uri in agreed.resource_subscriptions.iter().flatten() {
        watching.add(uri).await?;
    }
    let state = State { watching, agreed: agreed.clone(), notifications, connections };
    let notices = stream::unfold(Some(state), async |state| state?.next().await);
    Ok(Subscription::new(agreed, notices))
}

/// Restricts a filter to what the server offered in the handshake.
fn offered(capabilities: &ServerCapabilities, wanted: SubscriptionFilter) -> SubscriptionFilter {
    let ServerCapabilities { tools, prompts, resources, .. } = capabilities;
    let tools = tools.as_ref().and_then(|tools| tools.list_changed);
    let prompts = prompts.as_ref().and_then(|prompts| prompts.list_changed);
    let lists = resources.as_ref().and_then(|resources| resources.list_changed);
    let updates = resources.as_ref().and_then(|resources| resources.subscribe);
    let mut agreed = wanted;
    agreed.tools_list_changed = agreed.tools_list_changed.filter(|_| tools == Some(true));
    agreed.prompts_list_changed = agreed.prompts_list_changed.filter(|_| prompts == Some(true));
    agreed.resources_list_changed = agreed.resources_list_changed.filter(|_| lists == Some(true));
    agreed.resource_subscriptions = agreed.resource_subscriptions.filter(|_| updates == Some(true));
    agreed
}

struct State {
    watching: Watching,
    agreed: SubscriptionFilter,
    notifications: broadcast::Receiver<Notification>,
    connections: watch::Receiver<Connections>,
}

impl State {
    /// Returns the next item and the state after it; `None` once the session has ended.
    async fn next(mut self) -> Option<(Result<Notice, Error>, Option<Self>)> {
        loop {
            let received = tokio::select! {
                biased;
                Ok(()) = self.connections.changed() => {
                    let over = self.connections.borrow_and_update().over.clone();
                    return Some(match over {
                        Some(error) => (Err(error.into()), None),
                        None => (self.watching.renew().await.map(|()| Notice::Missed), Some(self)),
                    });
                }
                received = self.notifications.recv() => received,
            };
            match received {
                Ok(notification) => match notice(&notification) {
                    Some(Notice::Other(_)) | None => {}
                    Some(notice) if covers(&self.agreed, &notice) => {
                        return Some((Ok(notice), Some(self)));
                    }
                    Some(_) => {}
                },
                Err(RecvError::Lagged(_)) => return Some((Ok(Notice::Missed), Some(self))),
                Err(RecvError::Closed) => return None,
            }
        }
    }
}

/// The resources that this subscription has subscribed to; dropping it unsubscribes.
struct Watching {
    session: Session,
    uris: Vec<String>,
}

impl Watching {
    async fn add(&mut self, uri: &str) -> Result<(), Error> {
        // Recorded before it is sent, so that dropping the future in the meantime still unsubscribes.
        self.uris.push(uri.to_owned());
        self.session.peer().watched().add(uri);
        self.ask(uri).await
    }

    /// Subscribes over the current connection, unless another subscriber already has.
    async fn ask(&self, uri: &str) -> Result<(), Error> {
        let peer = self.session.peer();
        let agreed = peer.watched().agreed(uri, peer.connection());
        let ask = async || self.session.request(SubscribeRequest::new(uri)).await.map(drop);
        agreed.get_or_try_init(ask).await.copied()
    }

    /// Subscribes again over a new connection.
    async fn renew(&self) -> Result<(), Error> {
        for uri in &self.uris {
            self.ask(uri).await?;
        }
        Ok(())
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let watched = self.session.peer().watched();
        let last: Vec<_> = self.uris.drain(..).filter(|uri| watched.remove(uri)).collect();
        if last.is_empty() {
            return;
        }
        let session = self.session.clone();
        let unsubscribe = async move {
            for uri in last {
                unsubscribe(&session, uri).await;
            }
        };
        self.session.peer().errands().leave(unsubscribe.boxed());
    }
}

/// Unsubscribes, unless someone has subscribed again by now.
async fn unsubscribe(session: &Session, uri: String) {
    let is_watched = || session.peer().watched().contains(&uri);
    if is_watched() {
        return;
    }
    // A courtesy: if the server refuses, it keeps sending and nobody listens.
    if let Err(error) = session.request(UnsubscribeRequest::new(uri.as_str())).await {
        tracing::debug!(%error, "cannot unsubscribe");
    }
    // A new subscriber's request may have been handled before this one.
    if is_watched()
        && let Err(error) = session.request(SubscribeRequest::new(uri.as_str())).await
    {
        tracing::debug!(%error, "cannot subscribe again");
    }
}
