//! What a stream looks like: plain, with a trailer, to old clients, over TLS.

use rustls::version::TLS13;

use super::{STREAM, expect, follow, follow_over, until_it_breaks};
use crate::support::{Connection, Fifo, RUN_ERROR, Request, Setup, eventually};
use crate::tls::handshake;

/// Prints, waits for the gate, prints again.
const IN_TWO_PIECES: &str = "echo one; read line < @DIR@/gate; echo two";

#[test]
fn each_piece_arrives_while_the_command_runs_and_the_connection_serves_on() {
    let keys =
        format!("{STREAM}\nresponse-headers: [{{name: X-A, value: b}}]\nsuccess-http-response-code: 202");
    let setup = Setup::new().shell("run", IN_TWO_PIECES, &keys).says("hello", "hi");
    let gate = Fifo::new(setup.path("gate"));
    let server = setup.start();
    let (mut connection, head) = follow(&server, "/hooks/run");
    assert_eq!((head.status, head.header("transfer-encoding")), (202, Some("chunked")));
    assert_eq!((head.header("x-a"), head.header("trailer")), (Some("b"), None));
    assert_eq!(head.header("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(head.header("x-accel-buffering"), Some("no"));
    expect(&mut connection, "one\n");
    gate.send("go\n");
    expect(&mut connection, "two\n");
    expect(&mut connection, "");
    assert_eq!(connection.chunk().unwrap(), b"");
    assert_eq!(connection.headers().unwrap(), []);
    connection.send(&Request::get("/hooks/hello")).unwrap().assert(200, "hi");
}

#[test]
fn the_head_arrives_before_there_is_output() {
    let setup = Setup::new().shell("run", "read line < @DIR@/gate; echo out", STREAM);
    let gate = Fifo::new(setup.path("gate"));
    let server = setup.start();
    let (mut connection, head) = follow(&server, "/hooks/run");
    assert_eq!(head.status, 200);
    gate.send("go\n");
    expect(&mut connection, "out\n");
}

#[test]
fn stdout_and_stderr_arrive_in_the_order_of_writing() {
    let server = Setup::new().shell("run", "for i in 1 2 3; do echo o$i; echo e$i >&2; done", STREAM).start();
    server.post("/hooks/run").assert(200, "o1\ne1\no2\ne2\no3\ne3\n");
}

#[test]
fn a_failure_breaks_the_stream_off_after_all_output() {
    let server = Setup::new()
        .shell("small", "echo out; exit 3", STREAM)
        .shell("silent", "exit 3", STREAM)
        .shell("killed", "echo out; kill -9 $$", STREAM)
        .shell("large", "head -c 3000000 /dev/zero | tr '\\0' x; exit 3", STREAM)
        .start();
    for (target, bytes) in [("small", 4), ("silent", 0), ("killed", 4), ("large", 3_000_000)] {
        let (mut connection, head) = follow(&server, &format!("/hooks/{target}"));
        assert_eq!(head.status, 200);
        assert_eq!(until_it_breaks(&mut connection).len(), bytes, "{target}");
    }
}

#[test]
fn a_client_that_takes_trailers_reads_the_outcome_there() {
    let server = Setup::new()
        .shell(
            "run",
            "echo out; exit $HOOK_code",
            &format!("{STREAM}\npass-environment-to-command: [{{source: url, name: code}}]"),
        )
        .start();
    let mut connection = server.connect();
    for code in ["0", "3"] {
        let request = Request::post(&format!("/hooks/run?code={code}")).header("TE", "trailers");
        let head = follow_over(&mut connection, &request);
        assert_eq!((head.status, head.header("trailer")), (200, Some("x-hookrunner-outcome")));
        expect(&mut connection, "out\n");
        assert_eq!(connection.chunk().unwrap(), b"");
        let trailer = ("x-hookrunner-outcome".to_owned(), format!("exit status {code}"));
        assert_eq!(connection.headers().unwrap(), [trailer]);
    }
}

#[test]
fn a_command_that_cannot_start_is_a_500() {
    let keys = format!("execute-command: /nonexistent/command\n  {STREAM}");
    let server = Setup::new()
        .hooks(&format!("- id: gone\n  {keys}\n- id: worded\n  {keys}\n  response-message-on-error: sorry\n"))
        .start();
    server.post("/hooks/gone").assert(500, RUN_ERROR);
    server.post("/hooks/worded").assert(500, "sorry");
}

#[test]
fn a_client_of_http_1_0_reads_until_the_end_of_the_connection() {
    let setup = Setup::new().shell("run", IN_TWO_PIECES, STREAM);
    let gate = Fifo::new(setup.path("gate"));
    let server = setup.start();
    let mut connection = server.connect();
    connection.write(b"GET /hooks/run HTTP/1.0\r\nTE: trailers\r\n\r\n").unwrap();
    let head = connection.response_head().unwrap();
    assert_eq!((head.status, head.header("transfer-encoding")), (200, None));
    gate.send("go\n");
    assert_eq!(connection.rest().unwrap(), b"one\ntwo\n");
}

#[test]
fn head_runs_the_command_and_gets_no_body() {
    let server =
        Setup::new().shell("run", "echo out; echo >> @DIR@/runs", STREAM).says("hello", "hi").start();
    let mut connection = server.connect();
    let head = follow_over(&mut connection, &Request::new("HEAD", "/hooks/run"));
    assert_eq!(head.status, 200);
    connection.send(&Request::get("/hooks/hello")).unwrap().assert(200, "hi");
    eventually("the command runs", || server.path("runs").exists());
}

#[test]
fn a_status_without_a_body_has_none() {
    let keys = format!("{STREAM}\nsuccess-http-response-code: 204");
    let server = Setup::new().shell("run", "head -c 1000000 /dev/zero; echo > @DIR@/finished", &keys).start();
    let mut connection = server.connect();
    assert_eq!(follow_over(&mut connection, &Request::post("/hooks/run")).status, 204);
    eventually("the command ends", || server.path("finished").exists());
    connection.send(&Request::get("/")).unwrap().assert(200, "OK");
}

#[test]
fn stderr_may_be_left_out() {
    let script = "head -c 1048576 /dev/zero | tr '\\0' x >&2; echo out; echo more >&2";
    let keys = format!("{STREAM}\ncommand-output: stdout");
    let mut server = Setup::new().shell("run", script, &keys).flags("-debug -max-output 2MiB").start();
    server.mark_log();
    server.post("/hooks/run").assert(200, "out\n");
    server.wait_for_log("command output: out");
    let line = server.wait_for_log("command errors: xxx");
    assert!(line.len() > 1_048_576, "{}", line.len());
}

#[test]
fn pieces_arrive_over_tls_too() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let setup = Setup::new()
        .shell("run", &format!("{IN_TWO_PIECES}; exit 1"), STREAM)
        .file("cert.pem", made.cert.pem())
        .file("key.pem", made.signing_key.serialize_pem())
        .flags("-secure");
    let gate = Fifo::new(setup.path("gate"));
    let server = setup.start();
    let mut connection = Connection::over(handshake(&server, made.cert.der(), &[&TLS13]).unwrap());
    let head = follow_over(&mut connection, &Request::post("/hooks/run"));
    assert_eq!(head.status, 200);
    expect(&mut connection, "one\n");
    gate.send("go\n");
    assert_eq!(until_it_breaks(&mut connection), "two\n");
}
