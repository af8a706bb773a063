//! Proofs that a client has a key (RFC 9449), and other signed tokens, checked.

use super::Shared;
use crate::http_server::Recorded;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::{
    digest::{SHA256, digest},
    signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey},
};
use serde_json::Value;
use std::time::{SystemTime, UNIX_EPOCH};

/// The header and the claims of a token that `key`, an uncompressed point of P-256, has signed.
pub fn verify_es256(token: &str, key: &[u8]) -> Option<(Value, Value)> {
    let (signed, signature) = token.rsplit_once('.')?;
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).ok()?;
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key)
        .verify(signed.as_bytes(), &signature)
        .ok()?;
    let (header, claims) = signed.split_once('.')?;
    let header = decoded(header)?;
    (header["alg"] == "ES256").then_some((header, decoded(claims)?))
}

/// Returns a claim of a token, without verifying it.
pub(super) fn claim(token: &str, name: &str) -> Option<String> {
    decoded(token.split('.').nth(1)?)?[name].as_str().map(str::to_owned)
}

/// Returns the nonce of a request's proof.
pub(super) fn nonce(request: &Recorded) -> Option<String> {
    claim(request.header("dpop")?, "nonce")
}

/// Checks the proof of a request to `uri`, with the token sent along; returns the thumbprint of its key.
pub(super) fn check(
    request: &Recorded,
    uri: &str,
    token: Option<&str>,
) -> Result<String, &'static str> {
    let count = request.headers.get_all("dpop").iter().count();
    let proof = request.header("dpop").filter(|_| count == 1).ok_or("not one proof")?;
    let header = proof.split('.').next().and_then(decoded).ok_or("no header")?;
    let part = |name: &str| {
        let text = header["jwk"][name].as_str().unwrap_or_default();
        BASE64_URL_SAFE_NO_PAD.decode(text).unwrap_or_default()
    };
    let key = [vec![4], part("x"), part("y")].concat();
    let (header, claims) = verify_es256(proof, &key).ok_or("not signed")?;
    let is_private = header["jwk"].get("d").is_some();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
    let is_recent = claims["iat"].as_u64().is_some_and(|at| at.abs_diff(now) <= 300);
    let hash = token.map(|token| BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, token.as_bytes())));
    let is_right = header["typ"] == "dpop+jwt"
        && !is_private
        && is_recent
        && claims["htm"] == request.method.as_str()
        && claims["htu"] == uri
        && claims["jti"].as_str().is_some_and(|jti| !jti.is_empty())
        && claims["ath"].as_str() == hash.as_deref();
    if !is_right {
        return Err("not as RFC 9449 says");
    }
    let (x, y) = (&header["jwk"]["x"], &header["jwk"]["y"]);
    let canonical = format!(r#"{{"crv":"P-256","kty":"EC","x":{x},"y":{y}}}"#);
    Ok(BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, canonical.as_bytes())))
}

impl Shared {
    /// Accepts a proof, which may be used only once.
    pub(super) fn use_proof(&self, request: &Recorded) -> Result<(), &'static str> {
        let proof = request.header("dpop").ok_or("no proof")?;
        let id = claim(proof, "jti").ok_or("no id")?;
        let mut issued = self.issued();
        if issued.proofs.contains(&id) {
            return Err("seen before");
        }
        issued.proofs.push(id);
        Ok(())
    }
}

fn decoded(part: &str) -> Option<Value> {
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}
