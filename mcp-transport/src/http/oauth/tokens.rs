//! The tokens of an authorization server.

use super::{Registration, Secret};
use serde::{Deserialize, Serialize};

/// How a token is shown to the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum TokenType {
    /// As it is: whoever has it may use it.
    #[default]
    Bearer,
    /// With a proof that the client has the key that the token is bound to.
    #[serde(rename = "DPoP")]
    Dpop,
}

/// The tokens for one server, with all that is needed to use and to refresh them: what a [`Store`](super::Store) keeps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Tokens {
    /// The authorization server that issued them. No other one sees them.
    pub issuer: String,
    /// What they are for, as the metadata of the server names itself.
    pub resource: String,
    /// The client that they were issued to.
    pub client: Registration,
    /// The token of the requests.
    pub access_token: Secret,
    /// How it is shown.
    #[serde(default)]
    pub token_type: TokenType,
    /// What a new one is had for, if the authorization server gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<Secret>,
    /// When the access token expires, in seconds since 1970; unknown, if there is nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<u64>,
    /// For how many seconds the access token was issued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifetime: Option<u64>,
    /// The scopes that were asked for so far: what a later request for more has to include.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// The key that the tokens are bound to, if they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof_key: Option<Secret>,
}
