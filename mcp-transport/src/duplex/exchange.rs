//! The state that callers and the driver share: no IO.

use super::{
    Limits,
    call::{self, CallKind, Found, Overflow, Slot},
    calls::{Calls, Key},
    correlation::Subject,
    outbox::{Chunk, LargeLine, Outbox, Span},
    waiters::{Ticket, Waiters},
};
use crate::{Delivery, Error, ServerMessage, queue::Limit};
use mcp_types::{
    RawJson,
    rpc::{Message, Notification, Request, RequestId, Response},
};
use std::{sync::MutexGuard, task::Waker};

/// The number of requests below which a write of their own is not worthwhile.
const HANDFUL: usize = 8;

/// The queue of outgoing bytes, the calls that wait for a response, and the callers that wait for room.
#[derive(Debug)]
pub(super) struct Exchange {
    outbox: Outbox,
    calls: Calls,
    waiters: Waiters,
    /// The driver, while it waits for something to write.
    driver: Option<Waker>,
    /// How many calls were answered whose callers may send a next one, or have sent one of the queued requests.
    answers: usize,
    /// How many requests were queued since the outbox was last taken.
    requests: usize,
    /// Whether the driver has yielded to others since then.
    has_waited: bool,
    /// The driver too, while it waits for the peer to read.
    on_release: Option<Waker>,
    /// Whether no handle is left, so that what is queued is the last.
    released: bool,
    closed: Option<Error>,
}

/// What the driver finds in the outbox.
#[derive(Debug, PartialEq)]
pub(super) enum Outgoing {
    /// Lines to write.
    Lines,
    /// Lines of one of many callers. The others may follow if the driver yields once.
    Soon,
    /// Nothing yet; the driver is registered to be woken.
    Nothing,
    /// Nothing more, ever.
    Finished,
}

/// The result of polling a call.
pub(super) enum Polled {
    Notification(ServerMessage),
    /// The end of the replies.
    End(Option<Result<ServerMessage, Error>>),
    /// Nothing yet; returns the waker that was replaced, if any.
    Nothing(Option<Waker>),
}

impl Exchange {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            outbox: Outbox::new(limits.outbox_bytes),
            calls: Calls::default(),
            waiters: Waiters::default(),
            driver: None,
            answers: 1,
            requests: 0,
            has_waited: false,
            on_release: None,
            released: false,
            closed: None,
        }
    }

    /// Takes a place in the line of waiters, if there is no room for another message.
    pub(super) fn queue_up(&mut self) -> Option<Ticket> {
        let has_room = self.closed.is_some() || self.outbox.has_room() && self.waiters.is_empty();
        if has_room { None } else { Some(self.waiters.queue_up()) }
    }

    /// Leaves the line if it is this ticket's turn; otherwise keeps waiting.
    pub(super) fn poll_turn(&mut self, ticket: Ticket, waker: &Waker) -> bool {
        let is_next = self.waiters.is_first(ticket) && self.outbox.has_room();
        let is_turn = self.closed.is_some() || is_next;
        if is_turn {
            self.leave(ticket);
        } else {
            self.waiters.wait(ticket, waker);
        }
        is_turn
    }

    pub(super) fn leave(&mut self, ticket: Ticket) {
        self.waiters.leave(ticket);
    }

    /// Returns whether a message may be written by its caller: the driver has nothing to write, and only one answer has
    /// arrived since it had. If several arrive together, the messages that follow them leave together too.
    pub(super) fn is_quiet(&self) -> bool {
        self.driver.is_some() && self.answers == 1 && self.outbox.is_empty()
    }

    /// Returns whether the caller who queued the last message should write the queue: all callers with answers have
    /// sent their next calls, or the first half of many has, and the peer has nothing else to do. It then works on
    /// these while the callers of the other half run.
    pub(super) fn is_complete(&self) -> bool {
        let Self { answers, requests, .. } = *self;
        let is_half = requests == answers.div_ceil(2) && requests >= HANDFUL;
        requests == answers && requests > 1 || is_half && self.calls.waiting() <= 2 * requests
    }

    /// Returns whether the driver should yield, once: some schedulers run it right after the first of many callers.
    fn is_early(&self) -> bool {
        let Self { answers, requests, .. } = *self;
        let is_first = requests == 1 && self.calls.waiting() > 1;
        !self.has_waited && requests > 0 && (is_first || requests < answers)
    }

    /// Queues a message, and registers a request before its first byte can be written.
    ///
    /// A large message comes as a finished line.
    pub(super) fn send(
        &mut self,
        message: &Message,
        line: Option<LargeLine>,
    ) -> Result<Option<Key>, Error> {
        if let Some(error) = &self.closed {
            return Err(error.clone().with_delivery(Delivery::NotSent));
        }
        let Message::Request(Request { id, method, .. }) = message else {
            push(&mut self.outbox, message, line);
            return Ok(None);
        };
        let key = self.calls.insert(id, || {
            self.requests += 1;
            let span = push(&mut self.outbox, message, line);
            Slot::new(id.clone(), CallKind::of(method), span)
        });
        if key.is_none() {
            let text = format!("request id {id} is in use by another call");
            return Err(Error::other(text, Delivery::NotSent));
        }
        Ok(key)
    }

    /// Returns what has arrived for a caller; if nothing has, the caller is registered to be woken.
    pub(super) fn poll(&mut self, key: Key, caller: &Waker) -> Polled {
        match self.calls.look(key, caller) {
            Found::Notification(message) => Polled::Notification(message),
            Found::End => Polled::End(self.calls.remove(key).and_then(Slot::into_end)),
            Found::Nothing(before) => Polled::Nothing(before),
        }
    }

    /// Gives up a call: takes its request back, or tells the server. The returned slot has to be dropped after the lock
    /// is released.
    #[must_use = "it is dropped when the lock is gone"]
    pub(super) fn abandon(&mut self, key: Key) -> Option<Slot> {
        self.give_up(key);
        self.calls.remove(key)
    }

    fn give_up(&mut self, key: Key) -> Option<&mut Slot> {
        let slot = self.calls.stop(key)?;
        if self.outbox.recall(slot.span()) {
            self.requests = self.requests.saturating_sub(1);
        } else if slot.kind() != CallKind::Initialize {
            self.outbox.push(&cancelled(slot.id()));
        }
        Some(slot)
    }

    /// Delivers a response, and returns the caller to wake; returns the response if no call waits for it.
    pub(super) fn answer(&mut self, response: Response) -> Result<Option<Waker>, Response> {
        match response.id.as_ref().and_then(|id| self.take(id)) {
            Some(slot) => Ok(slot.answer(response.outcome)),
            None => Err(response),
        }
    }

    /// Takes the call that waits for a response to this id: the function that takes it must store its end.
    pub(super) fn take(&mut self, id: &RequestId) -> Option<&mut Slot> {
        let slot = self.calls.take(id)?;
        self.answers += 1;
        Some(slot)
    }

    /// Delivers a notification of this many bytes to its call, and returns the caller to wake; returns the notification
    /// if there is no such call. A call whose queue overflows is given up.
    pub(super) fn tell(
        &mut self,
        subject: &Subject,
        notification: ServerMessage,
        bytes: usize,
        limit: Limit,
    ) -> Result<Option<Waker>, ServerMessage> {
        let found = self.calls.find(subject.id()).filter(|(_, slot)| match subject {
            Subject::Progress(_) | Subject::Subscription(_) => true,
            // Any other id is that of a request of the peer, or of a call that the peer cannot end.
            Subject::Cancelled(_) => slot.kind() == CallKind::Listen,
        });
        let Some((key, slot)) = found else { return Err(notification) };
        Ok(match slot.push(notification, bytes, limit) {
            Ok(caller) => caller,
            Err(Overflow) => {
                let slot = self.give_up(key);
                slot.and_then(|slot| slot.fail(call::overflow(slot.id())))
            }
        })
    }

    /// Returns whether a response without a waiting call is late or a duplicate.
    pub(super) fn is_late(&self, id: &RequestId) -> bool {
        self.calls.was_used(id)
    }

    /// Gives the driver what is queued, or registers it to be woken.
    pub(super) fn poll_outgoing(&mut self, lines: &mut Chunk, waker: &Waker) -> Outgoing {
        if self.is_early() {
            self.has_waited = true;
            return Outgoing::Soon;
        }
        if self.take_outgoing(lines) {
            // Callers who were waited for in vain are not waited for again.
            self.answers = 0;
            return Outgoing::Lines;
        }
        self.has_waited = false;
        if self.released {
            return Outgoing::Finished;
        }
        match &mut self.driver {
            Some(driver) => driver.clone_from(waker),
            none => *none = Some(waker.clone()),
        }
        Outgoing::Nothing
    }

    /// Takes what is queued, if there is anything; `lines` is empty otherwise.
    pub(super) fn take_outgoing(&mut self, lines: &mut Chunk) -> bool {
        let is_taken = self.outbox.take(lines);
        if is_taken {
            self.answers = self.answers.saturating_sub(self.requests);
            self.requests = 0;
            self.has_waited = false;
        }
        is_taken
    }

    /// Notes that no handle is left.
    pub(super) fn release(&mut self) {
        self.released = true;
    }

    pub(super) fn is_released(&self) -> bool {
        self.released
    }

    /// Returns whether no handle is left; if there are any, the driver is woken when the last one is dropped.
    #[cfg(any(feature = "socket", feature = "stdio"))]
    pub(super) fn poll_released(&mut self, waker: &Waker) -> bool {
        if !self.released {
            self.on_release = Some(waker.clone());
        }
        self.released
    }

    /// Takes the callers that wait for replies, to be woken. They register again when they poll again.
    pub(super) fn callers(&mut self) -> Vec<Waker> {
        self.calls.callers()
    }

    /// Ends everything, each call according to how much of it was written; returns the callers to wake.
    pub(super) fn close(&mut self, error: &Error, written: u64) -> Vec<Waker> {
        self.closed.get_or_insert_with(|| error.clone());
        let mut callers = self.calls.fail_all(|slot| {
            let is_begun = slot.span().start < written;
            let sent = if is_begun { Delivery::Unknown } else { Delivery::NotSent };
            error.clone().with_delivery(sent)
        });
        callers.extend(self.waiters.all());
        callers
    }

    /// Returns whom to wake after the last change: the driver if there is work, the first in line if there is room.
    fn due(&mut self) -> [Option<Waker>; 3] {
        let has_work = self.released || !self.outbox.is_empty();
        let driver = if has_work { self.driver.take() } else { None };
        let on_release = if self.released { self.on_release.take() } else { None };
        let first = if self.outbox.has_room() { self.waiters.next() } else { None };
        [driver, on_release, first]
    }
}

/// Releases the lock, then wakes the tasks concerned, so that they do not contend for it.
pub(super) fn settle(mut exchange: MutexGuard<'_, Exchange>) {
    let due = exchange.due();
    drop(exchange);
    due.into_iter().flatten().for_each(Waker::wake);
}

fn push(outbox: &mut Outbox, message: &Message, line: Option<LargeLine>) -> Span {
    match line {
        Some(line) => outbox.push_line(line),
        None => outbox.push(message),
    }
}

fn cancelled(id: &RequestId) -> Message {
    let mut params = br#"{"requestId":"#.to_vec();
    id.encode(&mut params);
    params.push(b'}');
    Notification::new("notifications/cancelled").with_params(RawJson::from_joined(params)).into()
}

#[cfg(test)]
mod tests;
