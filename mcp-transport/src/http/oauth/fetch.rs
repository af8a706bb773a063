//! The requests of a login itself: small, bounded, and without trust.

use super::{Error, ErrorKind};
use crate::{
    BoxError,
    http::{HttpService, RequestBody, body, clock::Clock, guard::Guarded},
};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderMap, Request, StatusCode};
use std::{fmt, future::poll_fn, sync::Arc, time::Duration};
use tokio::time::timeout;

/// The most that is read of an answer.
const MAX_BODY: usize = 1024 * 1024;

/// How long an answer may take.
const MAX_WAIT: Duration = Duration::from_secs(10);

/// An answer, read whole.
#[derive(Clone)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

type Send = dyn Fn(Request<RequestBody>) -> BoxFuture<'static, Result<Answer, BoxError>>
    + std::marker::Send
    + Sync;

/// Sends the requests of a login through the HTTP service that the server is reached by.
#[derive(Clone)]
pub(super) struct Fetch {
    send: Arc<Send>,
    guarded: Guarded,
}

impl Fetch {
    /// Through `service`, on behalf of a client of the MCP server that `guarded` names.
    pub(super) fn new<S: HttpService>(service: S, guarded: Guarded) -> Self {
        let send = move |request| {
            let service = service.clone();
            Box::pin(send(service, request)) as BoxFuture<'static, _>
        };
        Self { send: Arc::new(send), guarded }
    }

    /// Sends a request, whose answer is at most 1 MiB and comes within 10 s. No redirect is followed.
    pub(super) async fn send(&self, mut request: Request<RequestBody>) -> Result<Answer, Error> {
        request.extensions_mut().insert(self.guarded.clone());
        let place = place(&request);
        let failed = |source: BoxError| {
            Error::new(ErrorKind::Network, format!("{place} gave no answer")).with_source(source)
        };
        match timeout(MAX_WAIT, (self.send)(request)).await {
            Ok(answer) => answer.map_err(failed),
            Err(_) => {
                let message = format!("{place} did not answer within {MAX_WAIT:?}");
                Err(Error::new(ErrorKind::Network, message))
            }
        }
    }
}

impl fmt::Debug for Fetch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fetch")
    }
}

/// Where a request goes, without its query.
fn place(request: &Request<RequestBody>) -> String {
    let uri = request.uri();
    let host = uri.authority().map_or("", |authority| authority.as_str());
    format!("{}://{host}{}", uri.scheme_str().unwrap_or_default(), uri.path())
}

async fn send<S: HttpService>(
    mut service: S,
    request: Request<RequestBody>,
) -> Result<Answer, BoxError> {
    let place = place(&request);
    poll_fn(|cx| service.poll_ready(cx)).await.map_err(Into::into)?;
    let (head, body) = service.call(request).await.map_err(Into::into)?.into_parts();
    let body = body::read(body, MAX_BODY, &place, &mut Clock::default()).await?;
    Ok(Answer { status: head.status, headers: head.headers, body })
}
