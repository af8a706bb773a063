//! Termination signals: Ctrl-C and SIGTERM.

/// Waits until this process is told to end, and returns the matching exit code.
#[cfg(unix)]
pub(super) async fn told() -> u8 {
    use std::{future::poll_fn, task::Poll};
    use tokio::signal::unix::{SignalKind, signal};

    // Where no handler can be installed, signals end the process as usual.
    let kinds = [SignalKind::interrupt(), SignalKind::terminate()];
    let mut signals = kinds.map(|kind| (kind, signal(kind).ok()));
    poll_fn(|cx| {
        for (kind, signal) in &mut signals {
            if signal.as_mut().is_some_and(|signal| signal.poll_recv(cx).is_ready()) {
                return Poll::Ready(u8::try_from(128 + kind.as_raw_value()).unwrap_or(u8::MAX));
            }
        }
        Poll::Pending
    })
    .await
}

/// Waits until this process is told to end, and returns the matching exit code.
#[cfg(not(unix))]
pub(super) async fn told() -> u8 {
    match tokio::signal::ctrl_c().await {
        Ok(()) => 130,
        Err(_) => std::future::pending().await,
    }
}
