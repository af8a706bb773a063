//! Signed JWTs (RFC 7519) with which a client authenticates.

use super::{AssertClient, Error, ErrorKind, Secret};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use futures_util::future::{BoxFuture, ready};
use ring::{
    rand::{SecureRandom, SystemRandom},
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
        Ed25519KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
    },
};
use rustls::pki_types::{PrivateKeyDer, pem::PemObject};
use serde_json::{Value, json};
use std::{
    fmt,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

/// How long an assertion is valid, in seconds.
const LIFETIME: u64 = 300;

/// A private key with which a client authenticates: `private_key_jwt`.
///
/// The key determines the algorithm: ES256 for P-256, ES384 for P-384, RS256 for RSA, EdDSA for Ed25519.
///
/// ```
/// use mcp_transport::http::oauth::{ClientCredentials, OAuth, SigningKey};
///
/// # fn example(pem: &[u8]) -> Result<(), mcp_transport::http::oauth::Error> {
/// let oauth = OAuth::new("Nightly report")
///     .client_id("report-service")
///     .assert_client(SigningKey::from_pem(pem)?.key_id("2026-07"))
///     .grant(ClientCredentials);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SigningKey {
    key: Arc<Key>,
    key_id: Option<String>,
}

enum Key {
    P256(EcdsaKeyPair),
    P384(EcdsaKeyPair),
    Rsa(Box<RsaKeyPair>),
    Ed25519(Ed25519KeyPair),
}

impl SigningKey {
    /// Reads a private key in PEM: PKCS#8 (`PRIVATE KEY`), or for RSA also `RSA PRIVATE KEY`.
    ///
    /// # Errors
    ///
    /// The text contains no private key, or an unsupported one.
    pub fn from_pem(pem: &[u8]) -> Result<Self, Error> {
        let der = PrivateKeyDer::from_pem_slice(pem).map_err(|source| {
            let message = "private key of the client cannot be read: it has to be PEM";
            Error::new(ErrorKind::Configuration, message).with_source(source)
        })?;
        let key = match &der {
            PrivateKeyDer::Pkcs8(der) => Key::from_pkcs8(der.secret_pkcs8_der()),
            PrivateKeyDer::Pkcs1(der) => {
                RsaKeyPair::from_der(der.secret_pkcs1_der()).ok().map(|key| Key::Rsa(Box::new(key)))
            }
            _ => None,
        };
        let key = key.ok_or_else(|| {
            let message = "private key of the client cannot be used: it has to be PKCS#8 of P-256, P-384, \
                Ed25519 or RSA, as `openssl pkcs8 -topk8 -nocrypt` writes it";
            Error::new(ErrorKind::Configuration, message)
        })?;
        Ok(Self { key: Arc::new(key), key_id: None })
    }

    /// Sets the id of the key (`kid`), by which the authorization server finds it.
    #[must_use]
    pub fn key_id(mut self, id: impl Into<String>) -> Self {
        self.key_id = Some(id.into());
        self
    }

    fn assertion(&self, client_id: &str, issuer: &str) -> Result<Secret, Error> {
        let mut header = json!({"typ": "JWT", "alg": self.key.algorithm()});
        if let Some(id) = &self.key_id {
            header["kid"] = id.as_str().into();
        }
        let now = now();
        let claims = json!({
            "iss": client_id, "sub": client_id, "aud": issuer, "jti": unique()?,
            "iat": now, "exp": now + LIFETIME,
        });
        sign(&header, &claims, |text| self.key.sign(text))
    }
}

impl AssertClient for SigningKey {
    fn assert<'a>(
        &'a self,
        client_id: &'a str,
        issuer: &'a str,
    ) -> BoxFuture<'a, Result<Secret, Error>> {
        Box::pin(ready(self.assertion(client_id, issuer)))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("algorithm", &self.key.algorithm())
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}

impl Key {
    fn from_pkcs8(der: &[u8]) -> Option<Self> {
        let random = SystemRandom::new();
        let ecdsa = |algorithm| EcdsaKeyPair::from_pkcs8(algorithm, der, &random).ok();
        if let Some(key) = ecdsa(&ECDSA_P256_SHA256_FIXED_SIGNING) {
            return Some(Self::P256(key));
        }
        if let Some(key) = ecdsa(&ECDSA_P384_SHA384_FIXED_SIGNING) {
            return Some(Self::P384(key));
        }
        if let Ok(key) = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der) {
            return Some(Self::Ed25519(key));
        }
        RsaKeyPair::from_pkcs8(der).ok().map(|key| Self::Rsa(Box::new(key)))
    }

    fn algorithm(&self) -> &'static str {
        match self {
            Self::P256(_) => "ES256",
            Self::P384(_) => "ES384",
            Self::Rsa(_) => "RS256",
            Self::Ed25519(_) => "EdDSA",
        }
    }

    fn sign(&self, text: &[u8]) -> Result<Vec<u8>, ring::error::Unspecified> {
        let random = SystemRandom::new();
        match self {
            Self::P256(key) | Self::P384(key) => Ok(key.sign(&random, text)?.as_ref().to_vec()),
            Self::Ed25519(key) => Ok(key.sign(text).as_ref().to_vec()),
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public().modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, text, &mut signature)?;
                Ok(signature)
            }
        }
    }
}

/// Creates a token with this header and these claims.
pub(super) fn sign(
    header: &Value,
    claims: &Value,
    signer: impl FnOnce(&[u8]) -> Result<Vec<u8>, ring::error::Unspecified>,
) -> Result<Secret, Error> {
    let encode = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let mut token = format!("{}.{}", encode(header), encode(claims));
    let signature = signer(token.as_bytes())
        .map_err(|_| Error::new(ErrorKind::Configuration, "key of the client does not sign"))?;
    token.push('.');
    BASE64_URL_SAFE_NO_PAD.encode_string(signature, &mut token);
    Ok(token.into())
}

/// Returns a unique text for a token.
pub(super) fn unique() -> Result<String, Error> {
    let mut bytes = [0; 16];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| Error::new(ErrorKind::Configuration, "this system gives no random numbers"))?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

/// Returns the seconds since 1970.
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs())
}

#[cfg(test)]
mod tests;
