//! HTTPS with certificates made here.

mod clients;
mod renewal;

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{
    CipherSuite, ClientConfig, ClientConnection, ProtocolVersion, RootCertStore, StreamOwned,
    SupportedProtocolVersion,
};

use crate::support::{Connection, PATIENCE, Request, Server, Setup};

pub(crate) type TlsStream = StreamOwned<ClientConnection, TcpStream>;

/// A client's certificate, and the key to it.
struct Identity {
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

struct Secured {
    server: Server,
    certificate: CertificateDer<'static>,
}

fn secured(flags: &str) -> Secured {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let server = Setup::new()
        .says("hello", "hi")
        .file("cert.pem", made.cert.pem())
        .file("key.pem", made.signing_key.serialize_pem())
        .flags("-secure")
        .flags(flags)
        .start();
    Secured { server, certificate: made.cert.der().clone() }
}

impl Secured {
    fn handshake(&self, versions: &[&'static SupportedProtocolVersion]) -> io::Result<TlsStream> {
        handshake(&self.server, &self.certificate, versions)
    }
}

pub(crate) fn handshake(
    server: &Server,
    certificate: &CertificateDer<'static>,
    versions: &[&'static SupportedProtocolVersion],
) -> io::Result<TlsStream> {
    handshake_as(server, certificate, None, versions)
}

/// As a client that may have a certificate too.
fn handshake_as(
    server: &Server,
    certificate: &CertificateDer<'static>,
    client: Option<&Identity>,
    versions: &[&'static SupportedProtocolVersion],
) -> io::Result<TlsStream> {
    let mut trusted = RootCertStore::empty();
    trusted.add(certificate.clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(trusted);
    let config = match client {
        None => config.with_no_client_auth(),
        Some(Identity { certificate, key }) => {
            config.with_client_auth_cert(vec![certificate.clone()], key.clone_key()).unwrap()
        }
    };
    let name = ServerName::try_from("localhost").unwrap();
    let mut session = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = TcpStream::connect(server.address())?;
    stream.set_read_timeout(Some(PATIENCE))?;
    session.complete_io(&mut stream)?;
    Ok(StreamOwned::new(session, stream))
}

#[test]
fn https_serves_hooks() {
    let secured = secured("");
    let mut connection = Connection::over(secured.handshake(&[&TLS12, &TLS13]).unwrap());
    connection.send(&Request::get("/hooks/hello")).unwrap().assert(200, "hi");
    connection.send(&Request::get("/")).unwrap().assert(200, "OK");
}

#[test]
fn certificate_and_key_may_lie_elsewhere() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let server = Setup::new()
        .says("hello", "hi")
        .file("tls/full.pem", made.cert.pem())
        .file("tls/private.pem", made.signing_key.serialize_pem())
        .flags("-secure -cert=tls/full.pem -key=@DIR@/tls/private.pem")
        .start();
    let secured = Secured { server, certificate: made.cert.der().clone() };
    let mut connection = Connection::over(secured.handshake(&[&TLS13]).unwrap());
    connection.send(&Request::get("/hooks/hello")).unwrap().assert(200, "hi");
}

#[test]
fn the_lowest_version_is_1_2_and_may_be_raised() {
    let version = |secured: &Secured, version| {
        secured.handshake(&[version]).ok().and_then(|stream| stream.conn.protocol_version())
    };
    let usual = secured("");
    assert_eq!(version(&usual, &TLS12), Some(ProtocolVersion::TLSv1_2));
    assert_eq!(version(&usual, &TLS13), Some(ProtocolVersion::TLSv1_3));
    let raised = secured("-tls-min-version 1.3");
    assert_eq!(version(&raised, &TLS12), None);
    assert_eq!(version(&raised, &TLS13), Some(ProtocolVersion::TLSv1_3));
}

#[test]
fn cipher_suites_may_be_chosen() {
    let chosen = secured("-cipher-suites TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384");
    let stream = chosen.handshake(&[&TLS12]).unwrap();
    let suite = stream.conn.negotiated_cipher_suite().unwrap().suite();
    assert_eq!(suite, CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384);
}

#[test]
fn a_client_that_delays_its_handshake_delays_nobody_else() {
    let secured = secured("");
    let silent: Vec<_> = (0..8).map(|_| TcpStream::connect(secured.server.address()).unwrap()).collect();
    let mut connection = Connection::over(secured.handshake(&[&TLS13]).unwrap());
    connection.send(&Request::get("/hooks/hello")).unwrap().assert(200, "hi");
    drop(silent);
}

#[test]
fn plain_http_on_the_https_port_runs_nothing_and_harms_nobody() {
    let secured = secured("-verbose");
    let mut plain = TcpStream::connect(secured.server.address()).unwrap();
    plain.set_read_timeout(Some(PATIENCE)).unwrap();
    plain.write_all(b"GET /hooks/hello HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    // A reset is as good as an end.
    let _ = plain.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    secured.server.wait_for_log("(plain HTTP?)");
    let mut connection = Connection::over(secured.handshake(&[&TLS13]).unwrap());
    connection.send(&Request::get("/")).unwrap().assert(200, "OK");
}
