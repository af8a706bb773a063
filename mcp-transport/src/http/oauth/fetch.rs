//! The requests of a login itself: small, bounded, and sent to untrusted servers.

use super::{Error, ErrorKind};
use crate::{
    BoxError, Url,
    http::{HttpService, RequestBody, body, clock::Clock, endpoint::USER_AGENT, guard::Guarded},
};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri, header};
use serde_json::{Map, Value};
use std::{fmt, future::poll_fn, sync::Arc, time::Duration};
use tokio::time::timeout;

/// The most that is read of an answer, in bytes.
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

impl Answer {
    /// The JSON object in the body, if it is one.
    pub(super) fn object(&self) -> Option<Map<String, Value>> {
        serde_json::from_slice(&self.body).ok()
    }
}

type Send = dyn Fn(Request<RequestBody>) -> BoxFuture<'static, Result<Answer, BoxError>>
    + std::marker::Send
    + Sync;

/// Sends the requests of a login through the HTTP service of the server.
#[derive(Clone)]
pub(super) struct Fetch {
    send: Arc<Send>,
    guarded: Guarded,
}

impl Fetch {
    /// Creates one that sends through `service`, on behalf of a client of the MCP server in `guarded`.
    pub(super) fn new<S: HttpService>(service: S, guarded: Guarded) -> Self {
        let send = move |request| {
            let service = service.clone();
            Box::pin(send(service, request)) as BoxFuture<'static, _>
        };
        Self { send: Arc::new(send), guarded }
    }

    /// For URLs that were configured and not named by a server: they may be in a private network.
    pub(super) fn to_configured(&self) -> Self {
        let mut configured = self.clone();
        configured.guarded.allows_private = true;
        configured
    }

    /// Requests a document.
    pub(super) async fn get(&self, url: &Url) -> Result<Answer, Error> {
        self.send(request(Method::GET, url, Bytes::new())?).await
    }

    /// Posts a JSON object.
    pub(super) async fn post_json(
        &self,
        url: &Url,
        body: &Map<String, Value>,
    ) -> Result<Answer, Error> {
        let body = serde_json::to_vec(body).unwrap_or_default();
        let mut request = request(Method::POST, url, body.into())?;
        let json = HeaderValue::from_static("application/json");
        request.headers_mut().insert(header::CONTENT_TYPE, json);
        self.send(request).await
    }

    /// Sends a request whose answer is at most 1 MiB and arrives within 10 s. Redirects are not followed.
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

/// Builds a request that accepts JSON.
pub(super) fn request(
    method: Method,
    url: &Url,
    body: Bytes,
) -> Result<Request<RequestBody>, Error> {
    let mut request = Request::new(RequestBody::from(body));
    *request.method_mut() = method;
    *request.uri_mut() = uri(url)?;
    let json = HeaderValue::from_static("application/json");
    request.headers_mut().insert(header::ACCEPT, json);
    let agent = HeaderValue::from_static(USER_AGENT);
    request.headers_mut().insert(header::USER_AGENT, agent);
    Ok(request)
}

fn uri(url: &Url) -> Result<Uri, Error> {
    url.as_str().parse().map_err(|source| {
        let host = url.host();
        let message = format!("URL at {host} cannot be requested");
        Error::new(ErrorKind::Metadata, message).with_source(BoxError::from(source))
    })
}

/// Returns the URL of a request, without its query.
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
