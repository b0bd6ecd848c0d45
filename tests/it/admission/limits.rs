//! The limit of the whole server.

use std::process::Command;

use rustix::process::Signal;

use super::{GATED, count, deliver, gated, keys, ran, wait_until_ran};
use crate::support::{Gate, Setup, eventually, lines_of};

/// Says how many run at the same time as it does.
const COUNTING: &str = "cd @DIR@/running; : > $$; set -- *; echo $# >> ../counts; rm $$";

#[test]
fn so_many_run_at_once_and_each_delivery_once() {
    const MAX: usize = 3;
    const ALL: usize = 500;
    let setup = Setup::new().shell("one", COUNTING, "").shell(
        "two",
        COUNTING,
        "concurrency: {max: 2, queue-limit: 1000}",
    );
    std::fs::create_dir(setup.path("running")).unwrap();
    let mut server = setup.flags(&format!("-max-concurrent-runs {MAX}")).start();
    let mut connection = server.connect();
    for n in 0..ALL {
        let hook = ["one", "two"][n % 2];
        connection.send(&super::numbered(hook, n)).unwrap().assert(200, "");
    }
    let counts = server.path("counts");
    eventually("all run", || lines_of(&counts).len() == ALL);
    let most = lines_of(&counts).iter().map(|count| count.parse::<usize>().unwrap()).max();
    assert!(most.is_some_and(|most| most <= MAX), "{most:?} at once");
    // Once a stop has waited for everything, none has run twice.
    server.signal(Signal::TERM);
    assert!(server.wait().success());
    assert_eq!(lines_of(&counts).len(), ALL);
}

#[test]
fn a_hook_without_a_limit_waits_for_the_servers() {
    let (server, gate) = gated("", "-max-concurrent-runs 2");
    for n in 1..=4 {
        deliver(&server, "deploy", n).assert(200, "");
    }
    eventually("two run", || ran(&server).len() == 2);
    eventually("two wait", || count(&server.log(), "waits for its turn") == 2);
    assert_eq!(ran(&server).len(), 2);
    let _open = gate.open();
    eventually("all run", || ran(&server).len() == 4);
}

#[test]
fn no_more_run_at_once_than_the_limit_of_open_files_has_room_for() {
    let mut launcher = Command::new("/bin/sh");
    launcher.args(["-c", "ulimit -Sn 300 && exec \"$@\"", "launcher"]);
    let setup = Setup::new().shell("deploy", GATED, &keys("")).launched_by(launcher);
    let gate = Gate::new(setup.path("gate"));
    let server = setup.flags("-verbose -max-concurrent-runs 1000").start();
    server.wait_for_log("WARN running 37 commands at once: the limit of open files has no room for 1000");
    server.wait_for_log("serving 44 connections at once: the limit of open files has no room for 1024");
    for n in 1..=38 {
        deliver(&server, "deploy", n).assert(200, "");
    }
    eventually("as many run as have room", || ran(&server).len() == 37);
    eventually("one waits", || count(&server.log(), "waits for its turn") == 1);
    let _open = gate.open();
    eventually("all run", || ran(&server).len() == 38);
}

#[test]
fn a_place_in_the_group_does_not_pass_by_the_servers_line() {
    let (server, gate) = gated("concurrency: {max: 2, when-busy: reject}", "-max-concurrent-runs 1");
    deliver(&server, "deploy", 1).assert(200, "");
    wait_until_ran(&server, &[1]);
    deliver(&server, "deploy", 2).assert(200, "");
    assert_eq!(deliver(&server, "deploy", 3).status, 429);
    let _open = gate.open();
    wait_until_ran(&server, &[1, 2]);
}
