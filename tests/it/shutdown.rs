//! The end: requests and runs finish, or the log says what was cut.

use std::fs;
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::support::{Fifo, Request, Server, Setup, WITH_OUTPUT, eventually, processes};

/// How long a command that ignores SIGTERM lives on.
const KILL_GRACE: Duration = Duration::from_secs(5);

/// Says that it has begun, then waits for the test.
const GATED: &str =
    "echo begun > @DIR@/begun; read line < @DIR@/gate; echo $line; echo $line > @DIR@/finished";

/// Does not end by itself; `exec` leaves one process, which SIGTERM ends.
const ENDLESS: &str = "echo begun > @DIR@/begun; exec sleep 600";

struct Gated {
    server: Server,
    begun: Fifo,
    gate: Fifo,
}

fn gated(script: &str, keys: &str, flags: &str) -> Gated {
    let setup = Setup::new().shell("deploy", script, keys).says("hello", "hi").flags(flags);
    let begun = Fifo::new(setup.path("begun"));
    let gate = Fifo::new(setup.path("gate"));
    Gated { server: setup.start(), begun, gate }
}

#[test]
fn a_run_in_flight_finishes_and_its_output_arrives() {
    for signal in [Signal::TERM, Signal::INT] {
        let Gated { mut server, begun, gate } = gated(GATED, WITH_OUTPUT, "");
        let mut connection = server.connect();
        let response = thread::spawn(move || connection.send(&Request::post("/hooks/deploy")));
        begun.receive();
        server.signal(signal);
        server.wait_for_notice("STOPPING=1");
        let address = server.address();
        eventually("the listener closes", || TcpStream::connect(address).is_err());
        gate.send("done\n");
        response.join().unwrap().unwrap().assert(200, "done\n");
        assert_eq!(server.wait().code(), Some(0));
    }
}

#[test]
fn a_run_in_the_background_finishes_too() {
    let Gated { mut server, begun, gate } = gated(GATED, "", "");
    server.post("/hooks/deploy").assert(200, "");
    begun.receive();
    server.signal(Signal::TERM);
    server.wait_for_notice("STOPPING=1");
    server.wait_for_log("shutting down: still waiting for deploy (request ");
    gate.send("done\n");
    assert_eq!(server.wait().code(), Some(0));
    assert_eq!(fs::read_to_string(server.path("finished")).unwrap(), "done\n");
}

#[test]
fn idle_connections_do_not_hold_up_the_end() {
    let mut server = Setup::new().says("hello", "hi").start();
    let mut used = server.connect();
    used.send(&Request::get("/hooks/hello")).unwrap().assert(200, "hi");
    let fresh = server.connect();
    let started = Instant::now();
    server.signal(Signal::TERM);
    assert_eq!(server.wait().code(), Some(0));
    assert!(started.elapsed() < KILL_GRACE, "took {:?}", started.elapsed());
    drop((used, fresh));
}

#[test]
fn a_run_is_cut_when_the_drain_time_is_over_and_the_log_names_it() {
    let Gated { mut server, begun, .. } = gated(ENDLESS, "", "-drain-timeout 200ms");
    server.post("/hooks/deploy").assert(200, "");
    begun.receive();
    server.mark_log();
    let started = Instant::now();
    server.signal(Signal::TERM);
    assert_eq!(server.wait().code(), Some(0));
    assert!(started.elapsed() < KILL_GRACE, "took {:?}", started.elapsed());
    server.wait_for_log_line("deploy … killed", |line| line.contains("deploy") && line.contains("kill"));
}

#[test]
fn a_second_signal_cuts_the_wait_short() {
    let Gated { mut server, begun, .. } = gated(ENDLESS, "", "-drain-timeout 10m");
    server.post("/hooks/deploy").assert(200, "");
    begun.receive();
    server.mark_log();
    server.signal(Signal::TERM);
    server.wait_for_notice("STOPPING=1");
    server.signal(Signal::TERM);
    assert_eq!(server.wait().code(), Some(0));
    server.wait_for_log_line("deploy … killed", |line| line.contains("deploy") && line.contains("kill"));
}

#[test]
fn a_command_that_ignores_sigterm_is_killed_with_its_whole_group() {
    let script = "trap '' TERM; echo begun > @DIR@/begun; sleep 600 & sleep 600";
    let Gated { mut server, begun, .. } = gated(script, "", "-drain-timeout 100ms");
    server.post("/hooks/deploy").assert(200, "");
    begun.receive();
    let group = group_of_child(server.pid());
    let started = Instant::now();
    server.signal(Signal::TERM);
    assert_eq!(server.wait().code(), Some(0));
    assert!(started.elapsed() >= KILL_GRACE, "took {:?}", started.elapsed());
    eventually("the group is gone", || processes().iter().all(|process| process.group != group));
    server.wait_for_log_line("deploy … killed", |line| line.contains("deploy") && line.contains("kill"));
}

#[test]
fn a_client_that_is_cut_off_hears_of_the_failure() {
    let Gated { mut server, begun, .. } = gated(ENDLESS, WITH_OUTPUT, "-drain-timeout 200ms");
    let mut connection = server.connect();
    let response = thread::spawn(move || connection.send(&Request::post("/hooks/deploy")));
    begun.receive();
    server.signal(Signal::TERM);
    assert_eq!(response.join().unwrap().unwrap().status, 500);
    assert_eq!(server.wait().code(), Some(0));
}

fn group_of_child(server: u32) -> u32 {
    processes().iter().find(|process| process.parent == server).unwrap().group
}
