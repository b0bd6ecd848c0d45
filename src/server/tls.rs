//! HTTPS: the certificate, the versions, the cipher suites.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ServerConfig, SupportedCipherSuite, SupportedProtocolVersion, version};

#[derive(Debug, Clone)]
pub(crate) struct TlsSettings {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
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
    #[error("no supported cipher suite is called `{name}`; `-list-cipher-suites` lists them")]
    UnknownCipherSuite { name: String },
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

pub(crate) fn acceptor(settings: &TlsSettings) -> Result<TlsAcceptor, TlsError> {
    let TlsSettings { certificate, key, versions, cipher_suites } = settings;
    let versions: &[&SupportedProtocolVersion] = match versions {
        TlsVersions::From12 => &[&version::TLS12, &version::TLS13],
        TlsVersions::Only13 => &[&version::TLS13],
    };
    let provider =
        Arc::new(CryptoProvider { cipher_suites: chosen(cipher_suites)?, ..ring::default_provider() });
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)?
        .with_no_client_auth()
        .with_single_cert(read_certificates(certificate)?, read_key(key)?)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
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

fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let failed = |reason: String| TlsError::Certificate { path: path.to_owned(), reason };
    let pem = std::fs::read(path).map_err(|error| failed(error.to_string()))?;
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<_, _>>()
        .map_err(|error| failed(error.to_string()))?;
    if certificates.is_empty() {
        return Err(failed("it holds no certificate in PEM form".to_owned()));
    }
    Ok(certificates)
}

fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let failed = |reason: String| TlsError::Key { path: path.to_owned(), reason };
    let pem = std::fs::read(path).map_err(|error| failed(error.to_string()))?;
    PrivateKeyDer::from_pem_slice(&pem).map_err(|error| failed(error.to_string()))
}
