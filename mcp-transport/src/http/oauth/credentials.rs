//! The credentials of a client, and how it authenticates with them.

use super::{Error, Secret};
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};

/// How a client authenticates at the token endpoint. The names are those of the OAuth registry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AuthenticationMethod {
    /// Not at all: a public client, which only sends its identifier.
    #[default]
    None,
    /// Identifier and secret as HTTP Basic.
    ClientSecretBasic,
    /// Identifier and secret among the parameters of the request.
    ClientSecretPost,
    /// An assertion that the client signs: [`AssertClient`].
    PrivateKeyJwt,
}

impl AuthenticationMethod {
    /// The name of the method on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
            Self::PrivateKeyJwt => "private_key_jwt",
        }
    }
}

/// The registration of a client at one authorization server.
///
/// It is valid only at the issuer that it is stored under.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Registration {
    /// The identifier of the client.
    pub client_id: String,
    /// Its secret, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<Secret>,
    /// When the secret expires, in seconds since 1970; `None` if never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_expires_at: Option<u64>,
    /// How the client authenticates.
    #[serde(default)]
    pub method: AuthenticationMethod,
    /// The redirect URI that the client was registered with, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect_uri: Option<String>,
}

impl Registration {
    /// Creates the registration of a client without a secret.
    pub fn public(client_id: impl Into<String>) -> Self {
        Self {
            client_id: client_id.into(),
            client_secret: None,
            secret_expires_at: None,
            method: AuthenticationMethod::None,
            redirect_uri: None,
        }
    }
}

/// Signs the assertions of [`AuthenticationMethod::PrivateKeyJwt`].
pub trait AssertClient: Send + Sync + 'static {
    /// Creates a new assertion that the client is `client_id`, for the authorization server `issuer` only.
    ///
    /// # Errors
    ///
    /// It cannot be signed.
    fn assert<'a>(
        &'a self,
        client_id: &'a str,
        issuer: &'a str,
    ) -> BoxFuture<'a, Result<Secret, Error>>;
}
