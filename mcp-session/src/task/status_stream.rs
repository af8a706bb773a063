//! A stateless server's stream of status notifications for one task.

use super::state::State;
use crate::{BoxCallService, Call, Deadlines, Error, Event, Events, InvalidParams};
use futures_util::future::{BoxFuture, OptionFuture};
use mcp_types::{
    Notification as _,
    rpc::Notification,
    subscriptions::{
        SubscriptionFilter, SubscriptionsAcknowledgedNotification, SubscriptionsListenRequest,
    },
    tasks_extension::TaskStatusNotification,
};
use std::future::{pending, poll_fn};
use tokio::sync::mpsc;
use tower_service::Service;

/// The number of notifications buffered while nobody reads.
const QUEUE: usize = 16;

/// A subscription to one task. Dropping it ends the subscription on the wire.
pub(super) struct StatusStream {
    /// `None` once the stream is over.
    call: Option<BoxFuture<'static, Result<(), Error>>>,
    events: mpsc::Receiver<Event>,
}

impl StatusStream {
    /// Subscribes to the status of a task; the request is sent with the first wait.
    // spec: TASKX-01 SUB-01
    pub(super) fn of(service: BoxCallService, id: &str) -> Result<Self, InvalidParams> {
        let mut filter = SubscriptionFilter::default();
        filter.task_ids = Some(vec![id.to_owned()]);
        let (sender, events) = mpsc::channel(QUEUE);
        let call = Call::of(SubscriptionsListenRequest::new(filter))?
            .with_events(Events::channel(sender))
            .with_extension(Deadlines::NONE);
        Ok(Self { call: Some(Box::pin(listen(service, call))), events })
    }

    /// Returns the next state of the task; `None` if the server refuses to send it. Once the stream is over, never
    /// completes.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub(super) async fn next(&mut self, id: &str) -> Option<State> {
        loop {
            let call = OptionFuture::from(self.call.as_mut());
            let event = tokio::select! {
                biased;
                Some(event) = self.events.recv() => event,
                Some(outcome) = call => {
                    self.call = None;
                    if outcome.is_err_and(|error| error.as_rpc().is_some()) {
                        return None;
                    }
                    continue;
                }
                else => return pending().await,
            };
            let Event::Notification(said) = event else { continue };
            if let Some(state) = self.read(&said, id) {
                return Some(state);
            }
        }
    }

    /// Returns the state of the task in a notification. If the server does not agree to send it, gives up on it.
    fn read(&mut self, said: &Notification, id: &str) -> Option<State> {
        let params = said.params.as_ref()?;
        match &*said.method {
            TaskStatusNotification::METHOD => {
                let state = State::read(params).ok()?;
                (state.task_id.as_deref() == Some(id)).then_some(state)
            }
            SubscriptionsAcknowledgedNotification::METHOD => {
                let agreed: SubscriptionsAcknowledgedNotification = params.decode().ok()?;
                let mut ids = agreed.notifications.task_ids.iter().flatten();
                if !ids.any(|agreed| agreed == id) {
                    self.call = None;
                }
                None
            }
            _ => None,
        }
    }
}

async fn listen(mut service: BoxCallService, call: Call) -> Result<(), Error> {
    let ready = poll_fn(|cx| service.poll_ready(cx)).await;
    let reply = match ready {
        Ok(()) => service.call(call).await,
        Err(error) => Err(error),
    };
    reply.map(drop).map_err(Error::from_layers)
}
