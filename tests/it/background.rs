//! Runs that no client waits for: what becomes of their output, and of thousands of them at once.

use std::fs;

use rustix::process::Signal;

use crate::support::{Gate, RUN_ERROR, Server, Setup, WITH_OUTPUT, eventually, lines_of, processes};

#[test]
fn nobody_reads_the_output_of_a_background_run_and_yet_it_does_not_block() {
    let script = "head -c 1000000 /dev/zero; echo finished > @DIR@/finished";
    let server = Setup::new().shell("loud", script, "").flags("-max-output 1KiB").start();
    server.post("/hooks/loud").assert(200, "");
    eventually("the command finishes", || server.path("finished").exists());
}

#[test]
fn output_that_nobody_wants_goes_to_a_device_that_takes_it() {
    #[track_caller]
    fn check(keys: &str, flags: &str, expected: (&str, &str)) {
        let script = "links=$(readlink /proc/$$/fd/1 /proc/$$/fd/2); echo \"$links\" > @DIR@/links";
        let server = Setup::new().shell("run", script, keys).flags(flags).start();
        server.post("/hooks/run").assert(200, "");
        eventually("the command has run", || lines_of(&server.path("links")).len() == 2);
        let links = lines_of(&server.path("links"));
        let kinds: Vec<&str> = links.iter().map(|link| link.split(':').next().unwrap()).collect();
        assert_eq!((kinds[0], kinds[1]), expected, "{keys} {flags}");
    }
    check("", "", ("/dev/zero", "/dev/zero"));
    check("", "-verbose", ("/dev/zero", "/dev/zero"));
    check("command-output: stdout", "", ("/dev/zero", "/dev/zero"));
    check("", "-debug", ("pipe", "pipe"));
    check("wait-for-command: true", "", ("pipe", "pipe"));
    check(WITH_OUTPUT, "", ("pipe", "pipe"));
    // Whether what the command leaves behind still reads these is known by its hold on the pipe.
    check("pass-stdin-to-command: {source: string, name: in}", "", ("pipe", "pipe"));
    check("pass-file-to-command: [{source: string, name: in, envname: FILE}]", "", ("pipe", "pipe"));
}

/// On `/dev/null` GNU grep stops at its first match.
#[test]
fn a_pipeline_whose_output_nobody_wants_is_read_to_its_end() {
    let script = "(yes | head -n 1000000; echo $? > @DIR@/status) | grep y";
    let server = Setup::new().shell("run", script, "").start();
    server.post("/hooks/run").assert(200, "");
    eventually("the status is written", || lines_of(&server.path("status")) == ["0"]);
}

/// So many background runs take an open file each; the exits of further ones are looked for.
const TOLD_MAX: usize = 64;

/// Runs that stay until the gate `gate` is opened.
fn hold(server: &Server, count: usize) {
    let begun = lines_of(&server.path("begun")).len() + count;
    for _ in 0..count {
        server.post("/hooks/hold").assert(200, "");
    }
    eventually("all have begun", || lines_of(&server.path("begun")).len() == begun);
}

fn holding() -> Setup {
    Setup::new().shell("hold", "echo >> @DIR@/begun; : < @DIR@/gate; exit 3", "").flags("-verbose")
}

fn children(server: &Server) -> usize {
    processes().iter().filter(|process| process.parent == server.pid()).count()
}

fn told(server: &Server, text: &str) -> usize {
    server.log().iter().filter(|line| line.contains(text)).count()
}

#[test]
fn many_runs_take_few_files_and_each_end_is_noticed() {
    const RUNS: usize = 2 * TOLD_MAX + 20;
    for flags in ["", "-subreaper"] {
        let mut server = holding().flags(flags).start();
        let gate = Gate::new(server.path("gate"));
        for round in 1..=2 {
            server.mark_log();
            hold(&server, RUNS);
            let files = || fs::read_dir(format!("/proc/{}/fd", server.pid())).unwrap().count();
            eventually(&format!("few open files in round {round}"), || files() < TOLD_MAX + 40);
            let open = gate.open();
            eventually("each end is logged", || told(&server, "exit status 3") == RUNS);
            drop(open);
        }
        eventually("no child is left", || children(&server) == 0);
    }
}

#[test]
fn what_holds_for_few_runs_holds_for_many() {
    let server = holding()
        .shell("late", "exec sleep 600", "timeout: 200ms")
        .shell("stubborn", "trap '' TERM; sleep 600 & wait; wait", "timeout: 200ms\nkill-grace: 200ms")
        .shell("chain", "echo >> @DIR@/chained", "concurrency: {max: 1}")
        .shell("limited", "exit 4", "limits: {open-files: 100}")
        .shell("again", "exit 5", "retry: {attempts: 3, initial: 10ms}")
        .hooks("- {id: absent, execute-command: /absent, limits: {open-files: 100}}\n")
        .start();
    let _gate = Gate::new(server.path("gate"));
    hold(&server, TOLD_MAX);
    for id in ["late", "stubborn", "limited", "again"] {
        server.post(&format!("/hooks/{id}")).assert(200, "");
    }
    server.post("/hooks/absent").assert(500, RUN_ERROR);
    for _ in 0..20 {
        server.post("/hooks/chain").assert(200, "");
    }
    eventually("each had its turn", || lines_of(&server.path("chained")).len() == 20);
    eventually("both are ended", || told(&server, "error occurred: timed out") == 2);
    server.wait_for_log("exit status 4");
    server.wait_for_log("exit status 5; finished handling again (attempt 3 of 3)");
    eventually("only those that are held are left", || children(&server) == TOLD_MAX);
}

#[test]
fn a_stop_ends_them_all() {
    let mut server = holding().flags("-drain-timeout 200ms").start();
    let _gate = Gate::new(server.path("gate"));
    hold(&server, TOLD_MAX + 20);
    server.signal(Signal::TERM);
    assert_eq!(server.wait().code(), Some(0));
    assert!(server.wait_for_log("killed at shutdown: hold (request ").ends_with(" and 64 more"));
    eventually("each is told", || told(&server, "error occurred: killed at shutdown") == TOLD_MAX + 20);
}
