//! Bounds: what is refused, when, and that the others are served meanwhile.

use std::fs;
use std::io::{self, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::support::{Connection, PATIENCE, Request, Response, Server, Setup, allow_many_files, eventually};

const TOO_LARGE: &str = "Request body is too large.";

/// Long enough that an answer which is on its way arrives, short enough to ask often.
const GLANCE: Duration = Duration::from_millis(20);

fn hello(flags: &str) -> Server {
    Setup::new().says("hello", "hi").flags(flags).start()
}

fn post_head(framing: &str) -> Vec<u8> {
    format!("POST /hooks/hello HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n").into_bytes()
}

/// Whether the server has sent something, or closed.
fn answered(stream: &TcpStream) -> bool {
    stream.set_read_timeout(Some(GLANCE)).unwrap();
    match stream.peek(&mut [0]) {
        Ok(_) => true,
        Err(error) => !matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut),
    }
}

#[test]
fn a_body_of_exactly_the_limit_is_taken_and_one_byte_more_is_not() {
    let server = hello("-max-body-size 1KiB");
    server.send(&Request::post("/hooks/hello").body(vec![b'x'; 1024])).assert(200, "hi");
    server.send(&Request::post("/hooks/hello").body(vec![b'x'; 1025])).assert(413, TOO_LARGE);
}

#[test]
fn a_body_declared_too_large_is_refused_before_it_is_sent() {
    let server = hello("-max-body-size 1KiB");
    let mut connection = server.connect();
    connection.write(&post_head("Content-Length: 1000000000")).unwrap();
    connection.response().unwrap().assert(413, TOO_LARGE);
}

#[test]
fn a_chunked_body_is_refused_once_it_grows_too_large() {
    let server = hello("-max-body-size 1KiB");
    let mut connection = server.connect();
    connection.write(&post_head("Transfer-Encoding: chunked")).unwrap();
    let chunk = [b"200\r\n", [b'x'; 0x200].as_slice(), b"\r\n"].concat();
    for _ in 0..3 {
        connection.write(&chunk).unwrap();
    }
    connection.response().unwrap().assert(413, TOO_LARGE);

    let mut connection = server.connect();
    connection.write(&post_head("Transfer-Encoding: chunked")).unwrap();
    connection.write(&[chunk.as_slice(), &chunk, b"0\r\n\r\n"].concat()).unwrap();
    connection.response().unwrap().assert(200, "hi");
}

#[test]
fn a_transfer_coding_other_than_chunked_is_a_501() {
    let server = hello("");
    let check = |framing: &str, status: u16| {
        let mut connection = server.connect();
        connection.write(&post_head(framing)).unwrap();
        connection.write(b"1\r\nx\r\n0\r\n\r\n").unwrap();
        assert_eq!(connection.response().unwrap().status, status, "{framing}");
    };
    check("Transfer-Encoding: gzip, chunked", 501);
    check("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", 501);
    check("Transfer-Encoding: chunked, chunked", 501);
    check("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked", 501);
    check("Transfer-Encoding: Chunked", 200);
    server.wait_for_log("`chunked` is known");
}

#[test]
fn a_body_that_does_not_come_is_a_408() {
    let server = hello("-body-timeout 200ms");
    for framing in ["Content-Length: 10", "Transfer-Encoding: chunked"] {
        let mut connection = server.connect();
        connection.write(&post_head(framing)).unwrap();
        connection.write(b"3\r\nabc").unwrap();
        assert_eq!(connection.response().unwrap().status, 408, "{framing}");
    }
}

#[test]
fn a_head_that_does_not_come_is_a_408() {
    let server = hello("-header-timeout 200ms");
    let mut connection = server.connect();
    connection.write(b"POST /hooks/hello HTTP/1.1\r\nHost: a\r\nX-Slow").unwrap();
    assert_eq!(connection.response().unwrap().status, 408);
    assert_eq!(connection.rest().unwrap(), b"");
}

#[test]
fn a_connection_that_says_nothing_is_closed() {
    let server = hello("-header-timeout 200ms");
    // With or without a 408: what counts is the end.
    server.connect().rest().unwrap();
    server.get("/hooks/hello").assert(200, "hi");
}

#[test]
fn too_many_and_too_large_headers_are_a_431() {
    let server = hello("");
    let many: String = (0..1000).map(|number| format!("X-Header-{number}: x\r\n")).collect();
    assert_eq!(refusal_of_head(&server, &many).status, 431);
    let large = format!("X-Large: {}\r\n", "x".repeat(2 << 20));
    assert_eq!(refusal_of_head(&server, &large).status, 431);
    server.get("/hooks/hello").assert(200, "hi");
}

/// Sends `headers` in parts until the server answers. Sending on would make the kernel reset the connection
/// and throw the answer away.
fn refusal_of_head(server: &Server, headers: &str) -> Response {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.write_all(b"POST /hooks/hello HTTP/1.1\r\nHost: a\r\n").unwrap();
    for part in headers.as_bytes().chunks(8 << 10) {
        if answered(&stream) || stream.write_all(part).is_err() {
            break;
        }
    }
    // The head has an end, so that a server without limits would answer too.
    let _ = stream.write_all(b"\r\n");
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    Connection::over(stream).response().unwrap()
}

#[test]
fn connections_over_the_limit_wait_for_their_turn() {
    let server = hello("-max-connections 2");
    let request = Request::get("/hooks/hello");
    let (mut first, mut second) = (server.connect(), server.connect());
    first.send(&request).unwrap().assert(200, "hi");
    second.send(&request).unwrap().assert(200, "hi");

    let mut third = TcpStream::connect(server.address()).unwrap();
    third.write_all(b"GET /hooks/hello HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    // The server is alive, and yet the third hears nothing.
    first.send(&request).unwrap().assert(200, "hi");
    assert!(!answered(&third));

    drop(second);
    third.set_read_timeout(Some(PATIENCE)).unwrap();
    Connection::over(third).response().unwrap().assert(200, "hi");
    first.send(&request).unwrap().assert(200, "hi");
}

#[test]
fn requests_are_served_beside_a_thousand_idle_connections() {
    allow_many_files();
    let server = hello("");
    let idle: Vec<_> = (0..1000).map(|_| server.connect()).collect();
    for _ in 0..20 {
        server.get("/hooks/hello").assert(200, "hi");
    }
    drop(idle);
    server.get("/hooks/hello").assert(200, "hi");
}

#[test]
fn bodies_beyond_the_memory_for_all_of_them_are_a_503_that_says_when_to_retry() {
    let server = hello("-max-body-size 64KiB -max-body-memory 64KiB");
    let request = Request::post("/hooks/hello").body([b'x'; 8 << 10]);
    server.send(&request).assert(200, "hi");

    let mut holder = TcpStream::connect(server.address()).unwrap();
    holder.set_read_timeout(Some(PATIENCE)).unwrap();
    holder.write_all(&post_head("Content-Length: 61440")).unwrap();
    holder.write_all(&vec![b'x'; 61439]).unwrap();
    eventually("the server has read it all", || unread_bytes(&holder) == Some(0));
    let mut refused = None;
    eventually("a body is refused", || {
        let response = server.send(&request);
        refused = (response.status != 200).then_some(response);
        refused.is_some()
    });
    let refused = refused.unwrap();
    assert_eq!(refused.status, 503);
    let seconds = refused.header("retry-after").map(|seconds| seconds.parse::<u32>().unwrap());
    assert!(seconds.is_some_and(|seconds| seconds > 0), "{refused:?}");

    holder.write_all(b"x").unwrap();
    Connection::over(holder).response().unwrap().assert(200, "hi");
    server.send(&request).assert(200, "hi");
}

/// What the kernel holds for the server of the bytes that `client` has sent.
fn unread_bytes(client: &TcpStream) -> Option<u64> {
    let hex_port = |address: SocketAddr| format!(":{:04X}", address.port());
    let (server, client) = (hex_port(client.peer_addr().unwrap()), hex_port(client.local_addr().unwrap()));
    // `number: local remote state sending:receiving …`
    let connections = fs::read_to_string("/proc/net/tcp").unwrap();
    let mut rows = connections.lines().map(|row| row.split_whitespace().skip(1).collect::<Vec<_>>());
    let row = rows.find(|row| row[0].ends_with(&server) && row[1].ends_with(&client))?;
    let (_, receiving) = row[3].split_once(':')?;
    u64::from_str_radix(receiving, 16).ok()
}

#[test]
fn a_small_body_needs_no_memory_that_a_large_one_holds() {
    let server = hello("-max-body-size 64KiB -max-body-memory 128KiB");
    let mut holder = server.connect();
    holder.write(&post_head("Content-Length: 61440")).unwrap();
    holder.write(&[b'x'; 1024]).unwrap();
    server.send(&Request::post("/hooks/hello").body("small")).assert(200, "hi");
}
