//! One HTTP exchange: connect, send, read the answer within a time.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::RETRY_AFTER;
use hyper::http::response::Parts;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};

use super::request::Outbound;
use super::target::Target;

/// What of an answer is kept to be printed. Receivers answer senders with a line.
const ANSWER_BYTES_MAX: usize = 1 << 20;

#[derive(Debug, thiserror::Error)]
pub(super) enum ClientError {
    #[error("this machine knows no certificate authority to check {host} with: {reason}")]
    NoRoots { host: String, reason: String },
    #[error("`{0}` is no name that a certificate could be for")]
    Name(String),
    #[error("failed to set up TLS: {0}")]
    Tls(#[from] rustls::Error),
    #[error("failed to reach {authority}: {source}")]
    Unreachable { authority: String, source: io::Error },
    #[error("failed to set up TLS with {authority}: {source}")]
    Handshake { authority: String, source: io::Error },
    #[error("failed to get an answer from {authority}: {source}")]
    Http { authority: String, source: hyper::Error },
    #[error("{authority} did not answer within {timeout:?}")]
    Late { authority: String, timeout: Duration },
    #[error("the request cannot be written as HTTP")]
    Unsendable,
}

impl ClientError {
    /// Another attempt would fail as well.
    pub(super) fn is_lasting(&self) -> bool {
        match self {
            Self::NoRoots { .. } | Self::Name(_) | Self::Tls(_) | Self::Unsendable => true,
            // A certificate or a protocol that does not fit, not a connection that broke.
            Self::Handshake { source, .. } => source.kind() == io::ErrorKind::InvalidData,
            Self::Unreachable { .. } | Self::Http { .. } | Self::Late { .. } => false,
        }
    }
}

pub(super) struct Answer {
    pub(super) head: Parts,
    body: Vec<u8>,
    /// There was more than is kept.
    pub(super) is_cut: bool,
}

impl Answer {
    pub(super) fn retry_after(&self) -> Option<&str> {
        self.head.headers.get(RETRY_AFTER)?.to_str().ok()
    }

    pub(super) fn raw(&self) -> Vec<u8> {
        let Parts { version, status, headers, .. } = &self.head;
        let mut text = format!("{version:?} {status}\r\n").into_bytes();
        for (name, value) in headers {
            for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
                text.extend_from_slice(part);
            }
        }
        text.extend_from_slice(b"\r\n");
        text.extend_from_slice(&self.body);
        text
    }
}

pub(super) struct Client {
    host: String,
    port: u16,
    authority: String,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    timeout: Duration,
}

impl Client {
    pub(super) fn new(target: &Target, timeout: Duration) -> Result<Self, ClientError> {
        Ok(Self {
            host: target.host.clone(),
            port: target.port,
            authority: target.authority().to_owned(),
            tls: if target.is_https { Some(tls(&target.host)?) } else { None },
            timeout,
        })
    }

    pub(super) async fn exchange(&self, request: &Outbound) -> Result<Answer, ClientError> {
        let request = request.to_request().ok_or(ClientError::Unsendable)?;
        let late = || ClientError::Late { authority: self.authority.clone(), timeout: self.timeout };
        match tokio::time::timeout(self.timeout, self.connected(request)).await {
            Ok(result) => result,
            Err(_) => Err(late()),
        }
    }

    async fn connected(&self, request: Request<Full<Bytes>>) -> Result<Answer, ClientError> {
        let authority = || self.authority.clone();
        let stream = TcpStream::connect((self.host.as_str(), self.port))
            .await
            .map_err(|source| ClientError::Unreachable { authority: authority(), source })?;
        let answer = match &self.tls {
            None => over(stream, request).await,
            Some((connector, name)) => {
                let stream = connector.connect(name.clone(), stream).await;
                let stream =
                    stream.map_err(|source| ClientError::Handshake { authority: authority(), source })?;
                over(stream, request).await
            }
        };
        answer.map_err(|source| ClientError::Http { authority: authority(), source })
    }
}

async fn over(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Full<Bytes>>,
) -> Result<Answer, hyper::Error> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // Ends with `sender`; its error is also the request's.
    tokio::spawn(connection);
    read(sender.send_request(request).await?).await
}

async fn read(response: Response<Incoming>) -> Result<Answer, hyper::Error> {
    let (head, mut incoming) = response.into_parts();
    let mut body = Vec::new();
    let mut is_cut = false;
    while let Some(frame) = incoming.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        let room = ANSWER_BYTES_MAX - body.len();
        body.extend_from_slice(data.get(..room).unwrap_or(&data));
        if data.len() > room {
            is_cut = true;
            break;
        }
    }
    Ok(Answer { head, body, is_cut })
}

/// With the certificate authorities of the machine.
fn tls(host: &str) -> Result<(TlsConnector, ServerName<'static>), ClientError> {
    let no_roots = |reason: String| ClientError::NoRoots { host: host.to_owned(), reason };
    let name = ServerName::try_from(host.to_owned()).map_err(|_| ClientError::Name(host.to_owned()))?;
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        let reasons: Vec<String> = found.errors.iter().map(ToString::to_string).collect();
        return Err(no_roots(if reasons.is_empty() { "none found".to_owned() } else { reasons.join("; ") }));
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok((TlsConnector::from(Arc::new(config)), name))
}
