//! Sockets handed over as systemd does it: `LISTEN_PID`, `LISTEN_FDS`, descriptors from 3 on.

use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::Command;

use rustix::process::Signal;

use crate::support::{Connection, Request, Setup, WITH_OUTPUT};

/// `exec`s the server with `listener` as descriptor 3; its process id stays that of the shell.
fn handed_over(listener: impl Into<OwnedFd>, variables: &str) -> Command {
    let mut shell = Command::new("sh");
    shell
        .args(["-c", &format!("export {variables}; exec \"$0\" \"$@\" 3<&0 </dev/null")])
        .stdin(listener.into());
    shell
}

fn hello() -> Setup {
    Setup::new().says("hello", "hi").without_address()
}

#[test]
fn a_handed_over_tcp_socket_wins_over_the_flags() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let other = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let _server = hello()
        .flags(&format!("-ip 127.0.0.1 -port {}", other.port()))
        .launched_by(handed_over(listener, "LISTEN_PID=$$ LISTEN_FDS=1"))
        .start();
    let response = Connection::tcp(address).unwrap().send(&Request::get("/hooks/hello"));
    response.unwrap().assert(200, "hi");
    assert!(Connection::tcp(other).is_err(), "listens on {other} as well");
}

#[test]
fn a_handed_over_unix_socket_serves_and_its_file_stays_systemds() {
    let setup = hello();
    let path = setup.path("given.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let mut server = setup.launched_by(handed_over(listener, "LISTEN_PID=$$ LISTEN_FDS=1")).start();
    let mut connection = Connection::unix(UnixStream::connect(&path).unwrap()).unwrap();
    connection.send(&Request::get("/hooks/hello")).unwrap().assert(200, "hi");
    server.signal(Signal::TERM);
    assert!(server.wait().success());
    assert!(path.exists());
}

#[test]
fn a_command_does_not_inherit_the_socket() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let script = "test -e /proc/$$/fd/3 && echo open || echo closed";
    let _server = Setup::new()
        .shell("look", script, WITH_OUTPUT)
        .without_address()
        .launched_by(handed_over(listener, "LISTEN_PID=$$ LISTEN_FDS=1"))
        .start();
    let response = Connection::tcp(address).unwrap().send(&Request::get("/hooks/look"));
    response.unwrap().assert(200, "closed\n");
}

#[test]
fn a_socket_meant_for_another_process_is_not_taken() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = Setup::new()
        .says("hello", "hi")
        .launched_by(handed_over(listener, "LISTEN_PID=1 LISTEN_FDS=1"))
        .start();
    server.get("/hooks/hello").assert(200, "hi");
}

#[test]
fn two_handed_over_sockets_are_an_error() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let launcher = handed_over(listener, "LISTEN_PID=$$ LISTEN_FDS=2; exec 4<&0");
    let exit = hello().launched_by(launcher).run();
    assert_eq!(exit.code, Some(1), "{exit:?}");
    assert!(exit.stderr.contains("socket"), "{exit:?}");
}
