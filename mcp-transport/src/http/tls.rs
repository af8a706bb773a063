//! TLS configuration: trusted roots, and a client certificate.

use crate::{Delivery, Error, error::Kind};
use rustls::{
    ClientConfig, RootCertStore,
    client::{Resumption, danger::ServerCertVerifier},
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use rustls_platform_verifier::Verifier;
use std::{
    fmt,
    sync::{Arc, Mutex, OnceLock, PoisonError, Weak},
};

/// How many TLS sessions are kept for resumption: an endpoint talks to one server, and rarely to others.
const SESSIONS: usize = 16;

/// TLS configuration: which certificates are trusted, and the client certificate.
///
/// By default the platform's root certificates are trusted, and there is no client certificate. No process-wide crypto
/// provider is installed.
///
/// ```no_run
/// use mcp_transport::http::{Endpoint, Tls};
///
/// # fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let tls = Tls::new().trust_pem(&std::fs::read("company-ca.pem")?)?;
/// let endpoint = Endpoint::parse("https://tools.example.com/mcp")?.tls(tls);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Tls {
    roots: Vec<CertificateDer<'static>>,
    without_platform: bool,
    identity: Option<Arc<Identity>>,
}

struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Tls {
    /// Trusts the platform's root certificates, without a client certificate.
    pub fn new() -> Self {
        Self::default()
    }

    /// Also trusts the certificate authorities in `pem`.
    ///
    /// # Errors
    ///
    /// The text holds no certificate, or one that cannot be read.
    pub fn trust_pem(mut self, pem: &[u8]) -> Result<Self, Error> {
        self.roots.extend(certificates(pem)?);
        Ok(self)
    }

    /// Trusts only the certificate authorities in `pem`, not those of the platform.
    ///
    /// # Errors
    ///
    /// The text holds no certificate, or one that cannot be read.
    pub fn trust_only_pem(mut self, pem: &[u8]) -> Result<Self, Error> {
        self.roots = certificates(pem)?;
        self.without_platform = true;
        Ok(self)
    }

    /// Sets the client certificate, from its chain and private key in PEM.
    ///
    /// # Errors
    ///
    /// The texts contain no certificate or no private key, or they cannot be read. Whether they match is checked when
    /// the client connects.
    pub fn identity_pem(mut self, chain: &[u8], key: &[u8]) -> Result<Self, Error> {
        let chain = certificates(chain)?;
        let key = PrivateKeyDer::from_pem_slice(key)
            .map_err(|source| invalid("private key cannot be read as PEM").with_source(source))?;
        self.identity = Some(Arc::new(Identity { chain, key }));
        Ok(self)
    }

    /// Removes the client certificate.
    #[cfg(feature = "oauth")]
    pub(super) fn without_identity(mut self) -> Self {
        self.identity = None;
        self
    }

    /// Builds the configuration for connections.
    fn config(&self) -> Result<ClientConfig, Error> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|source| invalid("TLS cannot be set up").with_source(source))?;
        let builder = if self.without_platform {
            let mut roots = RootCertStore::empty();
            for root in &self.roots {
                let added = roots.add(root.clone());
                added.map_err(|source| {
                    invalid("certificate authority cannot be used").with_source(source)
                })?;
            }
            builder.with_root_certificates(roots)
        } else {
            let verifier = self.platform(provider).map_err(|source| {
                let message = "platform's root certificates cannot be loaded: name your own";
                invalid(message).with_source(source)
            })?;
            builder.dangerous().with_custom_certificate_verifier(verifier)
        };
        let mut config = match &self.identity {
            None => builder.with_no_client_auth(),
            Some(identity) => builder
                .with_client_auth_cert(identity.chain.clone(), identity.key.clone_key())
                .map_err(|source| {
                    invalid("client certificate cannot be used with its key").with_source(source)
                })?,
        };
        config.resumption = Resumption::in_memory_sessions(SESSIONS);
        Ok(config)
    }

    #[cfg(not(target_os = "android"))]
    fn platform(
        &self,
        provider: Arc<CryptoProvider>,
    ) -> Result<Arc<dyn ServerCertVerifier>, rustls::Error> {
        if self.roots.is_empty() {
            return platform_alone(provider);
        }
        Ok(Arc::new(Verifier::new_with_extra_roots(self.roots.iter().cloned(), provider)?))
    }

    #[cfg(target_os = "android")]
    fn platform(
        &self,
        provider: Arc<CryptoProvider>,
    ) -> Result<Arc<dyn ServerCertVerifier>, rustls::Error> {
        if !self.roots.is_empty() {
            let message = "certificate authorities cannot be added to those of this platform";
            return Err(rustls::Error::General(message.to_owned()));
        }
        Ok(Arc::new(Verifier::new(provider)?))
    }
}

/// Returns the verifier with the platform's roots only. It is large, so all clients that use it at the same time share
/// it.
#[cfg(not(target_os = "android"))]
fn platform_alone(
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, rustls::Error> {
    static IN_USE: Mutex<Weak<Verifier>> = Mutex::new(Weak::new());
    let mut in_use = IN_USE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(verifier) = in_use.upgrade() {
        return Ok(verifier);
    }
    let verifier = Arc::new(Verifier::new(provider)?);
    *in_use = Arc::downgrade(&verifier);
    Ok(verifier)
}

/// The TLS configuration of a client, built when its first connection needs it.
pub(super) struct Lazy {
    tls: Tls,
    config: OnceLock<ClientConfig>,
}

impl Lazy {
    pub(super) fn new(tls: Tls) -> Self {
        Self { tls, config: OnceLock::new() }
    }

    pub(super) fn config(&self) -> Result<ClientConfig, Error> {
        if let Some(config) = self.config.get() {
            return Ok(config.clone());
        }
        let config = self.tls.config()?;
        Ok(self.config.get_or_init(|| config).clone())
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("own_roots", &self.roots.len())
            .field("platform_roots", &!self.without_platform)
            .field("identity", &self.identity.is_some())
            .finish()
    }
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, Error> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let found =
        found.map_err(|source| invalid("certificate cannot be read as PEM").with_source(source))?;
    if found.is_empty() {
        return Err(invalid("PEM text holds no certificate"));
    }
    Ok(found)
}

fn invalid(message: &'static str) -> Error {
    Error::new(Kind::Connect, Delivery::NotSent, message)
}
