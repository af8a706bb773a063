//! The tokens of an authorization server.

use super::{Registration, Secret};
use serde::{Deserialize, Serialize};

/// How a token is sent to the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum TokenType {
    /// As a bearer token: anyone who has it may use it.
    #[default]
    Bearer,
    /// With a proof that the client has the key that the token is bound to.
    #[serde(rename = "DPoP")]
    Dpop,
}

/// The tokens for one server, with everything needed to use and refresh them: what a [`Store`](super::Store) keeps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Tokens {
    /// The authorization server that issued them. They are sent to no other.
    pub issuer: String,
    /// The resource that they are for, as the metadata of the server names itself.
    pub resource: String,
    /// The client that they were issued to.
    pub client: Registration,
    /// The access token.
    pub access_token: Secret,
    /// How it is sent.
    #[serde(default)]
    pub token_type: TokenType,
    /// The refresh token, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<Secret>,
    /// When the access token expires, in seconds since 1970; `None` if unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<u64>,
    /// The lifetime of the access token in seconds, from when it was issued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifetime: Option<u64>,
    /// The scopes that have been requested so far, which a later request for more has to include.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// The key that the tokens are bound to, if any (DPoP).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof_key: Option<Secret>,
}
