//! The pidfile's life. One that names a live process is in `starts.rs`.

use std::fs;
use std::net::TcpListener;
use std::process::Command;

use rustix::process::Signal;

use crate::support::Setup;

fn hello() -> Setup {
    Setup::new().says("hello", "hi").flags("-pidfile @DIR@/pid")
}

#[test]
fn a_pidfile_holds_the_process_id_until_exit() {
    let mut server = hello().start();
    let path = server.path("pid");
    assert_eq!(fs::read_to_string(&path).unwrap().trim(), server.pid().to_string());
    server.signal(Signal::TERM);
    assert!(server.wait().success());
    assert!(!path.exists());
}

#[test]
fn what_a_crash_left_in_a_pidfile_does_not_hinder_the_next_start() {
    let mut ended = Command::new("true").spawn().unwrap();
    ended.wait().unwrap();
    for left in [ended.id().to_string(), String::new(), "no number".to_owned()] {
        let server = hello().file("pid", &left).start();
        let written = fs::read_to_string(server.path("pid")).unwrap();
        assert_eq!(written.trim(), server.pid().to_string(), "after {left:?}");
    }
}

#[test]
fn a_start_that_fails_leaves_no_pidfile() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    // Shared, to look at after the run has removed the setup's own directory.
    let shared = tempfile::tempdir().unwrap();
    let path = shared.path().join("pid");
    let exit = Setup::new()
        .says("hello", "hi")
        .without_address()
        .flags(&format!("-ip 127.0.0.1 -port {port} -pidfile {}", path.display()))
        .run();
    assert_eq!(exit.code, Some(1), "{exit:?}");
    assert!(!path.exists());
}
