//! A transport whose connection can be replaced.

use crate::SameConnection;
use futures_util::future::BoxFuture;
use mcp_transport::{ClientMessage, Delivery, Error, Replies, Transport};
use pin_project_lite::pin_project;
use std::{
    fmt,
    future::{Future, poll_fn},
    mem,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
};
use tokio::sync::{Notify, watch};
use tower_service::Service;

/// Sends over the connection that is currently open.
///
/// A message that a lost connection did not carry waits for the next one, if there will be one, and is sent there once.
pub(crate) struct Swap<T> {
    shared: Arc<Shared<T>>,
    /// Shows whether the connection kept here is still the current one.
    current: watch::Receiver<Current<T>>,
    /// The connection with its number. Kept from call to call, because cloning it may be slow.
    open: Option<(T, u64)>,
    /// Whether it is ready for one call.
    is_ready: bool,
}

struct Shared<T> {
    current: watch::Receiver<Current<T>>,
    signals: Arc<Signals>,
}

/// The connection of a session.
pub(crate) enum Current<T> {
    /// The connection is open; connections are numbered.
    Open(T, u64),
    /// The connection is lost and will be replaced.
    Lost,
    /// The connection is lost and there will be no other.
    Closed(Error),
}

/// Signals from the users of a connection to its supervisor.
#[derive(Default)]
pub(crate) struct Signals {
    /// A call waits for a connection.
    pub(crate) wanted: Notify,
    /// A call has found a connection broken.
    pub(crate) broke: Notify,
    /// The newest connection found broken, and its error.
    broken: Mutex<Option<(u64, Error)>>,
    /// Whether messages are kept for resending.
    pub(crate) keeps: bool,
}

impl Signals {
    pub(crate) fn new(keeps: bool) -> Self {
        Self { keeps, ..Self::default() }
    }

    fn report(&self, number: u64, error: Error) {
        let mut broken = self.broken.lock().unwrap_or_else(PoisonError::into_inner);
        if broken.as_ref().is_none_or(|(newest, _)| *newest <= number) {
            *broken = Some((number, error));
            self.broke.notify_one();
        }
    }

    /// Returns the error of this connection, if it was found broken.
    pub(crate) fn broken(&self, number: u64) -> Option<Error> {
        let broken = self.broken.lock().unwrap_or_else(PoisonError::into_inner);
        let (newest, error) = broken.as_ref()?;
        (*newest == number).then(|| error.clone())
    }
}

impl<T: Transport> Swap<T> {
    pub(crate) fn new(current: watch::Receiver<Current<T>>, signals: Arc<Signals>) -> Self {
        Self::over(Arc::new(Shared { current, signals }))
    }

    /// Creates a swap with a single connection, so that dispatching is compiled for only one kind of transport.
    pub(crate) fn alone(transport: T, number: u64) -> Self {
        let (_, current) = watch::channel(Current::Open(transport, number));
        Self::new(current, Arc::default())
    }

    fn over(shared: Arc<Shared<T>>) -> Self {
        let current = shared.current.clone();
        Self { shared, current, open: None, is_ready: false }
    }

    /// Whether a connection is open now, and not being replaced.
    pub(crate) fn is_open(&self) -> bool {
        let current = &self.shared.current;
        matches!(&*current.borrow(), Current::Open(..)) && current.has_changed().is_ok()
    }
}

impl<T: Transport> Shared<T> {
    /// Sends over the open connection or the next one, but not over the one with the number `than`.
    fn send_over_other(self: &Arc<Self>, than: u64, message: ClientMessage) -> Attempt {
        let this = Arc::clone(self);
        Box::pin(async move {
            let opened = this.reopened(than).await;
            let (mut transport, number) =
                opened.map_err(|error| Failure { error, connection: None })?;
            let failed = |error| Failure { error, connection: Some(number) };
            poll_fn(|cx| transport.poll_ready(cx)).await.map_err(failed)?;
            if !may_go(&message, number) {
                return Err(Failure { error: replaced(), connection: None });
            }
            transport.call(message).await.map_err(failed)
        })
    }

    /// Waits for a connection other than this one; returns the error of the lost one if there is none.
    async fn reopened(&self, other_than: u64) -> Result<(T, u64), Error> {
        let Self { current, signals } = self;
        let mut current = current.clone();
        loop {
            match &*current.borrow_and_update() {
                Current::Open(transport, number) if *number != other_than => {
                    return Ok((transport.clone(), *number));
                }
                Current::Open(..) => {}
                Current::Lost => signals.wanted.notify_one(),
                Current::Closed(error) => {
                    return Err(error.clone().with_delivery(Delivery::NotSent));
                }
            }
            if current.changed().await.is_err() {
                return Err(Error::closed("session has ended", Delivery::NotSent));
            }
        }
    }
}

type Attempt = BoxFuture<'static, Result<Replies, Failure>>;

/// Why a message was not sent, and the number of the connection that failed, if any.
struct Failure {
    error: Error,
    connection: Option<u64>,
}

impl Failure {
    /// Returns the connection that was lost before it carried the message.
    fn lost(&self) -> Option<u64> {
        let is_lost = self.error.is_closed() && self.error.delivery() == Delivery::NotSent;
        self.connection.filter(|_| is_lost)
    }
}

/// No connection has this number.
const NONE: u64 = 0;

/// The number of a session's first connection; each later one has the next number.
pub(crate) const FIRST: u64 = 1;

impl<T: Transport> Service<ClientMessage> for Swap<T> {
    type Response = Replies;
    type Error = Error;
    type Future = Sending<T>;

    /// Always ready: a call waits for the connection, unless it is ready too.
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if self.open.is_none() || !matches!(self.current.has_changed(), Ok(false)) {
            self.open = match &*self.current.borrow_and_update() {
                Current::Open(transport, number) => Some((transport.clone(), *number)),
                Current::Lost | Current::Closed(_) => None,
            };
        }
        let polled = self.open.as_mut().map(|(transport, _)| transport.poll_ready(cx));
        self.is_ready = matches!(polled, Some(Poll::Ready(Ok(()))));
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, message: ClientMessage) -> Sending<T> {
        let again =
            self.shared.signals.keeps.then(|| {
                Box::new(Kept { message: message.clone(), shared: Arc::clone(&self.shared) })
            });
        let is_ready = mem::take(&mut self.is_ready);
        let stage = match &mut self.open {
            Some((transport, number)) if is_ready && may_go(&message, *number) => {
                Stage::Sent { replies: transport.call(message), number: *number }
            }
            // A message tied to another connection waits as well, to be told that it comes too late.
            _ => Stage::Waiting { attempt: self.shared.send_over_other(NONE, message) },
        };
        Sending { stage, again }
    }
}

/// Whether a message may be sent over the connection with this number.
fn may_go(message: &ClientMessage, number: u64) -> bool {
    message.extensions.get::<SameConnection>().is_none_or(|same| same.admits(number))
}

fn replaced() -> Error {
    Error::closed("the connection that the call belongs to was replaced", Delivery::NotSent)
}

pin_project! {
    /// A message being sent.
    pub(crate) struct Sending<T: Transport> {
        #[pin]
        stage: Stage<T::Future>,
        // Boxed, because few sessions keep messages.
        again: Option<Box<Kept<T>>>,
    }
}

/// What is needed to resend a message.
struct Kept<T> {
    message: ClientMessage,
    shared: Arc<Shared<T>>,
}

pin_project! {
    #[project = StageProjection]
    enum Stage<F> {
        Sent { #[pin] replies: F, number: u64 },
        // Boxed, because it is rare.
        Waiting { attempt: Attempt },
    }
}

impl<T: Transport> Future for Sending<T> {
    type Output = Result<Replies, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let failure = match this.stage.as_mut().project() {
                StageProjection::Sent { replies, number } => match ready!(replies.poll(cx)) {
                    Ok(replies) => return Poll::Ready(Ok(replies)),
                    Err(error) => Failure { error, connection: Some(*number) },
                },
                StageProjection::Waiting { attempt } => match ready!(attempt.as_mut().poll(cx)) {
                    Ok(replies) => return Poll::Ready(Ok(replies)),
                    Err(failure) => failure,
                },
            };
            let (Some(number), Some(kept)) = (failure.lost(), this.again.take()) else {
                return Poll::Ready(Err(failure.error));
            };
            let Kept { message, shared } = *kept;
            shared.signals.report(number, failure.error);
            let attempt = shared.send_over_other(number, message);
            this.stage.set(Stage::Waiting { attempt });
        }
    }
}

/// A clone is not ready: it has to be polled itself.
impl<T: Transport> Clone for Swap<T> {
    fn clone(&self) -> Self {
        Self::over(Arc::clone(&self.shared))
    }
}

impl<T> fmt::Debug for Swap<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Swap").finish_non_exhaustive()
    }
}
