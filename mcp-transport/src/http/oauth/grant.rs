//! The trait for grants that need no user.

use super::{Error, fetch::Fetch, token};
use crate::Url;
use futures_util::future::BoxFuture;
use serde_json::{Map, Value};
use std::{borrow::Cow, fmt};

/// Parameters of a request to a token endpoint, in order.
pub type Form = Vec<(Cow<'static, str>, String)>;

/// A grant that needs no user, in place of the authorization code: for services and for managed clients.
pub trait Grant: Send + Sync + 'static {
    /// The parameters of the token request that make the grant, `grant_type` first.
    ///
    /// `resource`, `scope` and the authentication of the client are added to them.
    ///
    /// # Errors
    ///
    /// The grant has nothing to exchange for a token.
    fn form<'a>(&'a self, site: &'a Site<'a>) -> BoxFuture<'a, Result<Form, Error>>;

    /// The protocol extension that the grant belongs to, which clients declare to servers. Default: none.
    fn extension(&self) -> Option<&str> {
        None
    }

    /// Whether to ask for the scopes that the server names. Default: yes.
    fn asks_for_scopes(&self) -> bool {
        true
    }
}

/// The context in which a [`Grant`] is used.
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

    /// The token endpoint, to which the form will be sent.
    pub fn token_endpoint(&self) -> &Url {
        self.token_endpoint
    }

    /// The identifier of the client.
    pub fn client_id(&self) -> &str {
        self.client_id
    }

    /// The scopes that will be asked for.
    pub fn scopes(&self) -> &[String] {
        self.scopes
    }

    /// Sends a form to another server, chosen by the program, and returns the JSON object of the answer.
    ///
    /// That server may be in a private network, wherever the MCP server is.
    ///
    /// # Errors
    ///
    /// The server refuses, and the error has a code; or it does not answer as a token endpoint should.
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
