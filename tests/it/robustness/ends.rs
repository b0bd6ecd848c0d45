//! The end of a server that somebody holds on to.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::support::{Connection, PATIENCE, Request, Setup, WITH_OUTPUT};

/// The drain timeouts of these tests are a small part of it.
const SOON: Duration = Duration::from_secs(10);

/// Sends the beginning of a body; back once the server reads it.
fn begin_upload(stream: &mut TcpStream, target: &str) {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let head =
        format!("POST {target} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 6\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut told = [0; b"HTTP/1.1 100 Continue\r\n\r\n".len()];
    stream.read_exact(&mut told).unwrap();
    assert!(told.starts_with(b"HTTP/1.1 100 "), "{}", String::from_utf8_lossy(&told));
    stream.write_all(b"hello").unwrap();
}

#[test]
fn an_upload_that_completes_after_the_drain_time_starts_nothing() {
    for keys in ["", WITH_OUTPUT] {
        let mut server = Setup::new()
            .shell("late", "echo > @DIR@/ran", keys)
            .flags("-verbose -drain-timeout 200ms")
            .start();
        let mut upload = TcpStream::connect(server.address()).unwrap();
        begin_upload(&mut upload, "/hooks/late");
        let started = Instant::now();
        server.signal(Signal::TERM);
        server.wait_for_log("the drain timeout of");
        server.wait_for_log("cut at shutdown: 1 connection");
        // Closed already, or answered: either way nothing ran.
        let _ = upload.write_all(b"!");
        if let Ok(response) = Connection::over(upload).response() {
            assert_eq!(response.status, 503, "{response:?}");
        }
        assert_eq!(server.wait().code(), Some(0));
        assert!(started.elapsed() < SOON, "took {:?}", started.elapsed());
        assert!(!server.path("ran").exists());
        server.wait_for_log("stopped");
        assert!(server.log().iter().all(|line| !line.contains("hook triggered")));
    }
}

#[test]
fn uploads_that_never_complete_are_cut_and_counted() {
    let mut server = Setup::new().says("hello", "hi").flags("-drain-timeout 200ms").start();
    let mut uploads: Vec<_> = (0..3).map(|_| TcpStream::connect(server.address()).unwrap()).collect();
    uploads.iter_mut().for_each(|upload| begin_upload(upload, "/hooks/hello"));
    let started = Instant::now();
    server.signal(Signal::TERM);
    assert_eq!(server.wait().code(), Some(0));
    assert!(started.elapsed() < SOON, "took {:?}", started.elapsed());
    server.wait_for_log("cut at shutdown: 3 connections");
}

#[test]
fn an_upload_that_completes_in_the_drain_time_is_served() {
    let mut server = Setup::new().says("hello", "hi").start();
    let mut upload = TcpStream::connect(server.address()).unwrap();
    begin_upload(&mut upload, "/hooks/hello");
    server.signal(Signal::TERM);
    server.wait_for_notice("STOPPING=1");
    upload.write_all(b"!").unwrap();
    Connection::over(upload).response().unwrap().assert(200, "hi");
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
fn a_tls_handshake_in_progress_does_not_hold_up_the_end() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let mut server = Setup::new()
        .says("hello", "hi")
        .file("cert.pem", made.cert.pem())
        .file("key.pem", made.signing_key.serialize_pem())
        .flags("-secure -verbose -header-timeout 10m -drain-timeout 10m")
        .start();
    let silent = TcpStream::connect(server.address()).unwrap();
    let mut begun = TcpStream::connect(server.address()).unwrap();
    // A record is announced and does not come.
    begun.write_all(&[0x16, 3, 1, 2, 0, 1]).unwrap();
    // Connections are accepted in their order, so the log of this one says that those were.
    let mut plain = server.connect();
    let _ = plain.send(&Request::get("/"));
    server.wait_for_log("TLS handshake");
    server.signal(Signal::TERM);
    // In far less than the timeouts above.
    assert_eq!(server.wait().code(), Some(0));
    drop((silent, begun));
}
