//! The run behind a stream: its log, its end with the server, duplicates, what it leaves behind.

use rustix::process::Signal;

use super::{STREAM, expect, follow, follow_over, until_it_breaks};
use crate::support::{Fifo, Request, Setup};

#[test]
fn the_log_has_the_answer_and_the_outcome() {
    let server = Setup::new().shell("run", "echo secret-output; exit 3", STREAM).flags("-verbose").start();
    let (mut connection, _) = follow(&server, "/hooks/run");
    assert_eq!(until_it_breaks(&mut connection), "secret-output\n");
    server.wait_for_log("run got matched, and its output follows");
    server.wait_for_log("error occurred: exit status 3; finished handling run");
    assert!(!server.log().iter().any(|line| line.contains("secret-output")));
}

#[test]
fn the_log_at_debug_has_the_output_up_to_the_limit_and_the_client_all_of_it() {
    let server = Setup::new()
        .shell("run", "echo begin; head -c 100000 /dev/zero | tr '\\0' x; echo end", STREAM)
        .flags("-debug -max-output 1KiB")
        .start();
    let response = server.post("/hooks/run");
    assert_eq!((response.status, response.body.len()), (200, 100_010));
    let line = server.wait_for_log("command output: begin");
    assert!(line.len() < 2_000, "{}", line.len());
    server.wait_for_log("finished handling run");
    assert!(!server.log().iter().any(|line| line.contains("truncated")));
}

#[test]
fn a_process_left_behind_ends_the_stream_a_second_late() {
    let server = Setup::new().shell("run", "sleep 10 & echo out", STREAM).flags("-verbose").start();
    server.post("/hooks/run").assert(200, "out\n");
    server.wait_for_log("leaked: ");
}

#[test]
fn a_stop_waits_for_a_stream() {
    let setup = Setup::new().shell("run", "echo one; read line < @DIR@/gate; echo two", STREAM);
    let gate = Fifo::new(setup.path("gate"));
    let mut server = setup.start();
    let (mut connection, _) = follow(&server, "/hooks/run");
    expect(&mut connection, "one\n");
    server.signal(Signal::TERM);
    server.wait_for_notice("STOPPING=1");
    gate.send("go\n");
    expect(&mut connection, "two\n");
    assert_eq!(connection.chunk().unwrap(), b"");
    assert!(server.wait().success());
}

#[test]
fn a_stream_that_is_cut_at_the_servers_end_says_so() {
    let mut server =
        Setup::new().shell("run", "echo one; exec sleep 60", STREAM).flags("-drain-timeout 100ms").start();
    let (mut plain, _) = follow(&server, "/hooks/run");
    let mut with_trailer = server.connect();
    follow_over(&mut with_trailer, &Request::post("/hooks/run").header("TE", "trailers"));
    expect(&mut plain, "one\n");
    expect(&mut with_trailer, "one\n");
    server.signal(Signal::TERM);
    assert_eq!(until_it_breaks(&mut plain), "");
    assert_eq!(with_trailer.chunk().unwrap(), b"");
    assert_eq!(with_trailer.headers().unwrap()[0].1, "killed at shutdown");
    assert!(server.wait().success());
}

#[test]
fn a_stop_waits_for_a_run_whose_client_has_left() {
    let setup = Setup::new().shell("run", "echo one; read line < @DIR@/gate; echo two", STREAM);
    let gate = Fifo::new(setup.path("gate"));
    let server = setup.flags("-verbose").start();
    let (mut connection, _) = follow(&server, "/hooks/run");
    expect(&mut connection, "one\n");
    drop(connection);
    gate.send("go\n");
    let log = server.stop();
    assert!(log.iter().any(|line| line.contains("finished handling run")), "{log:?}");
}

#[test]
fn a_stream_ends_with_the_time_of_its_command() {
    let server =
        Setup::new().shell("run", "echo one; exec sleep 60", &format!("{STREAM}\ntimeout: 300ms")).start();
    let mut connection = server.connect();
    follow_over(&mut connection, &Request::post("/hooks/run").header("TE", "trailers"));
    expect(&mut connection, "one\n");
    assert_eq!(connection.chunk().unwrap(), b"");
    assert_eq!(connection.headers().unwrap()[0].1, "timed out");
}

#[test]
fn a_body_can_go_in_at_one_end_and_come_out_at_the_other() {
    let keys = format!("{STREAM}\npass-stdin-to-command: {{source: raw-request-body}}");
    let server = Setup::new().shell("run", "cat", &keys).start();
    let body: Vec<u8> = (0..4 << 20).map(|number: u32| (number % 251) as u8).collect();
    let response = server.send(&Request::post("/hooks/run").body(body.clone()));
    assert_eq!((response.status, response.body == body), (200, true));
}

#[test]
fn a_delivery_that_was_streamed_counts_as_accepted_unless_it_failed() {
    let keys = format!(
        "{STREAM}\nresponse-message: known\nverify: {{sender: none}}\n\
         deduplicate: {{by: {{source: url, name: id}}}}"
    );
    let server = Setup::new().shell("run", "echo out; test -e @DIR@/mended", &keys).flags("-verbose").start();
    let (mut connection, _) = follow(&server, "/hooks/run?id=1");
    // Forgotten before the client hears of the failure, so that even the quickest retry runs.
    assert_eq!(until_it_breaks(&mut connection), "out\n");
    std::fs::write(server.path("mended"), "").unwrap();
    server.post("/hooks/run?id=1").assert(200, "out\n");
    server.post("/hooks/run?id=1").assert(200, "known");
}

#[test]
fn the_output_alone_is_the_answer_without_stderr() {
    let script = "head -c 1048576 /dev/zero >&2; echo out; echo more >&2; exit $HOOK_code";
    let keys = "command-output: stdout\ninclude-command-output-in-response: true\n\
                include-command-output-in-response-on-error: true\n\
                pass-environment-to-command: [{source: url, name: code}]";
    let server = Setup::new().shell("run", script, keys).start();
    server.post("/hooks/run?code=0").assert(200, "out\n");
    server.post("/hooks/run?code=1").assert(500, "out\n");
}

#[test]
fn a_process_that_holds_stderr_alone_is_left_behind_too() {
    let keys = "command-output: stdout\ninclude-command-output-in-response: true";
    let server = Setup::new().shell("run", "sleep 10 > /dev/null & echo out", keys).flags("-verbose").start();
    server.post("/hooks/run").assert(200, "out\n");
    server.wait_for_log("leaked: ");
}
