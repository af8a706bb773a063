//! Grants for services, workloads and enterprises.

mod enterprise;

pub use enterprise::EnterpriseManaged;

use super::{Error, ErrorKind, Form, Grant, Secret, Site};
use crate::BoxError;
use futures_util::future::{BoxFuture, ready};
use std::{fmt, future::Future, sync::Arc};

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// The grant of a service that acts for itself: `client_credentials`.
///
/// The client authenticates with its secret or with a [`SigningKey`](super::SigningKey), and has to be preregistered.
///
/// See [the extension](https://modelcontextprotocol.io/extensions/auth/oauth-client-credentials).
///
/// ```
/// use mcp_transport::http::oauth::{ClientCredentials, OAuth};
///
/// let oauth = OAuth::new("Nightly report")
///     .client_id("report-service")
///     .client_secret("from the key store")
///     .issuer("https://auth.example.com")
///     .grant(ClientCredentials);
/// # let _ = oauth;
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "there is nothing to say about it")]
pub struct ClientCredentials;

impl Grant for ClientCredentials {
    fn form<'a>(&'a self, _: &'a Site<'a>) -> BoxFuture<'a, Result<Form, Error>> {
        Box::pin(ready(Ok(vec![("grant_type".into(), "client_credentials".to_owned())])))
    }

    // spec: CC-01
    fn extension(&self) -> Option<&str> {
        Some("io.modelcontextprotocol/oauth-client-credentials")
    }
}

type AssertionFn = dyn Fn(Audience) -> BoxFuture<'static, Result<Secret, BoxError>> + Send + Sync;

/// The audience of an assertion.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Audience {
    /// The authorization server that will read it.
    pub issuer: String,
    /// The MCP server that the token is for.
    pub resource: String,
}

impl Audience {
    fn of(site: &Site<'_>) -> Self {
        Self { issuer: site.issuer().to_owned(), resource: site.resource().to_owned() }
    }
}

/// The grant of a workload that its platform vouches for: an assertion of the platform is exchanged for a token (RFC
/// 7523).
///
/// The assertion is requested each time, because it is short-lived. One that is refused is not sent again, and no other
/// grant is tried.
///
/// ```
/// use mcp_transport::http::oauth::{JwtBearer, OAuth};
///
/// let grant = JwtBearer::from_fn(|_| async {
///     Ok(std::fs::read_to_string("/var/run/secrets/tokens/mcp")?.trim().into())
/// });
/// let oauth = OAuth::new("Worker").client_id("worker").grant(grant);
/// # let _ = oauth;
/// ```
#[derive(Clone)]
pub struct JwtBearer(Arc<AssertionFn>);

impl JwtBearer {
    /// Uses a fixed assertion.
    pub fn new(assertion: impl Into<Secret>) -> Self {
        let assertion = assertion.into();
        Self::from_fn(move |_| ready(Ok(assertion.clone())))
    }

    /// Calls `assertion` whenever a token is needed.
    pub fn from_fn<F, Fut>(assertion: F) -> Self
    where
        F: Fn(Audience) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Secret, BoxError>> + Send + 'static,
    {
        Self(Arc::new(move |audience| Box::pin(assertion(audience))))
    }
}

impl Grant for JwtBearer {
    fn form<'a>(&'a self, site: &'a Site<'a>) -> BoxFuture<'a, Result<Form, Error>> {
        Box::pin(async move {
            let assertion = (self.0)(Audience::of(site)).await.map_err(|source| {
                let message = format!("there is no assertion for {}", site.issuer());
                Error::new(ErrorKind::Token, message).with_source(source)
            })?;
            Ok(bearer(&assertion))
        })
    }

    fn asks_for_scopes(&self) -> bool {
        false
    }
}

impl fmt::Debug for JwtBearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JwtBearer")
    }
}

/// Builds the form that exchanges an assertion for a token.
fn bearer(assertion: &Secret) -> Form {
    vec![
        ("grant_type".into(), JWT_BEARER.to_owned()),
        ("assertion".into(), assertion.expose().to_owned()),
    ]
}
