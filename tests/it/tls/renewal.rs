//! A renewed certificate comes into force by itself, and what is no certificate does not.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use rcgen::{CertifiedKey, KeyPair};
use rustix::process::Signal;
use rustls::pki_types::CertificateDer;
use rustls::version::{TLS12, TLS13};

use super::{TlsStream, handshake};
use crate::support::{Connection, Request, Server, Setup, eventually};

const KEPT: &str = "the former certificate stays in force";

fn made() -> CertifiedKey<KeyPair> {
    rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap()
}

fn connected(server: &Server, certificate: &CertificateDer<'static>) -> std::io::Result<TlsStream> {
    handshake(server, certificate, &[&TLS12, &TLS13])
}

#[track_caller]
fn assert_answers(server: &Server, certificate: &CertificateDer<'static>) {
    let mut connection = Connection::over(connected(server, certificate).unwrap());
    connection.send(&Request::get("/hooks/hello")).unwrap().assert(200, "hi");
}

#[track_caller]
fn eventually_has(server: &Server, certificate: &CertificateDer<'static>) {
    eventually("the renewed certificate is in force", || connected(server, certificate).is_ok());
}

/// As a renewal writes: beside the file, then over it.
fn replace(path: &Path, text: impl AsRef<[u8]>) {
    let beside = path.with_extension("new");
    fs::write(&beside, text).unwrap();
    fs::rename(beside, path).unwrap();
}

fn put(server: &Server, made: &CertifiedKey<KeyPair>) {
    replace(&server.path("key.pem"), made.signing_key.serialize_pem());
    replace(&server.path("cert.pem"), made.cert.pem());
}

fn serving(made: &CertifiedKey<KeyPair>) -> Server {
    Setup::new()
        .says("hello", "hi")
        .file("cert.pem", made.cert.pem())
        .file("key.pem", made.signing_key.serialize_pem())
        .flags("-secure -verbose")
        .start()
}

#[test]
fn a_change_is_seen_and_open_connections_go_on() {
    let (old, new) = (made(), made());
    let server = serving(&old);
    let mut open = Connection::over(connected(&server, old.cert.der()).unwrap());
    open.send(&Request::get("/hooks/hello")).unwrap().assert(200, "hi");
    put(&server, &new);
    eventually_has(&server, new.cert.der());
    assert_answers(&server, new.cert.der());
    assert!(connected(&server, old.cert.der()).is_err(), "the old certificate is gone");
    open.send(&Request::get("/hooks/hello")).unwrap().assert(200, "hi");
    server.wait_for_log("reloaded the certificate because of a change of its files");
}

#[test]
fn a_signal_reloads_it_with_the_hooks() {
    let (old, new) = (made(), made());
    let server = serving(&old);
    let mut open = Connection::over(connected(&server, old.cert.der()).unwrap());
    for (signal, made) in [(Signal::HUP, &new), (Signal::USR1, &old)] {
        put(&server, made);
        server.reload(signal);
        assert_answers(&server, made.cert.der());
    }
    open.send(&Request::get("/hooks/hello")).unwrap().assert(200, "hi");
}

/// As certbot keeps them: links that are moved to the files of the next version.
#[test]
fn links_that_are_moved_are_followed() {
    let (old, new) = (made(), made());
    let mut setup = Setup::new().says("hello", "hi").flags("-secure -cert live/cert.pem -key live/key.pem");
    for (version, made) in [("1", &old), ("2", &new)] {
        setup = setup
            .file(&format!("archive/cert{version}.pem"), made.cert.pem())
            .file(&format!("archive/key{version}.pem"), made.signing_key.serialize_pem());
    }
    let live = setup.path("live");
    fs::create_dir(&live).unwrap();
    let point_to = |version: &str| {
        for name in ["key", "cert"] {
            let beside = live.join("beside");
            symlink(format!("../archive/{name}{version}.pem"), &beside).unwrap();
            fs::rename(beside, live.join(format!("{name}.pem"))).unwrap();
        }
    };
    point_to("1");
    let server = setup.start();
    assert_answers(&server, old.cert.der());
    for (version, made) in [("2", &new), ("1", &old)] {
        point_to(version);
        eventually_has(&server, made.cert.der());
    }
    assert_answers(&server, old.cert.der());
}

#[test]
fn what_is_no_certificate_leaves_the_former_in_force() {
    let (old, other) = (made(), made());
    let mut server = serving(&old);
    for (file, text, named) in [
        ("cert.pem", String::new(), "cert.pem: it holds no certificate in PEM form (`-cert`)"),
        ("cert.pem", other.cert.pem(), "belongs to another certificate"),
        ("key.pem", "no key".to_owned(), "key.pem"),
    ] {
        server.mark_log();
        replace(&server.path(file), text);
        server.wait_for_log_line(named, |line| line.contains(KEPT) && line.contains(named));
        assert_answers(&server, old.cert.der());
        put(&server, &old);
        server.wait_for_log("reloaded the certificate");
    }
    server.mark_log();
    fs::remove_file(server.path("cert.pem")).unwrap();
    server.reload(Signal::HUP);
    server.wait_for_log_line("cert.pem", |line| line.contains(KEPT) && line.contains("cert.pem"));
    assert_answers(&server, old.cert.der());
    put(&server, &other);
    eventually_has(&server, other.cert.der());
}
