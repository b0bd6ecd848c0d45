//! `limits`: what a command may take, and that the process which sets it up cannot be told from a plain start.

use std::fs;
use std::process::Command;

use crate::support::{RUN_ERROR, Request, Response, Server, Setup, WITH_OUTPUT};

fn run(script: &str, keys: &str) -> (Server, Response) {
    let server = Setup::new().shell("run", script, &format!("{WITH_OUTPUT}\n{keys}")).flags("-debug").start();
    let response = server.post("/hooks/run");
    (server, response)
}

#[test]
fn limits_are_what_the_hook_says() {
    let keys = "limits: {memory: 1GiB, cpu-time: 5m, open-files: 100, file-size: 2MiB, processes: 200}";
    let (_server, response) = run("ulimit -n; cat /proc/$$/limits", keys);
    let text = response.text();
    let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0], ["100"], "{text}");
    for row in [
        ["Max", "address", "space", "1073741824", "1073741824", "bytes"].as_slice(),
        &["Max", "cpu", "time", "300", "305", "seconds"],
        &["Max", "open", "files", "100", "100", "files"],
        &["Max", "file", "size", "2097152", "2097152", "bytes"],
        &["Max", "processes", "200", "200", "processes"],
    ] {
        assert!(rows.iter().any(|found| found == row), "{row:?} in {text}");
    }
}

#[test]
fn other_limits_stay_the_servers() {
    let others = "grep -v 'Max open files' /proc/$$/limits";
    assert_eq!(run(others, "limits: {open-files: 100}").1.text(), run(others, "").1.text());
}

#[test]
fn too_large_a_file_ends_the_command() {
    let script = "exec head -c 100000 /dev/zero > @DIR@/large";
    let (server, response) = run(script, "limits: {file-size: 4KiB}");
    response.assert(500, RUN_ERROR);
    // SIGXFSZ.
    server.wait_for_log("killed by signal 25");
    assert_eq!(fs::metadata(server.path("large")).unwrap().len(), 4096);
}

#[test]
fn too_much_cpu_time_ends_the_command() {
    let (server, response) = run("while :; do :; done", "limits: {cpu-time: 1s}");
    response.assert(500, RUN_ERROR);
    // SIGXCPU.
    server.wait_for_log("killed by signal 24");
}

#[test]
fn too_much_memory_is_refused_to_the_command() {
    let script = "dd if=/dev/zero of=/dev/null bs=200M count=1";
    let (server, response) = run(script, "limits: {memory: 64MiB}");
    response.assert(500, RUN_ERROR);
    server.wait_for_log("exhausted");
    assert_eq!(run(script, "limits: {memory: 1GiB}").1.status, 200);
}

#[test]
fn a_limit_that_cannot_be_set_is_named() {
    // More than the system gives anybody (`fs.nr_open`).
    let (server, response) = run("true", "limits: {open-files: 9000000000000000000}");
    response.assert(500, RUN_ERROR);
    server.wait_for_log("the limit `open-files` cannot be set");
}

#[test]
fn arguments_and_their_first_are_the_commands_own() {
    let script = "tr '\\0' ' ' < /proc/$$/cmdline; echo $(ps -o pgid= -p $$) = $$";
    let script = serde_json::to_string(script).unwrap();
    let hook = |id: &str, limits: &str| {
        format!(
            "- id: {id}\n  execute-command: sh\n  {WITH_OUTPUT}\n  {limits}\n  pass-arguments-to-command:\n  \
             - {{source: string, name: '-c'}}\n  - {{source: string, name: {script}}}\n  - {{source: payload, name: a}}\n"
        )
    };
    let hooks = hook("plain", "") + &hook("limited", "limits: {open-files: 100}");
    let server = Setup::new().hooks(&hooks).start();
    let texts = ["/hooks/plain", "/hooks/limited"].map(|path| {
        let response = server.send(&Request::json(path, r#"{"a": "c\nd"}"#));
        assert_eq!(response.status, 200);
        let text = response.text();
        let (arguments, group) = text.rsplit_once(' ').unwrap();
        let (arguments, leader) = arguments.trim_end_matches(" =").rsplit_once(' ').unwrap();
        assert_eq!(leader, group.trim(), "{text}");
        arguments.to_owned()
    });
    assert!(texts[0].starts_with("sh -c "), "{texts:?}");
    assert_eq!(texts[0], texts[1]);
}

/// Twenty arguments or variables of `length` bytes each.
fn long(length: usize, key: &str, limits: &str) -> (Server, Response) {
    let references: String =
        (0..20).map(|number| format!("\n  - {{source: payload, name: a, envname: A{number}}}")).collect();
    let hook =
        format!("- id: run\n  execute-command: 'true'\n  {WITH_OUTPUT}\n  {limits}\n  {key}:{references}\n");
    let server = Setup::new().hooks(&hook).start();
    let body = format!(r#"{{"a": "{}"}}"#, "x".repeat(length));
    let response = server.send(&Request::json("/hooks/run", &body));
    (server, response)
}

#[test]
fn arguments_and_variables_may_be_as_long_as_ever_and_no_longer() {
    for limits in ["", "limits: {open-files: 100}"] {
        for key in ["pass-arguments-to-command", "pass-environment-to-command"] {
            long(90_000, key, limits).1.assert(200, "");
            let (server, response) = long(120_000, key, limits);
            response.assert(500, RUN_ERROR);
            server.wait_for_log("together longer than the system takes");
        }
    }
}

#[test]
fn variables_lead_the_command_and_nothing_before_it() {
    // The loader of each program complains once.
    let preload =
        "pass-environment-to-command: [{source: string, name: /nonexistent.so, envname: LD_PRELOAD}]";
    let output = |limits: &str| run("exit 0", &format!("{preload}\n{limits}")).1.text();
    let plain = output("");
    assert!(plain.contains("cannot be preloaded"), "{plain}");
    assert_eq!(output("limits: {open-files: 100}"), plain);
}

#[test]
fn stdin_output_files_and_time_are_as_without() {
    let script = "cat; echo; cat $FILE; echo to stderr >&2; exec sleep 600";
    let keys = "include-command-output-in-response-on-error: true\ntimeout: 1s\nlimits: {open-files: 100}\n\
                pass-stdin-to-command: {source: string, name: read}\n\
                pass-file-to-command: [{source: string, name: 'in a file', envname: FILE}]";
    run(script, keys).1.assert(500, "read\nin a fileto stderr\n");
}

#[test]
fn a_command_that_writes_to_a_closed_pipe_is_ended_as_ever() {
    // In a command that ignored SIGPIPE `yes` would complain of an error and exit with 1.
    for limits in ["", "limits: {open-files: 100}"] {
        let hook = format!("{limits}\ninclude-command-output-in-response-on-error: true");
        run("yes | head -n 1", &hook).1.assert(200, "y\n");
    }
}

#[test]
fn a_server_whose_file_was_replaced_still_starts_commands() {
    let mut launcher = Command::new("sh");
    launcher.args(["-c", "cp \"$1\" hookrunner; shift; exec ./hookrunner \"$@\"", "sh"]);
    let keys = format!("{WITH_OUTPUT}\nlimits: {{open-files: 100}}");
    let server = Setup::new().shell("run", "ulimit -n", &keys).launched_by(launcher).start();
    fs::remove_file(server.path("hookrunner")).unwrap();
    fs::write(server.path("hookrunner"), "another version").unwrap();
    server.post("/hooks/run").assert(200, "100\n");
}

#[test]
fn two_hundred_limited_runs_leave_no_zombie() {
    let server = Setup::new().shell("run", "exit 0", "limits: {open-files: 100}").start();
    for _ in 0..200 {
        server.post("/hooks/run").assert(200, "");
    }
    let is_left = || crate::support::processes().iter().any(|process| process.parent == server.pid());
    crate::support::eventually("no child is left", || !is_left());
}
