//! `timeout` and `kill-grace`: the end of a command that takes too long, and of all it started.

use std::fs;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::{Fifo, RUN_ERROR, Response, Server, Setup, WITH_OUTPUT, eventually, processes};

/// Far longer than any test waits.
const LONG: &str = "10m";

/// Says that it got SIGTERM, and goes on.
const STUBBORN: &str = "trap 'echo asked >> @DIR@/asked' TERM; while :; do sleep 0.01; done";

/// Runs `script` with these keys, and gives the answer with the time it took.
fn run(script: &str, keys: &str) -> (Server, Response, Duration) {
    let server = Setup::new().shell("run", script, &format!("{WITH_OUTPUT}\n{keys}")).flags("-debug").start();
    let started = Instant::now();
    let response = server.post("/hooks/run");
    (server, response, started.elapsed())
}

/// The process whose number is in `file`.
fn process(server: &Server, file: &str) -> Pid {
    let id = fs::read_to_string(server.path(file)).unwrap();
    Pid::from_raw(id.trim().parse().unwrap()).unwrap()
}

fn is_gone(process: Pid) -> bool {
    processes().iter().all(|other| other.id != process.as_raw_pid().unsigned_abs())
}

#[test]
fn a_command_that_takes_too_long_is_ended_and_its_run_has_failed() {
    let (server, response, _) = run("echo out; exec sleep 600", "timeout: 200ms");
    response.assert(500, RUN_ERROR);
    server.wait_for_log("outcome=timed out");
    let on_error = "include-command-output-in-response-on-error: true\ntimeout: 1s";
    run("echo out; exec sleep 600", on_error).1.assert(500, "out\n");
}

#[test]
fn a_command_that_ends_in_time_is_left_alone_and_so_is_what_it_leaves_behind() {
    let keys = format!("timeout: {LONG}\nkill-grace: 1ms");
    let (server, response, _) = run("sleep 600 >/dev/null 2>&1 & echo $! > @DIR@/id; echo out", &keys);
    response.assert(200, "out\n");
    let left_behind = process(&server, "id");
    assert!(!is_gone(left_behind));
    kill_process(left_behind, Signal::KILL).unwrap();
}

#[test]
fn a_background_run_is_ended_too() {
    let server = Setup::new().shell("run", "exec sleep 600", "timeout: 200ms").start();
    server.post("/hooks/run").assert(200, "");
    server.wait_for_log("timed out");
}

#[test]
fn what_the_command_makes_of_the_signal_does_not_matter() {
    let script = "trap 'echo bye; exit 0' TERM; while :; do sleep 0.01; done";
    let (server, response, _) = run(script, "timeout: 1s");
    response.assert(500, RUN_ERROR);
    server.wait_for_log("bye");
    server.wait_for_log("outcome=timed out");
}

#[test]
fn who_ignores_sigterm_gets_sigkill_after_the_grace() {
    let script = format!("echo $$ > @DIR@/id; {STUBBORN}");
    let (server, response, took) = run(&script, "timeout: 1s\nkill-grace: 300ms");
    response.assert(500, RUN_ERROR);
    assert!(took >= Duration::from_millis(1300), "took {took:?}");
    assert_eq!(fs::read_to_string(server.path("asked")).unwrap(), "asked\n");
    assert!(is_gone(process(&server, "id")));
}

#[test]
fn without_a_grace_there_is_no_waiting() {
    let script = format!("echo $$ > @DIR@/id; {STUBBORN}");
    let (server, response, _) = run(&script, "timeout: 1s\nkill-grace: 0");
    response.assert(500, RUN_ERROR);
    assert!(is_gone(process(&server, "id")));
}

#[test]
fn a_grandchild_that_holds_the_output_goes_with_the_group() {
    // The command itself ends at SIGTERM; what it started does not.
    let script = format!("({STUBBORN}) & echo $! > @DIR@/id; exec sleep 600");
    let (server, response, took) = run(&script, "timeout: 1s\nkill-grace: 400ms");
    response.assert(500, RUN_ERROR);
    assert!(took >= Duration::from_millis(1400), "took {took:?}");
    let grandchild = process(&server, "id");
    eventually("the grandchild is gone", || is_gone(grandchild));
    assert!(server.log().iter().all(|line| !line.contains("leaked")));
}

#[test]
fn a_grandchild_without_the_output_has_the_grace_too() {
    let cleaning = "trap 'sleep 0.3; echo cleaned > @DIR@/cleaned; exit' TERM; while :; do sleep 0.01; done";
    let script = format!("({cleaning}) >/dev/null 2>&1 & exec sleep 600");
    let (server, response, _) = run(&script, &format!("timeout: 1s\nkill-grace: {LONG}"));
    response.assert(500, RUN_ERROR);
    assert_eq!(fs::read_to_string(server.path("cleaned")).unwrap(), "cleaned\n");
}

#[test]
fn what_left_the_group_is_left_alone() {
    let script = "setsid sh -c 'echo $$ > @DIR@/id; exec sleep 600' & exec sleep 600";
    let (server, response, _) = run(script, "timeout: 1s\nkill-grace: 100ms");
    response.assert(500, RUN_ERROR);
    server.wait_for_log("leaked");
    let gone_off = process(&server, "id");
    assert!(!is_gone(gone_off));
    kill_process(gone_off, Signal::KILL).unwrap();
}

#[test]
fn a_stop_does_not_wait_for_a_long_grace() {
    let script = format!("echo $$ > @DIR@/id; {STUBBORN}");
    let setup = Setup::new()
        .shell("run", &script, &format!("timeout: 1s\nkill-grace: {LONG}"))
        .flags("-drain-timeout 1ms");
    let asked = Fifo::new(setup.path("asked"));
    let mut server = setup.start();
    server.post("/hooks/run").assert(200, "");
    asked.receive();
    let command = process(&server, "id");
    server.signal(Signal::TERM);
    assert_eq!(server.wait().code(), Some(0));
    eventually("the command is gone", || is_gone(command));
}
