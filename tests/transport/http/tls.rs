//! TLS, with our own certificates.

use super::*;
use conformance::http_server::response;
use mcp_transport::{Delivery, http::Tls};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{
    RootCertStore, ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::WebPkiClientVerifier,
};
use std::{error::Error as _, sync::Arc};

/// A certificate authority.
pub(super) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key, in PEM.
pub(super) struct Identity {
    chain: String,
    key: String,
}

impl Authority {
    pub(super) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(super) fn pem(&self) -> String {
        self.0.pem()
    }

    pub(super) fn issue(&self, name: &str) -> Identity {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Identity { chain: certificate.pem(), key: key.serialize_pem() }
    }

    /// Configures a server with that name, which requests certificates of `clients` and speaks one of `protocols`.
    pub(super) fn server(
        &self,
        name: &str,
        clients: Option<&Self>,
        protocols: &[&str],
    ) -> Arc<ServerConfig> {
        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(clients) => {
                let mut roots = RootCertStore::empty();
                roots.add(clients.0.der().clone()).unwrap();
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                builder.with_client_cert_verifier(verifier.build().unwrap())
            }
        };
        let Identity { chain, key } = self.issue(name);
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(chain.as_bytes()).collect();
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
        let mut config = builder.with_single_cert(chain.unwrap(), key).unwrap();
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        Arc::new(config)
    }
}

fn ok(request: &Recorded) -> Answer {
    Answer::json(&response(request, &json!({})))
}

fn trusting(authority: &Authority) -> Tls {
    Tls::new().trust_only_pem(authority.pem().as_bytes()).unwrap()
}

// seed: 20
#[tokio::test]
async fn a_server_of_ones_own_authority_is_trusted_and_both_sides_agree_on_the_protocol() {
    deadline(async {
        let authority = Authority::new();
        for (protocols, version) in [
            (&["h2", "http/1.1"][..], http::Version::HTTP_2),
            (&["http/1.1"], http::Version::HTTP_11),
            (&[], http::Version::HTTP_11),
        ] {
            let config = authority.server("localhost", None, protocols);
            let server = HttpServer::start_tls(config, ok).await.unwrap();
            for tls in
                [trusting(&authority), Tls::new().trust_pem(authority.pem().as_bytes()).unwrap()]
            {
                let endpoint = Endpoint::parse(server.url()).unwrap().tls(tls);
                let mut peer = connect_to(endpoint).await;
                peer.ask(modern_call(1)).await;
            }
            assert!(server.requests().iter().all(|request| request.version == version));
        }
    })
    .await;
}

// seed: 20
#[tokio::test]
async fn f24_a_server_that_is_not_trusted_gets_no_request() {
    deadline(async {
        let (authority, other) = (Authority::new(), Authority::new());
        for (name, trusted) in [("localhost", &other), ("example.com", &authority)] {
            let config = authority.server(name, None, &["h2"]);
            let server = HttpServer::start_tls(config, ok).await.unwrap();
            let endpoint = Endpoint::parse(server.url()).unwrap().tls(trusting(trusted));
            let mut peer = connect_to(endpoint).await;
            let error = error_of(peer.send(modern_call(1)).await);
            assert!(error.is_connect() && error.source().is_some(), "{error:?}");
            assert_eq!(error.delivery(), Delivery::NotSent);
            assert!(server.requests().is_empty());
        }
    })
    .await;
}

#[tokio::test]
async fn a_client_shows_its_certificate_to_a_server_that_asks() {
    deadline(async {
        let (authority, clients) = (Authority::new(), Authority::new());
        let config = authority.server("localhost", Some(&clients), &["http/1.1"]);
        let server = HttpServer::start_tls(config, ok).await.unwrap();
        let Identity { chain, key } = clients.issue("client");
        let tls = trusting(&authority).identity_pem(chain.as_bytes(), key.as_bytes()).unwrap();
        assert!(!format!("{tls:?}").contains("PRIVATE"), "{tls:?}");
        let endpoint = Endpoint::parse(server.url()).unwrap();
        connect_to(endpoint.clone().tls(tls)).await.ask(modern_call(1)).await;
        let mut nobody = connect_to(endpoint.tls(trusting(&authority))).await;
        error_of(nobody.send(modern_call(2)).await);
        assert_eq!(server.requests().len(), 1);
    })
    .await;
}

#[test]
fn what_is_no_certificate_or_key_is_refused() {
    let Identity { chain, key } = Authority::new().issue("client");
    let tls = Tls::new();
    for text in ["", "hello", "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----", &key] {
        assert!(tls.clone().trust_pem(text.as_bytes()).is_err(), "{text}");
        assert!(tls.clone().trust_only_pem(text.as_bytes()).is_err(), "{text}");
        assert!(tls.clone().identity_pem(text.as_bytes(), key.as_bytes()).is_err(), "{text}");
    }
    for text in ["", "hello", &chain] {
        assert!(tls.clone().identity_pem(chain.as_bytes(), text.as_bytes()).is_err(), "{text}");
    }
}
