//! A command's whole life: how it starts or why it does not, what it prints, how it ends.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use regex::Regex;

use crate::support::{
    Fifo, RUN_ERROR, Request, Response, Server, Setup, WITH_OUTPUT, eventually, processes, write_executable,
};

/// More than the kernel takes as one argument.
const TOO_LONG: usize = 200 * 1024;

fn run(script: &str) -> (Server, Response) {
    let server = Setup::new().shell("run", script, WITH_OUTPUT).flags("-verbose").start();
    let response = server.post("/hooks/run");
    (server, response)
}

#[test]
fn stdin_is_empty() {
    run("cat; echo end").1.assert(200, "end\n");
}

#[test]
fn stdout_and_stderr_arrive_merged_in_the_order_of_writing() {
    run("for i in 1 2 3; do echo out$i; echo err$i >&2; done")
        .1
        .assert(200, "out1\nerr1\nout2\nerr2\nout3\nerr3\n");
}

#[test]
fn an_exit_code_is_a_failure_and_stands_in_the_log() {
    let (server, response) = run("echo out; exit 7");
    response.assert(500, RUN_ERROR);
    server.wait_for_log_line("7", |line| Regex::new(r"\b7\b").unwrap().is_match(line));
}

#[test]
fn exits_are_known_though_the_servers_parent_ignores_them() {
    let mut parent = Command::new("env");
    parent.arg("--ignore-signal=CHLD");
    let setup = Setup::new().shell("run", "exit 7", WITH_OUTPUT).shell("background", "exit 8", "");
    let server = setup.flags("-verbose").launched_by(parent).start();
    server.post("/hooks/run").assert(500, RUN_ERROR);
    server.wait_for_log("exit status 7");
    server.post("/hooks/background").assert(200, "");
    server.wait_for_log("exit status 8");
}

#[test]
fn a_death_by_signal_is_a_failure_and_stands_in_the_log() {
    let (server, response) = run("kill -9 $$");
    response.assert(500, RUN_ERROR);
    let named = Regex::new(r"(?i)sigkill|signal\W+9\b|signal: killed").unwrap();
    server.wait_for_log_line("signal 9", |line| named.is_match(line));
}

#[test]
fn the_output_of_a_failure_is_the_answer_where_the_hook_says_so() {
    let keys = format!("{WITH_OUTPUT}\ninclude-command-output-in-response-on-error: true");
    let server = Setup::new().shell("run", "echo out; echo err >&2; exit 1", &keys).start();
    server.post("/hooks/run").assert(500, "out\nerr\n");
}

#[test]
fn a_background_process_that_holds_the_output_delays_the_answer_by_a_second() {
    let started = Instant::now();
    let (server, response) = run("sleep 10 & echo out");
    let elapsed = started.elapsed();
    response.assert(200, "out\n");
    assert!((Duration::from_millis(900)..Duration::from_secs(6)).contains(&elapsed), "took {elapsed:?}");
    server.wait_for_log("leaked");
}

#[test]
fn a_background_process_that_lets_go_of_the_output_delays_nothing() {
    let (server, response) = run("sleep 2 >/dev/null 2>&1 & echo out");
    response.assert(200, "out\n");
    assert!(server.stop().iter().all(|line| !line.contains("leaked")));
}

#[test]
fn output_over_the_limit_is_cut_and_said_so_while_the_command_runs_on() {
    let script = "head -c 1000000 /dev/zero | tr '\\0' x; echo finished > @DIR@/finished";
    let server = Setup::new()
        .shell("cut", script, WITH_OUTPUT)
        .shell("whole", "head -c 1024 /dev/zero | tr '\\0' x", WITH_OUTPUT)
        .flags("-max-output 1KiB")
        .start();
    let cut = server.post("/hooks/cut");
    cut.assert(200, &"x".repeat(1024));
    assert_eq!(cut.header("x-hookrunner-output-truncated"), Some("true"));
    assert!(server.path("finished").exists());
    server.wait_for_log("truncated");
    let whole = server.post("/hooks/whole");
    whole.assert(200, &"x".repeat(1024));
    assert_eq!(whole.header("x-hookrunner-output-truncated"), None);
}

#[test]
fn each_command_leads_a_process_group_of_its_own() {
    let (_server, response) = run("cut -d' ' -f5 /proc/$$/stat; echo $$");
    let text = response.text();
    let numbers: Vec<_> = text.split_whitespace().collect();
    assert!(matches!(numbers[..], [group, process] if group == process), "{text}");
}

#[test]
fn two_hundred_runs_leave_no_zombie() {
    let server = Setup::new()
        .shell("waited", "exit 0", WITH_OUTPUT)
        .shell("background", "echo >> @DIR@/runs", "")
        .start();
    for _ in 0..100 {
        server.post("/hooks/waited").assert(200, "");
        server.post("/hooks/background").assert(200, "");
    }
    let runs = || fs::read_to_string(server.path("runs")).unwrap_or_default().lines().count();
    eventually("all background runs", || runs() == 100);
    eventually("no child is left", || processes().iter().all(|process| process.parent != server.pid()));
}

/// Why a command does not start, in the words of the log. The client reads the same in every case.
#[test]
fn a_command_that_cannot_start_is_a_500_and_the_log_says_why() {
    struct Failure {
        command: &'static str,
        keys: &'static str,
        body: String,
        reason: &'static str,
    }
    let failure = |command, keys, reason| Failure { command, keys, body: "{}".into(), reason };
    let with_argument = |argument: &str, reason| Failure {
        command: "true",
        keys: "pass-arguments-to-command: [{source: payload, name: argument}]",
        body: format!(r#"{{"argument": "{argument}"}}"#),
        reason,
    };
    let failures = [
        failure(
            "/nonexistent/command",
            "",
            r"no (such )?file.*/nonexistent/command|/nonexistent/command.*not found",
        ),
        failure("no-such-command-in-path", "", r"no-such-command-in-path.*not found"),
        failure("./gone.sh", "command-working-directory: '@DIR@'", r"@DIR@/(\./)?gone\.sh"),
        failure("@DIR@/plain", "", r"plain.*not executable|not executable.*plain"),
        failure("@DIR@", "", r"(?i)director|not executable"),
        failure("@DIR@/no-interpreter", "", "/no/such/interpreter"),
        failure("@DIR@/text", "", "is no program"),
        failure("@DIR@/empty", "", "is no program"),
        failure("@DIR@/carriage-return", "", r"(?i)carriage return|\bCR\b|CRLF"),
        failure("true", "command-working-directory: /nonexistent/place", r"/nonexistent/place"),
        with_argument(&"x".repeat(TOO_LONG), r"(?i)too long|bytes long"),
        with_argument("a\\u0000b", r"(?i)\bNUL\b"),
    ];

    for (number, Failure { command, keys, body, reason }) in failures.into_iter().enumerate() {
        // With a limit the command starts by way of another process.
        for mode in ["", WITH_OUTPUT, "limits: {open-files: 512}"] {
            let hook = format!("- id: run\n  execute-command: '{command}'\n  {keys}\n  {mode}\n");
            let setup = Setup::new().hooks(&hook).file("plain", "#!/bin/sh\n");
            write_executable(&setup.path("no-interpreter"), "#!/no/such/interpreter\n");
            write_executable(&setup.path("text"), "echo\n");
            write_executable(&setup.path("empty"), "");
            write_executable(&setup.path("carriage-return"), "#!/bin/sh\r\necho\r\n");
            let reason = reason.replace("@DIR@", setup.directory().to_str().unwrap());
            let mut server = setup.start();
            server.mark_log();
            let response = server.send(&Request::json("/hooks/run", &body));
            assert_eq!((response.status, response.text().as_str()), (500, RUN_ERROR), "{number}: {command}");
            let named = Regex::new(&reason).unwrap();
            server.wait_for_log_line(&reason, |line| named.is_match(line));
        }
    }
}

#[test]
fn a_command_that_cannot_start_answers_nothing_where_its_output_was_asked_for_on_error() {
    let keys = format!("{WITH_OUTPUT}\n  include-command-output-in-response-on-error: true");
    let hook = format!("- id: run\n  execute-command: /nonexistent/command\n  {keys}\n");
    Setup::new().hooks(&hook).start().post("/hooks/run").assert(500, "");
}

#[test]
fn a_command_that_is_not_there_yet_is_a_warning_at_load_and_works_once_it_is() {
    let hook = format!("- id: early\n  execute-command: '@DIR@/later.sh'\n  {WITH_OUTPUT}\n");
    let server = Setup::new().hooks(&hook).start();
    server
        .wait_for_log_line("early … later.sh", |line| line.contains("early") && line.contains("later.sh"));
    write_executable(&server.path("later.sh"), "#!/bin/sh\necho here\n");
    server.post("/hooks/early").assert(200, "here\n");
}

#[test]
fn every_hook_of_a_command_that_cannot_run_is_named_at_load_and_no_other() {
    let setup = Setup::new();
    write_executable(&setup.path("run.sh"), "#!/bin/sh\n");
    let hook = |id: &str, command: &str| format!("- {{id: {id}, execute-command: '@DIR@/{command}'}}\n");
    // The system takes a slash at the end for a directory's.
    let hooks = [("a", "missing"), ("b", "run.sh"), ("c", "missing"), ("d", "run.sh/")];
    let hooks: String = hooks.iter().map(|(id, command)| hook(id, command)).collect();
    let log = setup.hooks(&hooks).start().stop();
    let hook_of = Regex::new(r"cannot be run now.*hook=(\w)|hook=(\w).*cannot be run now").unwrap();
    let named: Vec<_> = log
        .iter()
        .filter_map(|line| hook_of.captures(line))
        .map(|found| found.get(1).or(found.get(2)).unwrap().as_str())
        .collect();
    assert_eq!(named, ["a", "c", "d"], "{log:#?}");
}

#[test]
fn a_command_line_instead_of_a_command_gets_the_hint_it_needs() {
    let server = Setup::new().hooks("- id: run\n  execute-command: echo hello\n").start();
    server.post("/hooks/run").assert(500, RUN_ERROR);
    server.wait_for_log("use 'pass-arguments-to-command' to specify args for 'echo'");
}

#[test]
fn temporary_files_are_private_and_gone_after_the_run() {
    let keys = format!(
        "{WITH_OUTPUT}\ncommand-working-directory: '@DIR@'\n\
         pass-file-to-command: [{{source: payload, name: text, envname: FILE}}]"
    );
    let script = "stat -c %a \"$FILE\"; cat \"$FILE\"; echo; echo \"$FILE\"";
    let server = Setup::new().shell("file", script, &keys).start();
    let response = server.send(&Request::json("/hooks/file", r#"{"text": "inside"}"#));
    let text = response.text();
    let lines: Vec<_> = text.lines().collect();
    let ["600", "inside", path] = lines[..] else { panic!("{text}") };
    assert!(path.starts_with(server.path("").to_str().unwrap()), "{path}");
    eventually("the file is removed", || !fs::exists(path).unwrap());
}

#[test]
fn the_run_goes_on_when_its_client_goes_away() {
    let setup = Setup::new().shell(
        "slow",
        "echo begun > @DIR@/begun; read line < @DIR@/gate; echo $line > @DIR@/finished",
        WITH_OUTPUT,
    );
    let begun = Fifo::new(setup.path("begun"));
    let gate = Fifo::new(setup.path("gate"));
    let server = setup.start();
    let mut connection = server.connect();
    connection.write(b"POST /hooks/slow HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n").unwrap();
    begun.receive();
    drop(connection);
    gate.send("done\n");
    eventually("the command finishes", || server.path("finished").exists());
}
