//! The transport that records what passes through it.

use super::{
    entry::{Entry, Event, Failure},
    redaction::Redaction,
};
use crate::{
    Arrival, ClientMessage, Connector, Error, Link, Replies, ServerMessage, Transport, Unsolicited,
};
use futures_core::{Stream, future::BoxFuture};
use futures_util::StreamExt;
use mcp_types::rpc::Message;
use std::{
    fmt,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Instant,
};
use tower_service::Service;

/// A recorder around a connector or a transport, which passes every event to a closure.
///
/// Around a [`Connector`] it records all of its connections, including unsolicited messages; around a [`Transport`] it
/// records that one.
///
/// The closure is called in the tasks of the calls, with secrets redacted. It must not block.
#[derive(Clone)]
pub struct Record<T> {
    inner: T,
    recorder: Arc<Recorder>,
    connection: u64,
}

/// What all connections and calls write to.
struct Recorder {
    start: Instant,
    connections: AtomicU64,
    calls: AtomicU64,
    redaction: Redaction,
    sink: Arc<dyn Fn(Entry) + Send + Sync>,
}

impl<T> Record<T> {
    /// Records `inner` into `sink`.
    pub fn new(inner: T, sink: impl Fn(Entry) + Send + Sync + 'static) -> Self {
        let recorder = Recorder::new(Redaction::default(), Arc::new(sink));
        Self { inner, recorder: Arc::new(recorder), connection: 1 }
    }

    /// Sets the redaction. Time and numbers start anew.
    #[must_use]
    pub fn redaction(mut self, redaction: Redaction) -> Self {
        self.recorder = Arc::new(Recorder::new(redaction, Arc::clone(&self.recorder.sink)));
        self
    }
}

impl Recorder {
    fn new(redaction: Redaction, sink: Arc<dyn Fn(Entry) + Send + Sync>) -> Self {
        let (connections, calls) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { start: Instant::now(), connections, calls, redaction, sink }
    }

    fn failure(&self, error: &Error) -> Failure {
        let mut failure = Failure::from(error);
        failure.error.as_mut().into_iter().for_each(|error| self.redaction.apply_error(error));
        failure
    }

    fn tell(&self, connection: u64, event: Event) {
        (self.sink)(Entry::new(self.start.elapsed(), connection, event));
    }
}

impl<C: Connector> Connector for Record<C> {
    type Transport = Record<C::Transport>;

    async fn connect(&self) -> Result<Link<Self::Transport>, Error> {
        let recorder = Arc::clone(&self.recorder);
        let made = self.inner.connect().await;
        let connection = recorder.connections.fetch_add(1, Ordering::Relaxed) + 1;
        let Link { transport, unsolicited, driver, binding, patience } = match made {
            Ok(link) => link,
            Err(error) => {
                let failure = recorder.failure(&error);
                recorder.tell(connection, Event::NotConnected { failure });
                return Err(error);
            }
        };
        recorder.tell(connection, Event::Connected { binding });
        let heard = unsolicited.inspect({
            let recorder = Arc::clone(&recorder);
            move |arrival| {
                if let Arrival::Message(message) = arrival {
                    let message = recorder.redaction.apply(message);
                    recorder.tell(connection, Event::Received { call: None, message });
                }
            }
        });
        let transport = Record { inner: transport, recorder, connection };
        let link = Link::new(transport, binding).with_driver(driver).with_patience(patience);
        Ok(link.with_unsolicited(Unsolicited::new(heard)))
    }
}

impl<T: Transport> Service<ClientMessage> for Record<T> {
    type Response = Replies;
    type Error = Error;
    type Future = BoxFuture<'static, Result<Replies, Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, message: ClientMessage) -> Self::Future {
        let call = Call::begin(&self.recorder, self.connection, &message.body);
        let is_request = matches!(message.body, Message::Request(_));
        let calling = self.inner.call(message);
        Box::pin(async move {
            let mut call = call;
            match calling.await {
                Ok(replies) if is_request => Ok(Replies::new(Recorded { replies, call })),
                Ok(replies) => {
                    call.finish();
                    Ok(replies)
                }
                Err(error) => Err(call.fail(error)),
            }
        })
    }
}

/// A message of the client in flight. If dropped before its end, it was abandoned.
struct Call {
    recorder: Arc<Recorder>,
    connection: u64,
    number: u64,
    is_over: bool,
}

impl Call {
    fn begin(recorder: &Arc<Recorder>, connection: u64, message: &Message) -> Self {
        let number = recorder.calls.fetch_add(1, Ordering::Relaxed) + 1;
        let message = recorder.redaction.apply(message);
        recorder.tell(connection, Event::Sent { call: number, message });
        Self { recorder: Arc::clone(recorder), connection, number, is_over: false }
    }

    fn hear(&mut self, message: &ServerMessage) {
        if matches!(message, Message::Response(_)) {
            self.finish();
        }
        let message = self.recorder.redaction.apply(message);
        self.tell(Event::Received { call: Some(self.number), message });
    }

    fn fail(&mut self, error: Error) -> Error {
        self.finish();
        let failure = self.recorder.failure(&error);
        self.tell(Event::Failed { call: self.number, failure });
        error
    }

    fn finish(&mut self) {
        self.is_over = true;
    }

    fn tell(&self, event: Event) {
        self.recorder.tell(self.connection, event);
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if !self.is_over {
            self.tell(Event::Abandoned { call: self.number });
        }
    }
}

/// The replies to a request, recorded as they pass.
struct Recorded {
    replies: Replies,
    call: Call,
}

impl Stream for Recorded {
    type Item = Result<ServerMessage, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        Pin::new(&mut this.replies).poll_next(cx).map(|item| match item {
            Some(Ok(message)) => {
                this.call.hear(&message);
                Some(Ok(message))
            }
            Some(Err(error)) => Some(Err(this.call.fail(error))),
            None => {
                if !this.call.is_over {
                    this.call.finish();
                    this.call.tell(Event::Ended { call: this.call.number });
                }
                None
            }
        })
    }
}

impl<T: fmt::Debug> fmt::Debug for Record<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record").field("inner", &self.inner).finish_non_exhaustive()
    }
}
