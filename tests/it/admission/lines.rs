//! What a delivery meets when as many run as may.

use std::fs;
use std::thread;

use rustix::process::Signal;

use super::{GATED, count, deliver, gated, keys, numbered, ran, wait_until_ran};
use crate::support::{Gate, RUN_ERROR, Request, Setup, WITH_OUTPUT, eventually, lines_of, write_executable};

#[test]
fn a_queue_runs_one_after_the_other_in_the_order_of_arrival() {
    for limit in ["concurrency: {max: 1}", "maximum-concurrent-executions: 1"] {
        let (server, gate) = gated(limit, "");
        for n in 0..20 {
            deliver(&server, "deploy", n).assert(200, "");
        }
        wait_until_ran(&server, &[0]);
        let _open = gate.open();
        wait_until_ran(&server, &(0..20).collect::<Vec<_>>());
        assert_eq!(count(&server.stop(), "finished handling deploy"), 20);
    }
}

#[test]
fn the_first_and_the_latest_of_a_hundred_run() {
    let (mut server, gate) = gated("concurrency: {max: 1, when-busy: latest}", "");
    server.mark_log();
    deliver(&server, "deploy", 1).assert(200, "");
    wait_until_ran(&server, &[1]);
    for n in 2..=100 {
        deliver(&server, "deploy", n).assert(200, "");
    }
    let _open = gate.open();
    wait_until_ran(&server, &[1, 100]);
    let log = server.stop();
    assert_eq!(count(&log, "superseded: "), 98);
    assert_eq!(count(&log, "finished handling deploy"), 2);
}

#[test]
fn a_hook_may_reject_what_comes_while_it_is_busy() {
    let (server, gate) = gated("concurrency: {max: 1, when-busy: reject}", "");
    deliver(&server, "deploy", 1).assert(200, "");
    let rejected = deliver(&server, "deploy", 2);
    rejected.assert(429, "The hook is busy. Please try again later.");
    assert!(rejected.header("retry-after").is_some());
    let _open = gate.open();
    eventually("the hook is free again", || deliver(&server, "deploy", 3).status == 200);
    eventually("it runs", || ran(&server) == ["1", "3"]);
}

/// The client was told 200 or 429 and may not look; whoever asks why nothing ran reads the log.
#[test]
fn what_is_not_run_for_others_is_told_without_verbose() {
    const LINES_AT_ONCE: usize = 5;
    for (when_busy, text) in [("latest", "superseded: "), ("reject", "rejected: ")] {
        let limit = format!("concurrency: {{max: 1, when-busy: {when_busy}}}");
        let setup = Setup::new().shell("deploy", GATED, &keys(&limit));
        let gate = Gate::new(setup.path("gate"));
        let server = setup.start();
        deliver(&server, "deploy", 1).assert(200, "");
        wait_until_ran(&server, &[1]);
        (2..=20).for_each(|n| drop(deliver(&server, "deploy", n)));
        server.wait_for_log(text);
        let _open = gate.open();
        assert_eq!(count(&server.stop(), text), LINES_AT_ONCE);
    }
}

#[test]
fn a_queue_takes_as_many_as_it_says() {
    let (server, gate) = gated("concurrency: {max: 2, queue-limit: 3}", "");
    for n in 1..=5 {
        deliver(&server, "deploy", n).assert(200, "");
    }
    let refused = deliver(&server, "deploy", 6);
    refused.assert(503, "Too many deliveries are waiting. Please try again later.");
    assert!(refused.header("retry-after").is_some());
    server.wait_for_log("`queue-limit`");
    let _open = gate.open();
    eventually("all that were accepted run", || ran(&server).len() == 5);
    eventually("there is room again", || deliver(&server, "deploy", 7).status == 200);
}

#[test]
fn hooks_of_a_group_share_the_limit() {
    let limit = "concurrency: {max: 1, group: production}";
    let setup = Setup::new()
        .shell("deploy", GATED, &keys(limit))
        .shell("rollback", GATED, &keys(limit))
        .shell("other", GATED, &keys("concurrency: {max: 1}"))
        .flags("-verbose");
    let gate = Gate::new(setup.path("gate"));
    let server = setup.start();
    deliver(&server, "deploy", 1).assert(200, "");
    wait_until_ran(&server, &[1]);
    deliver(&server, "rollback", 2).assert(200, "");
    server.wait_for_log("rollback got matched, and waits for its turn");
    deliver(&server, "deploy", 3).assert(200, "");
    deliver(&server, "other", 4).assert(200, "");
    wait_until_ran(&server, &[1, 4]);
    let _open = gate.open();
    wait_until_ran(&server, &[1, 4, 2, 3]);
}

#[test]
fn a_client_that_wants_the_output_waits_through_the_queue() {
    let (server, gate) = gated(&format!("{WITH_OUTPUT}\nconcurrency: {{max: 1}}"), "");
    thread::scope(|scope| {
        let first = scope.spawn(|| deliver(&server, "deploy", 1));
        wait_until_ran(&server, &[1]);
        let mut waiting = server.connect();
        waiting.write(&numbered("deploy", 2).to_bytes()).unwrap();
        let _open = gate.open();
        first.join().unwrap().assert(200, "1\n");
        waiting.response().unwrap().assert(200, "2\n");
    });
}

#[test]
fn a_client_that_waits_and_is_superseded_is_told() {
    let (server, gate) = gated(&format!("{WITH_OUTPUT}\nconcurrency: {{max: 1, when-busy: latest}}"), "");
    thread::scope(|scope| {
        let first = scope.spawn(|| deliver(&server, "deploy", 1));
        wait_until_ran(&server, &[1]);
        // Whichever of the two comes later takes the other's place.
        let others = [2, 3].map(|n| {
            scope.spawn({
                let server = &server;
                move || deliver(server, "deploy", n)
            })
        });
        server.wait_for_log("superseded: ");
        let _open = gate.open();
        first.join().unwrap().assert(200, "1\n");
        let mut answers = others.map(|other| other.join().unwrap());
        answers.sort_by_key(|answer| answer.status);
        assert_eq!(answers[0].status, 200);
        answers[1].assert(409, "A newer delivery took the place of this one.");
    });
}

#[test]
fn a_stream_begins_when_its_turn_has_come() {
    let (server, gate) =
        gated("stream-command-output: true\nconcurrency: {max: 1, when-busy: latest}", "-debug");
    let mut clients = [1, 2, 3].map(|n| {
        let mut client = server.connect();
        client.write(&numbered("deploy", n).to_bytes()).unwrap();
        match n {
            1 => wait_until_ran(&server, &[1]),
            // It waits as soon as the one that waits before it is superseded.
            2 => eventually("it waits", || count(&server.log(), "incoming HTTP POST request") == 2),
            _ => drop(server.wait_for_log("superseded: ")),
        }
        client
    });
    let _open = gate.open();
    let mut answers = clients.each_mut().map(|client| client.response().unwrap());
    assert_eq!(answers[0].text(), "1\n");
    // The two may have been taken up in either order.
    answers[1..].sort_by_key(|answer| answer.status);
    assert_eq!((answers[1].status, answers[2].status), (200, 409));
}

#[test]
fn a_client_that_leaves_keeps_its_place() {
    let (server, gate) = gated(&format!("{WITH_OUTPUT}\nconcurrency: {{max: 1}}"), "-debug");
    let mut first = server.connect();
    first.write(&numbered("deploy", 1).to_bytes()).unwrap();
    wait_until_ran(&server, &[1]);
    let mut leaver = server.connect();
    leaver.write(&numbered("deploy", 2).to_bytes()).unwrap();
    eventually("it is known to wait", || count(&server.log(), "incoming HTTP POST request") == 2);
    drop((first, leaver));
    let _open = gate.open();
    wait_until_ran(&server, &[1, 2]);
}

#[test]
fn what_cannot_start_is_refused_at_once_although_it_would_wait() {
    let hook = format!(
        "- id: deploy\n  execute-command: '@DIR@/deploy.sh'\n  {}\n  concurrency: {{max: 1}}\n",
        super::NUMBERED
    );
    let setup = Setup::new().hooks(&hook).flags("-verbose");
    let gate = Gate::new(setup.path("gate"));
    let script = GATED.replace("@DIR@", setup.directory().to_str().unwrap());
    write_executable(&setup.path("deploy.sh"), &format!("#!/bin/sh\n{script}\n"));
    let server = setup.start();
    deliver(&server, "deploy", 1).assert(200, "");
    wait_until_ran(&server, &[1]);
    fs::rename(server.path("deploy.sh"), server.path("gone.sh")).unwrap();
    deliver(&server, "deploy", 2).assert(500, RUN_ERROR);
    server.wait_for_log("error in exec");
    drop(gate.open());
}

/// Only the command's own time counts: the second waits for longer than its timeout.
#[test]
fn the_timeout_does_not_count_while_a_run_waits() {
    let script = "echo $N >> @DIR@/ran; test $N != 1 || exec sleep 600; echo in time";
    let more = keys(&format!("{WITH_OUTPUT}\nconcurrency: {{max: 1}}\ntimeout: 2s"));
    let server = Setup::new().shell("deploy", script, &more).start();
    thread::scope(|scope| {
        let first = scope.spawn(|| deliver(&server, "deploy", 1));
        wait_until_ran(&server, &[1]);
        deliver(&server, "deploy", 2).assert(200, "in time\n");
        first.join().unwrap().assert(500, RUN_ERROR);
    });
}

/// What was superseded has not been run, so it may come again; what waits may not.
#[test]
fn a_delivery_that_waits_is_known_and_one_that_was_superseded_is_not() {
    let (mut server, gate) = gated(
        "concurrency: {max: 1, when-busy: latest}\ndeduplicate: {by: {source: header, name: X-Id}}",
        "",
    );
    let with_id = |n: usize| numbered("deploy", n).header("X-Id", &n.to_string());
    server.send(&with_id(1)).assert(200, "");
    wait_until_ran(&server, &[1]);
    server.send(&with_id(2)).assert(200, "");
    server.mark_log();
    server.send(&with_id(2)).assert(200, "");
    server.wait_for_log("this delivery was accepted before");
    server.send(&with_id(3)).assert(200, "");
    server.wait_for_log("superseded: ");
    eventually("the superseded delivery is forgotten", || {
        server.mark_log();
        server.send(&with_id(2)).assert(200, "");
        let known = server.wait_for_log("deploy got matched");
        !known.contains("accepted before")
    });
    let _open = gate.open();
    wait_until_ran(&server, &[1, 2]);
}

#[test]
fn a_reload_that_raises_the_limit_lets_those_that_wait_run() {
    let (server, gate) = gated("concurrency: {max: 1}", "");
    for n in 1..=5 {
        deliver(&server, "deploy", n).assert(200, "");
    }
    wait_until_ran(&server, &[1]);
    let path = server.path("hooks.yaml");
    let hooks = fs::read_to_string(&path).unwrap().replace("max: 1", "max: 3");
    fs::write(&path, hooks).unwrap();
    server.reload(Signal::HUP);
    eventually("three run", || ran(&server).len() == 3);
    let _open = gate.open();
    eventually("all run", || ran(&server).len() == 5);
}

#[test]
fn the_count_outlives_a_reload() {
    let (server, gate) = gated("concurrency: {max: 1}", "");
    deliver(&server, "deploy", 1).assert(200, "");
    wait_until_ran(&server, &[1]);
    server.reload(Signal::HUP);
    deliver(&server, "deploy", 2).assert(200, "");
    server.wait_for_log("waits for its turn");
    let _open = gate.open();
    wait_until_ran(&server, &[1, 2]);
}

/// A large body that waits still counts in the memory for bodies.
#[test]
fn what_waits_counts_as_a_body_in_flight() {
    let script = "cat > /dev/null; echo run >> @DIR@/ran; : < @DIR@/gate";
    let file = "pass-file-to-command: [{source: raw-request-body, envname: BODY}]\nconcurrency: {max: 1}";
    let setup = Setup::new().shell("deploy", script, file).says("hello", "hi");
    let gate = Gate::new(setup.path("gate"));
    let server = setup.flags("-max-body-memory 1MiB").start();
    let large = |target: &str| Request::post(target).body(vec![b'x'; 400 * 1024]);
    for _ in 0..3 {
        server.send(&large("/hooks/deploy")).assert(200, "");
    }
    eventually("the first runs", || lines_of(&server.path("ran")).len() == 1);
    assert_eq!(server.send(&large("/hooks/hello")).status, 503);
    let _open = gate.open();
    eventually("all run", || lines_of(&server.path("ran")).len() == 3);
    eventually("the memory is free again", || server.send(&large("/hooks/hello")).status == 200);
}
