//! Peers that do not read, that write before they read, and work that takes long: nobody else waits.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::support::{Connection, PATIENCE, Request, Response, Server, Setup, WITH_OUTPUT};

const TOO_LARGE: &str = "Request body is too large.";

/// More than the kernel holds for a peer that does not read.
const OUTPUT_BYTES: usize = 30_000_000;

/// More than one read takes, and far more than the limit of these tests.
const REFUSED_BYTES: usize = 4 << 20;

/// Just under what is parsed at all.
const ELEMENTS: usize = 450_000;

/// Long enough that an answer which is on its way arrives, short enough to ask often.
const GLANCE: Duration = Duration::from_millis(1);

fn stream(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Sends requests and reads no answer, until that fails.
fn pipeline_without_reading(mut stream: TcpStream) -> ErrorKind {
    let requests = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(500);
    loop {
        if let Err(error) = stream.write_all(&requests) {
            return error.kind();
        }
    }
}

#[test]
fn a_peer_that_pipelines_and_never_reads_is_cut_and_its_place_given_away() {
    let server = Setup::new().says("hello", "hi").flags("-max-connections 2 -idle-timeout 300ms").start();
    let deaf =
        [stream(&server), stream(&server)].map(|peer| thread::spawn(|| pipeline_without_reading(peer)));
    server.get("/hooks/hello").assert(200, "hi");
    for peer in deaf {
        let ended = peer.join().unwrap();
        assert!(matches!(ended, ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "{ended:?}");
    }
}

#[test]
fn a_peer_that_does_not_take_a_large_answer_is_cut_and_its_place_given_away() {
    let server = Setup::new()
        .shell("large", &format!("head -c {OUTPUT_BYTES} /dev/zero"), WITH_OUTPUT)
        .flags("-max-connections 2 -idle-timeout 300ms")
        .start();
    let deaf = [stream(&server), stream(&server)];
    for mut peer in &deaf {
        peer.write_all(b"GET /hooks/large HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    }
    // Both places are needed at once, so that both peers must have been cut.
    let mut others = [server.connect(), server.connect()];
    for other in &mut others {
        other.send(&Request::get("/")).unwrap().assert(200, "OK");
    }
    for mut peer in deaf {
        let mut answer = Vec::new();
        let end = peer.read_to_end(&mut answer).map_err(|error| error.kind());
        assert!(answer.len() < OUTPUT_BYTES, "the whole answer came");
        assert!(matches!(end, Ok(_) | Err(ErrorKind::ConnectionReset)), "{end:?}");
    }
}

/// Sends all of a refused request, then reads; like most clients, it gives up when it cannot send.
fn write_then_read(server: &Server, head: &str, body: &[u8]) -> io::Result<Response> {
    let mut peer = stream(server);
    peer.write_all(format!("{head}\r\nHost: a\r\n").as_bytes())?;
    peer.write_all(body)?;
    Connection::over(peer).response()
}

#[test]
fn a_refusal_is_readable_by_a_peer_that_has_sent_its_body_first() {
    let server = Setup::new().says("hello", "hi").flags("-max-body-size 1KiB").start();
    let body = vec![b'x'; REFUSED_BYTES];
    let declared = [format!("Content-Length: {REFUSED_BYTES}\r\n\r\n").as_bytes(), &body].concat();
    let chunked = [
        format!("Transfer-Encoding: chunked\r\n\r\n{REFUSED_BYTES:x}\r\n").as_bytes(),
        &body,
        b"\r\n0\r\n\r\n",
    ]
    .concat();
    for body in [declared, chunked] {
        for round in 0..20 {
            let response = write_then_read(&server, "POST /hooks/hello HTTP/1.1", &body);
            let response = response.unwrap_or_else(|error| panic!("round {round}: {error}"));
            response.assert(413, TOO_LARGE);
        }
    }
}

#[test]
fn an_answer_that_needs_no_body_is_readable_by_a_peer_that_has_sent_it_first() {
    let server = Setup::new()
        .hooks("- {id: hello, execute-command: 'true', http-methods: [PUT]}\n")
        .hooks("- {id: refused, execute-command: 'true', trigger-rule: {}}\n")
        .start();
    let body = vec![b'x'; REFUSED_BYTES];
    let body = [format!("Content-Length: {REFUSED_BYTES}\r\n\r\n").as_bytes(), &body].concat();
    for (path, status) in
        [("/hooks/none", 404), ("/none", 404), ("/hooks/hello", 405), ("/hooks/refused", 500)]
    {
        for round in 0..20 {
            let response = write_then_read(&server, &format!("POST {path} HTTP/1.1"), &body);
            let response = response.unwrap_or_else(|error| panic!("{path}, round {round}: {error}"));
            assert_eq!(response.status, status, "{path}, round {round}");
        }
    }
}

#[test]
fn others_are_answered_while_large_bodies_are_parsed() {
    const PARSERS: usize = 2;
    const ANSWERED_MEANWHILE: usize = 10;
    let server = Setup::new().says("hello", "hi").env("TOKIO_WORKER_THREADS", &PARSERS.to_string()).start();
    let xml = format!("<a>{}</a>", "<b/>".repeat(ELEMENTS));
    let head = format!(
        "POST /hooks/hello HTTP/1.1\r\nHost: a\r\nContent-Type: text/xml\r\nContent-Length: {}\r\n\r\n",
        xml.len()
    );
    let (last, rest) = xml.as_bytes().split_last().unwrap();
    let mut parsed: Vec<TcpStream> = (0..PARSERS).map(|_| stream(&server)).collect();
    for peer in &mut parsed {
        peer.write_all(head.as_bytes()).unwrap();
        peer.write_all(rest).unwrap();
    }
    let mut other = server.connect();
    other.send(&Request::get("/")).unwrap().assert(200, "OK");
    for peer in &mut parsed {
        peer.write_all(&[*last]).unwrap();
        peer.set_read_timeout(Some(GLANCE)).unwrap();
    }
    let is_parsing = |peer: &TcpStream| peer.peek(&mut [0]).is_err();
    let mut answered = 0;
    while parsed.iter().all(is_parsing) {
        other.send(&Request::get("/")).unwrap().assert(200, "OK");
        answered += 1;
    }
    assert!(answered >= ANSWERED_MEANWHILE, "only {answered} requests were answered meanwhile");
    for peer in parsed {
        peer.set_read_timeout(Some(PATIENCE)).unwrap();
        Connection::over(peer).response().unwrap().assert(200, "hi");
    }
}

#[test]
fn a_unix_socket_speaks_tls_when_it_is_to_be_secure() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let server = Setup::new()
        .says("hello", "hi")
        .file("cert.pem", made.cert.pem())
        .file("key.pem", made.signing_key.serialize_pem())
        .without_address()
        .flags("-secure -socket @DIR@/web.sock")
        .start();
    let connect = || {
        let stream = UnixStream::connect(server.path("web.sock")).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    };

    let mut trusted = RootCertStore::empty();
    trusted.add(made.cert.der().clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(trusted)
        .with_no_client_auth();
    let session =
        ClientConnection::new(Arc::new(config), ServerName::try_from("localhost").unwrap()).unwrap();
    let mut secured = Connection::over(StreamOwned::new(session, connect()));
    secured.send(&Request::get("/hooks/hello")).unwrap().assert(200, "hi");

    let mut plain = connect();
    plain.write_all(b"GET /hooks/hello HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    // A reset is as good as an end.
    let _ = plain.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP/"), "{}", String::from_utf8_lossy(&answer));
}
