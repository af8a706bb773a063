//! Waiting for what seldom happens, beside what often does.

use futures_util::{StreamExt, stream::FuturesUnordered};
use std::future::{Future, pending};

/// Runs a future that is polled only when it was woken itself, and not whenever the task around it is.
pub(crate) async fn seldom<F: Future>(future: F) -> F::Output {
    let mut alone = FuturesUnordered::new();
    // In a box, for the set takes room for two of what is in it.
    alone.push(Box::pin(future));
    match alone.next().await {
        Some(output) => output,
        // Nothing else was in it.
        None => pending().await,
    }
}
