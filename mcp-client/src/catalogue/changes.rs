//! The stream of changes of a catalogue.

use super::{Difference, Listed, Snapshot, state::State};
use crate::Error;
use futures_core::{Stream, stream::BoxStream};
use futures_util::{StreamExt, stream};
use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};
use tokio::sync::watch;

/// The stream of changes of a list, made by [`Catalogue::changes`](super::Catalogue::changes).
///
/// An error says that the list could not be fetched; more items may follow. The stream ends with the session. A slow
/// reader misses nothing: it gets everything that changed since its last item as one [`Difference`].
#[must_use = "streams do nothing unless polled"]
pub struct Changes<T>(BoxStream<'static, Result<Difference<T>, Arc<Error>>>);

struct Seen<T> {
    state: watch::Receiver<State<T>>,
    snapshot: Arc<Snapshot<T>>,
    failure: Option<Arc<Error>>,
}

impl<T: Listed> Changes<T> {
    pub(super) fn new(state: watch::Receiver<State<T>>, since: Arc<Snapshot<T>>) -> Self {
        let seen = Seen { state, snapshot: since, failure: None };
        Self(
            stream::unfold(seen, async |mut seen| {
                let item = seen.next().await?;
                Some((item, seen))
            })
            .boxed(),
        )
    }
}

impl<T: Listed> Seen<T> {
    /// Returns the next difference; `None` once there will be no more.
    async fn next(&mut self) -> Option<Result<Difference<T>, Arc<Error>>> {
        loop {
            let (snapshot, failure) = {
                let state = self.state.borrow_and_update();
                (Arc::clone(&state.snapshot), state.failure.clone())
            };
            if !Arc::ptr_eq(&snapshot, &self.snapshot) {
                let difference = Difference::between(&self.snapshot, &snapshot);
                self.snapshot = snapshot;
                if !difference.is_empty() {
                    return Some(Ok(difference));
                }
            }
            let is_known = match (&failure, &self.failure) {
                (Some(now), Some(before)) => Arc::ptr_eq(now, before),
                (now, _) => now.is_none(),
            };
            self.failure = failure;
            if let Some(error) = self.failure.clone().filter(|_| !is_known) {
                return Some(Err(error));
            }
            self.state.changed().await.ok()?;
        }
    }
}

impl<T> Stream for Changes<T> {
    type Item = Result<Difference<T>, Arc<Error>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(cx)
    }
}

impl<T> fmt::Debug for Changes<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Changes(..)")
    }
}
