//! Proofs, checked as a server checks them.

use super::*;
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};

fn decoded(part: &str) -> Value {
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// Returns the header and the claims of a proof, after checking its signature with the key in its header.
fn verified(proof: &HeaderValue) -> (Value, Value) {
    let (signed, signature) = proof.to_str().unwrap().rsplit_once('.').unwrap();
    let (header, claims) = signed.split_once('.').unwrap();
    let (header, claims) = (decoded(header), decoded(claims));
    let part =
        |name: &str| BASE64_URL_SAFE_NO_PAD.decode(header["jwk"][name].as_str().unwrap()).unwrap();
    let point = [vec![4], part("x"), part("y")].concat();
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap();
    let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
    key.verify(signed.as_bytes(), &signature).unwrap();
    (header, claims)
}

fn nonce(value: &str) -> HeaderMap {
    HeaderMap::from_iter([(NONCE, value.parse().unwrap())])
}

#[test]
fn a_proof_is_for_one_request_and_one_token() {
    let prover = Prover::generate().unwrap();
    let uri = Uri::from_static("https://mcp.example:8443/mcp?key=1");
    let proof = prover.prove(&Method::POST, &uri, Some(&"token".into())).unwrap();
    let (header, claims) = verified(&proof);
    assert_eq!((&header["typ"], &header["alg"]), (&json!("dpop+jwt"), &json!("ES256")));
    assert_eq!((&header["jwk"]["kty"], &header["jwk"]["crv"]), (&json!("EC"), &json!("P-256")));
    assert!(header["jwk"].get("d").is_none(), "the public half alone");
    assert_eq!((&claims["htm"], &claims["nonce"]), (&json!("POST"), &Value::Null));
    assert_eq!(claims["htu"], "https://mcp.example:8443/mcp", "without query and fragment");
    // The output of `printf token | openssl dgst -sha256 -binary | basenc --base64url`.
    assert_eq!(claims["ath"], "PEaenWxYddN6Q_NT1PiOYfz4EsZu7jRXRlpAsNpBU-A");
    assert!(claims["iat"].as_u64().unwrap().abs_diff(jwt::now()) < 60);
    let again = verified(&prover.prove(&Method::GET, &uri, None).unwrap()).1;
    assert_ne!(claims["jti"], again["jti"]);
    assert_eq!((&again["htm"], again.get("ath")), (&json!("GET"), None));
    assert!(proof.is_sensitive() && format!("{prover:?}") == "Prover");
}

#[test]
fn each_server_has_its_own_nonce_and_a_new_one_takes_its_place() {
    let prover = Prover::generate().unwrap();
    let (server, other) =
        ("https://mcp.example/mcp".parse().unwrap(), "https://as.example/".parse().unwrap());
    let shown = |uri| verified(&prover.prove(&Method::POST, uri, None).unwrap()).1["nonce"].clone();
    assert!(prover.learn(&server, &nonce("one")));
    assert!(!prover.learn(&server, &nonce("one")), "it is known: another try would not help");
    assert_eq!((shown(&server), shown(&other)), (json!("one"), Value::Null));
    assert!(prover.learn(&other, &nonce("two")) && prover.learn(&server, &nonce("three")));
    assert_eq!((shown(&server), shown(&other)), (json!("three"), json!("two")));
    assert!(!prover.learn(&server, &HeaderMap::new()));
    assert!(!prover.learn(&server, &nonce(&"x".repeat(MAX_NONCE + 1))));
    assert_eq!(shown(&server), json!("three"));
    for count in 0..100 {
        prover.learn(&format!("https://{count}.example/").parse().unwrap(), &nonce("n"));
    }
    assert!(prover.nonces.lock().unwrap().len() <= MAX_NONCES);
}

#[test]
fn the_key_of_a_login_outlives_its_process() {
    let prover = Prover::generate().unwrap();
    let again = Prover::from_secret(&prover.secret()).unwrap();
    let uri = Uri::from_static("https://mcp.example/mcp");
    let key = |prover: &Prover| {
        verified(&prover.prove(&Method::POST, &uri, None).unwrap()).0["jwk"].clone()
    };
    assert_eq!(key(&prover), key(&again));
    assert_ne!(key(&prover), key(&Prover::generate().unwrap()));
    for broken in ["", "x", "c2VjcmV0"] {
        let error = Prover::from_secret(&broken.into()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Store);
    }
}
