//! DPoP proofs: that a client has the key which its token is bound to (RFC 9449).

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

/// The header of a proof.
pub(super) const PROOF: HeaderName = HeaderName::from_static("dpop");

/// The only algorithm that proofs are signed with here.
pub(super) const ALGORITHM: &str = "ES256";

/// The error of a server that wants a nonce in the proof.
pub(super) const USE_NONCE: &str = "use_dpop_nonce";

/// The header in which a server gives the nonce of the next proof.
const NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// The longest nonce that is sent back, in bytes.
const MAX_NONCE: usize = 4096;

/// For how many servers a nonce is remembered.
const MAX_NONCES: usize = 16;

/// The key of one login, and what servers want in the proofs that are signed with it.
pub(super) struct Prover {
    pair: EcdsaKeyPair,
    pkcs8: Secret,
    header: Value,
    /// By origin, because no server knows the nonces of another.
    nonces: Mutex<HashMap<String, String>>,
}

impl Prover {
    /// With a new key.
    pub(super) fn generate() -> Result<Self, Error> {
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &SystemRandom::new());
        let pkcs8 = pkcs8.map_err(|_| {
            let message = "this system makes no key for the proofs of its tokens";
            Error::new(ErrorKind::Configuration, message)
        })?;
        Self::from_secret(&BASE64_STANDARD_NO_PAD.encode(pkcs8).into())
    }

    /// With the key that was kept with the tokens.
    pub(super) fn from_secret(secret: &Secret) -> Result<Self, Error> {
        let unusable = || {
            let message = "stored key of the tokens cannot be used: log in again";
            Error::new(ErrorKind::Store, message)
        };
        let pkcs8 = BASE64_STANDARD_NO_PAD.decode(secret.expose()).map_err(|_| unusable())?;
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, &pkcs8, &SystemRandom::new());
        let pair = pair.map_err(|_| unusable())?;
        // An uncompressed point: a byte that says so, x and y.
        let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
        let encode = |part| BASE64_URL_SAFE_NO_PAD.encode(part);
        let jwk = json!({"kty": "EC", "crv": "P-256", "x": encode(x), "y": encode(y)});
        let header = json!({"typ": "dpop+jwt", "alg": ALGORITHM, "jwk": jwk});
        Ok(Self { pair, pkcs8: secret.clone(), header, nonces: Mutex::default() })
    }

    /// The key, for a store.
    pub(super) fn secret(&self) -> Secret {
        self.pkcs8.clone()
    }

    /// A proof for one request: with the token that the request shows, and with the nonce that its server wants.
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

    /// Takes the nonce that a server gives for the next proofs; says whether it is another one than before.
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
