//! Starts that fail: which exit code, and what the message names.

use std::net::TcpListener;
use std::process;

use regex::Regex;

use crate::support::Setup;

fn hello() -> Setup {
    Setup::new().says("hello", "hi")
}

/// The start fails with exit 1, and stderr fits each of `patterns`.
#[track_caller]
fn check(setup: Setup, patterns: &[&str]) {
    let exit = setup.run();
    assert_eq!(exit.code, Some(1), "{exit:?}");
    for pattern in patterns {
        let fits = Regex::new(pattern).unwrap().is_match(&exit.stderr);
        assert!(fits, "`{pattern}` does not fit\n{}", exit.stderr);
    }
}

#[test]
fn a_taken_port_is_named_with_its_address() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let flags = format!("-ip 127.0.0.1 -port {port}");
    check(hello().without_address().flags(&flags), &[&format!(r"127\.0\.0\.1:{port}"), "in use"]);
}

#[test]
fn a_missing_hooks_file_ends_the_start_unless_nopanic_or_verbose() {
    check(Setup::new().flags("-hooks absent.yaml"), &[r"absent\.yaml", "(?i)no such file|not found"]);
    for permission in ["-nopanic", "-verbose"] {
        let server = Setup::new().flags("-hooks absent.yaml").flags(permission).start();
        server.wait_for_log("absent.yaml");
        server.get("/").assert(200, "OK");
        server.get("/hooks/hello").assert(404, "Hook not found.");
    }
}

#[test]
fn broken_yaml_is_named_by_file_line_and_column() {
    let broken = Setup::new().hooks("- id: a\n  execute-command: 'true'\n  http-methods: [GET, }\n");
    check(broken, &[r"hooks\.yaml", r"line 3\b.*column \d+|:3:\d+"]);
}

#[test]
fn a_top_level_object_is_no_hooks_file() {
    check(Setup::new().hooks("id: a\nexecute-command: 'true'\n"), &[r"hooks\.yaml", "list|sequence|array"]);
}

#[test]
fn one_id_twice_is_named_with_both_places() {
    let twice = Setup::new().says("twin", "first").says("other", "x").says("twin", "second");
    check(twice, &["twin", r"hooks\.yaml", r"line 1\b|:1\b", r"line 3\b|:3\b"]);
}

#[test]
fn a_file_that_brings_the_id_of_another_is_left_out_and_both_are_named() {
    let hook = |message| format!("- {{id: twin, execute-command: 'true', response-message: {message}}}\n");
    let server = Setup::new()
        .file("a.yaml", hook("first"))
        .file("b.yaml", hook("second"))
        .flags("-hooks a.yaml -hooks b.yaml")
        .start();
    server.wait_for_log_line("both places", |line| {
        ["twin", "a.yaml:1", "b.yaml:1"].iter().all(|named| line.contains(named))
    });
    server.get("/hooks/twin").assert(200, "first");
}

#[test]
fn https_without_a_usable_certificate_does_not_start() {
    check(hello().flags("-secure"), &[r"cert\.pem"]);
    check(hello().flags("-secure -cert other.pem").file("key.pem", ""), &[r"other\.pem"]);
    check(hello().flags("-secure").file("cert.pem", "no certificate").file("key.pem", "no key"), &[r"\.pem"]);
}

#[test]
fn an_old_tls_version_is_refused_as_not_supported() {
    for version in ["1.0", "1.1"] {
        let flags = format!("-secure -tls-min-version {version}");
        check(hello().flags(&flags), &["not supported", &version.replace('.', r"\.")]);
    }
}

#[test]
fn user_and_group_are_given_together_and_not_with_a_socket() {
    check(hello().flags("-setuid 1"), &["setgid"]);
    check(hello().flags("-setgid 1"), &["setuid"]);
    let socket = "-socket @DIR@/web.sock -setuid 1 -setgid 1";
    check(hello().without_address().flags(socket), &["socket", "setuid|setgid"]);
}

#[test]
fn a_pidfile_of_a_live_process_is_left_alone() {
    let setup = hello().flags("-pidfile @DIR@/pid").file("pid", process::id().to_string());
    check(setup, &["/pid", &process::id().to_string()]);
}
