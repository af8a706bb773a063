//! Enterprise-managed authorization: the identity provider of a company vouches for its user.

use super::{AssertionFn, Audience, bearer};
use crate::{
    BoxError, Url,
    http::oauth::{Error, ErrorKind, Form, Grant, Secret, Site},
};
use futures_util::future::BoxFuture;
use serde_json::Value;
use std::{fmt, future::Future, sync::Arc};

const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ID_JAG: &str = "urn:ietf:params:oauth:token-type:id-jag";
const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";

/// The grant of a user who is already logged in to a company: its identity provider issues an assertion for the
/// authorization server of the MCP server, which is exchanged for a token. The user is not asked again.
///
/// The client is registered at both: its identifier at the identity provider is set here, and the one at the
/// authorization server with [`OAuth::client_id`](super::super::OAuth::client_id).
///
/// The identity token of the user is requested each time, because it may have been renewed. It is sent only to the
/// identity provider, which has to use `https` or be on this machine.
///
/// See [the extension](https://modelcontextprotocol.io/extensions/auth/enterprise-managed-authorization).
///
/// ```
/// use mcp_transport::http::oauth::{EnterpriseManaged, OAuth};
///
/// # fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let idp = "https://login.corp.example/oauth2/token".parse()?;
/// let grant = EnterpriseManaged::new(idp, "agent-at-idp", |_| async {
///     Ok("the identity token of the user".into())
/// })?;
/// let oauth = OAuth::new("Agent").client_id("agent").client_secret("…").grant(grant);
/// # let _ = oauth;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct EnterpriseManaged {
    endpoint: Url,
    client_id: String,
    client_secret: Option<Secret>,
    subject_type: String,
    ask: Arc<AssertionFn>,
}

impl EnterpriseManaged {
    /// Uses the identity provider at `token_endpoint`, where the client is registered as `client_id`; `id_token`
    /// returns the identity token of the user.
    ///
    /// # Errors
    ///
    /// The endpoint is neither `https` nor on this machine.
    pub fn new<F, Fut>(
        token_endpoint: Url,
        client_id: impl Into<String>,
        id_token: F,
    ) -> Result<Self, Error>
    where
        F: Fn(Audience) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Secret, BoxError>> + Send + 'static,
    {
        let is_safe = token_endpoint.scheme() == "https"
            || (token_endpoint.scheme() == "http" && token_endpoint.is_loopback());
        if !is_safe {
            let message = format!(
                "identity provider at {} is not https: it would see secrets in the open",
                token_endpoint.origin()
            );
            return Err(Error::new(ErrorKind::Configuration, message));
        }
        Ok(Self {
            endpoint: token_endpoint,
            client_id: client_id.into(),
            client_secret: None,
            subject_type: ID_TOKEN.to_owned(),
            ask: Arc::new(move |audience| Box::pin(id_token(audience))),
        })
    }

    /// Sets the secret of the client at the identity provider, sent in the form.
    #[must_use]
    pub fn client_secret(mut self, secret: impl Into<Secret>) -> Self {
        self.client_secret = Some(secret.into());
        self
    }

    /// Sets the type of the user's token, if it is not an `OpenID` Connect identity token: a name of the registry, such
    /// as `urn:ietf:params:oauth:token-type:saml2`.
    #[must_use]
    pub fn subject_token_type(mut self, name: impl Into<String>) -> Self {
        self.subject_type = name.into();
        self
    }

    // spec: EMA-01
    async fn assertion(&self, site: &Site<'_>) -> Result<Secret, Error> {
        let idp = self.endpoint.origin();
        let subject = (self.ask)(Audience::of(site)).await.map_err(|source| {
            let message = format!("there is no identity token for {idp}");
            Error::new(ErrorKind::Token, message).with_source(source)
        })?;
        let mut form: Form = vec![
            ("grant_type".into(), TOKEN_EXCHANGE.to_owned()),
            ("requested_token_type".into(), ID_JAG.to_owned()),
            ("audience".into(), site.issuer().to_owned()),
            ("resource".into(), site.resource().to_owned()),
            ("subject_token".into(), subject.expose().to_owned()),
            ("subject_token_type".into(), self.subject_type.clone()),
            ("client_id".into(), self.client_id.clone()),
        ];
        if let Some(secret) = &self.client_secret {
            form.push(("client_secret".into(), secret.expose().to_owned()));
        }
        if !site.scopes().is_empty() {
            form.push(("scope".into(), site.scopes().join(" ")));
        }
        let said = site.post_form(&self.endpoint, &form).await?;
        let text = |name| said.get(name).and_then(Value::as_str).unwrap_or_default();
        match (text("issued_token_type"), text("access_token")) {
            (ID_JAG, assertion) if !assertion.is_empty() => Ok(assertion.into()),
            _ => {
                let message =
                    format!("{idp} gave something else than the assertion it was asked for");
                Err(Error::new(ErrorKind::Token, message))
            }
        }
    }
}

impl Grant for EnterpriseManaged {
    fn form<'a>(&'a self, site: &'a Site<'a>) -> BoxFuture<'a, Result<Form, Error>> {
        Box::pin(async move { Ok(bearer(&self.assertion(site).await?)) })
    }

    fn extension(&self) -> Option<&str> {
        Some("io.modelcontextprotocol/enterprise-managed-authorization")
    }
}

impl fmt::Debug for EnterpriseManaged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnterpriseManaged")
            .field("endpoint", &self.endpoint)
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}
