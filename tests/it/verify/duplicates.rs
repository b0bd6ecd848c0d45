//! The same delivery comes again.

use std::fs;
use std::thread;

use rustix::process::Signal;

use super::{COUNTED, NOT_VERIFIED, counting, github, github_signature, runs};
use crate::support::{Fifo, RUN_ERROR, Request, Server, Setup, WITH_OUTPUT, eventually, write_executable};

const SECRET: &str = "it-is-known-to-github";
const VERIFY: &str = "verify: {sender: github, secret: it-is-known-to-github}";
const BODY: &str = r#"{"ref": "refs/heads/main", "order": {"id": 17}}"#;

const DUPLICATE: &str = "accepted before";

/// Fails until the test says otherwise.
const FLAKY: &str = "echo run >> @DIR@/runs; test -e @DIR@/mended";

fn once(by: &str) -> Server {
    let keys = format!("response-message: accepted\n{VERIFY}\ndeduplicate: {{by: {by}}}");
    counting("deploy", &keys).flags("-verbose").start()
}

/// The second of these is the first again, the third is not.
#[track_caller]
fn check(server: &mut Server, requests: [&Request; 3]) {
    let [first, again, other] = requests;
    server.send(first).assert(200, "");
    server.mark_log();
    server.send(again).assert(200, "accepted");
    server.wait_for_log(DUPLICATE);
    assert_eq!(runs(server), 1);
    server.send(other).assert(200, "");
    assert_eq!(runs(server), 2);
    server.send(again).assert(200, "accepted");
    server.send(other).assert(200, "accepted");
    assert_eq!(runs(server), 2);
}

#[test]
fn by_the_deliverys_id() {
    let [first, other] = ["one", "two"].map(|id| github(SECRET, id, BODY));
    check(&mut once("delivery-id"), [&first, &first, &other]);
}

#[test]
fn by_what_was_signed() {
    let other = BODY.replace("17", "18");
    let [first, again] = ["one", "two"].map(|id| github(SECRET, id, BODY));
    check(&mut once("signature"), [&first, &again, &github(SECRET, "one", &other)]);
}

#[test]
fn by_a_reference_into_the_payload() {
    let respaced = BODY.replace(": ", ":");
    let other = BODY.replace("17", "18");
    let [first, again, other] =
        [("one", BODY), ("two", &respaced), ("one", &other)].map(|(id, body)| github(SECRET, id, body));
    check(&mut once("{source: payload, name: order.id}"), [&first, &again, &other]);
}

#[test]
fn by_a_header_and_without_verification() {
    let keys = "response-message: accepted\ndeduplicate: {by: {source: header, name: Idempotency-Key}}";
    let mut server = counting("deploy", keys).flags("-verbose").start();
    let [first, other] =
        ["one", "two"].map(|key| Request::post("/hooks/deploy").header("idempotency-key", key));
    check(&mut server, [&first, &first, &other]);
}

#[test]
fn each_address_of_a_pattern_has_its_own() {
    let keys = "deduplicate: {by: {source: header, name: Idempotency-Key}}";
    let server = counting("deploy/{env}", keys).start();
    let to = |env: &str| Request::post(&format!("/hooks/deploy/{env}")).header("idempotency-key", "one");
    for (env, expected) in [("live", 1), ("test", 2), ("live", 2), ("%74est", 2)] {
        server.send(&to(env)).assert(200, "");
        assert_eq!(runs(&server), expected, "{env}");
    }
}

#[test]
fn the_memory_outlives_a_reload_and_ends_with_its_time() {
    let keys = format!("{VERIFY}\ndeduplicate: {{by: delivery-id, for: 1h}}");
    let server = counting("deploy", &keys).start();
    let request = github(SECRET, "one", BODY);
    server.send(&request).assert(200, "");
    server.reload(Signal::HUP);
    server.send(&request).assert(200, "");
    assert_eq!(runs(&server), 1);

    let keys = format!("{VERIFY}\ndeduplicate: {{by: delivery-id, for: 300ms}}");
    let server = counting("deploy", &keys).start();
    server.send(&request).assert(200, "");
    eventually("the delivery is forgotten", || {
        server.send(&request).assert(200, "");
        runs(&server) == 2
    });
}

#[test]
fn one_has_the_status_of_the_first() {
    let keys = format!(
        "wait-for-command: true\nresponse-on-exit: {{0: 202}}\n{VERIFY}\ndeduplicate: {{by: delivery-id}}"
    );
    let server = counting("deploy", &keys).start();
    for _ in 0..2 {
        server.send(&github(SECRET, "one", BODY)).assert(202, "");
    }
    assert_eq!(runs(&server), 1);
}

#[test]
fn one_that_failed_runs_again() {
    let keys = format!("{WITH_OUTPUT}\n{VERIFY}\ndeduplicate: {{by: delivery-id}}");
    let server = Setup::new().shell("deploy", FLAKY, &keys).flags("-verbose").start();
    let request = github(SECRET, "one", BODY);
    for round in 1..=2 {
        server.send(&request).assert(500, RUN_ERROR);
        assert_eq!(runs(&server), round);
    }
    fs::write(server.path("mended"), "").unwrap();
    server.send(&request).assert(200, "");
    server.send(&request).assert(200, "");
    server.wait_for_log(DUPLICATE);
    assert_eq!(runs(&server), 3);
}

#[test]
fn one_that_failed_in_the_background_runs_again() {
    let keys = format!("{VERIFY}\ndeduplicate: {{by: signature}}");
    let server = Setup::new().shell("deploy", FLAKY, &keys).start();
    let request = github(SECRET, "one", BODY);
    eventually("a failed run is repeated", || {
        server.send(&request).assert(200, "");
        runs(&server) >= 2
    });
}

#[test]
fn one_whose_command_did_not_start_runs_once_it_can() {
    let hook = format!(
        "- id: deploy\n  execute-command: '@DIR@/later.sh'\n  {VERIFY}\n  deduplicate: {{by: delivery-id}}\n"
    );
    let server = Setup::new().hooks(&hook).start();
    let request = github(SECRET, "one", BODY);
    server.send(&request).assert(500, RUN_ERROR);
    let script = COUNTED.replace("@DIR@", server.path("").to_str().unwrap());
    write_executable(&server.path("later.sh"), &format!("#!/bin/sh\n{script}\n"));
    server.send(&request).assert(200, "");
    eventually("the command runs", || runs(&server) == 1);
    server.send(&request).assert(200, "");
    server.wait_for_log("error in exec");
}

#[test]
fn one_that_comes_again_during_its_run_does_not_run_beside_itself() {
    let script = "echo begun > @DIR@/begun; read line < @DIR@/gate; echo run >> @DIR@/runs";
    let keys = format!("{WITH_OUTPUT}\n{VERIFY}\ndeduplicate: {{by: delivery-id}}");
    let setup = Setup::new().shell("deploy", script, &keys);
    let (begun, gate) = (Fifo::new(setup.path("begun")), Fifo::new(setup.path("gate")));
    let server = setup.start();
    let request = github(SECRET, "one", BODY);
    thread::scope(|scope| {
        let first = scope.spawn(|| server.send(&request));
        begun.receive();
        for _ in 0..3 {
            server.send(&request).assert(200, "");
        }
        gate.send("go\n");
        first.join().unwrap().assert(200, "");
    });
    assert_eq!(runs(&server), 1);
}

/// Whoever forges a delivery must not be able to keep the true one from running.
#[test]
fn one_that_is_refused_is_not_remembered() {
    let server = once("delivery-id");
    server.send(&github("forged", "one", BODY)).assert(401, NOT_VERIFIED);
    server.send(&github(SECRET, "one", BODY)).assert(200, "");
    assert_eq!(runs(&server), 1);
    server.send(&github("forged", "one", BODY)).assert(401, NOT_VERIFIED);
}

#[test]
fn one_whose_rule_is_not_met_is_not_remembered() {
    let keys = format!(
        "{VERIFY}\ndeduplicate: {{by: delivery-id}}\n\
         trigger-rule: {{match: {{type: value, value: main, parameter: {{source: url, name: branch}}}}}}"
    );
    let server = counting("deploy", &keys).start();
    let to = |target: &str| {
        Request::json(target, BODY)
            .header("X-GitHub-Delivery", "one")
            .header("X-Hub-Signature-256", &github_signature(SECRET, BODY))
    };
    server.send(&to("/hooks/deploy?branch=other")).assert(200, "Hook rules were not satisfied.");
    server.send(&to("/hooks/deploy?branch=main")).assert(200, "");
    assert_eq!(runs(&server), 1);
}

#[test]
fn one_that_has_no_id_counts_as_new_and_the_log_says_so() {
    let server = once("delivery-id");
    let request =
        Request::json("/hooks/deploy", BODY).header("X-Hub-Signature-256", &github_signature(SECRET, BODY));
    for _ in 0..2 {
        server.send(&request).assert(200, "");
    }
    assert_eq!(runs(&server), 2);
    server.wait_for_log_line("counts as new", |line| line.contains("WARN") && line.contains("counts as new"));
}

#[test]
fn two_hooks_remember_apart() {
    let keys = format!("{WITH_OUTPUT}\n{VERIFY}\ndeduplicate: {{by: delivery-id}}");
    let server = Setup::new().shell("deploy", COUNTED, &keys).shell("other", COUNTED, &keys).start();
    for target in ["/hooks/deploy", "/hooks/other", "/hooks/deploy", "/hooks/other"] {
        let request = Request::json(target, BODY)
            .header("X-GitHub-Delivery", "one")
            .header("X-Hub-Signature-256", &github_signature(SECRET, BODY));
        server.send(&request).assert(200, "");
    }
    assert_eq!(runs(&server), 2);
}
