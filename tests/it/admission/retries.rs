//! Runs that failed and are tried again.

use std::fs;
use std::thread;

use super::{count, deliver, keys, wait_until_ran};
use crate::support::{Gate, RUN_ERROR, Request, Server, Setup, WITH_OUTPUT, eventually, lines_of};

/// Fails with the code that the request wants until it has run as often as the request wants.
const FAILING: &str = "echo $N >> @DIR@/ran; test $(wc -l < @DIR@/ran) -ge $GOOD || exit $CODE; echo well";

fn failing(retry: &str, more: &str) -> Server {
    let keys = format!(
        "pass-environment-to-command: [{{source: url, name: code, envname: CODE}}, {{source: url, name: good, envname: GOOD}}]\n\
         retry: {{initial: 10ms, {retry}}}\n{more}"
    );
    Setup::new().shell("deploy", FAILING, &keys).flags("-verbose").start()
}

fn request(code: u8, good: usize) -> Request {
    Request::post(&format!("/hooks/deploy?code={code}&good={good}"))
}

fn runs(server: &Server) -> usize {
    lines_of(&server.path("ran")).len()
}

#[test]
fn the_client_gets_the_end_of_the_last_attempt() {
    let server = failing("attempts: 5", WITH_OUTPUT);
    server.send(&request(7, 3)).assert(200, "well\n");
    assert_eq!(runs(&server), 3);
    let log = server.stop();
    assert_eq!(count(&log, "error occurred: exit status 7; finished handling deploy (attempt 1 of 5)"), 1);
    assert_eq!(count(&log, "error occurred: exit status 7; finished handling deploy (attempt 2 of 5)"), 1);
    assert_eq!(count(&log, "finished handling deploy (attempt 3 of 5)"), 1);
}

#[test]
fn there_are_as_many_attempts_as_the_hook_says() {
    let server = failing("attempts: 3", WITH_OUTPUT);
    server.send(&request(7, 9)).assert(500, RUN_ERROR);
    assert_eq!(runs(&server), 3);
}

#[test]
fn what_is_tried_again_is_what_is_listed() {
    #[track_caller]
    fn check(on: &str, code: u8, expected: usize) {
        let server = failing(&format!("attempts: 2, on: {on}"), WITH_OUTPUT);
        server.send(&request(code, 9)).assert(500, RUN_ERROR);
        assert_eq!(runs(&server), expected, "{on} {code}");
    }
    check("[75, 111]", 111, 2);
    check("[75, 111]", 1, 1);
    check("[timeout]", 1, 1);
    check("[timeout, exit-code]", 1, 2);
    check("[timeout, 1]", 1, 2);
}

#[test]
fn a_death_by_a_signal_is_tried_again() {
    let script = "echo $N >> @DIR@/ran; test $(wc -l < @DIR@/ran) -ge 2 || kill -9 $$; echo well";
    let more = keys(&format!("{WITH_OUTPUT}\nretry: {{attempts: 2, initial: 10ms}}"));
    let server = Setup::new().shell("deploy", script, &more).start();
    deliver(&server, "deploy", 1).assert(200, "well\n");
}

#[test]
fn a_run_that_took_too_long_is_tried_again() {
    let script = "echo $N >> @DIR@/ran; test $(wc -l < @DIR@/ran) -ge 2 || exec sleep 600; echo well";
    let more =
        keys(&format!("{WITH_OUTPUT}\ntimeout: 300ms\nretry: {{attempts: 9, initial: 10ms, on: [timeout]}}"));
    let server = Setup::new().shell("deploy", script, &more).flags("-verbose").start();
    // A slow machine may need further attempts to be in time.
    deliver(&server, "deploy", 1).assert(200, "well\n");
    server.wait_for_log("error occurred: timed out; finished handling deploy (attempt 1 of 9)");
}

#[test]
fn each_attempt_has_its_own_files() {
    let script = "echo $FILE >> @DIR@/ran; cat $FILE; rm $FILE; test $(wc -l < @DIR@/ran) -ge 2";
    let more = format!(
        "pass-file-to-command: [{{source: raw-request-body, envname: FILE}}]\n{WITH_OUTPUT}\n\
         retry: {{attempts: 2, initial: 10ms}}"
    );
    let server = Setup::new().shell("deploy", script, &more).start();
    server.send(&Request::post("/hooks/deploy").body("the body")).assert(200, "the body");
    let files = lines_of(&server.path("ran"));
    assert!(files.len() == 2 && files[0] != files[1], "{files:?}");
}

/// A delivery that is still to be tried again is no reason to run it a second time beside itself.
#[test]
fn a_delivery_is_known_until_its_last_attempt_has_failed() {
    let more = "deduplicate: {by: {source: header, name: X-Id}}";
    let script = "echo $N >> @DIR@/ran; : < @DIR@/gate; exit 1";
    let more = keys(&format!("{more}\nretry: {{attempts: 2, initial: 10ms}}"));
    let setup = Setup::new().shell("deploy", script, &more).flags("-verbose");
    let gate = Gate::new(setup.path("gate"));
    let mut server = setup.start();
    let request = super::numbered("deploy", 1).header("X-Id", "one");
    server.send(&request).assert(200, "");
    wait_until_ran(&server, &[1]);
    server.send(&request).assert(200, "");
    server.wait_for_log("accepted before");
    let open = gate.open();
    server.wait_for_log("finished handling deploy (attempt 2 of 2)");
    drop(open);
    eventually("the failed delivery is forgotten", || {
        server.mark_log();
        server.send(&request).assert(200, "");
        !server.wait_for_log("deploy got matched").contains("accepted before")
    });
    wait_until_ran(&server, &[1, 1, 1]);
}

/// The wait for the next attempt is nobody's turn.
#[test]
fn others_run_while_one_waits_to_be_tried_again() {
    let script = "echo $N >> @DIR@/ran; test $N != 1";
    let more = keys("concurrency: {max: 1}\nretry: {attempts: 2, initial: 10m, max: 10m}");
    let server = Setup::new().shell("deploy", script, &more).start();
    deliver(&server, "deploy", 1).assert(200, "");
    server.wait_for_log("trying deploy again in");
    deliver(&server, "deploy", 2).assert(200, "");
    wait_until_ran(&server, &[1, 2]);
}

/// A newer delivery makes the repetition of an older one needless.
#[test]
fn what_a_newer_delivery_has_overtaken_is_not_tried_again() {
    let script = "echo $N >> @DIR@/ran; : < @DIR@/gate-$N; test $N != 1";
    let more = keys("concurrency: {max: 1, when-busy: latest}\nretry: {attempts: 3, initial: 10ms}");
    let setup = Setup::new().shell("deploy", script, &more).flags("-verbose");
    let gates = [1, 2].map(|n| Gate::new(setup.path(&format!("gate-{n}"))));
    let server = setup.start();
    deliver(&server, "deploy", 1).assert(200, "");
    wait_until_ran(&server, &[1]);
    deliver(&server, "deploy", 2).assert(200, "");
    let _first = gates[0].open();
    server.wait_for_log("superseded: ");
    let _second = gates[1].open();
    wait_until_ran(&server, &[1, 2]);
}

/// As soon as that runs: nobody waits for an attempt that is not to be.
#[test]
fn what_waits_to_be_tried_again_gives_way_at_once() {
    let script = "echo $N >> @DIR@/ran; test $N != 1";
    let more = keys(&format!(
        "{WITH_OUTPUT}\nconcurrency: {{max: 1, when-busy: latest}}\nretry: {{attempts: 2, initial: 10m, max: 10m}}"
    ));
    let server = Setup::new().shell("deploy", script, &more).flags("-verbose").start();
    thread::scope(|scope| {
        let first = scope.spawn(|| deliver(&server, "deploy", 1));
        server.wait_for_log("trying deploy again in");
        deliver(&server, "deploy", 2).assert(200, "");
        first.join().unwrap().assert(409, "A newer delivery took the place of this one.");
    });
    wait_until_ran(&server, &[1, 2]);
}

#[test]
fn a_newer_delivery_that_cannot_start_takes_nobodys_place() {
    let script = "echo $N >> @DIR@/ran; : < @DIR@/gate; test $(wc -l < @DIR@/ran) -ge 2";
    let more = keys("concurrency: {max: 1, when-busy: latest}\nretry: {attempts: 2, initial: 10ms}");
    let long = "  - {source: payload, name: long, spread: true}\n";
    let setup = Setup::new().shell("deploy", script, &more).hooks(long).flags("-verbose");
    let gate = Gate::new(setup.path("gate"));
    let server = setup.start();
    deliver(&server, "deploy", 1).assert(200, "");
    wait_until_ran(&server, &[1]);
    // More than the system takes: that shows when the command starts.
    let arguments = vec!["z".repeat(100_000); 80];
    let body = serde_json::json!({ "long": arguments }).to_string();
    server.send(&Request::json("/hooks/deploy?n=2", &body)).assert(200, "");
    let _open = gate.open();
    server.wait_for_log("error in exec");
    server.wait_for_log("finished handling deploy (attempt 2 of 2)");
    assert_eq!(count(&server.log(), "superseded: "), 0);
    wait_until_ran(&server, &[1, 1]);
}

/// A command that is not there is not going to be: it is neither run nor accepted.
#[test]
fn a_start_that_cannot_succeed_is_not_tried_again() {
    let script = "echo $N >> @DIR@/ran; mv @DIR@/deploy.sh @DIR@/gone.sh; exit 1";
    let hook = format!(
        "- id: deploy\n  execute-command: '@DIR@/deploy.sh'\n  {WITH_OUTPUT}\n  retry: {{attempts: 5, initial: 10ms}}\n"
    );
    let setup = Setup::new().hooks(&hook).flags("-verbose");
    let script = script.replace("@DIR@", setup.directory().to_str().unwrap());
    crate::support::write_executable(&setup.path("deploy.sh"), &format!("#!/bin/sh\n{script}\n"));
    let server = setup.start();
    server.post("/hooks/deploy").assert(500, RUN_ERROR);
    let log = server.stop();
    assert_eq!(count(&log, "error in exec"), 1);
    assert_eq!(count(&log, "trying deploy again"), 1);
}

/// With two waits that overlap, the client of each gets its own end.
#[test]
fn clients_wait_for_their_own_attempts() {
    let script = "test -e @DIR@/seen-$N && { echo $N; exit; }; : > @DIR@/seen-$N; exit 3";
    let more =
        keys(&format!("{WITH_OUTPUT}\nconcurrency: {{max: 1}}\nretry: {{attempts: 2, initial: 10ms}}"));
    let server = Setup::new().shell("deploy", script, &more).start();
    thread::scope(|scope| {
        let clients: Vec<_> = (1..=4)
            .map(|n| {
                let server = &server;
                scope.spawn(move || deliver(server, "deploy", n).assert(200, &format!("{n}\n")))
            })
            .collect();
        clients.into_iter().for_each(|client| client.join().unwrap());
    });
    assert!(fs::exists(server.path("seen-4")).unwrap());
}
