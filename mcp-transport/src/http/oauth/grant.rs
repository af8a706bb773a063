//! The trait for grants that need no user.

use super::{Error, fetch::Fetch, token};
use crate::Url;
use futures_util::future::BoxFuture;
use serde_json::{Map, Value};
use std::{borrow::Cow, fmt};

/// Parameters of a request to a token endpoint, in their order.
pub type Form = Vec<(Cow<'static, str>, String)>;

/// A way to a token that asks no user: in place of the authorization code, for services and for managed clients.
pub trait Grant: Send + Sync + 'static {
    /// The parameters of the token request that make the grant, `grant_type` first.
    ///
    /// `resource`, `scope` and the proof of who the client is are added to them.
    ///
    /// # Errors
    ///
    /// There is nothing to get a token for.
    fn form<'a>(&'a self, site: &'a Site<'a>) -> BoxFuture<'a, Result<Form, Error>>;

    /// The extension of the protocol that the grant belongs to, which clients declare to servers. Default: none.
    fn extension(&self) -> Option<&str> {
        None
    }

    /// Whether scopes that the server names are asked for. Default: they are.
    fn asks_for_scopes(&self) -> bool {
        true
    }
}

/// For what a [`Grant`] is wanted.
#[derive(Clone, Copy)]
pub struct Site<'a> {
    pub(super) issuer: &'a str,
    pub(super) resource: &'a str,
    pub(super) token_endpoint: &'a Url,
    pub(super) client_id: &'a str,
    pub(super) scopes: &'a [String],
    pub(super) fetch: &'a Fetch,
}

impl Site<'_> {
    /// The authorization server.
    pub fn issuer(&self) -> &str {
        self.issuer
    }

    /// The MCP server, as its metadata names it.
    pub fn resource(&self) -> &str {
        self.resource
    }

    /// Where the form is going to be sent.
    pub fn token_endpoint(&self) -> &Url {
        self.token_endpoint
    }

    /// The identifier of the client.
    pub fn client_id(&self) -> &str {
        self.client_id
    }

    /// The scopes that are going to be asked for.
    pub fn scopes(&self) -> &[String] {
        self.scopes
    }

    /// Sends a form to another server, which the host has chosen, and gives the JSON object that it answers with.
    ///
    /// It may be in a private network, wherever the MCP server is.
    ///
    /// # Errors
    ///
    /// It refuses, in which case the error has a code; or it does not answer as a token endpoint should.
    pub async fn post_form(&self, url: &Url, form: &Form) -> Result<Map<String, Value>, Error> {
        token::post(&self.fetch.to_configured(), url, form, None, None).await
    }
}

impl fmt::Debug for Site<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Site")
            .field("issuer", &self.issuer)
            .field("resource", &self.resource)
            .finish_non_exhaustive()
    }
}
