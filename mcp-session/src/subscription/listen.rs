//! Subscriptions at stateless servers.

use super::{Notice, Subscription, covers, notice, notification};
use crate::{
    Call, Deadlines, Error, Event, Events, Misbehavior, Phase, Reply, Session,
    open_questions::Cancelled,
};
use futures_util::{FutureExt, future::BoxFuture, stream};
use mcp_types::{
    Notification as _, RawJson, Request as _, RequestId, keys,
    rpc::Notification,
    subscriptions::{
        SubscriptionFilter, SubscriptionsAcknowledgedNotification, SubscriptionsListenRequest,
    },
};
use std::{future::poll_fn, task::Poll, time::Duration};
use tokio::{sync::mpsc, time::Instant};

/// The number of notifications buffered for the subscriber before the call waits too.
const QUEUE: usize = 64;
/// How often a lost subscription is retried before it ends with an error.
const ATTEMPTS: u32 = 5;
/// How long a server may take to acknowledge.
const ACKNOWLEDGE: Duration = Duration::from_secs(60);

const METHOD: &str = SubscriptionsListenRequest::METHOD;

pub(super) async fn subscribe(
    session: Session,
    filter: SubscriptionFilter,
) -> Result<Subscription, Error> {
    let (listening, acknowledged) = Listening::open(&session, &filter).await?;
    let open = Open { session, filter, listening, since: Instant::now(), losses: 0 };
    let notices = stream::unfold(Some(open), async |open| open?.next().await);
    Ok(Subscription::new(acknowledged, notices))
}

/// A subscription in progress.
struct Listening {
    call: BoxFuture<'static, Result<Reply, Error>>,
    events: mpsc::Receiver<Event>,
    id: Option<RequestId>,
    agreed: SubscriptionFilter,
    /// How the call ended; earlier notifications are still delivered first.
    outcome: Option<Result<(), Error>>,
}

/// A subscription, and what is needed to renew it.
struct Open {
    session: Session,
    filter: SubscriptionFilter,
    listening: Listening,
    since: Instant,
    /// The number of consecutive attempts that failed, or led to a subscription that was soon lost.
    losses: u32,
}

impl Open {
    /// Returns the next item and the state after it; `None` after an error.
    async fn next(mut self) -> Option<(Result<Notice, Error>, Option<Self>)> {
        match self.listening.next(&self.session).await {
            Ok(notice) => notice.map(|notice| (Ok(notice), Some(self))),
            Err(error) => match self.reopened(error).await {
                Ok(open) => Some((Ok(Notice::Missed), Some(open))),
                Err(error) => Some((Err(error), None)),
            },
        }
    }

    /// Subscribes again after a loss, with a new id. If subscriptions keep getting lost quickly, the delay grows.
    // spec: STDIO-12 SUB-08
    async fn reopened(self, mut error: Error) -> Result<Self, Error> {
        let Self { session, filter, listening, since, mut losses } = self;
        drop(listening);
        let policy = *session.reconnect();
        if since.elapsed() > policy.max_backoff {
            losses = 0;
        }
        for _ in 0..ATTEMPTS {
            if !is_loss(&error) {
                break;
            }
            let asked = error.retry_after().unwrap_or_default().min(policy.max_backoff);
            let mut connections = session.peer().connections();
            let pause = tokio::time::sleep(policy.backoff(losses).max(asked));
            tokio::select! {
                biased;
                Ok(_) = connections.wait_for(|connections| connections.over.is_some()) => {
                    return Err(error);
                }
                () = pause => {}
            }
            losses = losses.saturating_add(1);
            match Listening::open(&session, &filter).await {
                Ok((listening, _)) => {
                    let since = Instant::now();
                    return Ok(Self { session, filter, listening, since, losses });
                }
                Err(again) => error = again,
            }
        }
        Err(error)
    }
}

/// Whether the subscription was lost on the way, rather than ended by one side.
fn is_loss(error: &Error) -> bool {
    match error {
        Error::Transport(error) => error.status().is_none_or(|status| status.is_server_error()),
        Error::Misbehaved { misbehavior, .. } => *misbehavior == Misbehavior::NoResponse,
        _ => false,
    }
}

impl Listening {
    /// Sends the request and waits for the acknowledgment.
    // spec: SUB-01 SUB-03
    async fn open(
        session: &Session,
        filter: &SubscriptionFilter,
    ) -> Result<(Self, SubscriptionFilter), Error> {
        let (sender, events) = mpsc::channel(QUEUE);
        let call = Call::of(SubscriptionsListenRequest::new(filter.clone()))?
            .with_events(Events::channel(sender))
            .with_extension(Deadlines::NONE);
        let session_of_call = session.clone();
        let call = async move { session_of_call.call_raw(call).await }.boxed();
        let agreed = SubscriptionFilter::default();
        let mut listening = Self { call, events, id: None, agreed, outcome: None };
        let acknowledged = tokio::time::timeout(ACKNOWLEDGE, listening.acknowledged(session)).await;
        let (id, agreed) = acknowledged.map_err(|_| Error::Timeout {
            method: METHOD.into(),
            phase: Phase::Idle,
            after: ACKNOWLEDGE,
        })??;
        listening.id = id;
        listening.agreed = agreed.clone();
        Ok((listening, agreed))
    }

    async fn acknowledged(
        &mut self,
        session: &Session,
    ) -> Result<(Option<RequestId>, SubscriptionFilter), Error> {
        while let Some(notification) = self.receive().await? {
            if notification.method != SubscriptionsAcknowledgedNotification::METHOD {
                session.peer().report_beside(Misbehavior::AcknowledgeNotFirst, METHOD)?;
                continue;
            }
            let params = notification.params.unwrap_or(RawJson::EMPTY_OBJECT);
            match params.decode::<SubscriptionsAcknowledgedNotification>() {
                Ok(acknowledged) => {
                    let id = acknowledged.meta.and_then(|meta| meta.read(keys::SUBSCRIPTION_ID));
                    return Ok((id, acknowledged.notifications));
                }
                Err(source) => {
                    let misbehavior = Misbehavior::InvalidNotification;
                    let (method, source) = (METHOD.into(), Some(source));
                    let error = Error::Misbehaved { method, misbehavior, source };
                    session.peer().note_error(&error);
                    return Err(error);
                }
            }
        }
        let error = Error::misbehaved(METHOD, Misbehavior::AcknowledgeNotFirst);
        session.peer().note_error(&error);
        Err(error)
    }

    /// Returns the next change; `None` when the server has ended the subscription.
    async fn next(&mut self, session: &Session) -> Result<Option<Notice>, Error> {
        while let Some(notification) = self.receive().await? {
            // spec: SUB-07 CAN-09 CAN-12
            if notification.method == "notifications/cancelled" {
                let reason = Cancelled::of(&notification).and_then(|cancelled| cancelled.reason);
                tracing::debug!(reason, "the server gave a subscription up");
                return Ok(None);
            }
            if notification.method == SubscriptionsAcknowledgedNotification::METHOD {
                continue;
            }
            if subscription(&notification).is_some_and(|id| self.id.as_ref() != Some(&id)) {
                session
                    .peer()
                    .report_beside(Misbehavior::NotificationForOtherSubscription, METHOD)?;
                continue;
            }
            // spec: LOG-02 SUB-10
            if notification.method == "notifications/message" {
                session.peer().report(Misbehavior::NotificationNotSubscribed, METHOD)?;
                continue;
            }
            match notice(&notification) {
                Some(notice) if covers(&self.agreed, &notice) => return Ok(Some(notice)),
                Some(_) => {
                    session.peer().report_beside(Misbehavior::NotificationNotSubscribed, METHOD)?
                }
                None => session.peer().report_beside(Misbehavior::InvalidNotification, METHOD)?,
            }
        }
        Ok(None)
    }

    /// Returns the next notification of the call; `None` when it has ended successfully.
    async fn receive(&mut self) -> Result<Option<Notification>, Error> {
        loop {
            let event = poll_fn(|cx| {
                if self.outcome.is_none()
                    && let Poll::Ready(outcome) = self.call.as_mut().poll(cx)
                {
                    self.outcome = Some(outcome.map(drop));
                    // Dropping the finished call drops its end of the channel.
                    self.call = std::future::pending().boxed();
                }
                match self.events.poll_recv(cx) {
                    // The channel also reports this when a task has used up its budget: it may then hold more.
                    Poll::Pending if self.outcome.is_some() => {
                        Poll::Ready(self.events.try_recv().ok())
                    }
                    polled => polled,
                }
            });
            match event.await {
                Some(event) => {
                    if let Some(notification) = notification(event) {
                        return Ok(Some(notification));
                    }
                }
                None => return self.outcome.take().unwrap_or(Ok(())).map(|()| None),
            }
        }
    }
}

fn subscription(notification: &Notification) -> Option<RequestId> {
    notification.params.as_ref()?.decode_at(&["_meta", keys::SUBSCRIPTION_ID])?.ok()
}
