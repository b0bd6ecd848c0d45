//! `pass-stdin-to-command`: what a command reads, and that it need not.

use std::fs;
use std::thread;

use rustix::process::{Pid, Signal, kill_process};

use crate::support::{Fifo, Request, Response, Server, Setup, WITH_OUTPUT, eventually};

const BODY: &str = "pass-stdin-to-command: {source: raw-request-body}";
const MIB: usize = 1 << 20;

fn run_with(script: &str, keys: &str, request: &Request) -> (Server, Response) {
    let flags = "-verbose -max-body-size 80MiB -max-body-memory 100MiB -max-output 80MiB";
    let server = Setup::new().shell("run", script, &format!("{WITH_OUTPUT}\n{keys}")).flags(flags).start();
    let response = server.send(request);
    (server, response)
}

fn post(body: Vec<u8>) -> Request {
    Request::post("/hooks/run").body(body)
}

#[test]
fn the_command_reads_the_body_as_it_came() {
    let body: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let (_server, response) = run_with("cat", BODY, &post(body.clone()));
    assert_eq!(response.status, 200);
    assert!(response.body == body);
}

#[test]
fn it_reads_what_any_reference_finds() {
    let request = Request::json("/hooks/run", r#"{"a": {"b": "two words"}}"#);
    let keys = "pass-stdin-to-command: {source: payload, name: a.b}";
    run_with("cat", keys, &request).1.assert(200, "two words");
    run_with("cat", "pass-stdin-to-command: {source: string, name: fixed}", &request).1.assert(200, "fixed");
}

#[test]
fn without_a_value_it_reads_nothing_and_the_log_says_so() {
    let keys = "pass-stdin-to-command: {source: payload, name: a}";
    let (server, response) = run_with("cat; echo end", keys, &Request::json("/hooks/run", "{}"));
    response.assert(200, "end\n");
    server.wait_for_log("stdin is empty: parameter node not found");
    run_with("cat; echo end", BODY, &post(Vec::new())).1.assert(200, "end\n");
}

#[test]
fn a_command_need_not_read_a_large_body() {
    let body = vec![b'x'; 20 * MIB];
    for (script, output) in [
        ("echo out", "out\n"),
        ("head -c 5; echo", "xxxxx\n"),
        ("exec <&-; echo closed", "closed\n"),
        ("exec </dev/null; cat; echo replaced", "replaced\n"),
    ] {
        run_with(script, BODY, &post(body.clone())).1.assert(200, output);
    }
}

#[test]
fn a_large_body_and_a_large_output_do_not_wait_for_each_other() {
    let body = vec![b'x'; 64 * MIB];
    let (_server, response) = run_with("cat", BODY, &post(body.clone()));
    assert_eq!(response.status, 200);
    assert!(response.body == body);
    // All of the output before anything is read.
    let script = "head -c 67108864 /dev/zero; wc -c";
    let (_server, response) = run_with(script, BODY, &post(body));
    assert_eq!(response.status, 200);
    assert!(response.body.ends_with(b"\x0067108864\n"));
    assert_eq!(response.body.len(), 64 * MIB + "67108864\n".len());
}

#[test]
fn the_runs_end_does_not_wait_for_a_background_process_that_could_read() {
    let script = "sleep 600 <&0 >/dev/null 2>&1 & echo $! > @DIR@/id; echo out";
    let (server, response) = run_with(script, BODY, &post(vec![b'x'; MIB]));
    response.assert(200, "out\n");
    let id = fs::read_to_string(server.path("id")).unwrap();
    kill_process(Pid::from_raw(id.trim().parse().unwrap()).unwrap(), Signal::KILL).unwrap();
}

#[test]
fn a_command_that_reads_nothing_is_ended_in_time() {
    let keys = format!("{BODY}\ntimeout: 200ms");
    assert_eq!(run_with("exec sleep 600", &keys, &post(vec![b'x'; MIB])).1.status, 500);
}

#[test]
fn what_is_not_read_yet_counts_in_the_memory_for_bodies() {
    let setup = Setup::new()
        .shell("slow", "echo begun > @DIR@/begun; read line < @DIR@/gate; cat >/dev/null", BODY)
        .says("hello", "hi")
        .flags("-max-body-memory 2MiB");
    let (begun, gate) = (Fifo::new(setup.path("begun")), Fifo::new(setup.path("gate")));
    let server = setup.start();
    let large = |path: &str| server.send(&Request::post(path).body(vec![b'x'; 3 * MIB / 2]));
    large("/hooks/slow").assert(200, "");
    begun.receive();
    assert_eq!(large("/hooks/hello").status, 503);
    gate.send("go\n");
    eventually("the body is read", || large("/hooks/hello").status == 200);
}

#[test]
fn many_runs_read_their_own() {
    let server = Setup::new().shell("run", "cat", &format!("{WITH_OUTPUT}\n{BODY}")).start();
    thread::scope(|scope| {
        for number in 0..20 {
            let server = &server;
            scope.spawn(move || {
                let body = vec![b'a' + number; 300_000];
                let response = server.send(&post(body.clone()));
                assert!(response.status == 200 && response.body == body, "{number}");
            });
        }
    });
}
