//! Status notifications of a task, between two polls.

use super::{state::State, status_stream::StatusStream};
use crate::{BoxCallService, Event, Events, OnRequestId, Peer, Progress};
use mcp_types::{RequestId, rpc::Notification};
use std::{
    future::pending,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::broadcast::{Receiver, error::RecvError};

/// The polling interval from which a subscription is worthwhile.
const WORTH: Duration = Duration::from_secs(1);

/// What a server sends about a task while someone waits for it.
pub(super) enum Pushes {
    /// A stateless server sends nothing until asked to.
    Silent,
    /// A server with a handshake sends what it likes.
    Unasked(Receiver<Notification>),
    /// What a stateless server was asked to send.
    Asked(StatusStream),
    /// Nothing more will be sent.
    Over,
}

impl Pushes {
    /// Receives what is sent from now on.
    pub(super) fn of(peer: &Peer) -> Self {
        if peer.is_modern() { Self::Silent } else { Self::Unasked(peer.notifications()) }
    }

    /// Asks a stateless server for notifications about the task, if that is worthwhile and was not refused before.
    pub(super) fn ask(&mut self, service: &BoxCallService, peer: &Peer, id: &str, pause: Duration) {
        if matches!(self, Self::Silent) && pause >= WORTH && peer.tells_of_tasks() {
            *self = StatusStream::of(service.clone(), id).map_or(Self::Over, Self::Asked);
        }
    }

    /// Returns the next state that the server announces. Progress goes to the listeners of the call.
    ///
    /// Nothing relies on this: anything missed is found by polling.
    // spec: TASK25-07
    pub(super) async fn next(&mut self, peer: &Peer, id: &str, listening: &mut Listening) -> State {
        loop {
            let receiver = match self {
                Self::Silent | Self::Over => return pending().await,
                Self::Asked(stream) => match stream.next(id).await {
                    Some(state) => return state,
                    None => {
                        peer.tells_no_tasks();
                        *self = Self::Over;
                        continue;
                    }
                },
                Self::Unasked(receiver) => receiver,
            };
            match receiver.recv().await {
                Ok(said) if said.method == "notifications/tasks/status" => {
                    let state = said.params.as_ref().map(State::read);
                    if let Some(Ok(state)) = state
                        && state.task_id.as_deref() == Some(id)
                    {
                        return state;
                    }
                }
                Ok(said) if said.method == "notifications/progress" => {
                    listening.hear(&said).await;
                }
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => *self = Self::Over,
            }
        }
    }
}

/// The listeners of a call that has become a task, and the token that identifies its progress.
#[derive(Clone, Default)]
pub(crate) struct Listening {
    events: Events,
    token: ProgressToken,
    last: Option<f64>,
}

impl Listening {
    /// Combines the listeners with the token that the call will have.
    pub(super) fn new(events: Events, token: ProgressToken) -> Self {
        Self { events, token, last: None }
    }

    pub(super) fn events(&self) -> &Events {
        &self.events
    }

    async fn hear(&mut self, said: &Notification) {
        let (Some(params), false) = (&said.params, self.events.is_empty()) else { return };
        let Some(Ok(token)) = params.decode_at::<RequestId>(&["progressToken"]) else { return };
        let Ok(progress) = Progress::read(params) else { return };
        if self.token.get() != Some(token)
            || self.last.is_some_and(|last| last >= progress.progress)
        {
            return;
        }
        self.last = Some(progress.progress);
        self.events.emit(&Event::Progress(progress)).await;
    }
}

/// The token that identifies the progress of a call: its request id. It stays valid for the task's lifetime.
#[derive(Clone, Debug, Default)]
pub(super) struct ProgressToken(Arc<Mutex<Option<RequestId>>>);

impl ProgressToken {
    /// Learns the token when the call is sent, in addition to anyone else who wants the id.
    pub(super) fn learn(&self, beside: Option<OnRequestId>) -> OnRequestId {
        let token = self.clone();
        OnRequestId::new(move |id| {
            *token.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(id.clone());
            if let Some(beside) = &beside {
                beside.tell(id);
            }
        })
    }

    fn get(&self) -> Option<RequestId> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
