//! Output that the client reads while the command runs.

mod clients;
mod events;
mod forms;
mod runs;

use crate::support::{Connection, Request, Response, Server};

const STREAM: &str = "stream-command-output: true";

/// Begins to follow `/hooks/ID`.
#[track_caller]
fn follow(server: &Server, target: &str) -> (Connection, Response) {
    let mut connection = server.connect();
    let head = follow_over(&mut connection, &Request::post(target));
    (connection, head)
}

#[track_caller]
fn follow_over(connection: &mut Connection, request: &Request) -> Response {
    connection.write(&request.to_bytes()).unwrap();
    connection.response_head().unwrap()
}

/// Chunks until they make `text`.
#[track_caller]
fn expect(connection: &mut Connection, text: &str) {
    let mut read = Vec::new();
    while read.len() < text.len() {
        let chunk = connection.chunk().unwrap();
        assert!(!chunk.is_empty(), "the stream ends after {:?}", String::from_utf8_lossy(&read));
        read.extend(chunk);
    }
    assert_eq!(String::from_utf8_lossy(&read), text);
}

/// What comes until the stream breaks off.
#[track_caller]
fn until_it_breaks(connection: &mut Connection) -> String {
    let mut read = Vec::new();
    while let Ok(chunk) = connection.chunk() {
        assert!(!chunk.is_empty(), "the stream ends well after {:?}", String::from_utf8_lossy(&read));
        read.extend(chunk);
    }
    String::from_utf8(read).unwrap()
}
