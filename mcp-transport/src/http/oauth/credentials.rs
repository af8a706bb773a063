//! The credentials of a client, and how it authenticates with them.

use super::{Error, Secret};
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};

/// How a client proves who it is at the token endpoint. The names are those of the registry of OAuth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AuthenticationMethod {
    /// Not at all: a public client says its identifier.
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

/// A client as one authorization server knows it.
///
/// Valid at the issuer that it is stored under, and nowhere else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Registration {
    /// The identifier of the client.
    pub client_id: String,
    /// Its secret, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<Secret>,
    /// When the secret expires, in seconds since 1970; never, if there is nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_expires_at: Option<u64>,
    /// How the client proves who it is.
    #[serde(default)]
    pub method: AuthenticationMethod,
    /// Where its users come back to, if it was registered for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect_uri: Option<String>,
}

impl Registration {
    /// A client without a secret.
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
    /// A fresh assertion that the client is `client_id`, for the authorization server `issuer` alone.
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
