//! Opening new connections for a pool.

use crate::{
    BoxError,
    http::{
        RequestBody,
        dial::{Dialer, Stream},
    },
};
use futures_core::future::BoxFuture;
use http::Uri;
use hyper::{client::conn::http2, rt::Executor};
use hyper_util::{
    client::legacy::connect::Connection,
    rt::{TokioExecutor, TokioTimer},
};
use std::{error, fmt, time::Duration};

/// The longest time between pings, so that its end can be told.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// How connections are made and kept.
pub(in crate::http) struct Settings {
    pub(in crate::http) dialer: Dialer,
    pub(in crate::http) http2_only: bool,
    /// How often to ask over HTTP/2 whether the server is there, and how long to wait for the answer.
    pub(in crate::http) ping: (Duration, Duration),
    /// The most exchanges over HTTP/1.1 at the same time.
    pub(in crate::http) connections: usize,
    /// The most idle connections, and for how long they are kept.
    pub(in crate::http) idle: usize,
    pub(in crate::http) idle_timeout: Duration,
}

impl Settings {
    pub(super) async fn dial(&self, uri: &Uri) -> Result<Stream, BoxError> {
        self.dialer.connect(uri.clone()).await.map_err(|source| ConnectError(source).into())
    }

    /// Whether HTTP/2 is spoken over a new connection.
    pub(super) fn is_http2(&self, stream: &Stream) -> bool {
        self.http2_only || stream.connected().is_negotiated_h2()
    }

    /// Begins to speak HTTP/2. The connection ends when nobody uses it any more.
    pub(super) async fn open_http2(
        &self,
        stream: Stream,
    ) -> Result<http2::SendRequest<RequestBody>, BoxError> {
        let (ping, ping_timeout) = self.ping;
        let ping = Some(ping.min(LONGEST)).filter(|ping| !ping.is_zero());
        let (sender, connection) = http2::Builder::new(Beside)
            .timer(TokioTimer::new())
            .keep_alive_interval(ping)
            .keep_alive_timeout(ping_timeout.min(LONGEST))
            // Each cancelled call resets its stream. With the defaults a few thousand of them end the connection.
            .max_concurrent_reset_streams(8192)
            .max_local_error_reset_streams(65_536)
            .handshake(stream)
            .await?;
        Beside.execute(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection of HTTP/2 ended");
            }
        });
        Ok(sender)
    }
}

/// Runs what a connection of HTTP/2 does beside its requests, in boxes: tokio's part of a task is a lot to compile, and is
/// compiled for one kind of future then.
#[derive(Clone, Copy)]
struct Beside;

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Beside {
    fn execute(&self, future: F) {
        let future: BoxFuture<'static, ()> = Box::pin(future);
        TokioExecutor::new().execute(future);
    }
}

/// There is no connection.
#[derive(Debug)]
pub(in crate::http) struct ConnectError(BoxError);

impl ConnectError {
    /// Why there is none.
    pub(in crate::http) fn into_cause(self) -> BoxError {
        self.0
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no connection could be made")
    }
}

impl error::Error for ConnectError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        Some(&*self.0)
    }
}
