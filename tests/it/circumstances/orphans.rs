//! What a command leaves behind: who its parent is, and that its end is waited for.

use std::process::Command;
use std::{fs, thread};

use rustix::process::{Pid, Signal, geteuid, kill_process};

use crate::support::{Server, Setup, WITH_OUTPUT, eventually, processes};

/// Starts a process that leaves the group, and ends when that has begun.
const LEAVING: &str = "setsid sh -c 'echo $$ > @DIR@/new; mv @DIR@/new @DIR@/id; exec sleep 600' >/dev/null 2>&1 & \
                       until test -e @DIR@/id; do sleep 0.01; done";

fn left_behind(flags: &str, keys: &str) -> (Server, u32) {
    let server = Setup::new().shell("run", LEAVING, &format!("{WITH_OUTPUT}\n{keys}")).flags(flags).start();
    server.post("/hooks/run").assert(200, "");
    let id = fs::read_to_string(server.path("id")).unwrap().trim().parse().unwrap();
    (server, id)
}

fn parent(id: u32) -> Option<u32> {
    processes().iter().find(|process| process.id == id).map(|process| process.parent)
}

fn kill(id: u32) {
    kill_process(Pid::from_raw(id.cast_signed()).unwrap(), Signal::KILL).unwrap();
}

#[test]
fn what_left_the_group_becomes_the_servers_and_is_reaped() {
    for keys in ["", "limits: {open-files: 100}"] {
        let (server, id) = left_behind("-subreaper", keys);
        eventually("the server is its parent", || parent(id) == Some(server.pid()));
        kill(id);
        eventually("it is waited for", || parent(id).is_none());
    }
}

/// As in a container whose first process is the server.
#[test]
fn the_first_process_reaps_what_left_the_group_without_the_flag() {
    let mut launcher = Command::new("unshare");
    if !geteuid().is_root() {
        launcher.arg("--map-root-user");
    }
    launcher.args(["--pid", "--fork", "--kill-child", "--mount-proc"]);
    let probe = Command::new("unshare").args(launcher.get_args()).arg("true").output();
    if !probe.is_ok_and(|probe| probe.status.success()) {
        eprintln!("not shown: nothing may be the first of its processes here");
        return;
    }
    let script = "setsid sleep 600 >/dev/null 2>&1 & echo $PPID";
    let server = Setup::new().shell("run", script, WITH_OUTPUT).launched_by(launcher).start();
    server.post("/hooks/run").assert(200, "1\n");
    let child_of = |id: u32| processes().into_iter().find(|process| process.parent == id);
    let first = child_of(server.pid()).unwrap().id;
    let mut left = None;
    eventually("the server is its parent", || {
        left = child_of(first);
        left.is_some()
    });
    kill(left.unwrap().id);
    eventually("it is waited for", || child_of(first).is_none());
}

#[test]
fn without_the_flag_it_is_somebody_elses() {
    let (server, id) = left_behind("", "");
    eventually("another is its parent", || parent(id).is_some_and(|parent| parent != server.pid()));
    kill(id);
}

#[test]
fn no_runs_end_is_taken_from_it_and_no_zombie_stays() {
    let keys = format!("{WITH_OUTPUT}\n");
    let server = Setup::new()
        .shell("leaving", "(setsid true &) >/dev/null 2>&1; exit 0", &keys)
        .shell(
            "limited",
            "(setsid true &) >/dev/null 2>&1; exit 0",
            &format!("{keys}limits: {{open-files: 100}}"),
        )
        .hooks(&format!("- {{id: short, execute-command: 'true', {WITH_OUTPUT}}}\n"))
        .flags("-subreaper")
        .start();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..50 {
                    for hook in ["leaving", "limited", "short"] {
                        server.post(&format!("/hooks/{hook}")).assert(200, "");
                    }
                }
            });
        }
    });
    eventually("no child is left", || processes().iter().all(|process| process.parent != server.pid()));
}

#[test]
fn a_command_that_cannot_start_leaves_no_zombie_either() {
    let hook = "- id: run\n  execute-command: /nonexistent/command\n  limits: {open-files: 100}\n";
    let server = Setup::new().hooks(hook).flags("-subreaper").start();
    for _ in 0..20 {
        assert_eq!(server.post("/hooks/run").status, 500);
    }
    eventually("no child is left", || processes().iter().all(|process| process.parent != server.pid()));
}
