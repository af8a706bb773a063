//! The entries of one recorded connection, and how far they have been played: no IO.

use super::{
    difference::{self, Ignored},
    names::Names,
};
use crate::{Delivery, Error, ServerMessage, record::entry::Event};
use mcp_types::rpc::Message;
use std::task::Waker;

/// Which messages count as equal.
#[derive(Clone, Debug, Default)]
pub(super) struct Rules {
    pub(super) ignored: Ignored,
    pub(super) any_order: bool,
}

/// The events of one connection.
#[derive(Debug, Default)]
pub(super) struct Script {
    events: Vec<Event>,
    /// Which events were played.
    played: Vec<bool>,
    names: Names,
    difference: Option<String>,
    /// Whether the last handle is gone.
    released: bool,
    wakers: Vec<Waker>,
}

/// What comes next in a stream of the server.
#[derive(Debug)]
pub(super) enum Next {
    Message(ServerMessage),
    Failure(Error),
    End,
    /// Not yet.
    Later,
}

impl Script {
    /// Adds the next event.
    pub(super) fn add(&mut self, event: Event) {
        self.events.push(event);
        self.played.push(false);
    }

    /// Returns the same script, rewound.
    pub(super) fn rewound(&self) -> Self {
        let played = vec![false; self.events.len()];
        Self { events: self.events.clone(), played, ..Self::default() }
    }

    pub(super) fn difference(&self) -> Option<&str> {
        self.difference.as_deref()
    }

    /// Plays a message of the client; returns the number under which it was recorded.
    pub(super) fn send(&mut self, sent: &Message, rules: &Rules) -> Result<u64, Error> {
        self.fail_if_different()?;
        let form = difference::form(sent);
        let mut first = None;
        for at in 0..self.events.len() {
            let Event::Sent { call, message } = &self.events[at] else { continue };
            if self.played[at] {
                continue;
            }
            let mut recorded = difference::form(message);
            self.names.expected(&mut recorded);
            let lines = difference::lines(&recorded, &form, &rules.ignored);
            if lines.is_empty() {
                if let (Message::Request(recorded), Message::Request(sent)) = (message, sent) {
                    self.names.learn(recorded, sent);
                }
                self.played[at] = true;
                return Ok(*call);
            }
            first.get_or_insert_with(|| {
                format!(
                    "client message {call} ({}) differs from the recording{lines}",
                    name(message)
                )
            });
            if !rules.any_order {
                break;
            }
        }
        let text = first.unwrap_or_else(|| {
            format!("recording ends here, but the client sends one more message ({})", name(sent))
        });
        self.difference = Some(text);
        self.fail_if_different().map(|()| 0)
    }

    /// Returns the next reply of the server to a message of the client.
    pub(super) fn next_reply(&mut self, call: u64) -> Next {
        if let Err(error) = self.fail_if_different() {
            return Next::Failure(error.with_delivery(Delivery::Unknown));
        }
        let is_about = |event: &Event| match event {
            Event::Received { call: about, .. } => *about == Some(call),
            Event::Failed { call: about, .. }
            | Event::Ended { call: about }
            | Event::Abandoned { call: about } => *about == call,
            _ => false,
        };
        let mut left = (0..self.events.len()).filter(|at| !self.played[*at]);
        let Some(at) = left.find(|at| is_about(&self.events[*at])) else {
            let text = "recording ends before the response";
            return Next::Failure(Error::closed(text, Delivery::Unknown));
        };
        // What a server sends after an answer may depend on it.
        let is_answer =
            |event: &Event| matches!(event, Event::Sent { message: Message::Response(_), .. });
        if self.has_unsent(at, is_answer) {
            return Next::Later;
        }
        let next = match &self.events[at] {
            Event::Received { message, .. } => Next::Message(self.told(message)),
            Event::Failed { failure, .. } => Next::Failure(failure.clone().into()),
            Event::Ended { .. } => Next::End,
            // The recorded client gave up here; another one may wait forever.
            _ => return Next::Later,
        };
        self.played[at] = true;
        next
    }

    /// Returns the next unsolicited message of the server.
    pub(super) fn next_unasked(&mut self) -> Next {
        let is_unasked = |event: &Event| matches!(event, Event::Received { call: None, .. });
        let mut left = (0..self.events.len()).filter(|at| !self.played[*at]);
        let found = left.find(|at| is_unasked(&self.events[*at]));
        match found.filter(|at| !self.has_unsent(*at, |_| true)) {
            Some(at) if self.difference.is_none() => {
                self.played[at] = true;
                match &self.events[at] {
                    Event::Received { message, .. } => Next::Message(self.told(message)),
                    _ => Next::Later,
                }
            }
            _ if self.released => Next::End,
            _ => Next::Later,
        }
    }

    /// Returns the failure of a message that was not answered, regardless of its place in the script.
    pub(super) fn failure_of(&mut self, call: u64) -> Option<Error> {
        let is_failure =
            |event: &Event| matches!(event, Event::Failed { call: of, .. } if *of == call);
        let at = self.events.iter().position(is_failure)?;
        self.played[at] = true;
        match &self.events[at] {
            Event::Failed { failure, .. } => Some(failure.clone().into()),
            _ => None,
        }
    }

    /// Lists what has not been played, one line each.
    pub(super) fn left(&self) -> impl Iterator<Item = String> {
        let left = self.events.iter().zip(&self.played).filter(|(_, played)| !**played);
        left.filter_map(|(event, _)| match event {
            Event::Sent { call, message } => {
                Some(format!("client message {call} ({}) was not sent", name(message)))
            }
            Event::Received { call: Some(call), message } => {
                Some(format!("reply to client message {call} ({}) was not read", name(message)))
            }
            _ => None,
        })
    }

    /// Notes that nothing more can be sent.
    pub(super) fn release(&mut self) {
        self.released = true;
    }

    /// Takes the wakers of the tasks that the last change may concern.
    pub(super) fn take_wakers(&mut self) -> Vec<Waker> {
        std::mem::take(&mut self.wakers)
    }

    pub(super) fn wait(&mut self, waker: &Waker) {
        if !self.wakers.iter().any(|known| known.will_wake(waker)) {
            self.wakers.push(waker.clone());
        }
    }

    fn has_unsent(&self, before: usize, counts: impl Fn(&Event) -> bool) -> bool {
        let events = self.events.iter().zip(&self.played).take(before);
        events
            .filter(|(_, played)| !**played)
            .any(|(event, _)| matches!(event, Event::Sent { .. }) && counts(event))
    }

    fn told(&self, message: &Message) -> Message {
        let mut message = message.clone();
        self.names.told(&mut message);
        message
    }

    fn fail_if_different(&self) -> Result<(), Error> {
        match &self.difference {
            Some(text) => Err(Error::other(text.clone(), Delivery::NotSent)),
            None => Ok(()),
        }
    }
}

/// Names a message for a person.
fn name(message: &Message) -> &str {
    match message {
        Message::Request(request) => &request.method,
        Message::Notification(notification) => &notification.method,
        Message::Response(_) => "response",
    }
}
