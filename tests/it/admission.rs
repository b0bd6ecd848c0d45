//! Limits on runs, the lines behind them, and runs that are tried again.

mod drain;
mod limits;
mod lines;
mod retries;

use crate::support::{Gate, Request, Response, Server, Setup, eventually, lines_of};

/// Tells which delivery it is, then waits for the gate.
const GATED: &str = "echo $N >> @DIR@/ran; : < @DIR@/gate; echo $N";

/// What tells one delivery from another.
const NUMBERED: &str = "pass-environment-to-command: [{source: url, name: 'n', envname: 'N'}]";

fn keys(more: &str) -> String {
    format!("{NUMBERED}\n{more}")
}

/// A server whose hook `deploy` is gated.
fn gated(more: &str, flags: &str) -> (Server, Gate) {
    let setup = Setup::new().shell("deploy", GATED, &keys(more)).flags("-verbose").flags(flags);
    let gate = Gate::new(setup.path("gate"));
    (setup.start(), gate)
}

fn numbered(hook: &str, n: usize) -> Request {
    Request::post(&format!("/hooks/{hook}?n={n}"))
}

#[track_caller]
fn deliver(server: &Server, hook: &str, n: usize) -> Response {
    server.send(&numbered(hook, n))
}

/// Those that have begun, in order.
fn ran(server: &Server) -> Vec<String> {
    lines_of(&server.path("ran"))
}

#[track_caller]
fn wait_until_ran(server: &Server, expected: &[usize]) {
    let expected: Vec<String> = expected.iter().map(usize::to_string).collect();
    eventually(&format!("{expected:?} have begun, in this order"), || ran(server) == expected);
}

fn count(log: &[String], text: &str) -> usize {
    log.iter().filter(|line| line.contains(text)).count()
}
