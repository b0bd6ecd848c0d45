//! Streams as server-sent events.

use super::{STREAM, expect, follow_over};
use crate::support::{Fifo, Request, Response, Server, Setup};

fn listening(target: &str) -> Request {
    Request::post(target).header("Accept", "text/event-stream")
}

#[track_caller]
fn events(script: &str) -> (Server, Response) {
    let keys = format!("{STREAM}\nresponse-headers: [{{name: Content-Type, value: text/html}}]");
    let server = Setup::new().shell("run", script, &keys).start();
    let response = server.send(&listening("/hooks/run"));
    (server, response)
}

const GOOD_END: &str =
    "event: end\ndata: {\"exit_code\":0,\"outcome\":\"exit status 0\",\"success\":true}\n\n";

#[test]
fn a_line_is_an_event_as_soon_as_it_ends() {
    let script = "echo one; printf tw; read line < @DIR@/gate; echo o; printf three";
    let setup = Setup::new().shell("run", script, STREAM);
    let gate = Fifo::new(setup.path("gate"));
    let server = setup.start();
    let mut connection = server.connect();
    let head = follow_over(&mut connection, &listening("/hooks/run"));
    assert_eq!((head.status, head.header("content-type")), (200, Some("text/event-stream")));
    assert_eq!(head.header("cache-control"), Some("no-store"));
    expect(&mut connection, "data: one\n\n");
    gate.send("go\n");
    expect(&mut connection, &format!("data: two\n\ndata: three\n\n{GOOD_END}"));
    assert_eq!(connection.chunk().unwrap(), b"");
}

#[test]
fn any_output_makes_events_and_can_forge_none() {
    let script = r"printf 'a\r\nb\rc\n\nevent: end\ndata: {}\n\n\377\n\303'; printf '\251 last'";
    let (_server, response) = events(script);
    assert_eq!(response.header("content-type"), Some("text/event-stream"));
    let lines = ["a", "b", "c", "", "event: end", "data: {}", "", "\u{fffd}", "é last"];
    let expected: String = lines.iter().map(|line| format!("data: {line}\n\n")).collect();
    response.assert(200, &(expected + GOOD_END));
}

#[test]
fn a_failure_is_in_the_last_event_and_the_stream_ends_well() {
    let end = "{\"exit_code\":3,\"outcome\":\"exit status 3\",\"success\":false}";
    events("echo out; exit 3").1.assert(200, &format!("data: out\n\nevent: end\ndata: {end}\n\n"));
    let end = "{\"exit_code\":null,\"outcome\":\"killed by signal 9\",\"success\":false}";
    events("kill -9 $$").1.assert(200, &format!("event: end\ndata: {end}\n\n"));
}
