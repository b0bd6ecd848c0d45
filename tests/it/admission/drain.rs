//! The end of a server with runs that run, wait, or wait to be tried again.

use rustix::process::Signal;

use super::{GATED, count, deliver, keys, ran, wait_until_ran};
use crate::support::{Gate, Server, Setup, WITH_OUTPUT};

/// `deploy` is gated and queues; `flaky` fails and is to be tried again in ten minutes.
fn server(flags: &str, more: &str) -> (Server, Gate) {
    let flaky = keys(&format!("retry: {{attempts: 2, initial: 10m, max: 10m}}\n{more}"));
    let setup = Setup::new()
        .shell("deploy", GATED, &keys("concurrency: {max: 1}"))
        .shell("flaky", "exit 1", &flaky)
        .flags("-verbose")
        .flags(flags);
    let gate = Gate::new(setup.path("gate"));
    (setup.start(), gate)
}

#[test]
fn what_waits_runs_and_what_would_be_tried_again_is_dropped_and_named() {
    let (mut server, gate) = server("", "");
    server.mark_log();
    for n in 1..=3 {
        deliver(&server, "deploy", n).assert(200, "");
    }
    wait_until_ran(&server, &[1]);
    deliver(&server, "flaky", 4).assert(200, "");
    server.wait_for_log("trying flaky again");
    server.signal(Signal::TERM);
    let dropped = server.wait_for_log("dropped at shutdown: flaky: it is not tried again");
    assert!(dropped.contains('['), "it names the request: {dropped}");
    let _open = gate.open();
    wait_until_ran(&server, &[1, 2, 3]);
    assert_eq!(server.wait().code(), Some(0));
    // What it has logged may still be on its way here.
    server.wait_for_log("stopped");
    assert_eq!(count(&server.log(), "finished handling deploy"), 3);
}

#[test]
fn what_still_waits_when_the_time_is_over_is_dropped_and_named() {
    let (mut server, _gate) = server("-drain-timeout 100ms", "");
    server.mark_log();
    for n in 1..=4 {
        deliver(&server, "deploy", n).assert(200, "");
    }
    wait_until_ran(&server, &[1]);
    server.signal(Signal::TERM);
    assert_eq!(server.wait().code(), Some(0));
    assert_eq!(ran(&server), ["1"]);
    server.wait_for_log("stopped");
    assert_eq!(count(&server.log(), "dropped at shutdown: deploy: it did not run"), 3);
    let killed = server.wait_for_log("killed at shutdown: ");
    assert_eq!(killed.matches("deploy (request").count(), 1, "{killed}");
}

#[test]
fn a_client_that_waits_for_another_attempt_is_told() {
    let (server, _gate) = server("", WITH_OUTPUT);
    let mut client = server.connect();
    client.write(&super::numbered("flaky", 1).to_bytes()).unwrap();
    server.wait_for_log("trying flaky again");
    server.signal(Signal::TERM);
    let answer = client.response().unwrap();
    answer.assert(503, "The server is shutting down. Please try again later.");
}

#[test]
fn what_fails_during_the_drain_is_not_tried_again() {
    let more = keys("retry: {attempts: 5, initial: 10ms}");
    let setup =
        Setup::new().shell("deploy", "echo $N >> @DIR@/ran; : < @DIR@/gate; exit 1", &more).flags("-verbose");
    let gate = Gate::new(setup.path("gate"));
    let mut server = setup.start();
    deliver(&server, "deploy", 1).assert(200, "");
    wait_until_ran(&server, &[1]);
    server.signal(Signal::TERM);
    server.wait_for_log("shutting down: waiting");
    let _open = gate.open();
    assert_eq!(server.wait().code(), Some(0));
    server.wait_for_log("dropped at shutdown: deploy: it is not tried again");
    assert_eq!(ran(&server), ["1"]);
}

#[test]
fn what_stands_in_line_to_be_tried_again_is_dropped_too() {
    let limit = "concurrency: {max: 1, group: g}";
    let setup = Setup::new()
        .shell("deploy", GATED, &keys(limit))
        .shell(
            "flaky",
            "exit 1",
            &keys(&format!("{limit}\nretry: {{attempts: 100, initial: 20ms, max: 20ms}}")),
        )
        .flags("-verbose");
    let gate = Gate::new(setup.path("gate"));
    let mut server = setup.start();
    deliver(&server, "flaky", 1).assert(200, "");
    deliver(&server, "deploy", 2).assert(200, "");
    wait_until_ran(&server, &[2]);
    server.signal(Signal::TERM);
    server.wait_for_log("dropped at shutdown: flaky: it is not tried again");
    let _open = gate.open();
    assert_eq!(server.wait().code(), Some(0));
}
