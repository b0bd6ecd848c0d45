//! HTTPS: the certificate and its renewal, whose certificates clients must have, the versions, the cipher
//! suites.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{
    self, RootCertStore, ServerConfig, SupportedCipherSuite, SupportedProtocolVersion, version,
};

#[derive(Debug, Clone)]
pub(crate) struct TlsSettings {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
    /// Clients must have a certificate that one of these has signed.
    pub(crate) client_authorities: Option<PathBuf>,
    pub(crate) versions: TlsVersions,
    /// By name; empty means all that are supported.
    pub(crate) cipher_suites: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TlsVersions {
    From12,
    Only13,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    #[error("failed to read the certificate {}: {reason} (`-cert`)", .path.display())]
    Certificate { path: PathBuf, reason: String },
    #[error("failed to read the private key {}: {reason} (`-key`)", .path.display())]
    Key { path: PathBuf, reason: String },
    #[error("failed to read the certificates that sign clients' {}: {reason} (`-client-ca`)", .path.display())]
    ClientAuthorities { path: PathBuf, reason: String },
    #[error("no supported cipher suite is called `{name}`; `-list-cipher-suites` lists them")]
    UnknownCipherSuite { name: String },
    #[error(
        "the private key {} belongs to another certificate than {}: give both of one pair (`-key`, `-cert`)",
        .key.display(), .certificate.display()
    )]
    NoPair { key: PathBuf, certificate: PathBuf },
    #[error("failed to set up TLS: {0}")]
    Setup(#[from] rustls::Error),
}

/// The names that `-cipher-suites` takes.
pub(crate) fn cipher_suite_names() -> Vec<String> {
    ring::ALL_CIPHER_SUITES.iter().map(name).collect()
}

/// As IANA and Go write it.
fn name(suite: &SupportedCipherSuite) -> String {
    let name = format!("{:?}", suite.suite());
    name.replace("TLS13_", "TLS_")
}

impl TlsSettings {
    /// What is read anew.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let Self { certificate, key, client_authorities, versions: _, cipher_suites: _ } = self;
        [certificate, key].into_iter().chain(client_authorities).cloned().collect()
    }
}

/// What connections are secured with. It is replaced whole, so that a connection keeps what it began with.
#[derive(Clone)]
pub(crate) struct Tls {
    settings: TlsSettings,
    config: Arc<ArcSwap<ServerConfig>>,
}

impl Tls {
    pub(crate) fn new(settings: TlsSettings) -> Result<Self, TlsError> {
        let config = config(&settings)?;
        Ok(Self { settings, config: Arc::new(ArcSwap::from_pointee(config)) })
    }

    /// For a connection that begins now.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.config.load_full())
    }

    /// Reads the files anew. With an error, what was in force stays so.
    pub(crate) fn reload(&self) -> Result<(), TlsError> {
        self.config.store(Arc::new(config(&self.settings)?));
        Ok(())
    }
}

fn config(settings: &TlsSettings) -> Result<ServerConfig, TlsError> {
    let TlsSettings { certificate, key, client_authorities, versions, cipher_suites } = settings;
    let versions: &[&SupportedProtocolVersion] = match versions {
        TlsVersions::From12 => &[&version::TLS12, &version::TLS13],
        TlsVersions::Only13 => &[&version::TLS13],
    };
    let provider =
        Arc::new(CryptoProvider { cipher_suites: chosen(cipher_suites)?, ..ring::default_provider() });
    let builder = ServerConfig::builder_with_provider(provider.clone()).with_protocol_versions(versions)?;
    let builder = match client_authorities {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let failed = |reason: String| TlsError::ClientAuthorities { path: path.clone(), reason };
            let roots = Arc::new(client_roots(path)?);
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider).build();
            builder.with_client_cert_verifier(verifier.map_err(|error| failed(error.to_string()))?)
        }
    };
    let certificates = read_certificates(certificate)
        .map_err(|reason| TlsError::Certificate { path: certificate.clone(), reason })?;
    let mut config = builder.with_single_cert(certificates, read_key(key)?).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => {
            TlsError::NoPair { key: key.clone(), certificate: certificate.clone() }
        }
        error => TlsError::Setup(error),
    })?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn client_roots(path: &Path) -> Result<RootCertStore, TlsError> {
    let failed = |reason: String| TlsError::ClientAuthorities { path: path.to_owned(), reason };
    let mut roots = RootCertStore::empty();
    for certificate in read_certificates(path).map_err(failed)? {
        roots.add(certificate).map_err(|error| failed(error.to_string()))?;
    }
    Ok(roots)
}

fn chosen(names: &[String]) -> Result<Vec<SupportedCipherSuite>, TlsError> {
    if names.is_empty() {
        return Ok(ring::ALL_CIPHER_SUITES.to_vec());
    }
    let mut suites = Vec::new();
    for wanted in names {
        let found = ring::ALL_CIPHER_SUITES.iter().find(|suite| name(suite).eq_ignore_ascii_case(wanted));
        suites.push(*found.ok_or_else(|| TlsError::UnknownCipherSuite { name: wanted.clone() })?);
    }
    // As in Go, the suites of TLS 1.3 are not for choosing.
    for suite in ring::ALL_CIPHER_SUITES {
        if suite.tls13().is_some() && !suites.contains(suite) {
            suites.push(*suite);
        }
    }
    Ok(suites)
}

fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let pem = std::fs::read(path).map_err(|error| error.to_string())?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match certificates {
        Ok(certificates) if certificates.is_empty() => Err("it holds no certificate in PEM form".to_owned()),
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(error.to_string()),
    }
}

fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let failed = |reason: String| TlsError::Key { path: path.to_owned(), reason };
    let pem = std::fs::read(path).map_err(|error| failed(error.to_string()))?;
    PrivateKeyDer::from_pem_slice(&pem).map_err(|error| match error {
        pem::Error::NoItemsFound => failed(
            "it holds no private key in PEM form, or an encrypted one: `openssl pkey` decrypts it".into(),
        ),
        error => failed(error.to_string()),
    })
}
