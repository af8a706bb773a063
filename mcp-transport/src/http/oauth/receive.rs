//! The part of a login that happens in a browser: sending the user off, receiving the answer.

use super::{Error, ErrorKind, Redirect, secret::Secret};
use crate::{BoxError, Url};
use futures_util::future::BoxFuture;
use ring::digest::{SHA256, digest};
use std::{fmt, future::Future, sync::Arc};

/// Sends users to authorization servers and waits for their answers.
///
/// A loopback port is one way, pasting a URL is another, and a page of your own is a third. [`ReceiverFn`] makes a receiver of
/// a function.
pub trait Receiver: Send + Sync + 'static {
    /// Prepares for one answer, which fixes the redirect URI.
    ///
    /// # Errors
    ///
    /// No answer can be received, for example because the port is taken.
    fn prepare(&self) -> BoxFuture<'_, Result<Box<dyn Pending>, Error>>;
}

/// A receiver that is ready for one answer. Dropping it frees its port or other resources.
pub trait Pending: Send {
    /// The redirect URI: `https`, or `http` on this machine.
    fn redirect_uri(&self) -> &str;

    /// Sends the user to [`AuthorizationRequest::url`] and waits for the first answer that the request
    /// [accepts](AuthorizationRequest::accepts). What it does not accept is not an answer: the wait goes on.
    ///
    /// # Errors
    ///
    /// The user could not be asked, gave up, or did not answer in time.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up: nothing listens any more.
    fn receive(
        self: Box<Self>,
        request: AuthorizationRequest,
    ) -> BoxFuture<'static, Result<Redirect, Error>>;
}

/// What a user is asked for, and by whom: for the program to show before the browser opens.
#[derive(Clone)]
#[non_exhaustive]
pub struct AuthorizationRequest {
    /// The page of the authorization server, `https` or on this machine. It contains no secret, and is valid for one
    /// login.
    pub url: Url,
    /// The MCP server that the access is for.
    pub server: String,
    /// The resource, as the metadata of the server names itself.
    pub resource: String,
    /// The authorization server.
    pub issuer: String,
    /// The token endpoint, where the code will be exchanged.
    pub token_endpoint: Url,
    /// The scopes that are asked for.
    pub scopes: Vec<String>,
    /// The redirect URI.
    pub redirect_uri: String,
    pub(super) state: Secret,
}

impl AuthorizationRequest {
    /// Whether an answer belongs to this request: compares the `state` in constant time.
    pub fn accepts(&self, redirect: &Redirect) -> bool {
        let hash = |text: &str| digest(&SHA256, text.as_bytes());
        let state = redirect.state.as_deref();
        state.is_some_and(|state| hash(state).as_ref() == hash(self.state.expose()).as_ref())
    }
}

impl fmt::Debug for AuthorizationRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizationRequest")
            .field("server", &self.server)
            .field("issuer", &self.issuer)
            .field("scopes", &self.scopes)
            .field("redirect_uri", &self.redirect_uri)
            .finish_non_exhaustive()
    }
}

type Answer = BoxFuture<'static, Result<String, BoxError>>;

/// A receiver that is a function: it gets the request, shows its URL to the user, and returns the URL that the user was
/// sent to.
///
/// ```
/// use mcp_transport::http::oauth::ReceiverFn;
///
/// let receiver = ReceiverFn::new("https://app.example.com/callback", |request| async move {
///     println!("log in to {} here: {}", request.issuer, request.url);
///     let mut pasted = String::new();
///     std::io::stdin().read_line(&mut pasted)?;
///     Ok(pasted)
/// });
/// # let _ = receiver;
/// ```
#[derive(Clone)]
pub struct ReceiverFn {
    redirect_uri: String,
    ask: Arc<dyn Fn(AuthorizationRequest) -> Answer + Send + Sync>,
}

impl ReceiverFn {
    /// Sends users to `redirect_uri`; `ask` returns the whole URL at which they arrived.
    pub fn new<F, Fut>(redirect_uri: impl Into<String>, ask: F) -> Self
    where
        F: Fn(AuthorizationRequest) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<String, BoxError>> + Send + 'static,
    {
        let ask = Arc::new(move |request| Box::pin(ask(request)) as Answer);
        Self { redirect_uri: redirect_uri.into(), ask }
    }
}

impl fmt::Debug for ReceiverFn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReceiverFn")
            .field("redirect_uri", &self.redirect_uri)
            .finish_non_exhaustive()
    }
}

impl Receiver for ReceiverFn {
    fn prepare(&self) -> BoxFuture<'_, Result<Box<dyn Pending>, Error>> {
        let pending: Box<dyn Pending> = Box::new(self.clone());
        Box::pin(async { Ok(pending) })
    }
}

impl Pending for ReceiverFn {
    fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    fn receive(
        self: Box<Self>,
        request: AuthorizationRequest,
    ) -> BoxFuture<'static, Result<Redirect, Error>> {
        Box::pin(async move {
            let issuer = request.issuer.clone();
            let answer = (self.ask)(request).await.map_err(|source| {
                let message = format!("user could not be asked to log in at {issuer}");
                Error::new(ErrorKind::Receiver, message).with_source(source)
            })?;
            Ok(Redirect::from_url(&answer))
        })
    }
}
