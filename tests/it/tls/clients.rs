//! `-client-ca`: only clients with a certificate of the right authority get in.

use std::fs;
use std::io;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustix::process::Signal;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::version::{TLS12, TLS13};

use super::{Identity, handshake_as};
use crate::support::{Connection, Request, Response, Server, Setup};

type Authority = CertifiedIssuer<'static, KeyPair>;

struct Guarded {
    server: Server,
    certificate: rustls::pki_types::CertificateDer<'static>,
}

fn authority() -> Authority {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn client_of(authority: &Authority) -> Identity {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(["client".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, authority).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    Identity { certificate: certificate.der().clone(), key }
}

fn guarded(authorities: &str) -> Guarded {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let server = Setup::new()
        .says("hello", "hi")
        .file("cert.pem", made.cert.pem())
        .file("key.pem", made.signing_key.serialize_pem())
        .file("clients.pem", authorities)
        .flags("-secure -verbose -client-ca clients.pem")
        .start();
    Guarded { server, certificate: made.cert.der().clone() }
}

impl Guarded {
    /// What a client is answered. In TLS 1.3 it learns only then that it was refused.
    fn answer(&self, client: Option<&Identity>, is_old: bool) -> io::Result<Response> {
        let versions = if is_old { [&TLS12] } else { [&TLS13] };
        let stream = handshake_as(&self.server, &self.certificate, client, &versions)?;
        Connection::over(stream).send(&Request::get("/hooks/hello"))
    }

    #[track_caller]
    fn assert_in(&self, client: &Identity) {
        for is_old in [false, true] {
            self.answer(Some(client), is_old).unwrap().assert(200, "hi");
        }
    }

    #[track_caller]
    fn assert_out(&self, client: Option<&Identity>) {
        for is_old in [false, true] {
            assert!(self.answer(client, is_old).is_err());
        }
    }
}

#[test]
fn only_clients_of_the_authority_get_in() {
    let (ours, theirs) = (authority(), authority());
    let guarded = guarded(&ours.pem());
    guarded.assert_in(&client_of(&ours));
    guarded.assert_out(None);
    guarded.server.wait_for_log("TLS handshake with");
    guarded.assert_out(Some(&client_of(&theirs)));
    guarded.assert_in(&client_of(&ours));
}

#[test]
fn several_authorities_may_sign_and_are_reloaded() {
    let authorities = [authority(), authority(), authority()];
    let [one, two, three] = authorities.each_ref().map(client_of);
    let pem = |positions: [usize; 2]| positions.map(|position| authorities[position].pem()).concat();
    let guarded = guarded(&pem([0, 1]));
    guarded.assert_in(&one);
    guarded.assert_in(&two);
    guarded.assert_out(Some(&three));
    let stream = handshake_as(&guarded.server, &guarded.certificate, Some(&one), &[&TLS13]).unwrap();
    let mut open = Connection::over(stream);
    open.send(&Request::get("/hooks/hello")).unwrap().assert(200, "hi");
    fs::write(guarded.server.path("clients.pem"), pem([1, 2])).unwrap();
    guarded.server.reload(Signal::HUP);
    guarded.assert_out(Some(&one));
    guarded.assert_in(&two);
    guarded.assert_in(&three);
    open.send(&Request::get("/hooks/hello")).unwrap().assert(200, "hi");
    fs::write(guarded.server.path("clients.pem"), "nobody").unwrap();
    guarded.server.reload(Signal::HUP);
    guarded.server.wait_for_log("clients.pem: it holds no certificate in PEM form (`-client-ca`)");
    guarded.assert_out(None);
    guarded.assert_in(&two);
}

#[test]
fn what_cannot_be_meant_does_not_start() {
    #[track_caller]
    fn check(flags: &str, said: &str) {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let exit = Setup::new()
            .says("hello", "hi")
            .file("cert.pem", made.cert.pem())
            .file("key.pem", made.signing_key.serialize_pem())
            .file("other.pem", KeyPair::generate().unwrap().serialize_pem())
            .file(
                "encrypted.pem",
                "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIF\n-----END ENCRYPTED PRIVATE KEY-----\n",
            )
            .file("empty.pem", "")
            .flags(flags)
            .run();
        assert_eq!(exit.code, Some(1), "{flags}: {}", exit.stderr);
        assert!(exit.stderr.contains(said), "{flags}: {}", exit.stderr);
    }
    check("-client-ca cert.pem", "`-client-ca` needs `-secure`");
    check("-secure -client-ca absent.pem", "absent.pem: No such file");
    check("-secure -client-ca empty.pem", "empty.pem: it holds no certificate in PEM form (`-client-ca`)");
    check("-secure -client-ca key.pem", "it holds no certificate");
    check(
        "-secure -key other.pem",
        "the private key other.pem belongs to another certificate than cert.pem: ",
    );
    check("-secure -key encrypted.pem", "it holds no private key in PEM form, or an encrypted one: ");
    check("-secure -cert absent.pem", "absent.pem: No such file");
}
