//! A transport whose connection can be replaced under it.

use crate::SameConnection;
use futures_util::{FutureExt, future::BoxFuture};
use mcp_transport::{ClientMessage, Delivery, Error, Replies, Transport};
use pin_project_lite::pin_project;
use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
};
use tokio::sync::{Notify, watch};
use tower_service::Service;

/// Sends over the connection that is open now.
///
/// A message that a lost connection has not carried waits for the next one, if there is to be one, and goes there, once.
pub(crate) struct Swap<T>(Arc<Shared<T>>);

struct Shared<T> {
    current: watch::Receiver<Current<T>>,
    signals: Arc<Signals>,
}

/// The connection of a session.
pub(crate) enum Current<T> {
    /// It is open; connections are numbered.
    Open(T, u64),
    /// It is lost, and will be replaced.
    Lost,
    /// It is lost, and there will be no other.
    Closed(Error),
}

/// What the users of a connection tell its supervisor.
#[derive(Default)]
pub(crate) struct Signals {
    /// A call waits for a connection.
    pub(crate) wanted: Notify,
    /// A call has found a connection broken.
    pub(crate) broke: Notify,
    /// The newest connection that was found broken, and how.
    broken: Mutex<Option<(u64, Error)>>,
    /// Whether messages are kept, to be sent again.
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

    /// How this connection broke, if somebody has found it so.
    pub(crate) fn broken(&self, number: u64) -> Option<Error> {
        let broken = self.broken.lock().unwrap_or_else(PoisonError::into_inner);
        let (newest, error) = broken.as_ref()?;
        (*newest == number).then(|| error.clone())
    }
}

impl<T: Transport> Swap<T> {
    pub(crate) fn new(current: watch::Receiver<Current<T>>, signals: Arc<Signals>) -> Self {
        Self(Arc::new(Shared { current, signals }))
    }

    /// Whether a connection is open now. One that is being replaced is not.
    pub(crate) fn is_open(&self) -> bool {
        let current = &self.0.current;
        matches!(&*current.borrow(), Current::Open(..)) && current.has_changed().is_ok()
    }

    /// Waits for a connection other than this one; gives the error of the lost one if there is none.
    fn reopened(&self, other_than: u64) -> Reopened<T> {
        let (mut current, signals) = (self.0.current.clone(), Arc::clone(&self.0.signals));
        async move {
            loop {
                match &*current.borrow_and_update() {
                    Current::Open(transport, number) if *number != other_than => {
                        return Ok((transport.clone(), *number));
                    }
                    Current::Open(..) => {}
                    Current::Lost => signals.wanted.notify_one(),
                    Current::Closed(error) => return Err(not_sent(error)),
                }
                if current.changed().await.is_err() {
                    return Err(Error::closed("session has ended", Delivery::NotSent));
                }
            }
        }
        .boxed()
    }
}

type Reopened<T> = BoxFuture<'static, Result<(T, u64), Error>>;

/// No connection has this number.
const NONE: u64 = 0;

impl<T: Transport> Service<ClientMessage> for Swap<T> {
    type Response = Replies;
    type Error = Error;
    type Future = Sending<T>;

    /// Always ready: the call waits for the connection.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, message: ClientMessage) -> Sending<T> {
        let again = self.0.signals.keeps.then(|| message.clone());
        let stage = match &*self.0.current.borrow() {
            Current::Open(transport, number) => {
                let transport = transport.clone();
                Stage::Ready { transport, number: *number, message: Some(message) }
            }
            Current::Lost => {
                Stage::Waiting { reopened: self.reopened(NONE), message: Some(message) }
            }
            Current::Closed(error) => Stage::Failed { error: Some(not_sent(error)) },
        };
        Sending { stage, again, swap: self.clone() }
    }
}

/// Whether a message may go over the connection with this number.
fn may_go(message: &ClientMessage, number: u64) -> bool {
    message.extensions.get::<SameConnection>().is_none_or(|same| same.admits(number))
}

fn replaced() -> Error {
    Error::closed("the connection that the call belongs to was replaced", Delivery::NotSent)
}

fn not_sent(error: &Error) -> Error {
    error.clone().with_delivery(Delivery::NotSent)
}

pin_project! {
    /// A message on its way.
    pub(crate) struct Sending<T: Transport> {
        #[pin]
        stage: Stage<T>,
        again: Option<ClientMessage>,
        swap: Swap<T>,
    }
}

pin_project! {
    #[project = StageProjection]
    enum Stage<T: Transport> {
        Ready { transport: T, number: u64, message: Option<ClientMessage> },
        Sent { #[pin] replies: T::Future, number: u64 },
        Waiting { reopened: Reopened<T>, message: Option<ClientMessage> },
        Failed { error: Option<Error> },
    }
}

impl<T: Transport> Future for Sending<T> {
    type Output = Result<Replies, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let (failed, number) = match this.stage.as_mut().project() {
                StageProjection::Ready { transport, number, message } => {
                    match ready!(transport.poll_ready(cx)) {
                        Ok(()) => {
                            let Some(message) = message.take() else { return Poll::Pending };
                            if !may_go(&message, *number) {
                                return Poll::Ready(Err(replaced()));
                            }
                            let (replies, number) = (transport.call(message), *number);
                            this.stage.set(Stage::Sent { replies, number });
                            continue;
                        }
                        Err(error) => (error, *number),
                    }
                }
                StageProjection::Sent { replies, number } => match ready!(replies.poll(cx)) {
                    Ok(replies) => return Poll::Ready(Ok(replies)),
                    Err(error) => (error, *number),
                },
                StageProjection::Waiting { reopened, message } => {
                    let (transport, number) = ready!(reopened.as_mut().poll(cx))?;
                    let message = message.take();
                    this.stage.set(Stage::Ready { transport, number, message });
                    continue;
                }
                StageProjection::Failed { error } => match error.take() {
                    Some(error) => return Poll::Ready(Err(error)),
                    None => return Poll::Pending,
                },
            };
            let is_lost = failed.is_closed() && failed.delivery() == Delivery::NotSent;
            let Some(message) = this.again.take().filter(|_| is_lost) else {
                return Poll::Ready(Err(failed));
            };
            this.swap.0.signals.report(number, failed);
            let reopened = this.swap.reopened(number);
            this.stage.set(Stage::Waiting { reopened, message: Some(message) });
        }
    }
}

impl<T> Clone for Swap<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> fmt::Debug for Swap<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Swap").finish_non_exhaustive()
    }
}
