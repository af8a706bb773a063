//! Assertions, checked as an authorization server checks them.

use super::*;
use ring::signature::{
    self, ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, KeyPair,
    RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm,
};

fn pem(kind: &str, der: &[u8]) -> String {
    use base64::prelude::BASE64_STANDARD;

    format!("-----BEGIN {kind}-----\n{}\n-----END {kind}-----\n", BASE64_STANDARD.encode(der))
}

fn decoded(part: &str) -> Value {
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// Checks an assertion like an authorization server, and returns its header and its claims.
fn verified(
    key: &SigningKey,
    algorithm: &'static dyn VerificationAlgorithm,
    public: &[u8],
) -> (Value, Value) {
    let assertion = key.assertion("me", "https://as.example/").unwrap();
    let (signed, signature) = assertion.expose().rsplit_once('.').unwrap();
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap();
    UnparsedPublicKey::new(algorithm, public).verify(signed.as_bytes(), &signature).unwrap();
    let (header, claims) = signed.split_once('.').unwrap();
    (decoded(header), decoded(claims))
}

fn public(key: &SigningKey) -> Vec<u8> {
    match &*key.key {
        Key::P256(key) | Key::P384(key) => key.public_key().as_ref().to_vec(),
        Key::Ed25519(key) => key.public_key().as_ref().to_vec(),
        Key::Rsa(key) => signature::KeyPair::public_key(&**key).as_ref().to_vec(),
    }
}

// spec: CC-02 CC-03
// seed: 66
#[test]
fn an_assertion_says_who_it_is_from_whom_it_is_for_and_until_when() {
    let random = SystemRandom::new();
    let ecdsa = |algorithm| EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
    let p256 = ecdsa(&ECDSA_P256_SHA256_FIXED_SIGNING);
    let p384 = ecdsa(&ECDSA_P384_SHA384_FIXED_SIGNING);
    let ed25519 = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
    let keys: [(&str, &[u8], &'static dyn VerificationAlgorithm); 3] = [
        ("ES256", p256.as_ref(), &ECDSA_P256_SHA256_FIXED),
        ("ES384", p384.as_ref(), &ECDSA_P384_SHA384_FIXED),
        ("EdDSA", ed25519.as_ref(), &ED25519),
    ];
    for (name, der, algorithm) in keys {
        let key = SigningKey::from_pem(pem("PRIVATE KEY", der).as_bytes()).unwrap().key_id("k1");
        let (header, claims) = verified(&key, algorithm, &public(&key));
        assert_eq!(header, json!({"typ": "JWT", "alg": name, "kid": "k1"}));
        assert_eq!((&claims["iss"], &claims["sub"]), (&json!("me"), &json!("me")));
        assert_eq!(claims["aud"], "https://as.example/");
        let (from, to) = (claims["iat"].as_u64().unwrap(), claims["exp"].as_u64().unwrap());
        assert!(to - from == LIFETIME && from.abs_diff(now()) < 60);
        let (_, other) = verified(&key, algorithm, &public(&key));
        assert_ne!(claims["jti"], other["jti"], "each is used once");
    }
}

// spec: CC-02
#[test]
fn a_key_of_rsa_is_read_in_both_of_its_forms() {
    let pkcs8 = include_bytes!("rsa_pkcs8.pem");
    let pkcs1 = include_bytes!("rsa_pkcs1.pem");
    let [one, other] = [&pkcs8[..], pkcs1].map(|pem| SigningKey::from_pem(pem).unwrap());
    let (header, _) = verified(&one, &RSA_PKCS1_2048_8192_SHA256, &public(&other));
    assert_eq!(header, json!({"typ": "JWT", "alg": "RS256"}));
    verified(&other, &RSA_PKCS1_2048_8192_SHA256, &public(&one));
}

// spec: CC-04 TOK-05
#[test]
fn what_is_no_key_is_refused_and_a_key_is_not_shown() {
    for text in ["", "secret", &pem("PRIVATE KEY", b"secret"), &pem("CERTIFICATE", b"secret")] {
        let error = SigningKey::from_pem(text.as_bytes()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(!format!("{error:?} {error}").contains("secret"), "{error:?}");
    }
    let key = SigningKey::from_pem(include_bytes!("rsa_pkcs8.pem")).unwrap().key_id("k");
    let shown = format!("{key:?}");
    assert_eq!(shown, r#"SigningKey { algorithm: "RS256", key_id: Some("k"), .. }"#);
}
