//! Handling the unsolicited messages of a server.

use crate::{Misbehavior, Peer, peer::MAX_ANSWERS};
use futures_util::{StreamExt, future::BoxFuture, stream::FuturesUnordered};
use mcp_transport::{Arrival, Diagnostic, Extensions, Transport, Unsolicited};
use mcp_types::{
    ProtocolVersion,
    rpc::{Message, Request},
};
use tokio_util::sync::CancellationToken;

/// Reads the unsolicited stream: answers requests concurrently and notifies listeners.
pub(crate) struct Inbox<T> {
    pub(crate) unsolicited: Unsolicited,
    pub(crate) desk: Desk<T>,
    /// Cancelled when the session has no more holders: then there is nobody left to answer for.
    pub(crate) released: CancellationToken,
}

/// What is needed to handle a message.
pub(crate) struct Desk<T> {
    pub(crate) transport: T,
    pub(crate) peer: Peer,
}

type Answers = FuturesUnordered<BoxFuture<'static, ()>>;

impl<T: Transport> Inbox<T> {
    /// Runs until the connection or the session ends.
    pub(crate) async fn run(self) {
        let Self { mut unsolicited, desk, released } = self;
        let mut answers = Answers::new();
        loop {
            tokio::select! {
                biased;
                () = released.cancelled() => return,
                Some(()) = answers.next() => {}
                arrival = unsolicited.next() => match arrival {
                    Some(Arrival::Message(message)) => {
                        // Sending a reply may have to wait, which must not delay the end of the session.
                        if let Some(refusal) = desk.receive(message, &mut answers)
                            && released.run_until_cancelled(refusal).await.is_none()
                        {
                            return;
                        }
                    }
                    Some(Arrival::Diagnostic(diagnostic)) => desk.note(&diagnostic),
                    Some(_) => {}
                    None => break,
                },
            }
        }
        // The server sends no more, but the session is still usable and pending answers are still wanted.
        tokio::select! {
            biased;
            () = released.cancelled() => {}
            () = answers.for_each(async |_| ()) => released.cancelled().await,
        }
    }
}

impl<T: Transport> Desk<T> {
    /// Handles a message; returns the refusal to send if the message is one question too many. Boxed, because that is
    /// rare.
    fn receive(&self, message: Message, answers: &mut Answers) -> Option<BoxFuture<'static, ()>> {
        match message {
            // spec: MSG-15 MSG-16
            Message::Request(request) if self.peer.is_modern() => {
                let method = Some(request.method.into_owned());
                self.peer.incident(Misbehavior::RequestOnModernStream, None, method);
            }
            Message::Request(request) => return self.answer(request, answers),
            Message::Notification(notification)
                if notification.method == "notifications/cancelled" =>
            {
                self.peer.give_up(&notification);
            }
            Message::Notification(notification) => {
                self.peer.tell(notification);
            }
            Message::Response(response) => {
                let id = response.id.map(|id| format!("id {id}"));
                self.peer.incident(Misbehavior::ResponseForNobody, None, id);
            }
        }
        None
    }

    fn note(&self, diagnostic: &Diagnostic) {
        let misbehavior = match diagnostic {
            Diagnostic::TooLarge { .. } => Misbehavior::MessageTooLarge,
            // spec: OLD-01
            Diagnostic::Batch if self.peer.version() == Some(&ProtocolVersion::V2025_03_26) => {
                return;
            }
            Diagnostic::Batch => Misbehavior::Batch,
            // Nobody read in time, which is our own fault.
            Diagnostic::Dropped { .. } => return tracing::warn!(%diagnostic, "fell behind"),
            _ => Misbehavior::NotAMessage,
        };
        self.peer.incident(misbehavior, None, Some(diagnostic.to_string()));
    }

    fn answer(&self, request: Request, answers: &mut Answers) -> Option<BoxFuture<'static, ()>> {
        let mut extensions = Extensions::new();
        if let Some(version) = self.peer.version() {
            extensions.insert(version.clone());
        }
        let id = request.id.clone();
        // Leaves some room for pings while handlers are busy.
        let limit = if request.method == "ping" { 2 * MAX_ANSWERS } else { MAX_ANSWERS };
        let (peer, transport) = (self.peer.clone(), self.transport.clone());
        if answers.len() >= limit {
            return Some(Box::pin(async move { peer.refuse(id, transport, extensions).await }));
        }
        let answer = async move { peer.answer(request, peer.asker(), transport, extensions).await };
        answers.push(self.peer.answering(id, answer));
        None
    }
}
