//! Bodies that are small on the wire and would be huge once parsed.

use std::fs;
use std::net::TcpStream;
use std::time::Duration;

use crate::support::{Connection, Request, Response, Server, Setup, WITH_OUTPUT};

/// As large as the default limit lets in.
const BODY_BYTES: usize = 30 << 20;

/// A few more than are parsed.
const VALUES: usize = 500_100;

/// Many times what a body may bring, far below what a machine has. The debug build of these tests and the body
/// itself are in it.
const MEMORY_MAX_KIB: u64 = 400 * 1024;

/// What is asked here is memory, not time: a debug build on a busy machine takes long for these bodies.
const MUCH_PATIENCE: Duration = Duration::from_secs(120);

fn send(server: &Server, request: &Request) -> Response {
    let stream = TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some(MUCH_PATIENCE)).unwrap();
    Connection::over(stream).send(request).unwrap()
}

/// The server's largest memory so far.
fn memory_peak_kib(server: &Server) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// The hook runs without a payload, and the log says why there is none.
#[track_caller]
fn check(content_type: &str, body: Vec<u8>, reason: &str) {
    assert!(body.len() <= BODY_BYTES, "{} bytes", body.len());
    let keys =
        format!("{WITH_OUTPUT}\npass-environment-to-command: [{{source: entire-payload, envname: PAYLOAD}}]");
    let server = Setup::new().shell("tell", "printf %s \"$PAYLOAD\"", &keys).start();
    let request = Request::post("/hooks/tell").header("Content-Type", content_type).body(body);
    send(&server, &request).assert(200, "null");
    server.wait_for_log_line(reason, |line| line.contains(reason) && line.contains("more than 500000"));
    let peak = memory_peak_kib(&server);
    assert!(peak < MEMORY_MAX_KIB, "{content_type}: {peak} KiB");
}

fn repeated(start: &str, unit: &str, end: &str) -> Vec<u8> {
    let units = (BODY_BYTES - start.len() - end.len()) / unit.len();
    [start.as_bytes(), &unit.as_bytes().repeat(units), end.as_bytes()].concat()
}

#[test]
fn a_form_of_too_many_fields_is_no_payload() {
    let mut form: String = (0..4_000_000).map(|field| format!("{field:x}&")).collect();
    form.truncate(BODY_BYTES);
    check("application/x-www-form-urlencoded", form.into_bytes(), "error parsing form payload");
}

#[test]
fn a_form_that_repeats_one_field_too_often_is_no_payload() {
    check("application/x-www-form-urlencoded", b"a&".repeat(VALUES), "error parsing form payload");
}

#[test]
fn json_of_too_many_values_is_no_payload() {
    for (start, unit, end) in [
        ("[", "0,", "0]"),
        ("{\"a\":[", "[],", "0]}"),
        ("[", "{\"a\":0},", "0]"),
        ("{", "\"\":0,", "\"\":0}"),
    ] {
        check("application/json", repeated(start, unit, end), "error parsing JSON payload");
    }
}

#[test]
fn xml_of_too_many_elements_or_attributes_is_no_payload() {
    for (start, unit, end) in [("<a>", "<b/>", "</a>"), ("<a>", "<b c='' d=''/>", "</a>")] {
        check("text/xml", repeated(start, unit, end), "error parsing XML payload");
    }
}

#[test]
fn a_multipart_form_of_too_many_parts_is_refused() {
    let server = Setup::new().says("hello", "hi").start();
    let part = "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n\r\n";
    let request = Request::post("/hooks/hello")
        .header("Content-Type", "multipart/form-data; boundary=b")
        .body(repeated("", part, "--b--\r\n"));
    send(&server, &request).assert(500, "Error occurred while parsing multipart form.");
    let peak = memory_peak_kib(&server);
    assert!(peak < MEMORY_MAX_KIB, "{peak} KiB");
}
