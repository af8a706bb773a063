//! Servers in this process: one transport shared by all connections.

use super::{Binding, Connector, Driver, Link};
use crate::{ClientMessage, Delivery, Error, Replies, ServerMessage, Transport};
use futures_core::Stream;
use futures_util::future::select;
use pin_project_lite::pin_project;
use std::{
    convert::Infallible,
    fmt,
    future::Future,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
};
use tokio::sync::{Notify, mpsc};
use tower_service::Service;

/// A connector that hands out clones of one transport, for servers in this process and for mocks.
///
/// Each connection has a driver, although there is no work to do: it ends when the connection is no longer used, and
/// dropping it fails the calls in flight, as with any other binding.
#[derive(Clone, Debug)]
pub struct Shared<T>(T);

impl<T: Transport> Shared<T> {
    /// Hands out clones of `transport`.
    pub fn new(transport: T) -> Self {
        Self(transport)
    }
}

impl<T: Transport> Connector for Shared<T> {
    type Transport = InProcess<T>;

    async fn connect(&self) -> Result<Link<InProcess<T>>, Error> {
        let (used, mut uses) = mpsc::channel(1);
        let transport = InProcess { inner: self.0.clone(), tie: Tie { used, cut: None } };
        let stop = Arc::new(Notify::new());
        let stopped = Arc::clone(&stop);
        let driver = Driver::new(async move {
            // Nothing is ever sent: it ends when all senders are gone.
            let unused = pin!(async { _ = uses.recv().await });
            select(unused, pin!(stopped.notified())).await;
            Ok(())
        });
        let driver = driver.with_shut_down(move || stop.notify_one());
        Ok(Link::new(transport, Binding::InProcess).with_driver(driver))
    }
}

/// A connection to a service in this process, which works as long as its driver lives.
///
/// # Cancel safety
///
/// Dropping a call or its replies drops the work of the service on it; so does dropping the driver.
#[derive(Clone)]
pub struct InProcess<T> {
    inner: T,
    tie: Tie,
}

impl<T: Transport> Service<ClientMessage> for InProcess<T> {
    type Response = Replies;
    type Error = Error;
    type Future = Calling<T::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        // The service first: while it is not ready, the end of the driver has to wake the caller.
        match self.inner.poll_ready(cx) {
            Poll::Ready(Ok(())) if self.tie.is_cut() => Poll::Ready(Err(gone(Delivery::NotSent))),
            Poll::Pending => self.tie.poll_cut(cx).map(|()| Err(gone(Delivery::NotSent))),
            ready @ Poll::Ready(_) => ready,
        }
    }

    fn call(&mut self, message: ClientMessage) -> Self::Future {
        Calling { reply: Some(self.inner.call(message)), tie: Some(self.tie.clone()) }
    }
}

impl<T> fmt::Debug for InProcess<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InProcess")
    }
}

pin_project! {
    /// The future of a call to a service in this process.
    #[must_use = "futures do nothing unless polled"]
    pub struct Calling<F> {
        #[pin]
        reply: Option<F>,
        tie: Option<Tie>,
    }
}

impl<F: Future<Output = Result<Replies, Error>>> Future for Calling<F> {
    type Output = Result<Replies, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let (Some(reply), Some(tie)) = (this.reply.as_mut().as_pin_mut(), &mut *this.tie) else {
            return Poll::Pending;
        };
        // An answer that has already arrived counts.
        if let Poll::Ready(replies) = reply.poll(cx) {
            let tie = this.tie.take();
            return Poll::Ready(replies.map(|replies| tied(replies, tie)));
        }
        if tie.poll_cut(cx).is_pending() {
            return Poll::Pending;
        }
        this.reply.set(None);
        Poll::Ready(Err(gone(Delivery::Unknown)))
    }
}

impl<F> fmt::Debug for Calling<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Calling")
    }
}

/// Ties the replies to the life of the driver. Replies that are already complete do not need it.
fn tied(replies: Replies, tie: Option<Tie>) -> Replies {
    match tie {
        Some(tie) if !replies.is_ready() => Replies::new(Tied { replies: Some(replies), tie }),
        _ => replies,
    }
}

struct Tied {
    /// None once the driver is gone.
    replies: Option<Replies>,
    tie: Tie,
}

impl Stream for Tied {
    type Item = Result<ServerMessage, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(replies) = &mut self.replies else { return Poll::Ready(None) };
        if let Poll::Ready(next) = Pin::new(replies).poll_next(cx) {
            return Poll::Ready(next);
        }
        if self.tie.poll_cut(cx).is_pending() {
            return Poll::Pending;
        }
        self.replies = None;
        Poll::Ready(Some(Err(gone(Delivery::Unknown))))
    }
}

/// Keeps the driver running, and learns when it is dropped.
struct Tie {
    used: mpsc::Sender<Infallible>,
    /// Created when something has to wait.
    cut: Option<Pin<Box<dyn Future<Output = ()> + Send + Sync>>>,
}

impl Tie {
    fn is_cut(&self) -> bool {
        self.used.is_closed()
    }

    fn poll_cut(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let used = &self.used;
        let cut = self.cut.get_or_insert_with(|| {
            let used = used.clone();
            Box::pin(async move { used.closed().await })
        });
        if cut.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        self.cut = None;
        Poll::Ready(())
    }
}

impl Clone for Tie {
    fn clone(&self) -> Self {
        Self { used: self.used.clone(), cut: None }
    }
}

fn gone(delivery: Delivery) -> Error {
    Error::closed("the driver of the connection to a service in this process was dropped", delivery)
}
