//! Clients that read slowly, not at all, or leave; and what the server holds for them.

use std::fs;

use super::{STREAM, expect, follow, follow_over, until_it_breaks};
use crate::support::{Connection, Fifo, Request, Server, Setup, WITH_OUTPUT, eventually};

/// Far more than all buffers on the way hold.
const LARGE: usize = 64 << 20;

fn large(more: &str) -> String {
    format!("head -c {LARGE} /dev/zero; {more}")
}

/// The most memory that the server had, in KiB.
fn peak_kib(server: &Server) -> usize {
    let status = fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Reads to the good end, and gives the length.
#[track_caller]
fn length_to_the_end(connection: &mut Connection) -> usize {
    let mut length = 0;
    loop {
        match connection.chunk().unwrap().len() {
            0 => return length,
            more => length += more,
        }
    }
}

#[test]
fn a_gibibyte_takes_no_more_memory_than_a_line() {
    let server =
        Setup::new().shell("run", "head -c 1073741824 /dev/zero", STREAM).says("hello", "hi").start();
    server.get("/hooks/hello").assert(200, "hi");
    let before = peak_kib(&server);
    let (mut connection, _) = follow(&server, "/hooks/run");
    assert_eq!(length_to_the_end(&mut connection), 1 << 30);
    let more = peak_kib(&server) - before;
    assert!(more < 20 << 10, "{more} KiB more than the {before} KiB before");
}

#[test]
fn output_without_line_ends_is_no_long_event() {
    let server = Setup::new().shell("run", "head -c 100000000 /dev/zero | tr '\\0' x", STREAM).start();
    let before = peak_kib(&server);
    let mut connection = server.connect();
    follow_over(&mut connection, &Request::post("/hooks/run").header("Accept", "text/event-stream"));
    assert!(length_to_the_end(&mut connection) > 100_000_000);
    let more = peak_kib(&server) - before;
    assert!(more < 20 << 10, "{more} KiB more than the {before} KiB before");
}

#[test]
fn a_client_that_leaves_stops_nothing() {
    let server = Setup::new().shell("run", &large("echo > @DIR@/finished"), STREAM).flags("-verbose").start();
    let (mut connection, _) = follow(&server, "/hooks/run");
    connection.chunk().unwrap();
    drop(connection);
    eventually("the command ends", || server.path("finished").exists());
    server.wait_for_log("the client left before the end of the output");
    server.wait_for_log("finished handling run");
}

#[test]
fn a_client_that_takes_nothing_is_given_up_and_the_run_goes_on() {
    let server = Setup::new()
        .shell("run", &large("echo > @DIR@/finished"), STREAM)
        .flags("-verbose -idle-timeout 300ms")
        .start();
    let before = peak_kib(&server);
    let (mut connection, _) = follow(&server, "/hooks/run");
    let log = "the client left before the end of the output, or did not take it";
    server.wait_for_log(log);
    eventually("the command ends", || server.path("finished").exists());
    assert!(peak_kib(&server) - before < 20 << 10);
    // What was on the way is still there, and no good end.
    let mut length = 0;
    while let Ok(chunk) = connection.chunk() {
        assert!(!chunk.is_empty());
        length += chunk.len();
    }
    assert!(length < LARGE, "{length}");
}

#[test]
fn a_client_that_reads_late_gets_everything() {
    let server = Setup::new()
        .shell("run", &large("echo > @DIR@/finished"), STREAM)
        .shell("second", "sleep 10 & echo out", WITH_OUTPUT)
        .flags("-verbose")
        .start();
    let (mut connection, _) = follow(&server, "/hooks/run");
    let mut length = 0;
    let mut is_over = false;
    while !server.path("finished").exists() && !is_over {
        let chunk = connection.chunk().unwrap();
        length += chunk.len();
        is_over = chunk.is_empty();
    }
    // The command has exited. This takes longer than what it left behind would be waited for.
    server.post("/hooks/second").assert(200, "out\n");
    server.post("/hooks/second").assert(200, "out\n");
    // On a busy machine all may have been read before the end was seen.
    if !is_over {
        length += length_to_the_end(&mut connection);
    }
    assert_eq!(length, LARGE);
    server.wait_for_log("finished handling run");
    assert!(!server.log().iter().any(|line| line.contains("leaked") && line.contains("hook=run")));
}

#[test]
fn a_quiet_command_is_waited_for_however_long() {
    let setup = Setup::new()
        .shell("run", "echo one; read line < @DIR@/gate; echo two", STREAM)
        .says("hello", "hi")
        .flags("-idle-timeout 200ms");
    let gate = Fifo::new(setup.path("gate"));
    let server = setup.start();
    let (mut connection, _) = follow(&server, "/hooks/run");
    expect(&mut connection, "one\n");
    // Each ends when the timeout is over.
    for _ in 0..3 {
        let mut idle = server.connect();
        idle.send(&Request::get("/hooks/hello")).unwrap().assert(200, "hi");
        assert_eq!(idle.rest().unwrap(), b"");
    }
    gate.send("go\n");
    expect(&mut connection, "two\n");
    assert_eq!(connection.chunk().unwrap(), b"");
    connection.headers().unwrap();
    assert_eq!(connection.rest().unwrap(), b"", "idle now, and closed");
}

#[test]
fn many_streams_at_once_stay_apart() {
    let server = Setup::new()
        .shell(
            "run",
            "for i in 1 2 3 4 5 6 7 8 9; do echo $HOOK_n; done; exit $HOOK_n",
            &format!("{STREAM}\npass-environment-to-command: [{{source: url, name: 'n'}}]"),
        )
        .start();
    let mut connections: Vec<_> =
        (0..20).map(|number| follow(&server, &format!("/hooks/run?n={number}")).0).collect();
    assert_eq!(length_to_the_end(&mut connections[0]), 18);
    for (number, connection) in connections.iter_mut().enumerate().skip(1) {
        assert_eq!(until_it_breaks(connection), format!("{number}\n").repeat(9));
    }
}
