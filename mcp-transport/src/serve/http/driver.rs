//! Driving the connections behind the sessions.

use super::sessions::{End, Sessions};
use crate::Error;
use futures_core::future::BoxFuture;
use futures_util::{StreamExt, stream::FuturesUnordered};
use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};
use tokio::time::{Sleep, sleep, sleep_until};

/// The session whose driver has ended, and how.
type Ended = (Arc<str>, Result<(), Error>);

/// Drives the connections of the sessions, and ends idle sessions.
pub(super) struct Driving {
    sessions: Arc<Sessions>,
    running: FuturesUnordered<BoxFuture<'static, Ended>>,
    next_look: Option<Pin<Box<Sleep>>>,
}

impl Driving {
    pub(super) fn new(sessions: Arc<Sessions>) -> Self {
        Self { sessions, running: FuturesUnordered::new(), next_look: None }
    }

    fn poll_running(&mut self, cx: &mut Context<'_>) {
        while let Poll::Ready(Some((key, end))) = self.running.poll_next_unpin(cx) {
            // A driver may end at once if there is nothing to do; a failure ends the session.
            if let Err(error) = end {
                tracing::debug!(%error, "a served session was lost");
                self.sessions.lose(&key);
            }
        }
    }
}

impl Driving {
    /// Ends idle sessions. Using a session only moves its end into the future, so a timer never fires too late.
    fn poll_idle(&mut self, cx: &mut Context<'_>) {
        if self.next_look.is_none() && self.sessions.is_in_use() {
            self.next_look = Some(Box::pin(sleep(self.sessions.idle())));
        }
        while let Some(alarm) = &mut self.next_look {
            if alarm.as_mut().poll(cx).is_pending() {
                return;
            }
            self.next_look = self.sessions.expire().map(|next| Box::pin(sleep_until(next)));
        }
    }
}

impl Future for Driving {
    type Output = Result<(), Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let (drivers, is_over) = self.sessions.take_drivers(cx);
        let drivers = drivers.into_iter();
        self.running.extend(drivers.map(|(key, driver)| -> BoxFuture<'static, Ended> {
            Box::pin(async move { (key, driver.await) })
        }));
        self.poll_running(cx);
        if is_over && self.running.is_empty() {
            return Poll::Ready(Ok(()));
        }
        self.poll_idle(cx);
        Poll::Pending
    }
}

impl Drop for Driving {
    fn drop(&mut self) {
        self.sessions.stop(End::Cut);
    }
}
