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

/// The longest time between pings, so that its end can be represented.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// How connections are made and kept.
pub(in crate::http) struct Settings {
    pub(in crate::http) dialer: Dialer,
    pub(in crate::http) http2_only: bool,
    /// The interval of HTTP/2 pings, and how long to wait for their answers.
    pub(in crate::http) ping: (Duration, Duration),
    /// The most concurrent exchanges over HTTP/1.1.
    pub(in crate::http) connections: usize,
    /// The most idle connections, and how long they are kept.
    pub(in crate::http) idle: usize,
    pub(in crate::http) idle_timeout: Duration,
}

impl Settings {
    pub(super) async fn dial(&self, uri: &Uri) -> Result<Stream, BoxError> {
        self.dialer.connect(uri.clone()).await.map_err(|source| ConnectError(source).into())
    }

    /// Returns whether a new connection uses HTTP/2.
    pub(super) fn is_http2(&self, stream: &Stream) -> bool {
        self.http2_only || stream.connected().is_negotiated_h2()
    }

    /// Starts HTTP/2. The connection ends when it is no longer used.
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
            // Each cancelled call resets its stream. With the defaults a few thousand of them would end the connection.
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

/// Runs the background work of HTTP/2 connections, boxed: tokio's task code is a lot to compile, and this way it is
/// compiled for one future type only.
#[derive(Clone, Copy)]
struct Beside;

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Beside {
    fn execute(&self, future: F) {
        let future: BoxFuture<'static, ()> = Box::pin(future);
        TokioExecutor::new().execute(future);
    }
}

/// A connection could not be made.
#[derive(Debug)]
pub(in crate::http) struct ConnectError(BoxError);

impl ConnectError {
    /// Returns the cause.
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
