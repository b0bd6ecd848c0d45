//! Unix sockets, in the file system and abstract.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::process;

use rustix::process::Signal;

use crate::support::{Connection, Request, Setup};

#[test]
fn a_unix_socket_serves_and_is_removed_at_exit() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut server =
            Setup::new().says("hello", "hi").without_address().flags("-socket @DIR@/web.sock").start();
        let path = server.path("web.sock");
        let mut connection = Connection::unix(UnixStream::connect(&path).unwrap()).unwrap();
        connection.send(&Request::get("/hooks/hello")).unwrap().assert(200, "hi");
        server.signal(signal);
        assert!(server.wait().success());
        assert!(!path.exists(), "left behind after {signal:?}");
    }
}

#[test]
fn a_file_that_is_no_socket_is_left_and_named() {
    let setup = Setup::new().says("hello", "hi").file("taken", "text").without_address();
    let exit = setup.flags("-socket @DIR@/taken").run();
    assert_eq!(exit.code, Some(1), "{exit:?}");
    assert!(exit.stderr.contains("/taken: something that is no socket has this name"), "{}", exit.stderr);
}

#[test]
fn a_socket_that_starts_with_an_at_sign_is_abstract() {
    let name = format!("hookrunner-test-{}", process::id());
    let server =
        Setup::new().says("hello", "hi").without_address().flags(&format!("-socket @{name}")).start();
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let mut connection = Connection::unix(UnixStream::connect_addr(&address).unwrap()).unwrap();
    connection.send(&Request::get("/hooks/hello")).unwrap().assert(200, "hi");
    assert!(!server.path(&format!("@{name}")).exists());
}

#[test]
fn an_address_rule_does_not_hold_for_a_peer_without_address() {
    let rule = "trigger-rule: {match: {type: ip-whitelist, ip-range: '0.0.0.0/0 ::/0'}}";
    let server = Setup::new()
        .shell("guarded", "exit 0", rule)
        .without_address()
        .flags("-socket @DIR@/web.sock")
        .start();
    let stream = UnixStream::connect(server.path("web.sock")).unwrap();
    let response = Connection::unix(stream).unwrap().send(&Request::post("/hooks/guarded")).unwrap();
    assert!(response.status == 500 || response.text() == "Hook rules were not satisfied.", "{response:?}");
}
