//! DPoP proofs: the client shows that it has the key to which its token is bound (RFC 9449).

use super::{Error, ErrorKind, Secret, jwt};
use base64::{
    Engine,
    prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use ring::{
    digest::{SHA256, digest},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, PoisonError},
};

/// The header that carries a proof.
pub(super) const PROOF: HeaderName = HeaderName::from_static("dpop");

/// The only algorithm used to sign proofs.
pub(super) const ALGORITHM: &str = "ES256";

/// The error of a server that requires a nonce in the proof.
pub(super) const USE_NONCE: &str = "use_dpop_nonce";

/// The header in which a server sends the nonce for the next proof.
const NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// The longest nonce that is sent back, in bytes.
const MAX_NONCE: usize = 4096;

/// For how many servers nonces are remembered.
const MAX_NONCES: usize = 16;

/// The key of one login, and the nonces that servers want in proofs signed with it.
pub(super) struct Prover {
    pair: EcdsaKeyPair,
    pkcs8: Secret,
    header: Value,
    /// By origin, because servers do not share nonces.
    nonces: Mutex<HashMap<String, String>>,
}

impl Prover {
    /// Creates a prover with a new key.
    pub(super) fn generate() -> Result<Self, Error> {
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &SystemRandom::new());
        let pkcs8 = pkcs8.map_err(|_| {
            let message = "this system makes no key for the proofs of its tokens";
            Error::new(ErrorKind::Configuration, message)
        })?;
        Self::from_secret(&BASE64_STANDARD_NO_PAD.encode(pkcs8).into())
    }

    /// Creates a prover with the key that was stored with the tokens.
    pub(super) fn from_secret(secret: &Secret) -> Result<Self, Error> {
        let unusable = || {
            let message = "stored key of the tokens cannot be used: log in again";
            Error::new(ErrorKind::Store, message)
        };
        let pkcs8 = BASE64_STANDARD_NO_PAD.decode(secret.expose()).map_err(|_| unusable())?;
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, &pkcs8, &SystemRandom::new());
        let pair = pair.map_err(|_| unusable())?;
        // An uncompressed point: a marker byte, x and y.
        let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
        let encode = |part| BASE64_URL_SAFE_NO_PAD.encode(part);
        let jwk = json!({"kty": "EC", "crv": "P-256", "x": encode(x), "y": encode(y)});
        let header = json!({"typ": "dpop+jwt", "alg": ALGORITHM, "jwk": jwk});
        Ok(Self { pair, pkcs8: secret.clone(), header, nonces: Mutex::default() })
    }

    /// Returns the key, for a store.
    pub(super) fn secret(&self) -> Secret {
        self.pkcs8.clone()
    }

    /// Creates a proof for one request, bound to its token and with the nonce that its server wants.
    pub(super) fn prove(
        &self,
        method: &Method,
        uri: &Uri,
        token: Option<&Secret>,
    ) -> Result<HeaderValue, Error> {
        let mut claims = json!({
            "jti": jwt::unique()?, "htm": method.as_str(),
            "htu": format!("{}{}", origin(uri), uri.path()), "iat": jwt::now(),
        });
        if let Some(token) = token {
            let hash = digest(&SHA256, token.expose().as_bytes());
            claims["ath"] = BASE64_URL_SAFE_NO_PAD.encode(hash).into();
        }
        let nonces = self.nonces.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(nonce) = nonces.get(&origin(uri)) {
            claims["nonce"] = nonce.as_str().into();
        }
        drop(nonces);
        let sign = |text: &[u8]| {
            let signature = self.pair.sign(&SystemRandom::new(), text)?;
            Ok(signature.as_ref().to_vec())
        };
        let proof = jwt::sign(&self.header, &claims, sign)?;
        let mut value = HeaderValue::from_str(proof.expose()).map_err(|source| {
            Error::new(ErrorKind::Configuration, "proof is no header").with_source(source)
        })?;
        value.set_sensitive(true);
        Ok(value)
    }

    /// Stores the nonce that a server sends for the next proofs; returns whether it has changed.
    pub(super) fn learn(&self, uri: &Uri, headers: &HeaderMap) -> bool {
        let nonce = headers.get(NONCE).and_then(|nonce| nonce.to_str().ok());
        let Some(nonce) = nonce.filter(|nonce| !nonce.is_empty() && nonce.len() <= MAX_NONCE)
        else {
            return false;
        };
        let mut nonces = self.nonces.lock().unwrap_or_else(PoisonError::into_inner);
        let origin = origin(uri);
        if nonces.get(&origin).is_some_and(|known| known == nonce) {
            return false;
        }
        if nonces.len() >= MAX_NONCES && !nonces.contains_key(&origin) {
            nonces.clear();
        }
        nonces.insert(origin, nonce.to_owned());
        true
    }
}

impl fmt::Debug for Prover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Prover")
    }
}

fn origin(uri: &Uri) -> String {
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    format!("{}://{authority}", uri.scheme_str().unwrap_or_default())
}

#[cfg(test)]
mod tests;
