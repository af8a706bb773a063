//! The layer that logs in when a server asks for it.

use super::{
    Error, ErrorKind, OAuth,
    challenge::Asked,
    dpop,
    fetch::Fetch,
    login::{Held, Login, Origin},
    places, scopes,
};
use crate::{
    BoxError, Delivery, Patience, Url,
    http::{HttpService, RequestBody, body, driver::Rest, guard::Guarded, refusal},
};
use futures_util::future::BoxFuture;
use http::{Method, Request, Response, StatusCode, header};
use std::{
    fmt,
    future::poll_fn,
    mem,
    sync::Arc,
    task::{Context, Poll},
};
use tower_layer::Layer;
use tower_service::Service;

/// How many logins are started for one request.
const MAX_LOGINS: usize = 3;

/// Adds a token to every request, and logs in when the server asks for it.
///
/// [`Endpoint::oauth`](crate::http::Endpoint::oauth) adds it to an endpoint. It works with any HTTP service; requests to other
/// origins than that of the server pass unchanged.
///
/// A request that is refused with 401, or with 403 and `insufficient_scope`, waits for a login and is sent again. All
/// waiting requests share one login. If it fails, the request fails with an error whose cause is an
/// [`oauth::Error`](Error).
///
/// # Cancel safety
///
/// The waiting requests drive the login. It ends when the last of them is dropped, and nothing listens for its answer
/// any more. But once tokens have been requested, a connection of the endpoint waits for them by itself and stores
/// them, because a refresh token can often be used only once; a connection that is being closed does so for at most 3
/// s.
#[derive(Clone)]
pub struct AuthorizeLayer(Arc<Login>);

impl AuthorizeLayer {
    /// Creates a layer for requests to an MCP server.
    pub fn new(oauth: OAuth, server: Url) -> Self {
        Self(Arc::new(Login::new(oauth, server)))
    }

    pub(super) fn login(&self) -> &Login {
        &self.0
    }

    /// Drives what must not be given up, beside a connection; ready while there is nothing.
    pub(in crate::http) fn finish(&self) -> Rest {
        let mut finish = self.0.finishers.join();
        Box::new(move |cx| finish.poll(cx))
    }

    /// How long requests have waited for a login.
    pub fn patience(&self) -> &Patience {
        &self.0.patience
    }
}

impl<S> Layer<S> for AuthorizeLayer {
    type Service = Authorize<S>;

    fn layer(&self, inner: S) -> Authorize<S> {
        Authorize { inner, login: Arc::clone(&self.0) }
    }
}

impl fmt::Debug for AuthorizeLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AuthorizeLayer").field(&self.0).finish()
    }
}

/// The service of [`AuthorizeLayer`].
#[derive(Clone)]
pub struct Authorize<S> {
    inner: S,
    login: Arc<Login>,
}

impl<S> fmt::Debug for Authorize<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorize").field("login", &self.login).finish_non_exhaustive()
    }
}

impl<S: HttpService> Service<Request<RequestBody>> for Authorize<S> {
    type Response = Response<S::ResponseBody>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Response<S::ResponseBody>, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: Request<RequestBody>) -> Self::Future {
        // The service that is ready is used; its clone becomes ready later.
        let next = self.inner.clone();
        let inner = mem::replace(&mut self.inner, next);
        let login = Arc::clone(&self.login);
        Box::pin(Attempts { inner, login, logins: 0 }.run(request))
    }
}

/// One request, sent as often as necessary.
struct Attempts<S> {
    inner: S,
    login: Arc<Login>,
    /// How many logins were started for it.
    logins: usize,
}

impl<S: HttpService> Attempts<S> {
    // spec: TOK-01 TOK-02 TOK-03 TOK-10 SCOPE-05 SCOPE-06
    async fn run(
        mut self,
        request: Request<RequestBody>,
    ) -> Result<Response<S::ResponseBody>, BoxError> {
        if !self.login.is_for(request.uri()) {
            return self.inner.call(request).await.map_err(Into::into);
        }
        let guarded = Guarded::new(request.uri().clone());
        let service = self.inner.clone();
        let fetch = || Fetch::new(service.clone(), guarded.clone());
        let mut held = self.login.current(fetch).await;
        loop {
            let response = self.send(&request, held.as_deref()).await?;
            let Some(refusal) = Refusal::of(&response) else {
                held.iter().for_each(|held| held.accept());
                return Ok(response);
            };
            let may_ask = match *request.method() {
                Method::POST => true,
                // The HTTP+SSE transport begins with a GET.
                Method::GET => held.is_none(),
                // The user is not asked just to end a session.
                _ => return Ok(response),
            };
            // Time spent by a person does not count as the server's.
            let waiting = self.login.patience.wait();
            let renewed = match self.check(held.as_deref(), &refusal) {
                Ok(()) => self.login.renew(held.as_ref(), &refusal.asked, may_ask, fetch).await,
                Err(error) => Err(error),
            };
            drop(waiting);
            match renewed {
                Ok(renewed) => held = Some(renewed),
                Err(_) if !may_ask => return Ok(response),
                Err(error) => return Err(refusal.into_error(&self.login, error).into()),
            }
            // A connection whose answer was read to its end can be reused.
            body::drain(Box::pin(response.into_body())).await;
        }
    }

    async fn send(
        &mut self,
        request: &Request<RequestBody>,
        held: Option<&Held>,
    ) -> Result<Response<S::ResponseBody>, BoxError> {
        let response = self.try_once(request, held, self.logins > 0).await?;
        let Some(prover) = held.and_then(Held::prover) else { return Ok(response) };
        let has_nonce = prover.learn(request.uri(), response.headers());
        if !has_nonce || !wants_nonce(&response) {
            return Ok(response);
        }
        // The token is valid; the proof was not.
        body::drain(Box::pin(response.into_body())).await;
        let response = self.try_once(request, held, true).await?;
        prover.learn(request.uri(), response.headers());
        Ok(response)
    }

    async fn try_once(
        &mut self,
        request: &Request<RequestBody>,
        held: Option<&Held>,
        is_repeated: bool,
    ) -> Result<Response<S::ResponseBody>, BoxError> {
        let mut attempt = request.clone();
        if let Some(held) = held {
            attempt.headers_mut().insert(header::AUTHORIZATION, held.header().clone());
            if let Some(prover) = held.prover() {
                let token = Some(&held.tokens.access_token);
                let proof = prover.prove(request.method(), request.uri(), token)?;
                attempt.headers_mut().insert(dpop::PROOF, proof);
            }
        }
        if is_repeated {
            poll_fn(|cx| self.inner.poll_ready(cx)).await.map_err(Into::into)?;
        }
        self.inner.call(attempt).await.map_err(Into::into)
    }

    /// Checks whether another token may help.
    // spec: SCOPE-06 SCOPE-07 SBP-15
    fn check(&mut self, held: Option<&Held>, refusal: &Refusal) -> Result<(), Error> {
        let server = &self.login.key.server;
        self.logins += 1;
        if refusal.asked.wants_more_scopes() {
            let held = held.inspect(|held| held.accept());
            let scope = refusal.asked.scope.as_deref();
            let is_vain = held.is_some_and(|held| scopes::covers(&held.tokens.scopes, scope));
            if is_vain || self.logins > MAX_LOGINS {
                let message = match scope {
                    Some(_) if is_vain => "wants scopes that were asked for and not granted",
                    Some(_) => "wants more scopes without end",
                    None => "wants more scopes and does not say which",
                };
                let message = format!("{server} {message}");
                return Err(Error::new(ErrorKind::InsufficientScope, message));
            }
        }
        let is_fresh = held.is_some_and(|held| held.origin == Origin::Granted && held.is_fresh());
        if is_fresh || self.logins > MAX_LOGINS {
            let message =
                format!("{server} refuses a token that its authorization server has just given");
            return Err(Error::new(ErrorKind::Rejected, message));
        }
        Ok(())
    }
}

/// Returns whether a server refuses a proof only because of its nonce.
fn wants_nonce<B>(response: &Response<B>) -> bool {
    response.status() == StatusCode::UNAUTHORIZED
        && Asked::of(response.headers()).error.as_deref() == Some(dpop::USE_NONCE)
}

/// A refusal that a login may resolve.
struct Refusal {
    status: StatusCode,
    challenge: Option<String>,
    asked: Asked,
}

impl Refusal {
    fn of<B>(response: &Response<B>) -> Option<Self> {
        let status = response.status();
        if !matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            return None;
        }
        let asked = Asked::of(response.headers());
        let is_solvable = status == StatusCode::UNAUTHORIZED || asked.wants_more_scopes();
        is_solvable.then(|| Self {
            status,
            challenge: refusal::challenge(response.headers()),
            asked,
        })
    }

    fn into_error(self, login: &Login, source: Error) -> crate::Error {
        let server = places::canonical(&login.server);
        let message = match source.kind() {
            ErrorKind::InsufficientScope => format!("access to {server} does not suffice"),
            _ => format!("cannot log in to {server}"),
        };
        let error = crate::Error::other(message, Delivery::Delivered).with_status(self.status);
        let error = error.with_source(source);
        match self.challenge {
            Some(challenge) => error.with_challenge(challenge),
            None => error,
        }
    }
}
