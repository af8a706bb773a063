//! The login flow: the order of its steps.

use super::{
    AuthenticationMethod, Error, ErrorKind, Form, Registration, Site, TokenType, Tokens,
    authorize::{self, Wanted},
    challenge::Asked,
    discover::{Found, discover},
    dpop::{self, Prover},
    fetch::Fetch,
    login::{Held, Login, Origin, unix_time},
    register::{self, Plan},
    scopes::{self, Sources},
    token::{self, Granted, TokenRequest},
};
use crate::BoxError;
use std::{fmt, sync::Arc};

/// What a flight obtains, if anything.
pub(super) type Gained = Result<Option<(Tokens, Origin)>, Error>;

/// One attempt to obtain tokens.
#[derive(Clone, Copy)]
pub(super) struct Flow<'a> {
    pub(super) login: &'a Login,
    pub(super) fetch: &'a Fetch,
    /// The tokens to be replaced.
    pub(super) replaced: Option<&'a Held>,
    /// What the server asked for in its refusal.
    pub(super) asked: &'a Asked,
}

impl Flow<'_> {
    /// Loads the tokens from the store.
    pub(super) async fn load(&self) -> Gained {
        Ok(self.stored().await.map(|tokens| (tokens, Origin::Stored)))
    }

    /// Refreshes tokens that are still valid, without asking the user.
    pub(super) async fn refresh_in_time(&self) -> Gained {
        let Some(held) = self.replaced else { return Ok(None) };
        let found = self.discover().await?;
        if let Some(refreshed) = self.refresh(held, &found).await? {
            return Ok(Some(refreshed));
        }
        match self.login.oauth.grant.is_some() {
            true => self.granted(&found, self.scopes(&found)).await,
            false => Ok(None),
        }
    }

    /// Obtains tokens in place of those that were refused.
    pub(super) async fn renew(&self, may_ask: bool) -> Gained {
        if let Some(stored) = self.renewed_elsewhere().await {
            return Ok(Some((stored, Origin::Stored)));
        }
        let found = self.discover().await?;
        // A refresh grants no more scopes, and the refresh of a token that was refused right away gives nothing better.
        let helps = |held: &&Held| {
            let is_new = held.origin == Origin::Refreshed && held.is_fresh();
            !is_new && !self.asked.wants_more_scopes()
        };
        if let Some(held) = self.replaced.filter(helps)
            && let Some(refreshed) = self.refresh(held, &found).await?
        {
            return Ok(Some(refreshed));
        }
        let scopes = self.scopes(&found);
        if self.login.oauth.grant.is_some() {
            return self.granted(&found, scopes).await;
        }
        match may_ask {
            true => self.authorized(&found, scopes).await,
            false => Err(Error::new(ErrorKind::Receiver, "the user would have to be asked")),
        }
    }

    /// Returns the tokens that another process has stored since, if they can do what these could not.
    async fn renewed_elsewhere(&self) -> Option<Tokens> {
        let held = self.replaced?;
        let stored = self.stored().await?;
        let is_other = stored.access_token != held.tokens.access_token;
        let may_do = !self.asked.wants_more_scopes()
            || scopes::covers(&stored.scopes, self.asked.scope.as_deref());
        (is_other && may_do).then_some(stored)
    }

    // spec: AUTH-02 REG-11 REG-12 REG-14
    async fn discover(&self) -> Result<Found, Error> {
        let Login { oauth, server, .. } = self.login;
        let named = self.asked.resource_metadata.as_deref();
        let found = discover(self.fetch, oauth, server, named).await?;
        let bound = self.replaced.map(|held| &held.tokens.issuer);
        match bound.filter(|issuer| **issuer != found.server.issuer) {
            // A configured client belongs to the authorization server that it was first used with.
            Some(issuer) if oauth.client_id.is_some() => {
                let message = format!(
                    "{} has moved from {issuer} to {}, where the client that is configured is not registered",
                    self.login.key.server, found.server.issuer
                );
                Err(Error::new(ErrorKind::Configuration, message))
            }
            _ => Ok(found),
        }
    }

    // spec: SCOPE-03 SCOPE-04 TOK-08
    fn scopes(&self, found: &Found) -> Vec<String> {
        let oauth = &self.login.oauth;
        let held = self.replaced.filter(|held| held.tokens.issuer == found.server.issuer);
        let offline = oauth.offline_access
            && oauth.grant.is_none()
            && scopes::has_offline_access(found.server.scopes_supported.as_deref());
        let sources = Sources {
            before: held.map_or(&[], |held| &held.tokens.scopes),
            configured: &oauth.scopes,
            challenged: self.asked.scope.as_deref(),
            supported: found.scopes_supported.as_deref(),
            offline,
        };
        sources.select()
    }

    /// Exchanges a refresh token for new tokens, if there is one and it is still valid.
    // spec: TOK-06 TOK-09 RSRC-01
    async fn refresh(&self, held: &Held, found: &Found) -> Gained {
        let is_same =
            held.tokens.issuer == found.server.issuer && held.tokens.resource == found.resource;
        if held.tokens.refresh_token.is_none() || !is_same {
            return Ok(None);
        }
        let lock = self.login.oauth.store.lock(&self.login.key).await;
        let _lock = lock.map_err(|error| self.store_failed("locked", &error)).ok();
        // While this process waited, another one may have used up the token.
        if let Some(stored) = self.renewed_elsewhere().await {
            return Ok(Some((stored, Origin::Stored)));
        }
        let old = &held.tokens;
        let refresh_token = old.refresh_token.as_ref().map(|it| it.expose().to_owned());
        let form: Form = vec![
            ("grant_type".into(), "refresh_token".to_owned()),
            ("refresh_token".into(), refresh_token.unwrap_or_default()),
            ("resource".into(), old.resource.clone()),
        ];
        match self.ask_for_tokens(found, &old.client, form).await {
            Ok(mut granted) => {
                // A refresh token that is not replaced stays valid.
                granted.refresh_token = granted.refresh_token.or_else(|| old.refresh_token.clone());
                let tokens = self.tokens(found, &old.client, old.scopes.clone(), granted);
                self.keep(&tokens).await;
                Ok(Some((tokens, Origin::Refreshed)))
            }
            Err(error) if is_refusal(&error) => {
                tracing::debug!(server = %self.login.key.server, %error, "refresh token is no good any more");
                self.forget(old).await;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Obtains tokens by a grant that needs no user.
    async fn granted(&self, found: &Found, scopes: Vec<String>) -> Gained {
        let oauth = &self.login.oauth;
        let Some(grant) = &oauth.grant else { return Ok(None) };
        let known = self.known(&found.server.issuer).await;
        let plan = register::plan(oauth, &found.server, known, None, unix_time())?;
        let Plan::Use(client) = plan else { return Ok(None) };
        let scopes = if grant.asks_for_scopes() { scopes } else { oauth.scopes.clone() };
        let site = Site {
            issuer: &found.server.issuer,
            resource: &found.resource,
            token_endpoint: &found.server.token_endpoint,
            client_id: &client.client_id,
            scopes: &scopes,
            fetch: self.fetch,
        };
        let mut form = grant.form(&site).await?;
        form.push(("resource".into(), found.resource.clone()));
        if !scopes.is_empty() {
            form.push(("scope".into(), scopes.join(" ")));
        }
        let granted = self.ask_for_tokens(found, &client, form).await?;
        let tokens = self.tokens(found, &client, scopes, granted);
        self.keep(&tokens).await;
        Ok(Some((tokens, Origin::Granted)))
    }

    /// Obtains tokens that the user grants. If an earlier registration is no longer known, the client registers again,
    /// once.
    async fn authorized(&self, found: &Found, scopes: Vec<String>) -> Gained {
        let issuer = &found.server.issuer;
        let takes_known = register::takes_known(&self.login.oauth, &found.server);
        let known = self.known(issuer).await.filter(|_| takes_known);
        let outcome = self.authorized_as(found, &scopes, known.clone()).await;
        let tokens = match (outcome, known) {
            (Err(error), Some(known)) if is_unknown_client(&error) => {
                tracing::debug!(%issuer, %error, "client is not known any more; registering again");
                let forgotten = self.login.oauth.store.forget_registration(issuer, &known).await;
                _ = forgotten.map_err(|error| self.store_failed("changed", &error));
                self.authorized_as(found, &scopes, None).await?
            }
            (outcome, _) => outcome?,
        };
        self.keep(&tokens).await;
        Ok(Some((tokens, Origin::Granted)))
    }

    // spec: FLOW-01 FLOW-04 FLOW-11 RSRC-01
    async fn authorized_as(
        &self,
        found: &Found,
        scopes: &[String],
        known: Option<Registration>,
    ) -> Result<Tokens, Error> {
        let oauth = &self.login.oauth;
        let receiver = oauth.receiver.as_ref().ok_or_else(|| {
            let message = format!(
                "{} wants a login, and nobody can be asked: configure a receiver",
                self.login.key.server
            );
            Error::new(ErrorKind::Configuration, message)
        })?;
        let pending = receiver.prepare().await?;
        let redirect_uri = pending.redirect_uri().to_owned();
        let client = self.client(found, known, &redirect_uri).await?;
        let (request, expected) = authorize::request(&Wanted {
            server: &self.login.server,
            metadata: &found.server,
            resource: &found.resource,
            client: &client,
            redirect_uri: &redirect_uri,
            scopes,
        })?;
        let redirect = pending.receive(request.clone()).await?;
        let code = authorize::code(&request, &expected, redirect)?;
        let form: Form = vec![
            ("grant_type".into(), "authorization_code".to_owned()),
            ("code".into(), code.expose().to_owned()),
            ("redirect_uri".into(), redirect_uri),
            ("code_verifier".into(), expected.verifier.expose().to_owned()),
            ("resource".into(), found.resource.clone()),
        ];
        let granted = self.ask_for_tokens(found, &client, form).await?;
        Ok(self.tokens(found, &client, scopes.to_vec(), granted))
    }

    /// Returns the client, registered if necessary.
    // spec: REG-01 REG-10 REG-13
    async fn client(
        &self,
        found: &Found,
        known: Option<Registration>,
        redirect_uri: &str,
    ) -> Result<Registration, Error> {
        let Login { oauth, .. } = self.login;
        let issuer = &found.server.issuer;
        let plan = register::plan(oauth, &found.server, known, Some(redirect_uri), unix_time())?;
        let (endpoint, request) = match plan {
            Plan::Use(client) => return Ok(client),
            Plan::Register(endpoint, request) => (endpoint, request),
        };
        let answer = self.fetch.post_json(&endpoint, &request).await?;
        let said = answer.object();
        let client = match said.as_ref().filter(|_| answer.status.is_success()) {
            Some(said) => register::read(&request, said, issuer, redirect_uri)?,
            None => {
                let said = said.as_ref();
                let code = said.and_then(|said| said.get("error")?.as_str());
                let what = token::description(said).unwrap_or_else(|| answer.status.to_string());
                let message = format!(
                    "{issuer} does not register the client with {redirect_uri}: {what:?}; \
                     another redirect URI or a client that is registered by hand may do"
                );
                let error = Error::new(ErrorKind::Registration, message);
                return Err(code.map_or(error.clone(), |code| error.with_code(code)));
            }
        };
        let saved = oauth.store.save_registration(issuer, &client).await;
        _ = saved.map_err(|error| self.store_failed("written", &error));
        Ok(client)
    }

    async fn ask_for_tokens(
        &self,
        found: &Found,
        client: &Registration,
        form: Form,
    ) -> Result<Granted, Error> {
        let assert = self.login.oauth.assert.as_deref();
        let assert = assert.filter(|_| client.method == AuthenticationMethod::PrivateKeyJwt);
        let (issuer, endpoint) = (&found.server.issuer, &found.server.token_endpoint);
        let prover = self.prover(found)?;
        let request =
            TokenRequest { issuer, endpoint, client, assert, form, prover: prover.as_deref() };
        self.login.no_return();
        let granted = request.send(self.fetch).await?;
        if granted.token_type == TokenType::Dpop && prover.is_none() {
            let message = format!("{issuer} gave a token for a proof that nobody has asked for");
            return Err(Error::new(ErrorKind::Token, message));
        }
        Ok(granted)
    }

    /// Returns what binds tokens to a key, if the server wants that, or if they were bound before.
    fn prover(&self, found: &Found) -> Result<Option<Arc<Prover>>, Error> {
        let held = self.replaced.filter(|held| held.tokens.issuer == found.server.issuer);
        let key = held.and_then(|held| held.tokens.proof_key.as_ref());
        let is_wanted = self.asked.scheme == Some(TokenType::Dpop) || found.wants_bound_tokens;
        if !is_wanted && key.is_none() {
            return Ok(None);
        }
        let algorithms = found.server.dpop_algorithms.as_ref();
        if algorithms.is_some_and(|known| !known.iter().any(|name| name == dpop::ALGORITHM)) {
            let issuer = &found.server.issuer;
            let message =
                format!("{issuer} takes no proofs that are signed with {}", dpop::ALGORITHM);
            return Err(Error::new(ErrorKind::Metadata, message));
        }
        self.login.prover(key).map(Some)
    }

    fn tokens(
        &self,
        found: &Found,
        client: &Registration,
        scopes: Vec<String>,
        granted: Granted,
    ) -> Tokens {
        let Granted { access_token, token_type, refresh_token, expires_in } = granted;
        Tokens {
            issuer: found.server.issuer.clone(),
            resource: found.resource.clone(),
            client: client.clone(),
            access_token,
            token_type,
            refresh_token,
            expires_at: expires_in.map(|seconds| unix_time().saturating_add(seconds)),
            lifetime: expires_in,
            scopes,
            proof_key: self.prover(found).ok().flatten().map(|prover| prover.secret()),
        }
    }

    async fn stored(&self) -> Option<Tokens> {
        let stored = self.login.oauth.store.tokens(&self.login.key).await;
        stored.map_err(|error| self.store_failed("read", &error)).ok().flatten()
    }

    async fn known(&self, issuer: &str) -> Option<Registration> {
        let known = self.login.oauth.store.registration(issuer).await;
        known.map_err(|error| self.store_failed("read", &error)).ok().flatten()
    }

    async fn keep(&self, tokens: &Tokens) {
        let saved = self.login.oauth.store.save_tokens(&self.login.key, tokens).await;
        _ = saved.map_err(|error| self.store_failed("written", &error));
    }

    async fn forget(&self, tokens: &Tokens) {
        let forgotten = self.login.oauth.store.forget_tokens(&self.login.key, tokens).await;
        _ = forgotten.map_err(|error| self.store_failed("changed", &error));
    }

    /// A failing store does not fail the login: the tokens are kept in memory.
    fn store_failed(&self, what: &str, error: &BoxError) {
        let error: &dyn fmt::Display = error;
        tracing::warn!(server = %self.login.key.server, %error, "store of tokens cannot be {what}");
    }
}

/// Returns whether an authorization server has rejected a grant, which it would do again.
fn is_refusal(error: &Error) -> bool {
    let is_passing = ["temporarily_unavailable", "server_error", "slow_down", "use_dpop_nonce"];
    error.code().is_some_and(|code| !is_passing.contains(&code))
}

/// Returns whether an authorization server does not know the client, or no longer does.
fn is_unknown_client(error: &Error) -> bool {
    matches!(error.code(), Some("invalid_client" | "unauthorized_client"))
}
