//! Logging out: tokens are forgotten here and revoked at their issuer (RFC 7009).

use super::{
    AuthenticationMethod, AuthorizeLayer, Error, ErrorKind, Form, Secret, Tokens, discover,
    fetch::Fetch,
    login::Login,
    places,
    token::{self, TokenRequest},
};
use crate::{
    Url,
    http::{Endpoint, HttpService, MakeHttpService, guard::Guarded, make_service::Layered},
};
use futures_util::future::{Either, pending, select};
use http::Uri;
use std::pin::pin;

/// What became of the tokens at the authorization server after a logout. Locally they are forgotten in any case.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum LoggedOut {
    /// There were no tokens.
    NotLoggedIn,
    /// The authorization server has revoked them.
    Revoked,
    /// The authorization server does not support revocation: they stay valid until they expire.
    NotRevocable,
    /// The revocation failed: they may stay valid until they expire.
    NotRevoked(Error),
}

impl AuthorizeLayer {
    /// Logs out: forgets the tokens of the server, also in the store, and revokes them at their authorization server if
    /// it supports that ([RFC 7009](https://www.rfc-editor.org/rfc/rfc7009)). `service` is the service below the layer.
    ///
    /// A client that is still connected logs in again when the server asks for it. Its registration is kept for that.
    ///
    /// # Errors
    ///
    /// The store cannot be read, or it still has the tokens.
    ///
    /// # Cancel safety
    ///
    /// Tokens are forgotten before they are revoked: of a future that is dropped, some may be good until they expire.
    pub async fn log_out<S: HttpService>(&self, service: S) -> Result<LoggedOut, Error> {
        let login = self.login();
        let server: Uri = login.server.as_str().parse().map_err(|source| {
            let message = format!("{} cannot be requested", login.key.server);
            Error::new(ErrorKind::Configuration, message).with_source(crate::BoxError::from(source))
        })?;
        log_out(login, &Fetch::new(service, Guarded::new(server))).await
    }
}

impl<T: MakeHttpService> Endpoint<Layered<AuthorizeLayer, T>> {
    /// Logs out of the server: see [`AuthorizeLayer::log_out`]. Needs no connection.
    ///
    /// ```no_run
    /// use mcp_transport::http::{Endpoint, oauth::{FileStore, LoggedOut, OAuth}};
    ///
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let oauth = OAuth::new("My App").store(FileStore::new("/home/me/.config/my-app/tokens.json"));
    /// let endpoint = Endpoint::parse("https://example.com/mcp")?.oauth(oauth);
    /// if let LoggedOut::NotRevoked(error) = endpoint.log_out().await? {
    ///     eprintln!("{error}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// No request can be sent, the store cannot be read, or it still has the tokens.
    ///
    /// # Cancel safety
    ///
    /// Tokens are forgotten before they are revoked: of a future that is dropped, some may be good until they expire.
    pub async fn log_out(&self) -> Result<LoggedOut, Error> {
        let maker = &self.maker.inner;
        let service = maker.make_service(self.uri()).map_err(|source| {
            Error::new(ErrorKind::Network, "no request can be sent").with_source(source)
        })?;
        let upkeep = maker.upkeep().unwrap_or_else(|| Box::pin(pending()));
        let work = pin!(self.maker.layer.log_out(service));
        match select(work, upkeep).await {
            Either::Left((outcome, _)) => outcome,
            Either::Right(((), work)) => work.await,
        }
    }
}

async fn log_out(login: &Login, fetch: &Fetch) -> Result<LoggedOut, Error> {
    let (store, key) = (&login.oauth.store, &login.key);
    let failed = |what: &str, source| {
        let message = format!("store with the tokens of {} cannot be {what}", key.server);
        Error::new(ErrorKind::Store, message).with_source(source)
    };
    // Locked, so that tokens about to be removed are not refreshed meanwhile.
    let lock = store.lock(key).await;
    let _lock = lock.map_err(|error| tracing::debug!(%error, "tokens cannot be locked")).ok();
    let held = login.let_go();
    let stored = store.tokens(key).await.map_err(|error| failed("read", error))?;
    let Some(tokens) = stored.or(held) else { return Ok(LoggedOut::NotLoggedIn) };
    let forgotten = store.forget_tokens(key, &tokens).await;
    let outcome = match revoke(login, fetch, &tokens).await {
        Ok(true) => LoggedOut::Revoked,
        Ok(false) => LoggedOut::NotRevocable,
        Err(error) => {
            tracing::warn!(server = %key.server, %error, "tokens are not revoked");
            LoggedOut::NotRevoked(error)
        }
    };
    forgotten.map_err(|error| failed("changed", error))?;
    Ok(outcome)
}

/// Revokes tokens at the authorization server that issued them, and at no other; returns whether it supports
/// revocation.
async fn revoke(login: &Login, fetch: &Fetch, tokens: &Tokens) -> Result<bool, Error> {
    let Login { oauth, server, .. } = login;
    let metadata = discover::of_issuer(fetch, oauth, server, &tokens.issuer).await?;
    let Some(endpoint) = metadata.and_then(|metadata| metadata.revocation_endpoint) else {
        return Ok(false);
    };
    places::check_endpoint(&endpoint, server)?;
    // The refresh token first: revoking it revokes the tokens obtained with it.
    let all = [
        ("refresh_token", tokens.refresh_token.as_ref()),
        ("access_token", Some(&tokens.access_token)),
    ];
    let mut outcome = Ok(true);
    for (kind, token) in all.into_iter().filter_map(|(kind, token)| Some((kind, token?))) {
        let revoked = revoke_one(login, fetch, tokens, &endpoint, kind, token).await;
        // The first failure is reported, but the rest is still tried.
        outcome = outcome.and_then(|is_done| revoked.map(|()| is_done));
    }
    outcome
}

async fn revoke_one(
    login: &Login,
    fetch: &Fetch,
    tokens: &Tokens,
    endpoint: &Url,
    kind: &'static str,
    token: &Secret,
) -> Result<(), Error> {
    let client = &tokens.client;
    let assert = login.oauth.assert.as_deref();
    let assert = assert.filter(|_| client.method == AuthenticationMethod::PrivateKeyJwt);
    let form: Form =
        vec![("token".into(), token.expose().to_owned()), ("token_type_hint".into(), kind.into())];
    let mut request =
        TokenRequest { issuer: &tokens.issuer, endpoint, client, assert, prover: None, form };
    let authorization = request.authenticate().await?;
    let answer = token::send_form(fetch, endpoint, &request.form, authorization, None).await?;
    // An unknown token is no longer valid, so this is not an error.
    if answer.status.is_success() {
        return Ok(());
    }
    let said = answer.object();
    let why = token::description(said.as_ref()).unwrap_or_else(|| answer.status.to_string());
    let place = places::canonical(endpoint);
    let error =
        Error::new(ErrorKind::Token, format!("{place} does not revoke the {kind}: {why:?}"));
    let code = said.as_ref().and_then(|said| said.get("error")?.as_str());
    Err(code.map_or(error.clone(), |code| error.with_code(code)))
}
